import { type BundledTransaction, withTenantContext } from '../../../src/index.ts'
import type { Planted } from '../test-database.ts'
import type { Caller } from './caller.ts'
import type { Models, Operation } from './operation.ts'
import { planRead } from './reads.ts'
import type { Outcome } from './soak.ts'
import type { Place } from './transaction-register.ts'
import { planWrite } from './writes.ts'

/** In milliseconds. Nobody is to run out of it: what waits longer waits for what never comes, and is a finding. */
export const patience = 30_000

/** What ends a transaction before its caller does. */
interface ForcedEnd {
  /** In milliseconds. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

/** One interactive transaction, from its plan to its entry in the ledger. */
export class InteractiveTransaction {
  readonly tenant: Planted
  readonly #caller: Caller
  readonly #end: ForcedEnd
  readonly #operations: readonly Operation[]
  readonly #name: symbol
  readonly #answers: { readonly operation: Operation; readonly value: unknown }[] = []
  #transactionId: string | undefined
  #isComplete = false

  /** @param end what ends it before its caller does; nothing where it is left out */
  constructor(caller: Caller, end: ForcedEnd = {}) {
    this.tenant = caller.anyTenant()
    this.#caller = caller
    this.#end = end
    this.#operations = planSeveral(caller, this.tenant)
    this.#name = Symbol(`transaction ${caller.soak.serial()}`)
  }

  /** Begins it in one of the ways that there are. */
  begin(callback: (tx: BundledTransaction) => Promise<void>): Promise<void> {
    const { random } = this.#caller
    const db = this.#caller.clientOf(this.tenant)
    const options = { maxWait: patience, timeout: patience, ...this.#end }
    const toTheEnd = async (tx: BundledTransaction) => {
      this.#caller.soak.begun(tx, db)
      await callback(tx)
      this.#isComplete = true
    }
    if (random.chance(0.2)) return withTenantContext(db, this.tenant.tenantId, toTheEnd, options)
    // a row that others write too would make it fail, to be tried again
    const repeatable = random.chance(0.2) && !this.#operations.some(({ effect }) => effect?.counts)
    return db.$transaction(toTheEnd, repeatable ? { ...options, isolationLevel: 'RepeatableRead' } : options)
  }

  /** Runs the operations, together or one after the other, and notes where before and behind them. */
  async work(tx: BundledTransaction): Promise<void> {
    const { random, soak } = this.#caller
    try {
      await this.#notePlace(tx)
      if (random.chance(0.5)) await Promise.all(this.#operations.map((operation) => this.#run(operation, tx)))
      else for (const operation of this.#operations) await this.#run(operation, tx)
      await this.#notePlace(tx)
    } finally {
      soak.register.leave(this.#name)
    }
  }

  /** Enters into the ledger how it ended. */
  settle({ state }: Outcome<void>): void {
    // Prisma sends the COMMIT behind the end of the callback: before, nothing can have been committed; behind it,
    // nobody knows
    this.#settle(state === 'answered' ? state : this.#isComplete ? 'unknown' : 'refused')
  }

  /** Enters it into the ledger as one that was not to be committed, however it ended. */
  settleUndone(): void {
    this.#settle('refused')
  }

  #settle(state: Outcome<void>['state']): void {
    this.#caller.settle(this.#operations, state, this.#transactionId)
    for (const { operation, value } of this.#answers) {
      // Of several operations in one tick of a transaction, Prisma fails the first that it cannot run and answers
      // those behind it with undefined: no answer, unless the transaction has one.
      if (value !== undefined || state === 'answered') this.#caller.soak.verify(operation, value)
    }
  }

  async #run(operation: Operation, tx: Models): Promise<void> {
    this.#answers.push({ operation, value: await operation.make(tx) })
  }

  async #notePlace(tx: BundledTransaction): Promise<void> {
    const { register } = this.#caller.soak
    for (const place of await askPlace(tx)) {
      this.#transactionId = place.transactionId
      // where something else ends it, its backend is the next one's before its caller hears of it
      if (Object.keys(this.#end).length === 0) register.ranWithin(this.#name, place)
      else register.ran(this.#name, place)
    }
  }
}

/** Some changes of one tenant's data, and a question about the rest. */
export function planSeveral(caller: Caller, tenant: Planted): readonly Operation[] {
  const writes = Array.from({ length: caller.random.between(1, 3) }, () => planWrite(caller, tenant))
  return [...writes, planRead(caller, tenant, caller.rowsOf(tenant))]
}

/** Asks where a statement of this client runs. */
export function askPlace(db: Models) {
  return db.$queryRaw<Place[]>`
    select pg_current_xact_id()::text as "transactionId", pg_backend_pid() as pid`
}
