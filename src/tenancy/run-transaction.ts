import { parseTenantContext, type TenantContext } from '../context/tenant-context.ts'
import { assertSameTenant, currentWireScope, runInWireScope } from '../context/wire-scope.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import { type RunWork, TenantOperation } from './tenant-operation.ts'

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
 * @param guard makes what the callback gets out of Prisma's client of the transaction
 * @throws {TenancyError} `DH102` for limits that PostgreSQL has not, `DH103` within another tenant's transaction;
 *   the reason of the signal when that ends it
 */
export async function runTransaction(
  run: RunWork,
  client: object,
  context: TenantContext,
  guard: (tx: object) => object,
  input: unknown,
  options: TenantTransactionOptions = {},
): Promise<unknown> {
  const { signal, statementTimeoutMillis, lockTimeoutMillis, ...prismaOptions } = options
  const ambient = currentWireScope()
  const work = Array.isArray(input)
    ? (tx: object) => runInOrder(tx, input)
    : typeof input === 'function'
      ? async (tx: object): Promise<unknown> => (input as (tx: object) => unknown)(guard(tx))
      : refuseInput
  const { $transaction } = client as { readonly $transaction: Transaction }
  const what = { operation: '$transaction', tenantId: context.tenantId }
  return run(what, ambient?.inTransaction ?? false, async () => {
    if (ambient?.inTransaction) assertSameTenant(ambient, context)
    signal?.throwIfAborted()
    const scope = {
      context: withLimits(context, { statementTimeoutMillis, lockTimeoutMillis }),
      inTransaction: true,
      raw: false,
      ...(signal ? { signal } : {}),
    }
    try {
      return await runInWireScope(scope, () =>
        $transaction.call(client, signal ? (tx) => unlessAborted(work(tx), signal) : work, {
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

/** A context with the limits of one transaction, where it has some. */
function withLimits(
  context: TenantContext,
  limits: Readonly<Record<'statementTimeoutMillis' | 'lockTimeoutMillis', number | undefined>>,
): TenantContext {
  const given = Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
  return Object.keys(given).length === 0 ? context : parseTenantContext({ ...context, ...given })
}

function refuseInput(): Promise<never> {
  throw new TypeError('$transaction takes a callback or an array of operations')
}

/** Settles as `work` does, or with the reason of the signal, whichever comes first. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work, aborted])
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
  for (const operation of lazy) results.push(await TenantOperation.runIn(operation, tx))
  return results
}
