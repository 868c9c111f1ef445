import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { type RoleNames, startupChecks } from '../catalog/startup.ts'
import { AmbientContext, type ContextRunner } from '../context/ambient-context.ts'
import { contextSigner } from '../context/context-signature.ts'
import type { SystemUseInput } from '../context/system-use.ts'
import {
  limitContext,
  parseTenantContext,
  type TenantContext,
  type TenantContextInput,
} from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import type { OnMismatch } from '../extension/scoping.ts'
import type { RawPolicy } from '../extension/tenant-extension.ts'
import type { GlobalOmit } from '../extension/unique-batch.ts'
import { delegateName, type Manifest } from '../manifest/manifest.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { SystemPool } from '../wire/system-pool.ts'
import { TenantPool } from '../wire/tenant-pool.ts'
import { assertManifestFits } from './assert-manifest-fits.ts'
import { checkHealth, type DatabaseHealth } from './database-health.ts'
import { extendClient, withHullOne } from './extend-client.ts'
import type { ExtendableClient } from './extendable-client.ts'
import {
  type ForEachTenantOptions,
  type ForEachTenantResult,
  forEachTenant,
  tenantsOf,
  type WorkedTenant,
} from './for-each-tenant.ts'
import { type SystemOptions, SystemWork } from './system-work.ts'
import {
  type ClientParts,
  guardClient,
  type SharedParts,
  type SystemClient,
  type TenantClient,
} from './tenant-client.ts'
import { OperationClasses } from './tenant-operation.ts'
import { WorkUnderWay } from './work-under-way.ts'

/** The class that `prisma generate` writes, as far as this package uses it. */
// oxlint-disable-next-line typescript/no-explicit-any -- each generated class has option types of its own
export type PrismaClientClass<Client> = new (options: any) => Client

export interface TenancyOptions<Client, Extended = Client, UnsafeRaw extends boolean = false> {
  /** The generated `PrismaClient` class. */
  readonly PrismaClient: PrismaClientClass<Client>
  /** The manifest that `generator tenancy` wrote. */
  readonly manifest: Manifest
  /**
   * How the application's role logs in, as `postgresql://…`. The role must not bypass row-level security. May be
   * undefined to the compiler, as a variable of the environment is; `createTenancy` refuses it then.
   */
  readonly connectionString: string | undefined
  /** Most connections that the pool opens; 10 unless told. */
  readonly maxConnections?: number
  /** How long to wait for the server, and for a turn on a connection, in milliseconds; 5,000 unless told. */
  readonly connectionTimeoutMillis?: number
  /**
   * Most operations that may be under way on one connection at once. Unless told, 16 on a connection to PostgreSQL
   * itself and 1 behind a pooler, which is recognised; 1 switches sharing off. Transactions and raw SQL have a
   * connection of their own in any case.
   */
  readonly pipelineDepth?: number
  /**
   * Most statements that a connection keeps prepared. Unless told, 100 on a connection to PostgreSQL itself and
   * none behind a pooler: PgBouncer in transaction mode can't before 1.21.
   */
  readonly statementCacheSize?: number
  /** Most operations and transactions that wait for a connection; the next one is refused (`DH107`). 10,000 unless told. */
  readonly maxWaiting?: number
  /** After how long a connection that does nothing is closed, in milliseconds; 10,000 unless told. */
  readonly idleTimeoutMillis?: number
  /**
   * Most operations and transactions that one tenant may have under way at once, so that it can't take all
   * connections; its others wait. No limit unless told: tenants then take turns where there is no room.
   */
  readonly maxConcurrentPerTenant?: number
  /** `statement_timeout` of contexts that don't say their own, in milliseconds. */
  readonly statementTimeoutMillis?: number
  /** `lock_timeout` of contexts that don't say their own, in milliseconds. */
  readonly lockTimeoutMillis?: number
  /**
   * What is done where data gives the tenant field another tenant than the context's: `refuse` it with `DH202`, which
   * it is unless told, or `overwrite` it.
   */
  readonly onMismatch?: OnMismatch
  /** Options for the PrismaClient, such as `log`, `omit` and `transactionOptions`. */
  readonly prismaOptions?: Readonly<Record<string, unknown>>
  /**
   * Connect although the role is a superuser, has BYPASSRLS or owns the tables, or a table is not protected.
   * Hull one is then alone, and raw SQL, which it cannot hold, is refused. False unless told.
   */
  readonly allowRoleThatBypassesRowSecurity?: boolean
  /**
   * Signs every context, for a database that believes no other: 32 bytes or more, as hexadecimal digits or base64.
   * `DOUBLEHULL_CONTEXT_KEY` unless told; empty for none. A database that does not verify it is refused (`DH306`).
   */
  readonly contextKey?: string | undefined
  /** For how long a signature is good, in seconds, from 30 to 86,400; 300 unless told. */
  readonly contextTtlSeconds?: number
  /**
   * Sign although the database does not verify it yet: for the hours in which signing is switched on or off without
   * an interruption. False unless told.
   */
  readonly allowUnverifiedContext?: boolean
  /**
   * Ask the start-up checks of `doublehull verify` before the first query, in one more round trip, and refuse a database
   * with a way around row-level security (`DH307`). True unless told; not asked where
   * `allowRoleThatBypassesRowSecurity` is true, nor of a login that is no member of the roles below.
   */
  readonly verifyAtStart?: boolean
  /** Names of the database roles, where they are not the default ones: what the start-up checks speak of. */
  readonly roles?: Partial<RoleNames>
  /** How the role for work across tenants logs in; without it there is no {@link Tenancy.system}. */
  readonly system?: SystemOptions
  /** Extends the client: see {@link ExtendedTenancyOptions}. */
  readonly extend?: (client: Client) => Extended
  /**
   * `$queryRawUnsafe` and `$executeRawUnsafe` are there, and run in the tenant's context as `$queryRaw` does: held by
   * row-level security alone. Whoever can put text into them reads as any tenant. False unless told.
   */
  readonly allowUnsafeRaw?: UnsafeRaw
}

/** {@link TenancyOptions} with extensions, which type what the clients of the tenancy have. */
export type ExtendedTenancyOptions<Class, Extended, UnsafeRaw extends boolean = false> = Omit<
  TenancyOptions<object, object, UnsafeRaw>,
  'PrismaClient' | 'extend'
> & {
  /** The generated `PrismaClient` class. */
  readonly PrismaClient: Class
  /**
   * Extends the client, as one does without tenancy: gets a client, and returns it extended. Hull one stays innermost,
   * so whatever a hook makes of the arguments is scoped after it. Called once, by `createTenancy`.
   */
  readonly extend: (client: ExtendableClient<Class>) => Extended
}

/** A database that many tenants share. Make one for each process, and a client of it for each request. */
export interface Tenancy<Client, UnsafeRaw extends boolean = false, Base = Client> extends ContextRunner {
  /**
   * A client of the ambient context, as it is now: what happens to the async context later doesn't change it.
   *
   * @throws {TenancyError} `DH101` outside of {@link ContextRunner.run}
   */
  client(): TenantClient<Client, UnsafeRaw>
  /**
   * A client that sees one tenant. Cheap: make one for each request.
   *
   * @throws {TenancyError} `DH101` or `DH102` when the context is missing or malformed
   */
  client(context: TenantContextInput): TenantClient<Client, UnsafeRaw>
  /**
   * A client that sees all tenants, for jobs of the platform. It logs in as a role of its own. Each operation,
   * each of those in a transaction and the transaction itself is recorded in `audit.system_work` before it runs, with
   * its model and its name and without a value; what can't be recorded is not run. The record stays where the work is
   * rolled back.
   *
   * There is no context to take a tenant from: creates name their `tenantId`, also where it is optional. A default
   * such as `tenancy.require_tenant_id()` raises `DH101`.
   *
   * @param use `actor`, who works, at most 200 characters; `reason`, why, at most 1,000
   * @throws {TenancyError} `DH109` when the actor or the reason is missing, blank or too long, `DH409` where
   *   `createTenancy` was given no `system`; from the first operation on, `DH302` and `DH303` for a login that is not
   *   the system's or a database without the record, and `DH110` when an operation can't be recorded
   *
   * @example
   * ```ts
   * const system = tenancy.system({ actor: 'retention-job', reason: 'traces older than 90 days' })
   * await system.executionTrace.deleteMany({ where: { startedAt: { lt: ninetyDaysAgo } } })
   * ```
   */
  system(use: SystemUseInput): SystemClient<Base>
  /**
   * Works for every tenant, in the order of their keys, each with a client of its own that both hulls hold. The
   * tenants are read with {@link Tenancy.system}, which records that.
   *
   * @param work gets the tenant's client, and its id; `client()` without an argument is the tenant's there, too
   * @param options `actor` and `reason` as of `system`; how many at once, where to begin, what to do about failures
   * @throws {TenancyError} `DH115` when a tenant's work fails, with that as `cause`, unless `onError` is `continue`;
   *   `DH109` and `DH409` as `system`
   *
   * @example
   * ```ts
   * const { done, failed } = await tenancy.forEachTenant(
   *   async (db) => db.executionTrace.deleteMany({ where: { startedAt: { lt: ninetyDaysAgo } } }),
   *   { actor: 'retention-job', reason: 'traces older than 90 days', onError: 'continue' },
   * )
   * ```
   */
  forEachTenant(
    work: (db: TenantClient<Client, UnsafeRaw>, tenant: WorkedTenant) => Promise<unknown>,
    options: ForEachTenantOptions,
  ): Promise<ForEachTenantResult>
  /** Whether the database answers, and whether row-level security holds the role. Never rejects. */
  checkDatabaseHealth(): Promise<DatabaseHealth>
  /**
   * Ends all connections, after the work that is under way. Nothing can be asked afterwards.
   *
   * @param options `timeoutMillis`: how long to wait for that work, which then fails; forever unless told
   */
  disconnect(options?: { readonly timeoutMillis?: number }): Promise<void>
}

/**
 * Opens a database that many tenants share.
 *
 * @returns a {@link Tenancy}; nothing is sent before the first query
 * @param options the generated client and manifest, and how the application's role logs in
 * @throws {TenancyError} `DH208` when the manifest does not describe the client, `DH210` for an extension that
 *   could open hull one, `DH409` for a malformed connection string, `DH408` for a malformed context key; and, from the
 *   first query on, `DH302`, `DH303` or `DH307` where hull two does not hold, `DH306` or `DH102` where one side signs
 *   alone
 *
 * @example
 * ```ts
 * import { createTenancy } from 'doublehull'
 * import { PrismaClient } from './generated/prisma/client.ts'
 * import { manifest } from './generated/tenancy.ts'
 *
 * const tenancy = createTenancy({ PrismaClient, manifest, connectionString: process.env.DATABASE_URL })
 * const db = tenancy.client({ tenantId })
 * const invoices = await db.invoice.findMany() // this tenant's
 * ```
 */
export function createTenancy<
  Class extends PrismaClientClass<object>,
  Extended extends object,
  UnsafeRaw extends boolean = false,
>(
  options: ExtendedTenancyOptions<Class, Extended, UnsafeRaw>,
): Tenancy<Extended, UnsafeRaw, InstanceType<Class>>
export function createTenancy<
  Client extends object,
  Extended extends object = Client,
  UnsafeRaw extends boolean = false,
>(options: TenancyOptions<Client, Extended, UnsafeRaw>): Tenancy<Extended, UnsafeRaw, Client>
export function createTenancy<Client extends object, Extended extends object, UnsafeRaw extends boolean>(
  options: TenancyOptions<Client, Extended, UnsafeRaw>,
): Tenancy<Extended, UnsafeRaw, Client> {
  return assembleTenancy(options, { rewrite: true })
}

/**
 * {@link createTenancy} with hull one's rewriting on or off. Off is for proofs that the database alone keeps
 * a tenant in; it is reachable through `doublehull/testing` only.
 */
export function assembleTenancy<
  Client extends object,
  Extended extends object = Client,
  UnsafeRaw extends boolean = false,
>(
  options: TenancyOptions<Client, Extended, UnsafeRaw>,
  { rewrite }: { readonly rewrite: boolean },
): Tenancy<Extended, UnsafeRaw, Client> {
  const { PrismaClient, manifest, connectionTimeoutMillis = 5_000 } = options
  const { tenantIdType } = manifest
  const transactionOptions = options.prismaOptions?.['transactionOptions'] as
    | { readonly maxWait?: number }
    | undefined
  assertConnectionString('connectionString', options.connectionString)
  assertWholeNumbers(options)
  assertMismatch(options.onMismatch)
  assertOmitsColumns(manifest, options.prismaOptions?.['omit'])
  const signer = contextSigner(options, process.env)
  signer?.assertOutlasts(connectionTimeoutMillis)
  if (options.system) {
    assertConnectionString('system.connectionString', options.system.connectionString)
    assertWholeNumber('system.maxConnections', options.system.maxConnections, smallest.maxConnections)
  }
  const ofBothPools = {
    ...defined({
      statementCacheSize: options.statementCacheSize,
      pipelineDepth: options.pipelineDepth,
    }),
    waitMillis: connectionTimeoutMillis,
    maxWaiting: options.maxWaiting ?? 10_000,
    idleMillis: options.idleTimeoutMillis ?? 10_000,
    protectedTables: [
      ...Object.values(manifest.models).filter((model) => model.scope.kind !== 'global'),
      ...manifest.joinTables,
    ],
  }
  const login = (connectionString: string | undefined) => ({
    ...defined({ connectionString }),
    connectionTimeoutMillis,
    keepAlive: true,
  })
  const pool = new TenantPool({
    ...ofBothPools,
    ...defined({
      maxConcurrentPerTenant: options.maxConcurrentPerTenant,
      signer,
      allowUnverifiedContext: options.allowUnverifiedContext,
    }),
    client: login(options.connectionString),
    maxConnections: options.maxConnections ?? 10,
    allowRoleThatBypassesRowSecurity: options.allowRoleThatBypassesRowSecurity ?? false,
    ...((options.verifyAtStart ?? true) &&
      !options.allowRoleThatBypassesRowSecurity && { startupChecks: startupChecks(manifest, options.roles) }),
  })
  const prismaClientOn = (pool: TenantPool) =>
    new PrismaClient({
      ...options.prismaOptions,
      adapter: new PrismaPg(pool as unknown as pg.Pool),
    }) as Client & Extensible
  const base = prismaClientOn(pool)
  assertManifestFits(manifest, base)

  const raw: RawPolicy = {
    async assertHeld() {
      // whoever switches hull one off, too, wants to see what happens without any
      if (!rewrite || (await pool.admission()).rowSecurityHolds) return
      throw new TenancyError(
        'DH205',
        'raw SQL is held by row-level security alone, and it does not hold the role of this connection; ' +
          'log in as a role of the application alone, such as doublehull_app',
      )
    },
  }
  const allowUnsafeRaw = options.allowUnsafeRaw ?? false
  const globalOmit = options.prismaOptions?.['omit'] as GlobalOmit | undefined
  const underWay = new WorkUnderWay()
  const telemetry = createTelemetry(pool)
  const shared: SharedParts = {
    what: 'a tenant client',
    // Prisma's own is 2 seconds, whatever the pool's is; a little longer, for the pool says more of why
    maxWait: transactionOptions?.maxWait ?? connectionTimeoutMillis + 500,
    models: new Map(Object.keys(manifest.models).map((model) => [delegateName(model), model])),
    classes: new OperationClasses(manifest),
    run: (what, isPart, work) => telemetry.operation(what, () => underWay.run(work, isPart)),
    allowUnsafeRaw,
  }
  const hullOne = {
    manifest,
    raw,
    rewrite,
    allowUnsafeRaw,
    ...defined({ globalOmit, onMismatch: options.onMismatch }),
  }
  let parts: ClientParts
  try {
    parts = options.extend
      ? extendClient({ base, shared, hullOne }, options.extend)
      : withHullOne({ base, shared, hullOne })
  } catch (error) {
    telemetry.shutdown()
    throw error
  }
  const systemPool =
    options.system &&
    new SystemPool({
      ...ofBothPools,
      client: login(options.system.connectionString),
      maxConnections: options.system.maxConnections ?? 5,
    })
  const system = systemPool && new SystemWork<Client>(systemPool, () => prismaClientOn(systemPool), shared)
  const limits = defined({
    statementTimeoutMillis: options.statementTimeoutMillis,
    lockTimeoutMillis: options.lockTimeoutMillis,
  })
  const limitsOf = ({ statementTimeoutMillis, lockTimeoutMillis }: TenantContext) =>
    defined({ statementTimeoutMillis, lockTimeoutMillis })
  const hasLimits = Object.keys(limits).length > 0
  const ambient = new AmbientContext()
  let closing: Promise<void> | undefined

  async function close(timeoutMillis: number | undefined): Promise<void> {
    await underWay.close(timeoutMillis)
    // what is left has had its time
    const atOnce = timeoutMillis === undefined ? undefined : 0
    try {
      await Promise.all([pool.end(atOnce), system?.end(atOnce)])
      await base.$disconnect()
    } finally {
      telemetry.shutdown()
    }
  }

  const tenancy: Tenancy<Extended, UnsafeRaw, Client> = {
    // an undefined that is passed is a session without a tenant, and never means the ambient one
    client(...input: [context?: TenantContextInput]) {
      try {
        underWay.assertOpen()
        const given = input.length === 0 ? ambient.require() : parseTenantContext(input[0], tenantIdType)
        const context = hasLimits ? limitContext(given, { ...limits, ...limitsOf(given) }) : given
        return guardClient(parts, context) as TenantClient<Extended, UnsafeRaw>
      } catch (error) {
        throw telemetry.refused(error)
      }
    },
    system(use) {
      try {
        underWay.assertOpen()
        if (system) return system.client(use)
        throw new TenancyError(
          'DH409',
          'work across tenants needs a login of its own; give createTenancy the option system: { connectionString }',
        )
      } catch (error) {
        throw telemetry.refused(error)
      }
    },
    run(context, work) {
      let parsed: TenantContext
      try {
        parsed = parseTenantContext(context, tenantIdType)
      } catch (error) {
        throw telemetry.refused(error)
      }
      return ambient.run(parsed, work)
    },
    tenantIdType,
    current: () => ambient.current(),
    async forEachTenant(work, options) {
      const tenants = tenantsOf(manifest, tenancy.system({ actor: options.actor, reason: options.reason }))
      return forEachTenant(
        {
          ...tenants,
          work: (tenantId) =>
            tenancy.run({ tenantId }, async () => {
              const context = ambient.require()
              return work(tenancy.client(context), { tenantId: context.tenantId })
            }),
        },
        options,
      )
    },
    checkDatabaseHealth: () => checkHealth(pool),
    disconnect({ timeoutMillis } = {}) {
      closing ??= close(timeoutMillis)
      return closing
    },
  }
  return tenancy
}

/** The smallest value of each option that is a number, and its name; the largest is what a timer takes. */
const smallest = {
  maxConnections: 1,
  pipelineDepth: 1,
  maxConcurrentPerTenant: 1,
  connectionTimeoutMillis: 1,
  idleTimeoutMillis: 1,
  statementTimeoutMillis: 1,
  lockTimeoutMillis: 1,
  maxWaiting: 1,
  statementCacheSize: 0,
} satisfies { readonly [Option in keyof TenancyOptions<unknown>]?: number }

/** @throws {TenancyError} `DH409` where it is none */
function assertConnectionString(option: string, value: string | undefined): void {
  if (/^postgres(ql)?:\/\//.test(value ?? '')) return
  throw new TenancyError(
    'DH409',
    `${option} is missing or not of the form postgresql://user:password@host:port/database`,
  )
}

/** @throws {TenancyError} `DH409` for a number that would make the pool wait for ever or refuse everything */
function assertWholeNumbers(options: { readonly [Option in keyof typeof smallest]?: number }): void {
  for (const [name, least] of Object.entries(smallest)) {
    assertWholeNumber(name, options[name as keyof typeof smallest], least)
  }
}

/** @throws {TenancyError} `DH409` */
function assertMismatch(value: unknown): void {
  if (value === undefined || value === 'refuse' || value === 'overwrite') return
  throw new TenancyError('DH409', "onMismatch must be 'refuse' or 'overwrite'")
}

/**
 * A relation that an `omit` names and does not omit is read with every operation, to Prisma: before hull one has seen it.
 *
 * @throws {TenancyError} `DH409`
 */
function assertOmitsColumns(manifest: Manifest, omit: unknown): void {
  if (typeof omit !== 'object' || omit === null) return
  for (const [name, model] of Object.entries(manifest.models)) {
    const fields: unknown = Reflect.get(omit, delegateName(name))
    if (typeof fields !== 'object' || fields === null) continue
    const other = Object.keys(fields).find(
      (field) => field === '_count' || Object.hasOwn(model.relations, field),
    )
    if (other === undefined) continue
    throw new TenancyError(
      'DH409',
      `prismaOptions.omit names ${name}.${other}, which is no column; leave it out`,
      { details: { model: name, field: other } },
    )
  }
}

function assertWholeNumber(option: string, value: number | undefined, least: number): void {
  if (value === undefined) return
  if (Number.isInteger(value) && value >= least && value <= 2_147_483_647) return
  throw new TenancyError('DH409', `${option} must be a whole number from ${least}`)
}

/** Leaves out what is undefined. */
function defined<Options extends object>(
  options: Options,
): { [Key in keyof Options]?: Exclude<Options[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}

/** Prisma's own methods that every generated client has, reduced to what is called here. */
interface Extensible {
  $extends(extension: object): Extensible
  $disconnect(): Promise<void>
}
