import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { runMigrations } from '../../src/migrations/runner.ts'
import { quoteIdentifier } from '../../src/policy/identifier.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import { type EmbeddedServer, startEmbeddedPostgres, withLogin } from '../../src/testing/index.ts'
import type { SceneSql } from './attack.ts'
import { notes } from './protection.ts'

export interface Party {
  readonly tenantId: string
  /** In rows of this tenant's, and nowhere else. */
  readonly secret: string
  readonly noteId: string
}

/**
 * A migrated database on a server of its own, because attacks change roles, and roles are the whole server's. The
 * tenants' SQL comes from the login `doublehull_app` itself.
 */
export class AttackScene {
  readonly a = party()
  readonly b = party()
  readonly major: number
  readonly database: string
  readonly adminUrl: string
  /** Sees every row: what really happened. */
  readonly admin: pg.Client
  /** SQL that defines the functions that the policies ask for the tenant. */
  readonly tenantFunctions: string
  logsInAsMigrator = false
  readonly #server: EmbeddedServer
  readonly #logins: Readonly<Record<'app' | 'migrator', string>>

  private constructor(
    server: EmbeddedServer,
    database: string,
    admin: pg.Client,
    { password, tenantFunctions }: { readonly password: string; readonly tenantFunctions: string },
  ) {
    this.#server = server
    this.tenantFunctions = tenantFunctions
    this.major = Number.parseInt(server.version, 10)
    this.database = database
    this.adminUrl = server.url(database)
    this.admin = admin
    const login = (user: string) => withLogin(this.adminUrl, { user, password })
    this.#logins = { app: login(defaultRoleNames.app), migrator: login(defaultRoleNames.migrator) }
  }

  static async open(packageName: string): Promise<AttackScene> {
    const server = await startEmbeddedPostgres({ name: 'attacks', package: packageName })
    await sweep(server)
    const database = `attacks_${randomBytes(4).toString('hex')}`
    await server.ensureDatabase(database)
    const password = randomBytes(18).toString('base64url')
    const connectionString = server.url(database)
    await runMigrations({
      connectionString,
      roles: { passwords: { app: password, migrator: password, system: password } },
    })
    const admin = new pg.Client({ connectionString })
    await admin.connect()
    const { rows } = await admin.query<{ definition: string }>(
      `select pg_catalog.string_agg(pg_catalog.pg_get_functiondef(oid), ';') as definition
         from pg_catalog.pg_proc where pronamespace = 'tenancy'::regnamespace`,
    )
    const tenantFunctions = rows[0]?.definition ?? ''
    const scene = new AttackScene(server, database, admin, { password, tenantFunctions })
    for (const { tenantId, secret } of [scene.a, scene.b]) {
      await admin.query('insert into tenancy.tenant (id, name, updated_at) values ($1, $2, now())', [
        tenantId,
        secret,
      ])
    }
    return scene
  }

  async close(): Promise<void> {
    await this.admin.end()
    await sweep(this.#server)
    await this.#server.stop()
  }

  /** `attacks.note` anew, with its rows and its hull, and the schema `playground`, which is the application's own. */
  async begin(): Promise<void> {
    await this.clear()
    await this.admin.query(`
      create schema playground authorization ${defaultRoleNames.app};
      create schema attacks authorization ${defaultRoleNames.owner};
      ${asOwner(`
        create table attacks.note (
          id uuid primary key default gen_random_uuid(),
          tenant_id uuid not null,
          secret text,
          unique (tenant_id, id)
        );
        ${notes.sql}
        insert into attacks.note values ${[this.a, this.b]
          .map(({ noteId, tenantId, secret }) => `('${noteId}', '${tenantId}', '${secret}')`)
          .join(', ')};`)}`)
  }

  async clear(): Promise<void> {
    await this.admin.query('drop schema if exists attacks cascade; drop schema if exists playground cascade')
  }

  async run(sql: SceneSql | undefined): Promise<void> {
    const text = typeof sql === 'function' ? sql(this) : sql
    if (text) await this.admin.query(text)
  }

  /** A new connection of the tenants' login. */
  async connect(options: { readonly replication?: string } = {}): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#logins[this.logsInAsMigrator ? 'migrator' : 'app'],
      ...options,
    })
    await client.connect()
    return client
  }

  /** Runs `work` on a new connection, and closes it. */
  async connected<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = await this.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  /** Runs `work` in a transaction of a tenant on a new connection. What fails is rolled back. */
  as<Result>({ tenantId }: Party, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    return this.connected((client) => inContext(client, tenantId, () => work(client)))
  }

  /** Whether one statement of tenant A's answers with something of tenant B's. */
  async reveals(sql: string): Promise<boolean> {
    return this.as(this.a, (client) => this.answersWithSecret(client, sql))
  }

  async answersWithSecret(client: pg.Client, sql: string): Promise<boolean> {
    const { rows } = await client.query(sql)
    return this.isOfB(rows)
  }

  /** Whether there is something of tenant B's in what was found. */
  isOfB(found: unknown): boolean {
    return JSON.stringify(found).includes(this.b.secret)
  }

  /** Whether statements of tenant A's, each run by itself and undone, end differently from one another. */
  async differ(...statements: readonly string[]): Promise<boolean> {
    const outcomes = new Set<string>()
    for (const sql of statements) {
      const outcome = await this.connected(async (client) => {
        await client.query('begin')
        await client.query(`select set_config('app.tenant_id', $1, true)`, [this.a.tenantId])
        return client.query(sql).then(
          ({ rowCount, rows }) => JSON.stringify([rowCount, rows]),
          (error: pg.DatabaseError) => String(error.code),
        )
      })
      outcomes.add(outcome)
    }
    return outcomes.size > 1
  }

  /** Whether the database holds rows that prove a success: the end of a `select count(*)`. */
  async holds(condition: string): Promise<boolean> {
    const { rows } = await this.admin.query<{ count: number }>(`select count(*)::int ${condition}`)
    return (rows[0]?.count ?? 0) > 0
  }
}

/** Makes a server forget everything: a run that was interrupted may have left roles with more than they should have. */
async function sweep(server: EmbeddedServer): Promise<void> {
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_catalog.pg_database where starts_with(datname, 'attacks_')`,
    )
    for (const { name } of rows) await client.query(`drop database ${quoteIdentifier(name)} with (force)`)
    await client.query(`drop role if exists ${Object.values(defaultRoleNames).toReversed().join(', ')}`)
  } finally {
    await client.end()
  }
}

/** Runs `work` in a transaction of a tenant. */
export async function inContext<Result>(
  client: pg.Client,
  tenantId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query('begin')
  try {
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId])
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** SQL whose objects belong to the owner, as those of a migration do. */
export function asOwner(sql: string): string {
  return `set role ${defaultRoleNames.owner}; ${sql}; reset role;`
}

function party(): Party {
  return { tenantId: randomUUID(), secret: `secret-${randomBytes(8).toString('hex')}`, noteId: randomUUID() }
}
