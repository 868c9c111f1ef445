import { setTimeout as sleep } from 'node:timers/promises'
import type { Caller } from './caller.ts'
import { askPlace, InteractiveTransaction, patience, planSeveral } from './interactive-transaction.ts'
import { refusedWith } from './soak.ts'
import type { Place } from './transaction-register.ts'
import { planWrite } from './writes.ts'

// the array form takes these too, which Prisma's types don't say
const waiting: object = { maxWait: patience, timeout: patience }

export async function runArray(caller: Caller): Promise<void> {
  const { soak } = caller
  const tenant = caller.anyTenant()
  const db = caller.clientOf(tenant)
  const operations = planSeveral(caller, tenant)
  const made = operations.map((operation) => operation.make(db))
  const outcome = await soak.ask('array', db.$transaction([askPlace(db), ...made, askPlace(db)], waiting))
  if (outcome.state !== 'answered') {
    caller.settle(operations, outcome.state)
    return
  }
  const places = [outcome.value.at(0), outcome.value.at(-1)].flat() as readonly Place[]
  const name = Symbol(`array ${soak.serial()}`)
  for (const place of places) soak.register.ran(name, place)
  caller.settle(operations, 'answered', places[0]?.transactionId)
  for (const [index, operation] of operations.entries()) soak.verify(operation, outcome.value[index + 1])
}

/** An array whose last operation fails, and takes the others with it. */
export async function runArrayInVain(caller: Caller): Promise<void> {
  const tenant = caller.anyTenant()
  const db = caller.clientOf(tenant)
  const operations = planSeveral(caller, tenant)
  const missing = db.featureFlag.delete({ where: { id: tenant.flagId, key: 'missing' } })
  const made = [...operations.map((operation) => operation.make(db)), missing]
  await caller.soak.ask('array that fails', db.$transaction(made, waiting), refusedWith('P2025'))
  caller.settle(operations, 'refused')
}

export async function runAndCommit(caller: Caller): Promise<void> {
  const transaction = new InteractiveTransaction(caller)
  transaction.settle(
    await caller.soak.ask(
      'transaction',
      transaction.begin((tx) => transaction.work(tx)),
    ),
  )
}

export async function runAndRollBack(caller: Caller): Promise<void> {
  const transaction = new InteractiveTransaction(caller)
  const rollBack = new Error('rolled back')
  const begun = transaction.begin(async (tx) => {
    await transaction.work(tx)
    throw rollBack
  })
  await caller.soak.ask('transaction that is rolled back', begun, {
    isRight: (error) => error === rollBack,
    isCertain: true,
  })
  transaction.settleUndone()
}

/** Its time is up before its caller is done, and often in the middle of a statement. */
export async function runOutOfTime(caller: Caller): Promise<void> {
  const timeout = caller.random.between(5, 20)
  const transaction = new InteractiveTransaction(caller, { timeout })
  const begun = transaction.begin(async (tx) => {
    await transaction.work(tx)
    await sleep(2 * timeout)
    await tx.featureFlag.count()
  })
  // Prisma notices first, or the wire does
  await caller.soak.ask('transaction that runs out of time', begun, refusedWith('P2028', 'DH105'))
  transaction.settleUndone()
}

/** A signal ends it, at times in the middle of a statement, which is then cancelled, and no other statement. */
export async function runUntilAborted(caller: Caller): Promise<void> {
  const controller = new AbortController()
  const reason = new Error('aborted')
  const transaction = new InteractiveTransaction(caller, { signal: controller.signal })
  const begun = transaction.begin(async (tx) => {
    setTimeout(() => controller.abort(reason), caller.random.between(0, 10))
    await transaction.work(tx)
  })
  const outcome = await caller.soak.ask('transaction that is aborted', begun, {
    isRight: (error) => error === reason,
    // it may be done before
    isCertain: false,
  })
  transaction.settle(outcome)
}

/** Another tenant's promise, made before, is awaited in this tenant's transaction, where it must not run. */
export async function awaitForeignPromiseWithin(caller: Caller): Promise<void> {
  const { soak, random } = caller
  const transaction = new InteractiveTransaction(caller)
  const other = caller.otherTenant(transaction.tenant)
  const foreign = planWrite(caller, other)
  const made = foreign.make(caller.clientOf(other))
  const awaitForeign = async () => {
    const { state } = await soak.ask('another tenant’s promise in a transaction', made, refusedWith('DH103'))
    caller.settle([foreign], state)
  }
  const before = random.chance(0.5)
  const begun = transaction.begin(async (tx) => {
    if (before) await awaitForeign()
    await transaction.work(tx)
    if (!before) await awaitForeign()
  })
  transaction.settle(await soak.ask('transaction', begun))
}
