import { parseTenantContext, type TenantContext } from '../context/tenant-context.ts'
import {
  assertSameTenant,
  currentWireScope,
  runInWireScope,
  type SessionNotes,
} from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import { type RunWork, runOperationIn, TenantOperation } from './tenant-operation.ts'

/** Prisma's own options of an interactive transaction; times in milliseconds. */
export interface TransactionOptions {
  readonly maxWait?: number
  readonly timeout?: number
  readonly isolationLevel?: 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable'
}

/** The options of a tenant client's transaction. */
export interface TenantTransactionOptions extends TransactionOptions {
  /** Longest that a statement in it may take, in milliseconds: PostgreSQL's `statement_timeout`. */
  readonly statementTimeoutMillis?: number
  /** Longest that a statement in it may wait for a lock, in milliseconds: PostgreSQL's `lock_timeout`. */
  readonly lockTimeoutMillis?: number
  /**
   * Ends the transaction early: what runs is cancelled, all is rolled back, and the promise is rejected with the
   * signal's reason.
   */
  readonly signal?: AbortSignal
}

type Transaction = (work: (tx: object) => Promise<unknown>, options: TransactionOptions) => Promise<unknown>

// Prisma lets an array wait for a connection as long as its pool does, and an interactive transaction 2 seconds.
const arrayDefaults = { maxWait: 5_000 }

/**
 * Runs a callback, or an array of operations, in one transaction of a tenant.
 *
 * @param run where the transaction is counted and watched
 * @param client the extended client
 * @param outer the transaction that this one is within, and that it has the limits and the signal of
 * @param guard makes what the callback gets out of Prisma's client of the transaction
 * @throws {TenancyError} `DH102` for limits that PostgreSQL has not, `DH103` within another tenant's transaction;
 *   the reason of the signal when that ends it
 */
export async function runTransaction(
  run: RunWork,
  client: object,
  context: TenantContext,
  outer: TransactionLife | undefined,
  guard: (tx: object, life: TransactionLife) => object,
  input: unknown,
  options: TenantTransactionOptions = {},
): Promise<unknown> {
  const { signal, statementTimeoutMillis, lockTimeoutMillis, ...prismaOptions } = options
  const ambient = currentWireScope()
  const life = { isOver: false, session: outer?.session ?? { ranRaw: false } }
  const work = Array.isArray(input)
    ? (tx: object) => runInOrder(tx, input)
    : typeof input === 'function'
      ? async (tx: object): Promise<unknown> => (input as (tx: object) => unknown)(guard(tx, life))
      : refuseInput
  // over as soon as nobody waits for it any more
  const live = (tx: object): Promise<unknown> =>
    (signal ? unlessAborted(() => work(tx), signal) : work(tx)).finally(() => {
      life.isOver = true
    })
  const { $transaction } = client as { readonly $transaction: Transaction }
  const what = { operation: '$transaction', tenantId: context.tenantId }
  return run(what, ambient?.inTransaction ?? false, async () => {
    if (ambient?.inTransaction) assertSameTenant(ambient, context)
    if (outer) assertFits(outer, options)
    signal?.throwIfAborted()
    const scope = {
      context: withLimits(context, { statementTimeoutMillis, lockTimeoutMillis }),
      inTransaction: true,
      raw: false,
      session: life.session,
      ...(signal ? { signal } : {}),
    }
    try {
      return await runInWireScope(scope, () =>
        $transaction.call(client, live, {
          ...(Array.isArray(input) ? arrayDefaults : {}),
          ...prismaOptions,
        }),
      )
    } catch (error) {
      signal?.throwIfAborted()
      throw toTenancyError(error, { operation: '$transaction' })
    }
  })
}

/** Whether a transaction still takes operations. */
export interface TransactionLife {
  readonly isOver: boolean
  readonly session: SessionNotes
}

/** @throws {TenancyError} `DH105` behind the end of a transaction */
export function assertLives(life: TransactionLife | undefined): void {
  if (life?.isOver) {
    throw new TenancyError(
      'DH105',
      'a query came after its transaction had ended; await every query inside it',
    )
  }
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
  context: TenantContext,
  limits: Readonly<Record<'statementTimeoutMillis' | 'lockTimeoutMillis', number | undefined>>,
): TenantContext {
  const given = Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
  return Object.keys(given).length === 0 ? context : parseTenantContext({ ...context, ...given })
}

async function refuseInput(): Promise<never> {
  throw new TypeError('$transaction takes a callback or an array of operations')
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
async function runInOrder(tx: object, operations: readonly unknown[]): Promise<readonly unknown[]> {
  const lazy = operations.map((operation) => {
    if (operation instanceof TenantOperation) return operation
    throw new TypeError(
      'every element of the array given to $transaction must be an operation of a tenant client that was not awaited',
    )
  })
  const results: unknown[] = []
  for (const operation of lazy) results.push(await runOperationIn(operation, tx))
  return results
}
