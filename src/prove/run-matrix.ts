import { type Attack, titleOf } from './attack.ts'
import { type DatabaseState, isSame, type State } from './database-state.ts'
import { differenceOf, doneTo, type Evidence, type Outcome, shownBy } from './judge.ts'
import { uniqueWhere } from './row-filter.ts'
import type { Scene } from './scene.ts'

type Call = (args?: object) => Promise<unknown> & Readonly<Record<string, () => Promise<unknown>>>

/** A client of any schema, by the names of its delegates and their operations. */
export type MatrixClient = Readonly<Record<string, Readonly<Record<string, Call>>>>

/** How an attack went with certain hulls, or with none. */
export interface Verdict {
  /** What it reached; nothing where it was stopped. */
  readonly reached: Evidence | undefined
  readonly error: Error | undefined
}

/**
 * Runs attacks with one client, each on the untouched scene, and judges them by what is in the database and in
 * the answers.
 *
 * @throws {Error} if the client does not read even its own rows, before or after: a dead client reaches nothing
 */
export async function runAttacks(
  attacks: readonly Attack[],
  client: MatrixClient,
  scene: Scene,
  database: DatabaseState,
): Promise<ReadonlyMap<Attack, Verdict>> {
  const verdicts = new Map<Attack, Verdict>()
  await assertAlive(client, scene)
  await runReads(attacks, client, scene, database, verdicts)
  for (const attack of attacks) {
    if (attack.kind === 'write') verdicts.set(attack, await runWrite(attack, client, scene, database))
  }
  await assertAlive(client, scene)
  return verdicts
}

/** Asks everything in one world and then everything in the other, so that the worlds change once. */
async function runReads(
  attacks: readonly Attack[],
  client: MatrixClient,
  scene: Scene,
  database: DatabaseState,
  verdicts: Map<Attack, Verdict>,
): Promise<void> {
  const reads = attacks.filter(({ kind }) => kind === 'read')
  const here = await callAll(reads, client)
  if (!isUntouched(await database.read(), scene)) throw new Error('a read has written')
  await database.write(scene.otherState, scene.state)
  const there = await callAll(reads, client)
  await database.write(scene.state)
  for (const [index, attack] of reads.entries()) {
    const [one, other] = [here[index], there[index]]
    if (!one || !other) continue
    const isOrdered = 'orderBy' in attack.args
    const reached = shownBy(one, attack.args, scene) ?? differenceOf(one, other, isOrdered)
    verdicts.set(attack, { reached, error: errorOf(one) })
  }
}

async function runWrite(
  attack: Attack,
  client: MatrixClient,
  scene: Scene,
  database: DatabaseState,
): Promise<Verdict> {
  const outcome = await call(attack, client)
  const state = await database.read()
  const isChanged = !isUntouched(state, scene)
  let reached = shownBy(outcome, attack.args, scene)
  if (isChanged) {
    reached ??= attack.isConditional
      ? { kind: 'answer', text: 'a row was written because of what another’s row says' }
      : doneTo(scene.state, state, scene, (read) => database.worldOf(read, scene.tenantA))
    await database.write(scene.state, state)
  }
  if (attack.isCompared) {
    await database.write(scene.otherState, scene.state)
    reached ??= differenceOf(outcome, await call(attack, client), false)
    await database.write(scene.state)
  }
  return { reached, error: errorOf(outcome) }
}

function isUntouched(state: State, scene: Scene): boolean {
  return state.every((table, index) => isSame(table, scene.state[index] ?? []))
}

async function assertAlive(client: MatrixClient, scene: Scene): Promise<void> {
  const { tenantModel } = scene.manifest
  const own = scene.row(tenantModel, 'a', 'cross')
  const found =
    own && (await delegateOf(client, tenantModel)['findUnique']?.({ where: uniqueWhere(scene, own) }))
  if (!found) throw new Error('the client does not read its own tenant')
}

async function callAll(attacks: readonly Attack[], client: MatrixClient): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const attack of attacks) outcomes.push(await call(attack, client))
  return outcomes
}

async function call(attack: Attack, client: MatrixClient): Promise<Outcome> {
  try {
    const operation = delegateOf(client, attack.model)[attack.operation]
    if (!operation) throw new Error(`the client has no ${titleOf(attack)}`)
    const promise = operation(attack.args)
    if (attack.fluent === undefined) return { answer: await promise }
    const follow = promise[attack.fluent]
    if (!follow) throw new Error(`the client does not follow ${titleOf(attack)}`)
    return { answer: await follow.call(promise) }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}

function delegateOf(client: MatrixClient, model: string): Readonly<Record<string, Call>> {
  return client[model.charAt(0).toLowerCase() + model.slice(1)] ?? {}
}

function errorOf(outcome: Outcome): Error | undefined {
  return 'error' in outcome ? outcome.error : undefined
}
