import { limitContext } from '../context/tenant-context.ts'
import {
  assertSameTenant,
  currentWireScope,
  runInWireScope,
  type WorkContext,
} from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import { LastNotes } from './last-notes.ts'
import {
  assertLives,
  type OpenTransaction,
  type RunWork,
  runOperationIn,
  TenantOperation,
  type TransactionLife,
} from './tenant-operation.ts'

/** Prisma's own options of an interactive transaction; times in milliseconds. */
export interface TransactionOptions {
  readonly maxWait?: number
  readonly timeout?: number
  readonly isolationLevel?: 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable'
}

/** The options of a system client's transaction. */
export interface SystemTransactionOptions extends TransactionOptions {
  /**
   * Ends the transaction early: what runs is cancelled, all is rolled back, and the promise is rejected with the
   * signal's reason.
   */
  readonly signal?: AbortSignal
}

/** The options of a tenant client's transaction. */
export interface TenantTransactionOptions extends SystemTransactionOptions {
  /** Longest that a statement in it may take, in milliseconds: PostgreSQL's `statement_timeout`. */
  readonly statementTimeoutMillis?: number
  /** Longest that a statement in it may wait for a lock, in milliseconds: PostgreSQL's `lock_timeout`. */
  readonly lockTimeoutMillis?: number
}

type Transaction = (work: (tx: object) => Promise<unknown>, options: TransactionOptions) => Promise<unknown>

/** Who begins a transaction. */
export interface Beginner {
  /** Where the transaction is counted and watched. */
  readonly run: RunWork
  /** Prisma's client, or that of a transaction for one within it. */
  readonly client: object
  readonly context: WorkContext
  /** How long to wait for a connection unless told, in milliseconds. */
  readonly maxWait: number
  /** The transaction that this one is within, and that it has the limits and the signal of. */
  readonly outer?: TransactionLife
  /** Writes what was noted of its writes, where somebody observes these. */
  readonly finish?: (notes: readonly unknown[], transaction: OpenTransaction) => Promise<void>
}

/** Makes what a callback gets. */
export type GuardTransaction = (transaction: OpenTransaction) => object

/**
 * Runs a callback, or an array of operations, in one transaction of a tenant, or of the system.
 *
 * @throws {TenancyError} `DH102` for limits outside PostgreSQL's range, `DH103` within another tenant's
 *   transaction; the reason of the signal when that ends it
 */
export async function runTransaction(
  { run, client, context, outer, maxWait, finish }: Beginner,
  guard: GuardTransaction,
  input: unknown,
  options: TenantTransactionOptions = {},
): Promise<unknown> {
  const { signal, statementTimeoutMillis, lockTimeoutMillis, ...prismaOptions } = options
  const ambient = currentWireScope()
  const isWithin = (ambient?.inTransaction && !ambient.life?.isOver) ?? false
  let opened: OpenTransaction | undefined
  const notes = new LastNotes(finish && (async (taken) => opened && finish(taken, opened)))
  const life = { isOver: false, session: outer?.session ?? { ranRaw: false }, notes }
  const perform = workOf(input, guard)
  const work: Work = async (transaction) => {
    const result = await perform(transaction)
    // one within another comes and goes with that: it is the other's last words then
    if (outer) outer.notes.add(...notes.take())
    else await notes.write()
    return result
  }
  // over as soon as nobody waits for it any more
  const live = async (tx: object): Promise<unknown> => {
    try {
      const transaction = { handle: await handleOf(tx), client: tx, life }
      opened = transaction
      return await (signal ? unlessAborted(() => work(transaction), signal) : work(transaction))
    } finally {
      life.isOver = true
    }
  }
  const { $transaction } = client as { readonly $transaction: Transaction }
  const what = { operation: '$transaction', tenantId: context.tenantId }
  return run(what, isWithin, async () => {
    if (ambient && isWithin) assertSameTenant(ambient, context)
    if (outer) assertFits(outer, options)
    signal?.throwIfAborted()
    const scope = {
      context: withLimits(context, { statementTimeoutMillis, lockTimeoutMillis }),
      inTransaction: true,
      raw: false,
      session: life.session,
      life,
      ...(signal ? { signal } : {}),
    }
    try {
      return await runInWireScope(scope, () =>
        $transaction.call(client, live, {
          maxWait,
          ...prismaOptions,
        }),
      )
    } catch (error) {
      signal?.throwIfAborted()
      throw toTenancyError(error, { operation: '$transaction' })
    }
  })
}

type Work = (transaction: OpenTransaction) => Promise<unknown>

function workOf(input: unknown, guard: GuardTransaction): Work {
  if (Array.isArray(input)) return (transaction) => runInOrder(transaction, input)
  if (typeof input === 'function') {
    return async (transaction) => (input as (tx: object) => unknown)(guard(transaction))
  }
  return async () => {
    throw new TypeError('$transaction takes a callback or an array of operations')
  }
}

/**
 * What Prisma knows a transaction by. It gives it to each promise that the transaction's client makes, and takes it
 * from whoever has a promise of another client run there.
 *
 * @throws {TenancyError} `DH208` for a version of Prisma that does it in another way
 */
async function handleOf(tx: object): Promise<object> {
  const { _createPrismaPromise: create } = tx as {
    readonly _createPrismaPromise?: (
      callback: (transaction?: object) => Promise<unknown>,
    ) => PromiseLike<unknown>
  }
  const handle = await create?.(async (transaction) => transaction)
  if (typeof handle === 'object' && handle !== null && 'id' in handle) return handle
  throw new TenancyError(
    'DH208',
    'this version of Prisma does not name its transactions; it is not supported',
  )
}

function assertFits(outer: TransactionLife, options: TenantTransactionOptions): void {
  assertLives(outer)
  const { signal, statementTimeoutMillis, lockTimeoutMillis } = options
  if (signal === undefined && statementTimeoutMillis === undefined && lockTimeoutMillis === undefined) return
  throw new TenancyError(
    'DH204',
    'a transaction within a transaction has the limits and the signal of the outer one; give them there',
  )
}

/** A context with the limits of one transaction, where it has some. */
function withLimits(
  context: WorkContext,
  limits: Readonly<Record<'statementTimeoutMillis' | 'lockTimeoutMillis', number | undefined>>,
): WorkContext {
  const given = Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
  if (Object.keys(given).length === 0) return context
  if (context.tenantId !== undefined) return limitContext(context, given)
  throw new TenancyError('DH204', 'a transaction of a system client takes no limits; use set local within it')
}

/** Settles as `work` does, or with the reason of the signal, whichever comes first; then it is not begun. */
export async function unlessAborted<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted()
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work(), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * The array form of `$transaction`, one operation after the other in an interactive transaction. Prisma would
 * begin it itself in a later tick, with all the other arrays of that tick and in the async context of whoever
 * came first: one tenant's operations would run as another.
 */
async function runInOrder(
  transaction: OpenTransaction,
  operations: readonly unknown[],
): Promise<readonly unknown[]> {
  const lazy = operations.map((operation) => {
    if (operation instanceof TenantOperation) return operation
    throw new TypeError(
      'every element of the array given to $transaction must be an operation of a tenant client that was not awaited',
    )
  })
  const results: unknown[] = []
  for (const operation of lazy) results.push(await runOperationIn(operation, transaction))
  return results
}
