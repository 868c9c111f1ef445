import { type Attack, type Hull, titleOf } from './attack.ts'
import type { Changes, ChangeWatch } from './change-watch.ts'
import type { DatabaseState } from './database-state.ts'
import { differenceOf, doneTo, type Evidence, type Outcome, shownBy } from './judge.ts'
import { uniqueWhere } from './row-filter.ts'
import type { Scene } from './scene.ts'
import type { SqlSession } from './sql-session.ts'
import type { World } from './world.ts'

type Call = (args?: object) => Promise<unknown> & Readonly<Record<string, () => Promise<unknown>>>

/** A client of any schema, by the names of its delegates and their operations. */
export type MatrixClient = Readonly<Record<string, Readonly<Record<string, Call>>>>

/** What attacks are made with. */
export interface Attackers {
  /** A client of tenant A's behind a choice of hulls, or one without any. */
  client(hull: Hull | 'none'): MatrixClient
  /** SQL behind hull two, or behind none. */
  sql(hull: Hull | 'none'): SqlSession
}

/** How an attack went with certain hulls, or with none. */
interface Verdict {
  /** What it reached; nothing where it was stopped. */
  readonly reached: Evidence | undefined
  readonly error: Error | undefined
}

export type Verdicts = ReadonlyMap<Attack, Verdict>

/** Attacks that are made behind one choice of hulls. */
export interface Run {
  readonly hull: Hull | 'none'
  readonly attacks: readonly Attack[]
  /** Attacks that write rows of A's own when all is well, so that nothing can be made beside them. */
  readonly writers?: ReadonlySet<Attack>
}

interface RunnerOptions {
  readonly scene: Scene
  readonly database: DatabaseState
  readonly watch: ChangeWatch
  readonly attackers: Attackers
  readonly signal?: AbortSignal | undefined
  readonly onAttacks?: ((count: number) => void) | undefined
}

/** How many are under way at once of those that write nothing. */
const inFlight = 8
const chunkSize = 24

interface Progress {
  readonly run: Run
  readonly client: MatrixClient
  readonly here: Map<Attack, Outcome>
  readonly verdicts: Map<Attack, Verdict>
}

/** Makes attacks, each on the untouched scene, and judges them by what is in the database and in the answers. */
export class AttackRunner {
  readonly #options: RunnerOptions
  readonly #scene: Scene
  readonly #watch: ChangeWatch

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#scene = options.scene
    this.#watch = options.watch
  }

  /**
   * Makes everything in one world and then everything that may answer otherwise in the other, so that the worlds change
   * once.
   *
   * @returns the verdicts of each run, in their order
   * @throws {Error} if a client does not read even its own rows, before or after: a dead client reaches nothing
   * @throws the signal's reason
   */
  async run(runs: readonly Run[]): Promise<readonly Verdicts[]> {
    const parts: Progress[] = runs.map((run) => ({
      run,
      client: this.#options.attackers.client(run.hull),
      here: new Map(),
      verdicts: new Map(),
    }))
    for (const part of parts) {
      await this.#assertAlive(part.client)
      await this.#readHere(part)
      await this.#writeHere(part)
      await this.#assertAlive(part.client)
    }
    await this.#compare(parts)
    return parts.map(({ verdicts }) => verdicts)
  }

  /**
   * Makes one call, puts back what it wrote, and says what kind of answer it got: a row, none, or which error.
   *
   * @throws the signal's reason
   */
  async kindOfAnswer(attack: Attack, hull: Hull | 'none'): Promise<string> {
    this.#options.signal?.throwIfAborted()
    const outcome = await this.#call(attack, hull, this.#options.attackers.client(hull))
    const changes = await this.#watch.changes()
    if (changes) await this.#watch.restore(changes)
    if ('answer' in outcome) return outcome.answer === null ? 'none' : 'row'
    const { name, code } = outcome.error as { readonly name: string; readonly code?: unknown }
    return `${name} ${String(code)}`
  }

  /** Makes one call with attackers of its own, and puts back what it wrote. */
  async repeat(attack: Attack, hull: Hull, attackers: Attackers): Promise<void> {
    try {
      await send(attack, attackers.client(hull), () => attackers.sql(hull))
    } catch {
      // what it was refused with is known
    }
    const changes = await this.#watch.changes()
    if (changes) await this.#watch.restore(changes)
  }

  async #readHere({ run, client, here, verdicts }: Progress): Promise<void> {
    const reads = run.attacks.filter(({ kind }) => kind === 'read')
    const outcomes = await this.#callAll(reads, run.hull, client)
    if (await this.#watch.changes()) throw new Error('a read has written')
    for (const [index, attack] of reads.entries()) {
      const outcome = outcomes[index]
      if (!outcome) continue
      here.set(attack, outcome)
      verdicts.set(attack, {
        reached: shownBy(outcome, attack, this.#scene),
        error: errorOf(outcome),
      })
    }
  }

  async #writeHere(part: Progress): Promise<void> {
    const { run, client } = part
    const writes = run.attacks.filter(({ kind }) => kind === 'write')
    const writers = run.writers ?? new Set(writes)
    for (const attack of writes) if (writers.has(attack)) await this.#writeAlone(part, attack)
    const others = writes.filter((attack) => !writers.has(attack))
    for (let first = 0; first < others.length; first += chunkSize) {
      const chunk = others.slice(first, first + chunkSize)
      const outcomes = await this.#callAll(chunk, run.hull, client)
      const changes = await this.#watch.changes()
      if (changes) await this.#watch.restore(changes)
      for (const [index, attack] of chunk.entries()) {
        const outcome = outcomes[index]
        // which of them it was that wrote is found out one by one, as is what was in the others' way
        if (!outcome || changes || isDisturbed(outcome)) await this.#writeAlone(part, attack)
        else this.#judgeWrite(part, attack, outcome, undefined)
      }
    }
  }

  async #writeAlone(part: Progress, attack: Attack): Promise<void> {
    this.#options.signal?.throwIfAborted()
    const outcome = await this.#call(attack, part.run.hull, part.client)
    const changes = await this.#watch.changes()
    this.#judgeWrite(part, attack, outcome, changes)
    if (changes) await this.#watch.restore(changes)
    if (part.run.writers === undefined || part.run.writers.has(attack)) this.#options.onAttacks?.(1)
  }

  #judgeWrite(
    { here, verdicts }: Progress,
    attack: Attack,
    outcome: Outcome,
    changes: Changes | undefined,
  ): void {
    let reached = shownBy(outcome, attack, this.#scene)
    if (changes) {
      reached ??= attack.isConditional
        ? { kind: 'answer', text: 'a row was written because of what another’s row says' }
        : doneTo(this.#scene.state, changes.state, this.#scene, () => this.#worldAfter(changes))
    }
    if (attack.isCompared) here.set(attack, outcome)
    verdicts.set(attack, { reached, error: errorOf(outcome) })
  }

  /** Parses no more than what was changed. */
  #worldAfter({ state, tables }: Changes): World {
    const models = Object.keys(this.#scene.manifest.models)
    const changed = models.filter((_, index) => tables.has(index))
    const partly = state.map((rows, index) => (index >= models.length || tables.has(index) ? rows : []))
    return this.#scene.world.changedTo(this.#options.database.worldOf(partly, this.#scene.tenantA), changed)
  }

  /** Asks again in the other world. */
  async #compare(parts: readonly Progress[]): Promise<void> {
    const left = parts.map((part) => ({
      part,
      attacks: [...part.here.keys()].filter((attack) => !part.verdicts.get(attack)?.reached),
    }))
    if (left.every(({ attacks }) => attacks.length === 0)) return
    await this.#watch.move(this.#scene.otherState)
    for (const { part, attacks } of left) {
      const { run, client } = part
      const reads = attacks.filter(({ kind }) => kind === 'read')
      const there = await this.#callAll(reads, run.hull, client, false)
      for (const [index, attack] of reads.entries()) this.#judgeDifference(part, attack, there[index])
      for (const attack of attacks) {
        if (attack.kind === 'read') continue
        const outcome = await this.#call(attack, run.hull, client)
        const changes = await this.#watch.changes()
        if (changes) await this.#watch.restore(changes)
        this.#judgeDifference(part, attack, outcome)
      }
    }
    await this.#watch.move(this.#scene.state)
    for (const { client } of parts) await this.#assertAlive(client)
  }

  #judgeDifference({ here, verdicts }: Progress, attack: Attack, there: Outcome | undefined): void {
    const one = here.get(attack)
    if (!one || !there) return
    const isOrdered = 'orderBy' in attack.args
    const reached = differenceOf(one, there, isOrdered)
    if (reached) verdicts.set(attack, { reached, error: errorOf(one) })
  }

  async #assertAlive(client: MatrixClient): Promise<void> {
    const { tenantModel } = this.#scene.manifest
    const own = this.#scene.row(tenantModel, 'a', 'cross')
    const find = delegateOf(client, tenantModel)['findUnique']
    if (!own || !(await find?.({ where: uniqueWhere(this.#scene, own) }))) {
      throw new Error('the client does not read its own tenant')
    }
  }

  /** Several at once, and one by one what was in another's way. */
  async #callAll(
    attacks: readonly Attack[],
    hull: Hull | 'none',
    client: MatrixClient,
    isCounted = true,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    const queue = attacks.entries()
    const work = async () => {
      for (const [index, attack] of queue) {
        this.#options.signal?.throwIfAborted()
        outcomes[index] = await this.#call(attack, hull, client)
        if (isCounted) this.#options.onAttacks?.(1)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, work))
    for (const [index, attack] of attacks.entries()) {
      const outcome = outcomes[index]
      if (attack.kind === 'read' && outcome && isDisturbed(outcome)) {
        outcomes[index] = await this.#call(attack, hull, client)
      }
    }
    return outcomes
  }

  async #call(attack: Attack, hull: Hull | 'none', client: MatrixClient): Promise<Outcome> {
    try {
      return { answer: await send(attack, client, () => this.#options.attackers.sql(hull)) }
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) }
    }
  }
}

async function send(attack: Attack, client: MatrixClient, session: () => SqlSession): Promise<unknown> {
  if (attack.sql) return session().send(attack.sql)
  const operation = delegateOf(client, attack.model)[attack.operation]
  if (!operation) throw new Error(`the client has no ${titleOf(attack)}`)
  const promise = operation(attack.args)
  if (attack.fluent === undefined) return promise
  const follow = promise[attack.fluent]
  if (!follow) throw new Error(`the client does not follow ${titleOf(attack)}`)
  return follow.call(promise)
}

function delegateOf(client: MatrixClient, model: string): Readonly<Record<string, Call>> {
  return client[model.charAt(0).toLowerCase() + model.slice(1)] ?? {}
}

function errorOf(outcome: Outcome): Error | undefined {
  return 'error' in outcome ? outcome.error : undefined
}

const disturbances: ReadonlySet<string> = new Set([
  // deadlocks and conflicts, and turns and transactions that took too long
  'P2034',
  'P2024',
  'P2028',
  '40P01',
  '40001',
  'DH106',
  'DH107',
  'DH108',
])

/** Whether it failed by what was under way beside it, which says nothing of the hulls. */
function isDisturbed(outcome: Outcome): boolean {
  return 'error' in outcome && disturbances.has(String((outcome.error as { code?: unknown }).code))
}
