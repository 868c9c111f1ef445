import type { TenantContextInput } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { manifest } from '../generated/tenancy.ts'
import { createTenancy, type Tenancy } from './create-tenancy.ts'
import { type DatabaseHealth, problemOf } from './database-health.ts'
import type { TenantClient } from './tenant-client.ts'

/** A client of the schema that ships with the package. */
export type BundledTenantClient = TenantClient<PrismaClient>

/** What the callback of a transaction of a {@link BundledTenantClient} gets. */
export type BundledTransaction = Parameters<Parameters<BundledTenantClient['$transaction']>[0]>[0]

let tenancy: Tenancy<PrismaClient> | undefined

/**
 * The tenancy of the bundled schema for `DATABASE_URL`, which {@link createTenantClient} makes its clients of. For
 * its `run` and `current`, and for the adapters of web frameworks.
 *
 * @returns the same one until {@link disconnect}
 * @throws {TenancyError} `DH409` when DATABASE_URL is missing or malformed
 *
 * @example
 * ```ts
 * app.use(tenantMiddleware(bundledTenancy(), resolve))
 * ```
 */
export function bundledTenancy(): Tenancy<PrismaClient> {
  const connectionString = process.env['DATABASE_URL']
  if (!connectionString) {
    throw new TenancyError(
      'DH409',
      'DATABASE_URL is not set; give the login of the application role, or use createTenancy',
    )
  }
  tenancy ??= createTenancy({ PrismaClient, manifest, connectionString })
  return tenancy
}

/**
 * A client of the bundled schema that sees one tenant. The first call opens the pool for `DATABASE_URL`, which
 * all clients of the process share.
 *
 * @param context whose data it sees; `tenantId` and `userId` are uuids from a verified session. Without an argument it
 *   is the ambient one, of `bundledTenancy().run`
 * @throws {TenancyError} `DH101` or `DH102` when the context is missing or malformed, `DH409` when DATABASE_URL is
 *
 * @example
 * ```ts
 * const db = createTenantClient({ tenantId, userId })
 * const packages = await db.configPackage.findMany()
 * ```
 */
export function createTenantClient(): BundledTenantClient
export function createTenantClient(context: TenantContextInput): BundledTenantClient
export function createTenantClient(...context: [context?: TenantContextInput]): BundledTenantClient {
  return bundledTenancy().client(...(context as [TenantContextInput]))
}

/**
 * Whether the database behind `DATABASE_URL` answers and row-level security holds its role.
 *
 * @returns the answer; never rejects, also where DATABASE_URL is missing
 *
 * @example
 * ```ts
 * app.get('/health', async (_, response) => {
 *   const health = await checkDatabaseHealth()
 *   response.status(health.ok ? 200 : 503).json(health)
 * })
 * ```
 */
export async function checkDatabaseHealth(): Promise<DatabaseHealth> {
  try {
    return await bundledTenancy().checkDatabaseHealth()
  } catch (error) {
    return { ok: false, connections: { total: 0, idle: 0, waiting: 0 }, problem: problemOf(error) }
  }
}

/**
 * Ends the connections that {@link createTenantClient} opened, after the work that is under way. The next call
 * of it opens new ones.
 *
 * @param options `timeoutMillis`: how long to wait for that work, which then fails; forever unless told
 *
 * @example
 * ```ts
 * process.once('SIGTERM', () => disconnect())
 * ```
 */
export async function disconnect(options?: { readonly timeoutMillis?: number }): Promise<void> {
  const open = tenancy
  tenancy = undefined
  await open?.disconnect(options)
}
