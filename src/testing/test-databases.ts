import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type DatabaseServer, openDatabaseServer, withLogin } from '../embedded/database-server.ts'
import { TenancyError } from '../errors.ts'
import type { PrismaClient as BundledPrismaClient } from '../generated/prisma/client.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { bundledMigrations } from '../migrations/bundled-migrations.ts'
import { defaultRoleNames } from '../policy/roles.ts'
import type { PrismaClientClass, TenancyOptions } from '../tenancy/create-tenancy.ts'
import type { ExtendableClient } from '../tenancy/extendable-client.ts'
import { sqlStateOf } from './in-use.ts'
import { testServer } from './keep-test-server.ts'
import { ensureTemplate, type SetUp } from './template-database.ts'
import { OpenTestDatabase, type TestDatabase, type TestDatabaseUrls } from './test-database.ts'
import { TestRun } from './test-run.ts'

/** The class of the client that comes with the package. */
export type BundledClass = new (
  ...options: ConstructorParameters<PrismaClientClass<object>>
) => BundledPrismaClient

/**
 * The client of a generated class. The classes themselves are known as objects and no more: for an option that may be left
 * out, the compiler would take a constraint with a constructor for the class, and its client for any.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- each generated class has option types of its own
export type ClientOf<Class> = Class extends (new (
  options: any,
) => infer Client extends object)
  ? Client
  : never

/** What the databases of {@link createTestDatabases} are made of, and what their tenancies are opened with. */
export interface TestDatabasesOptions<
  Class extends object = BundledClass,
  Extended extends object = ClientOf<Class>,
> extends Omit<
    TenancyOptions<object, object>,
    | 'PrismaClient'
    | 'manifest'
    | 'extend'
    | 'connectionString'
    | 'system'
    | 'allowRoleThatBypassesRowSecurity'
  > {
  /** The generated `PrismaClient` class; that of the bundled schema unless told. */
  readonly PrismaClient?: Class
  /** The manifest that `generator tenancy` wrote; goes with `PrismaClient`. */
  readonly manifest?: Manifest
  /** As that of `createTenancy`. */
  readonly extend?: (client: ExtendableClient<Class>) => Extended
  /**
   * The folder of the migrations, `<name>/migration.sql`. Unless told, `prisma/migrations` for a client of one's own,
   * and those of the package for the bundled one.
   */
  readonly migrations?: string
  /**
   * Works on the template, once, behind the migrations: for rows that all tests have. Its own text is part of what the
   * template is known by, and what it imports is not: change the text when that changes. It must close what it opens.
   */
  readonly setup?: SetUp
  /**
   * The server, which stays its owner's to stop. Unless told, that of `DIRECT_URL`, or else `DATABASE_URL`, whose login
   * must be an administrator's; or else the embedded one.
   */
  readonly server?: Pick<DatabaseServer, 'url'>
}

/** Makes databases for tests. */
export interface TestDatabases<Client extends object, Extended extends object = Client> {
  /**
   * Makes a migrated database with nothing in it but what the migrations and `setup` have put there.
   *
   * @returns one that nobody else has; {@link TestDatabase.drop} drops it, and so does {@link close}
   */
  clone(): Promise<TestDatabase<Client, Extended>>
  /** Drops the clones and their logins, and lets the server go. The template stays for the next run. */
  close(): Promise<void>
}

/**
 * Opens a server for tests: the embedded PostgreSQL, or the one that `DIRECT_URL`, or else `DATABASE_URL`, names. The
 * database that the URL names is connected to and never changed. A template is migrated once, kept for the next run for
 * as long as the migrations stay as they are, and cloned for each test or test file. Processes may do so at once; what a
 * run left behind that crashed is dropped by the next.
 *
 * @param options the client, the manifest and the migrations of one's own schema, and any option of `createTenancy`;
 *   nothing for the bundled schema
 * @throws {TenancyError} `DH409` where the login may not create databases, or where one of `PrismaClient` and `manifest`
 *   is given without the other; as `runMigrations` for the migrations
 * @throws {EmbeddedPostgresError} when the embedded server can't run here
 *
 * @example
 * ```ts
 * const databases = await createTestDatabases({ PrismaClient, manifest })
 * const database = await databases.clone()
 * const rows = await asTenant(database.tenancy, tenantId, (db) => db.invoice.findMany())
 * await databases.close()
 * ```
 */
export async function createTestDatabases<
  Class extends object = BundledClass,
  Extended extends object = ClientOf<Class>,
>(options: TestDatabasesOptions<Class, Extended> = {}): Promise<TestDatabases<ClientOf<Class>, Extended>> {
  const { PrismaClient, manifest, extend, migrations, setup, server: given, ...settings } = options
  if ((PrismaClient === undefined) !== (manifest === undefined)) {
    throw new TenancyError('DH409', 'PrismaClient and manifest go together; give both, or neither')
  }
  const schema =
    PrismaClient && manifest
      ? { PrismaClient, manifest, migrations: migrations ?? ownMigrations() }
      : { ...(await bundledSchema()), migrations: migrations ?? bundledMigrations }
  const tenancyOptions = {
    ...settings,
    ...(extend && { extend }),
    PrismaClient: schema.PrismaClient,
    manifest: schema.manifest,
  } as unknown as Omit<TenancyOptions<ClientOf<Class>, Extended>, 'connectionString'>

  const server = given ?? (await openDatabaseServer('postgres', testServer))
  const letGo = async () => {
    if (!given) await (server as DatabaseServer).stop()
  }
  let run: TestRun
  try {
    run = await TestRun.begin(server.url())
  } catch (error) {
    await letGo()
    throw error
  }
  const template = () =>
    ensureTemplate(run, {
      migrations: schema.migrations,
      setup,
      ...(settings.roles && { roles: { names: settings.roles } }),
      ...(settings.contextKey !== undefined && { context: { key: settings.contextKey } }),
    })
  const open = new Set<TestDatabase<ClientOf<Class>, Extended>>()
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    try {
      await Promise.all([...open].map((database) => database.drop()))
    } finally {
      try {
        await run.end()
      } finally {
        await letGo()
      }
    }
  }

  try {
    let name = await template()
    const roles = { ...defaultRoleNames, ...settings.roles }
    const logins = {
      app: await run.login('app', roles.app),
      owner: await run.login('owner', roles.owner),
      system: await run.login('system', roles.system),
    }
    const cloneOf = async () => {
      try {
        return await run.clone(name)
      } catch (error) {
        if (sqlStateOf(error) !== '3D000') throw error
        // a run with other migrations has dropped it meanwhile
        name = await template()
        return run.clone(name)
      }
    }
    return {
      async clone() {
        const clone = await cloneOf()
        const adminUrl = run.urlOf(clone)
        const urls: TestDatabaseUrls = {
          adminUrl,
          appUrl: withLogin(adminUrl, logins.app),
          ownerUrl: withLogin(adminUrl, logins.owner),
          systemUrl: withLogin(adminUrl, logins.system),
        }
        const database = new OpenTestDatabase<ClientOf<Class>, Extended>({
          name: clone,
          urls,
          options: tenancyOptions,
          drop: async () => {
            open.delete(database)
            await run.drop(clone)
          },
        })
        open.add(database)
        return database
      },
      close() {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

async function bundledSchema(): Promise<{
  readonly PrismaClient: PrismaClientClass<object>
  readonly manifest: Manifest
}> {
  // not loaded where it isn't wanted
  return import('../bundled.ts')
}

function ownMigrations(): string {
  const directory = join(process.cwd(), 'prisma/migrations')
  if (existsSync(directory)) return directory
  throw new TenancyError(
    'DH401',
    'there is no folder prisma/migrations here; name that of your migrations as migrations',
  )
}
