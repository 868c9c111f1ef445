import type { BundledTenantClient } from '../../src/index.ts'
import type { TestDatabase } from '../support/test-database.ts'
import { Name } from './name.ts'
import { Observer, settled } from './observation.ts'
import type { Operation } from './operation.ts'
import { type Outcome, Performer } from './perform.ts'
import { plantedNames } from './planted-rows.ts'
import { printedSequence } from './printed.ts'
import { Stage } from './stage.ts'

/** A tenant, and which of its people works for it: what is governed is moved by somebody. */
interface WorksFor {
  readonly tenantId: string
  readonly userId: string
}

/** Makes a client of a tenant in a database. */
type OpenClient = (database: TestDatabase, who: WorksFor) => BundledTenantClient

/** One choice of hulls, with a database of its own in which A is alone. */
export interface Choice {
  readonly title: string
  readonly alone: TestDatabase
  readonly open: OpenClient
}

/** What a sequence did, for the counts. */
type Listener = (operation: Operation, outcome: Outcome) => void

/** The same sequence told different things, or did, beside another tenant. */
class Interference extends Error {}

/**
 * Runs sequences of operations of a tenant A twice: where A is alone, and where others have the same and more. Each
 * run has tenants of its own, so that those of earlier ones are left in the shared database as further company.
 */
export class Theatre {
  readonly #shared: TestDatabase
  readonly #choices: readonly Choice[]
  readonly #listener: Listener
  readonly #sharedStage: Stage
  #scene = 0
  #company: string | undefined
  #isClean = false

  constructor(shared: TestDatabase, choices: readonly Choice[], listener: Listener = () => {}) {
    this.#shared = shared
    this.#choices = choices
    this.#listener = listener
    this.#sharedStage = new Stage(shared.admin, ['a', 'b'])
  }

  /** Resolves where a sequence tells and does the same in both places, with every choice of hulls. */
  async verify(sequence: readonly Operation[]): Promise<void> {
    if (!this.#isClean) await this.#sharedStage.clear()
    this.#isClean = true
    const cast = this.#choices.map((choice) => ({ choice, scene: ++this.#scene }))
    await this.#sharedStage.plant(cast.map(({ scene }) => scene))
    this.#company ??= await this.#readCompany(this.#scene)
    const outcomes = await Promise.allSettled(
      cast.map(({ choice, scene }) => this.#compare(choice, scene, sequence)),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (!failed) return
    // whatever got through may have changed what is there
    this.#isClean = false
    throw failed.reason
  }

  async #compare(choice: Choice, scene: number, sequence: readonly Operation[]): Promise<void> {
    const stage = new Stage(choice.alone.admin, ['a'])
    await stage.clear()
    await stage.plant([scene])
    const { tenantId, userIds } = idsOf('a', scene)
    const who = { tenantId, userId: userIds[0] ?? '' }
    const [alone, beside] = await Promise.all([
      this.#play(choice.open(choice.alone, who), stage, scene, sequence),
      this.#play(choice.open(this.#shared, who), this.#sharedStage, scene, sequence),
    ])
    for (const [n, operation] of sequence.entries()) {
      const [one, other] = [alone.outcomes[n], beside.outcomes[n]]
      if (one) this.#listener(operation, one)
      if (one?.text !== other?.text) {
        throw interference(
          choice,
          sequence,
          `operation ${n + 1} is answered otherwise`,
          one?.text,
          other?.text,
        )
      }
    }
    if (alone.state !== beside.state) {
      throw interference(choice, sequence, 'other rows are left', alone.state, beside.state)
    }
    const company = await this.#readCompany(scene)
    if (company !== this.#company) {
      throw interference(choice, sequence, 'another tenant’s rows have changed', this.#company, company)
    }
  }

  async #play(
    client: BundledTenantClient,
    stage: Stage,
    scene: number,
    sequence: readonly Operation[],
  ): Promise<{ readonly outcomes: readonly Outcome[]; readonly state: string }> {
    const observer = new Observer(scene)
    const performer = new Performer(client, scene, observer)
    const outcomes: Outcome[] = []
    for (const operation of sequence) outcomes.push(await performer.perform(operation))
    const state = await stage.read(idsOf('a', scene))
    return { outcomes, state: observer.describe(settled(state)) }
  }

  /** What B has, which is the same in every scene. */
  async #readCompany(scene: number): Promise<string> {
    return new Observer(scene).describe(await this.#sharedStage.read(idsOf('b', scene)))
  }
}

function idsOf(
  owner: 'a' | 'b',
  scene: number,
): { readonly tenantId: string; readonly userIds: readonly string[] } {
  const people = plantedNames.get('User')?.get(owner) ?? []
  return {
    tenantId: new Name(owner, 'Tenant', 1).idIn(scene),
    userIds: people.map((person) => person.idIn(scene)),
  }
}

function interference(
  { title }: Choice,
  sequence: readonly Operation[],
  what: string,
  alone = '',
  beside = '',
): Interference {
  return new Interference(
    `with ${title}, ${what}\n${printedSequence(sequence)}\n${differenceOf(alone, beside)}`,
  )
}

/** The lines where two texts part, and a few before. */
function differenceOf(alone: string, beside: string): string {
  const [ones, others] = [alone.split('\n'), beside.split('\n')]
  const first = ones.findIndex((line, n) => line !== others[n])
  const start = Math.max((first < 0 ? ones.length : first) - 5, 0)
  const excerpt = (lines: readonly string[]) => lines.slice(start, start + 25).join('\n')
  return `alone:\n${excerpt(ones)}\nbeside others:\n${excerpt(others)}`
}
