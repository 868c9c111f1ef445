import type { TenantContextInput } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { manifest } from '../generated/tenancy.ts'
import { createTenancy, type Tenancy } from './create-tenancy.ts'
import { type DatabaseHealth, problemOf } from './database-health.ts'
import type { TenantClient, TenantTransactionClient } from './tenant-client.ts'

/** A client of the schema that ships with the package. */
export type BundledTenantClient = TenantClient<PrismaClient>

/** What the callback of a transaction of a {@link BundledTenantClient} gets. */
export type BundledTransaction = TenantTransactionClient<PrismaClient>

let tenancy: Tenancy<PrismaClient> | undefined

function bundledTenancy(): Tenancy<PrismaClient> {
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
 * @param context whose data it sees; `tenantId` and `userId` are uuids from a verified session
 * @throws {TenancyError} `DH101` or `DH102` when the context is missing or malformed, `DH409` when DATABASE_URL is
 *
 * @example
 * ```ts
 * const db = createTenantClient({ tenantId, userId })
 * const packages = await db.configPackage.findMany()
 * ```
 */
export function createTenantClient(context: TenantContextInput): BundledTenantClient {
  return bundledTenancy().client(context)
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
