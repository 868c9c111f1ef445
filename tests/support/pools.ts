import { randomUUID } from 'node:crypto'
import { afterEach } from 'vitest'
import { runInWireScope, type WireScope } from '../../src/context/wire-scope.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { isTenancyError, parseTenantContext, type TenantContextInput } from '../../src/index.ts'
import { TenantPool, type TenantPoolOptions } from '../../src/wire/tenant-pool.ts'
import type { TenantTransaction } from '../../src/wire/tenant-transaction.ts'

type OpenPool = (connectionString: string, options?: Partial<TenantPoolOptions>) => Promise<TenantPool>

/** Opens pools of one connection, unless told otherwise, all of it at once; they end behind each test. */
export function usePools(): OpenPool {
  const opened: TenantPool[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((pool) => pool.end(0)))
  })
  return async (connectionString, options = {}) => {
    const pool = new TenantPool(poolOptions(connectionString, options))
    opened.push(pool)
    await openAll(pool, options.maxConnections ?? 1)
    return pool
  }
}

/** The options of a pool of one connection, unless told otherwise. */
export function poolOptions(
  connectionString: string,
  options: Partial<TenantPoolOptions> = {},
): TenantPoolOptions {
  return {
    client: { connectionString },
    maxConnections: 1,
    waitMillis: 5_000,
    maxWaiting: 1_000,
    idleMillis: 10_000,
    protectedTables: Object.values(manifest.models),
    allowRoleThatBypassesRowSecurity: false,
    ...options,
  }
}

/** Opens as many connections as the pool may have: so many transactions, of so many tenants, need so many. */
async function openAll(pool: TenantPool, count: number): Promise<void> {
  const beginning = Array.from({ length: count }, () => begin(pool, { tenantId: randomUUID() }))
  const outcomes = await Promise.allSettled(beginning)
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.release()
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  // a pool whose users wait for a short time only may have been slow to open
  if (isTenancyError(failed?.reason, 'DH107')) await openAll(pool, count)
  else if (failed) throw failed.reason
}

/** A tenant, with limits or without, and whatever else is known of it. */
type Asker = Pick<TenantContextInput, 'tenantId' | 'statementTimeoutMillis' | 'lockTimeoutMillis'>

function scopeOf(
  { tenantId, statementTimeoutMillis, lockTimeoutMillis }: Asker,
  { inTransaction = false, raw = false } = {},
): WireScope {
  const context = parseTenantContext({ tenantId, statementTimeoutMillis, lockTimeoutMillis })
  return { context, inTransaction, raw }
}

/** What a test is not there to see any more, because it has failed, is no failure of the next. */
function handled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {})
  return promise
}

type Rows = readonly (readonly unknown[])[]

/** Asks as a tenant, on a connection that others share. */
export function ask(
  pool: TenantPool,
  asker: Asker,
  text: string,
  values: readonly unknown[] = [],
): Promise<Rows> {
  return handled(
    runInWireScope(
      scopeOf(asker),
      async () => (await pool.query({ text, values: [...values] })).rows as unknown[][],
    ),
  )
}

/** Asks as a tenant, with SQL that counts as the caller's own: on a connection that is not shared. */
export function askRaw(pool: TenantPool, asker: Asker, text: string): Promise<Rows> {
  return handled(
    runInWireScope(
      scopeOf(asker, { raw: true }),
      async () => (await pool.query({ text })).rows as unknown[][],
    ),
  )
}

/** Begins a transaction of a tenant. */
export function begin(pool: TenantPool, asker: Asker, signal?: AbortSignal): Promise<TenantTransaction> {
  const scope = { ...scopeOf(asker, { inTransaction: true }), ...(signal ? { signal } : {}) }
  return handled(
    runInWireScope(scope, async () => {
      const transaction = await pool.connect()
      await transaction.query({ text: 'BEGIN' })
      return transaction
    }),
  )
}

export async function commit(transaction: TenantTransaction): Promise<void> {
  await transaction.query({ text: 'COMMIT' })
  transaction.release()
}

/** How often a message stands in what a tap has seen. */
export function count(message: string, messages: string): number {
  return messages.split(message).length - 1
}
