import { type Attack, type Hull, titleOf } from './attack.ts'
import type { DatabaseState } from './database-state.ts'
import { differenceOf, doneTo, type Outcome, shownBy } from './judge.ts'
import { uniqueWhere } from './row-filter.ts'
import type { Scene } from './scene.ts'

type Call = (args?: object) => Promise<unknown> & Readonly<Record<string, () => Promise<unknown>>>

/** A client of any schema, by the names of its delegates and their operations. */
export type MatrixClient = Readonly<Record<string, Readonly<Record<string, Call>>>>

/** How an attack went with certain hulls, or with none. */
export interface Verdict {
  readonly attack: Attack
  /** What it reached, in words. */
  readonly reached: string | undefined
  readonly error: Error | undefined
}

/** Runs attacks with one client, each on an untouched scene, and tells which reached what is another's. */
export async function runAttacks(
  attacks: readonly Attack[],
  client: MatrixClient,
  scene: Scene,
  database: DatabaseState,
): Promise<ReadonlyMap<Attack, Verdict>> {
  const verdicts = new Map<Attack, Verdict>()
  const reads = attacks.filter(({ kind }) => kind === 'read')
  const here = await ask(reads, client)
  await database.write(scene.otherState, scene.state)
  const there = await ask(reads, client)
  await database.write(scene.state)
  for (const [index, attack] of reads.entries()) {
    const [one, other] = [here[index], there[index]]
    if (!one || !other) continue
    const reached =
      shownBy(one, attack.args, scene) ?? differenceOf(one, other, 'orderBy' in attack.args)
    verdicts.set(attack, { attack, reached, error: errorOf(one) })
  }

  for (const attack of attacks.filter(({ kind }) => kind === 'write')) {
    const outcome = await call(attack, client)
    const state = await database.read()
    const worldOf = (read: typeof state) => database.worldOf(read, scene.tenantA)
    const changed = JSON.stringify(state) !== JSON.stringify(scene.state)
    const reached =
      shownBy(outcome, attack.args, scene) ??
      (attack.isConditional && changed ? 'a row was written because of what another’s row says' : undefined) ??
      doneTo(scene.state, state, scene, worldOf)
    verdicts.set(attack, { attack, reached, error: errorOf(outcome) })
    if (changed) await database.write(scene.state, state)
  }
  return verdicts
}

/** A client that reaches nothing because it is dead proves nothing: it must read a row of A's own. */
export async function assertAlive(client: MatrixClient, scene: Scene, hull: Hull): Promise<void> {
  const { tenantModel } = scene.manifest
  const own = scene.row(tenantModel, 'a', 'cross')
  const found = own && (await delegateOf(client, tenantModel)['findUnique']?.({ where: uniqueWhere(scene, own) }))
  if (!found) throw new Error(`the client behind hull ${hull} does not read its own tenant`)
}

async function ask(attacks: readonly Attack[], client: MatrixClient): Promise<readonly Outcome[]> {
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
    if (!follow) throw new Error(`${titleOf(attack)} is no way to follow`)
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
