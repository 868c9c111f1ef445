import type { SystemUseInput } from '../context/system-use.ts'
import type { TenantContextInput } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { manifest } from '../generated/tenancy.ts'
import { createTenancy, type Tenancy } from './create-tenancy.ts'
import { type DatabaseHealth, problemOf } from './database-health.ts'
import type { SystemClient, TenantClient, TenantTransactionClient } from './tenant-client.ts'

/** A client of the schema that ships with the package. */
export type BundledTenantClient = TenantClient<PrismaClient>

/** A client of the schema that ships with the package that sees all tenants. */
export type BundledSystemClient = SystemClient<PrismaClient>

/** What the callback of a transaction of a {@link BundledTenantClient} gets. */
export type BundledTransaction = TenantTransactionClient<PrismaClient>

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
  const system = process.env['SYSTEM_DATABASE_URL']
  tenancy ??= createTenancy({
    PrismaClient,
    manifest,
    connectionString,
    ...(system ? { system: { connectionString: system } } : {}),
  })
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
 * A client of the bundled schema that sees all tenants, for jobs of the platform; each of its operations is recorded.
 * It logs in with `SYSTEM_DATABASE_URL`, which must be set when the process first uses this package, beside
 * `DATABASE_URL`. See {@link Tenancy.system}.
 *
 * @param use `actor`, who works, and `reason`, why
 * @throws {TenancyError} `DH109` when either is missing, blank or too long, `DH409` when a variable is missing
 *
 * @example
 * ```ts
 * const system = createSystemClient({ actor: 'billing-job', reason: 'monthly count of packages' })
 * const counts = await system.configPackage.groupBy({ by: ['tenantId'], _count: true })
 * ```
 */
export function createSystemClient(use: SystemUseInput): BundledSystemClient {
  if (process.env['SYSTEM_DATABASE_URL']) return bundledTenancy().system(use)
  throw new TenancyError(
    'DH409',
    'SYSTEM_DATABASE_URL is not set; give the login of the role for work across tenants, or use createTenancy',
  )
}

/**
 * Whether the database behind `DATABASE_URL` answers and row-level security holds its role.
 *
 * @returns the answer; never rejects, also where DATABASE_URL is missing
 *
 * @example
 * ```ts
 * app.get('/health', async (_, response) => {
 *   // the rest of the answer names roles and tables: for logs, and not for the world
 *   const { ok, problem } = await checkDatabaseHealth()
 *   response.status(ok ? 200 : 503).json({ ok, code: problem?.code })
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
