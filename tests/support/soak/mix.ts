import type { Caller } from './caller.ts'
import { askPlace } from './interactive-transaction.ts'
import type { Operation } from './operation.ts'
import { findUnique, planRead } from './reads.ts'
import { refusedWith } from './soak.ts'
import {
  awaitForeignPromiseWithin,
  runAndCommit,
  runAndRollBack,
  runArray,
  runArrayInVain,
  runOutOfTime,
  runUntilAborted,
} from './transactions.ts'
import { planSweep, planTrespass, planWrite } from './writes.ts'

type Step = (caller: Caller) => Promise<void>

/** What a caller may do next, and how many times in a hundred it does. */
const mix: readonly (readonly [number, Step])[] = [
  [21, readOnce],
  [19, writeOnce],
  [4, sweepOnce],
  [4, trespass],
  [3, askPlaceOnce],
  [8, lookUpTogether],
  [10, handOver],
  [5, runArray],
  [1, runArrayInVain],
  [12, runAndCommit],
  [4, runAndRollBack],
  [3, runOutOfTime],
  [3, runUntilAborted],
  [3, awaitForeignPromiseWithin],
]

export async function takeStep(caller: Caller): Promise<void> {
  await caller.random.pick(steps)(caller)
}

const steps = mix.flatMap(([times, step]) => Array.from({ length: times }, () => step))

/** Awaits another caller's promise amid its own work, if there is one, and lets listeners start theirs. */
async function readOnce(caller: Caller): Promise<void> {
  const { elsewhere } = caller.soak
  const tenant = caller.anyTenant()
  const operation = planRead(caller, tenant, caller.rowsOf(tenant))
  await Promise.all([run(caller, operation), elsewhere.takeLetter()?.()])
  elsewhere.emit()
}

async function writeOnce(caller: Caller): Promise<void> {
  await run(caller, planWrite(caller, caller.anyTenant()))
}

async function sweepOnce(caller: Caller): Promise<void> {
  await run(caller, planSweep(caller, caller.anyTenant()))
}

async function trespass(caller: Caller): Promise<void> {
  const { what, tenant, make } = planTrespass(caller, caller.anyTenant())
  await caller.soak.ask(what, make(caller.clientOf(tenant)), refusedWith('P2025'))
}

/** A statement without a transaction runs in one of its own. */
async function askPlaceOnce(caller: Caller): Promise<void> {
  const { soak } = caller
  const outcome = await soak.ask('$queryRaw', askPlace(caller.clientOf(caller.anyTenant())))
  if (outcome.state !== 'answered') return
  const name = Symbol(`$queryRaw ${soak.serial()}`)
  for (const place of outcome.value) soak.register.ran(name, place)
}

/** Unique look-ups of many tenants in one tick, which Prisma would merge into one statement. */
async function lookUpTogether(caller: Caller): Promise<void> {
  const operations = Array.from({ length: caller.random.between(2, 8) }, () =>
    findUnique(caller, caller.anyTenant()),
  )
  await Promise.all(operations.map((operation) => run(caller, operation)))
}

/** Makes a promise that is awaited elsewhere. */
async function handOver(caller: Caller): Promise<void> {
  const tenant = caller.anyTenant()
  const operation = caller.random.chance(0.5) ? planRead(caller, tenant) : planWrite(caller, tenant)
  const made = operation.make(caller.clientOf(tenant))
  caller.soak.elsewhere.hand(caller.random, () => run(caller, operation, made))
}

async function run(
  caller: Caller,
  operation: Operation,
  made: PromiseLike<unknown> = operation.make(caller.clientOf(operation.tenant)),
): Promise<void> {
  const outcome = await caller.soak.ask(operation.what, made)
  caller.settle([operation], outcome.state)
  if (outcome.state === 'answered') caller.soak.verify(operation, outcome.value)
}
