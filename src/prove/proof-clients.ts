import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { createTemporaryLogin, type TemporaryLogin } from '../embedded/temporary-login.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { assembleTenancy, type PrismaClientClass, type Tenancy } from '../tenancy/create-tenancy.ts'
import type { Hull } from './attack.ts'
import type { Attackers, MatrixClient } from './run-matrix.ts'
import { SqlSession } from './sql-session.ts'

interface Options {
  readonly PrismaClient: PrismaClientClass<object>
  readonly manifest: Manifest
  /** What hull one goes by, where that is another one. */
  readonly hullOneManifest?: Manifest | undefined
  readonly adminUrl: string
  readonly roles?: Partial<RoleNames> | undefined
}

/** More than one, so that reads need not wait for each other. */
const maxConnections = 4

/** A client for each choice of hulls, over logins that exist for one proof. */
export class ProofClients {
  /** Sees and writes every row. */
  readonly admin: pg.Client
  /** The same, for looking alone. */
  readonly watcher: pg.Client
  /** Logs in with the rights of the application's role. */
  readonly appUrl: string
  /** Logs in as somebody whom the policies let pass. */
  readonly openUrl: string
  readonly #logins: readonly TemporaryLogin[]
  readonly #tenancies: Readonly<Record<Hull, Tenancy<object>>>
  readonly #none: object
  readonly #sessions: SqlSession[] = []

  private constructor(
    options: Options,
    admin: pg.Client,
    watcher: pg.Client,
    logins: readonly TemporaryLogin[],
    urls: { readonly app: string; readonly open: string },
  ) {
    const { PrismaClient, manifest, hullOneManifest = manifest } = options
    this.admin = admin
    this.watcher = watcher
    this.appUrl = urls.app
    this.openUrl = urls.open
    this.#logins = logins
    const tenancy = (connectionString: string, hullOne: boolean) =>
      assembleTenancy<object>(
        {
          PrismaClient,
          manifest: hullOne ? hullOneManifest : manifest,
          connectionString,
          maxConnections,
          // the throw-away database has no key
          contextKey: '',
          // what the start-up checks would refuse is attacked all the same, so that it is known what it lets through
          allowRoleThatBypassesRowSecurity: true,
          verifyAtStart: false,
        },
        { rewrite: hullOne },
      )
    this.#tenancies = {
      one: tenancy(urls.open, true),
      two: tenancy(urls.app, false),
      both: tenancy(urls.app, true),
    }
    this.#none = new PrismaClient({
      adapter: new PrismaPg({ connectionString: urls.open, max: maxConnections }),
    })
  }

  /** Makes the logins; {@link close} drops them. */
  static async open(options: Options): Promise<ProofClients> {
    const { adminUrl, manifest } = options
    const roles = { ...defaultRoleNames, ...options.roles }
    const admin = new pg.Client({ connectionString: adminUrl })
    const watcher = new pg.Client({ connectionString: adminUrl })
    await Promise.all([admin.connect(), watcher.connect()])
    const logins: TemporaryLogin[] = []
    try {
      const app = await createTemporaryLogin(adminUrl, roles.app)
      logins.push(app)
      const urls = { app: app.connectionString, open: adminUrl }
      if (await ownsEverything(admin, manifest, roles.owner)) {
        const owner = await createTemporaryLogin(adminUrl, roles.owner)
        logins.push(owner)
        urls.open = owner.connectionString
      }
      return new ProofClients(options, admin, watcher, logins, urls)
    } catch (error) {
      await Promise.allSettled([...logins.map((login) => login.drop()), admin.end(), watcher.end()])
      throw error
    }
  }

  /** What tenant A attacks with. */
  attackers(tenantId: string): Attackers {
    const client = (hull: Hull | 'none') =>
      (hull === 'none' ? this.#none : this.#tenancies[hull].client({ tenantId })) as MatrixClient
    const clients = { none: client('none'), one: client('one'), two: client('two'), both: client('both') }
    const open = new SqlSession(this.openUrl, tenantId)
    const held = new SqlSession(this.appUrl, tenantId)
    this.#sessions.push(open, held)
    return {
      client: (hull) => clients[hull],
      sql: (hull) => (hull === 'none' || hull === 'one' ? open : held),
    }
  }

  async close(): Promise<void> {
    const { one, two, both } = this.#tenancies
    await Promise.allSettled([
      ...[one, two, both].map((tenancy) => tenancy.disconnect({ timeoutMillis: 10_000 })),
      (this.#none as { $disconnect(): Promise<void> }).$disconnect(),
      this.admin.end(),
      this.watcher.end(),
      ...this.#sessions.map((session) => session.end()),
    ])
    const dropped = await Promise.allSettled(this.#logins.map((login) => login.drop()))
    const failed = dropped.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}

/** Whether a role owns all tables of a manifest; where it doesn't, an administrator stands in for it. */
async function ownsEverything(admin: pg.Client, manifest: Manifest, role: string): Promise<boolean> {
  const tables = [...Object.values(manifest.models), ...manifest.joinTables]
  const { rows } = await admin.query<{ owned: number }>(
    `select count(*)::int as owned
       from unnest($1::text[], $2::text[]) as wanted (schema_name, table_name)
       join pg_catalog.pg_namespace n on n.nspname = wanted.schema_name
       join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
       join pg_catalog.pg_roles r on r.oid = c.relowner
      where r.rolname = $3`,
    [tables.map(({ schema }) => schema), tables.map(({ table }) => table), role],
  )
  return rows[0]?.owned === tables.length
}
