import type pg from 'pg'
import type { Manifest } from '../manifest/manifest.ts'
import { type Attack, concerns, type Hull, hulls } from './attack.ts'
import { ChangeWatch } from './change-watch.ts'
import { DatabaseState } from './database-state.ts'
import { attacksOn, subjectsOf } from './matrix-attacks.ts'
import { heldBySchema, type MatrixReport, reportOf } from './matrix-report.ts'
import { type Selection, Thinning } from './one-of-a-kind.ts'
import { type Attackers, AttackRunner, type Verdicts } from './run-matrix.ts'
import { plantScene, type Scene } from './scene.ts'
import { readSchemaShape } from './schema-shape.ts'
import type { SeedHook } from './seed-hook.ts'

interface Options {
  readonly manifest: Manifest
  /** Sees and writes every row; a superuser. */
  readonly admin: pg.Client
  /** The same. Its plans stay, which those of a connection that switches triggers off do not. */
  readonly watcher: pg.Client
  /** What the attacks of a tenant are made with. */
  readonly attackers: (tenantId: string) => Attackers
  /** Models whose rows the database lets nobody change or delete, and why. */
  readonly appendOnly?: ReadonlyMap<string, string>
  /** One in how many attacks of a kind is made; every one where it is left out. */
  readonly share?: number
  /** Of each kind a model keeps no more than one. */
  readonly oncePerModel?: boolean
  readonly seed?: SeedHook | undefined
  readonly signal?: AbortSignal | undefined
  /** Called behind attacks, with their number. */
  readonly onAttacks?: (count: number) => void
}

/** How the attacks on one model went. */
export interface Outcomes {
  readonly attacks: readonly Attack[]
  readonly without: Verdicts
  readonly behind: Readonly<Record<Hull, Verdicts>>
}

/**
 * Every operation, every nested form and every scope of a schema, tried by one tenant on another's rows: behind
 * each hull, behind both, and without any, so that none is said to be stopped which could never have succeeded.
 * All of it is made from the manifest and the catalog.
 */
export class Matrix {
  readonly scene: Scene
  readonly runner: AttackRunner
  readonly #selections: ReadonlyMap<string, Selection>
  readonly #known = new Map<string, Outcomes>()
  #last: Promise<void> = Promise.resolve()

  private constructor(options: Options, database: DatabaseState, watch: ChangeWatch, scene: Scene) {
    this.scene = scene
    this.runner = new AttackRunner({
      scene,
      database,
      watch,
      attackers: options.attackers(scene.tenantA),
      signal: options.signal,
      onAttacks: options.onAttacks,
    })
    const thinning = new Thinning(scene, options.share ?? 1, options.oncePerModel ?? false)
    this.#selections = new Map(
      subjectsOf(options.manifest).map((subject) => [subject, thinning.select(attacksOn(scene, subject))]),
    )
  }

  /** Plants a scene in a database that has no rows yet. */
  static async plant(options: Options): Promise<Matrix> {
    const { admin, watcher, manifest, appendOnly, seed } = options
    const database = new DatabaseState(admin, manifest)
    const shape = await readSchemaShape(admin, manifest)
    const scene = indexed(await plantScene(database, manifest, shape, appendOnly, { seed }))
    const watch = await ChangeWatch.begin(watcher, manifest, database, scene.state)
    return new Matrix(options, database, watch, scene)
  }

  /** How many attacks are to be made on models and join tables, behind all hulls and none. */
  sizeOf(subjects: readonly string[]): number {
    const attacks = subjects.flatMap((subject) => this.#selections.get(subject)?.chosen ?? [])
    return attacks.reduce((sum, attack) => sum + 1 + hullsOf(attack).length, 0)
  }

  /** Makes all attacks on models and join tables; together they take less time than each by itself. */
  async attack(subjects: readonly string[]): Promise<ReadonlyMap<string, Outcomes>> {
    const selections = subjects.map((subject) => this.#selections.get(subject) ?? { chosen: [], spare: [] })
    const chosen = selections.flatMap((selection) => selection.chosen)
    const [first = new Map()] = await this.runner.run([{ hull: 'none', attacks: chosen }])
    const spare = selections.flatMap((selection) => sparesFor(selection, first))
    const [second = new Map()] =
      spare.length === 0 ? [] : await this.runner.run([{ hull: 'none', attacks: spare }])
    const without: Verdicts = new Map([...first, ...second])
    // what is stopped without a hull is none's merit
    const useful = [...without].flatMap(([attack, { reached }]) =>
      reached || (attack.heldBySchema === undefined && chosen.includes(attack)) ? [attack] : [],
    )
    const writers = new Set(
      useful.filter((attack) => attack.isCompared || without.get(attack)?.reached?.kind === 'answer'),
    )
    const behind = await this.runner.run(
      hulls.map((hull) => ({ hull, writers, attacks: useful.filter((attack) => concerns(hull, attack)) })),
    )
    const all: Readonly<Record<Hull, Verdicts>> = {
      one: behind[0] ?? new Map(),
      two: behind[1] ?? new Map(),
      both: behind[2] ?? new Map(),
    }
    return new Map(
      subjects.map((subject) => [
        subject,
        {
          attacks: [...without.keys()].filter(({ model }) => model === subject),
          without: partOf(without, subject),
          behind: {
            one: partOf(all.one, subject),
            two: partOf(all.two, subject),
            both: partOf(all.both, subject),
          },
        },
      ]),
    )
  }

  /** All attacks on a model behind a choice of hulls, each of which must be proven. */
  async prove(model: string, hull: Hull): Promise<MatrixReport> {
    const { behind, without } = await this.#outcomesOf(model)
    return reportOf(hull, behind[hull], without)
  }

  /** What begins with a model and is stopped by the schema alone. */
  async held(model: string): Promise<ReturnType<typeof heldBySchema>> {
    return heldBySchema((await this.#outcomesOf(model)).without)
  }

  async #outcomesOf(model: string): Promise<Outcomes> {
    // one after the other: the scene is one
    this.#last = this.#last.then(async () => {
      if (!this.#known.has(model)) {
        for (const [name, outcomes] of await this.attack([model])) this.#known.set(name, outcomes)
      }
    })
    await this.#last
    const outcomes = this.#known.get(model)
    if (!outcomes) throw new Error(`no attacks on ${model}`)
    return outcomes
  }
}

/** The choices of hulls behind which an attack is made. */
function hullsOf(attack: Attack): readonly Hull[] {
  return attack.heldBySchema === undefined ? hulls.filter((hull) => concerns(hull, attack)) : []
}

/** More attacks of the operations of which none that was made reached anything. */
function sparesFor({ chosen, spare }: Selection, made: Verdicts): readonly Attack[] {
  const reached = new Set(
    chosen.flatMap((attack) =>
      made.get(attack)?.reached && attack.limit === undefined ? [attack.operation] : [],
    ),
  )
  return spare.filter(({ operation }) => !reached.has(operation))
}

function partOf(verdicts: Verdicts, model: string): Verdicts {
  return new Map([...verdicts].filter(([attack]) => attack.model === model))
}

/** The same scene, which looks each row up once. */
function indexed(scene: Scene): Scene {
  const rows = new Map<string, ReturnType<Scene['row']>>()
  return {
    ...scene,
    row(model, owner, slot) {
      const key = `${model} ${owner} ${slot}`
      if (!rows.has(key)) rows.set(key, scene.row(model, owner, slot))
      return rows.get(key)
    },
  }
}
