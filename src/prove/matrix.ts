import type pg from 'pg'
import type { Manifest } from '../manifest/manifest.ts'
import type { Attack, Hull } from './attack.ts'
import { DatabaseState } from './database-state.ts'
import { attacksOn } from './matrix-attacks.ts'
import { thinned } from './one-of-a-kind.ts'
import { heldBySchema, type MatrixReport, reportOf } from './report.ts'
import { type MatrixClient, runAttacks, type Verdict } from './run-matrix.ts'
import { plantScene, type Scene } from './scene.ts'
import { readSchemaShape } from './schema-shape.ts'

interface Options {
  readonly manifest: Manifest
  /** Sees and writes every row; a superuser. */
  readonly admin: pg.Client
  /** A client of a tenant's behind a choice of hulls, or one without any. */
  readonly client: (hull: Hull | 'none', tenantId: string) => object
  /** Models whose rows the database lets nobody change or delete, and why. */
  readonly appendOnly?: ReadonlyMap<string, string>
  /** One in how many attacks of a kind is made; every one where it is left out. */
  readonly share?: number
}

/**
 * Every operation, every nested form and every scope of a schema, tried by one tenant on another's rows: behind
 * each hull, behind both, and without any, so that none is said to be stopped which could never have succeeded.
 * All of it is made from the manifest and the catalog.
 */
export class Matrix {
  readonly scene: Scene
  readonly #options: Options
  readonly #database: DatabaseState
  readonly #attacks: readonly Attack[]
  readonly #without = new Map<string, Promise<ReadonlyMap<Attack, Verdict>>>()

  private constructor(options: Options, database: DatabaseState, scene: Scene) {
    this.#options = options
    this.#database = database
    this.scene = scene
    const attacks = Object.keys(options.manifest.models).flatMap((model) => attacksOn(scene, model))
    this.#attacks = thinned(scene, attacks, options.share ?? 1)
  }

  /** Plants a scene in a database that has no rows yet. */
  static async plant(options: Options): Promise<Matrix> {
    const { admin, manifest, appendOnly } = options
    const database = new DatabaseState(admin, manifest)
    const shape = await readSchemaShape(admin, manifest)
    return new Matrix(options, database, await plantScene(database, manifest, shape, appendOnly))
  }

  /** All attacks that begin with a model, behind a choice of hulls. */
  async prove(model: string, hull: Hull): Promise<MatrixReport> {
    const without = await this.#verdictsWithout(model)
    // what is stopped without a hull is none's merit
    const attacks = this.#attacksOn(model).filter(({ heldBySchema }) => heldBySchema === undefined)
    return reportOf(hull, await this.#run(attacks, hull), without)
  }

  /** What begins with a model and is stopped by the schema alone. */
  async held(model: string): Promise<ReturnType<typeof heldBySchema>> {
    return heldBySchema(await this.#verdictsWithout(model))
  }

  #verdictsWithout(model: string): Promise<ReadonlyMap<Attack, Verdict>> {
    const known = this.#without.get(model) ?? this.#run(this.#attacksOn(model), 'none')
    this.#without.set(model, known)
    return known
  }

  #attacksOn(model: string): readonly Attack[] {
    return this.#attacks.filter((attack) => attack.model === model)
  }

  #run(attacks: readonly Attack[], hull: Hull | 'none'): Promise<ReadonlyMap<Attack, Verdict>> {
    const client = this.#options.client(hull, this.scene.tenantA) as MatrixClient
    return runAttacks(attacks, client, this.scene, this.#database)
  }
}
