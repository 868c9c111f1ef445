/**
 * One connection that holds the migration lock. Invariant: whatever runs in {@link inTransaction} runs on the
 * server session that holds the lock, so two runs never change one database at once. The lock keeps out
 * other runners and Prisma Migrate; it does not keep out anybody who changes the schema by hand.
 */
import { Client } from 'pg'
import { TenancyError } from '../errors.ts'
import { describeDatabaseError, sqlStateOf } from './database-error.ts'

/** The key that Prisma Migrate locks (`SELECT pg_advisory_lock(72707369)`), so that both wait for each other. */
export const migrationLockKey = 72707369

/** Security-invoker views and the grammar of the bundled migrations came with PostgreSQL 15. */
const minimumServerVersion = 150000
const connectTimeoutMs = 15_000
const lockPauseMs = 100

/** A connection that holds the migration lock. */
export interface MigrationSession {
  readonly client: Client
  /** As whom the connection logged in, whatever `set role` says later. */
  readonly loginRole: string
  readonly serverVersion: number
  /** `?schema=` of the connection string, which Prisma makes the search path. */
  readonly urlSchema: string | undefined
  /** Where the history is. */
  readonly schema: string
}

/**
 * Connects, takes the migration lock, does the work, and lets go of both.
 *
 * @param connectionString a PostgreSQL URL; `?schema=` is understood as Prisma does
 * @param lockTimeoutMs how long to wait for another run, in milliseconds
 * @param onWait called once, when another run holds the lock
 * @throws {TenancyError} `DH409` when the database cannot be reached, is too old or read-only, or the lock
 * isn't free in time
 *
 * @example
 * ```ts
 * await withMigrationSession(url, 60_000, () => {}, ({ client }) => client.query('select 1'))
 * ```
 */
export async function withMigrationSession<T>(
  connectionString: string,
  lockTimeoutMs: number,
  onWait: () => void,
  work: (session: MigrationSession) => Promise<T>,
): Promise<T> {
  const client = await connect(connectionString)
  try {
    const session = await describeSession(client, connectionString)
    await takeLock(client, lockTimeoutMs, onWait)
    return await work(session)
  } catch (cause) {
    if (cause instanceof TenancyError) throw cause
    throw unusable(`the migration run broke off: ${describeDatabaseError(cause)}`, cause)
  } finally {
    // a pooler keeps the server session, and with it the lock, after the client is gone
    await client.query('select pg_catalog.pg_advisory_unlock($1)', [migrationLockKey]).catch(() => undefined)
    await client.end().catch(() => undefined)
  }
}

/**
 * Runs work in one transaction: committed when it returns, rolled back when it throws.
 *
 * @throws {TenancyError} `DH409` when this server session doesn't hold the migration lock
 */
export async function inTransaction<T>({ client }: MigrationSession, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    await requireLock(client)
    const result = await work()
    const { command } = await client.query('commit')
    // PostgreSQL answers the commit of a failed transaction with ROLLBACK and without an error
    if (command !== 'COMMIT') throw new TenancyError('DH405', 'the transaction was rolled back at its commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

async function connect(connectionString: string): Promise<Client> {
  let client: Client
  try {
    client = new Client({
      connectionString,
      application_name: 'doublehull migrate',
      connectionTimeoutMillis: connectTimeoutMs,
    })
  } catch {
    // no cause: the parser's error carries the connection string, and with it the password
    throw new TenancyError(
      'DH409',
      'the connection string is not a PostgreSQL URL; it should read postgresql://user:password@host:port/database',
    )
  }
  // the running query reports a lost connection; without a listener the same loss would end the process
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (cause) {
    await client.end().catch(() => undefined)
    const target = `database ${client.database ?? '(default)'} on ${client.host}:${client.port} as ${client.user ?? '(default)'}`
    throw unusable(`cannot connect to ${target}: ${connectFailure(cause)}`, cause)
  }
}

function connectFailure(cause: unknown): string {
  if (sqlStateOf(cause) !== undefined) return describeDatabaseError(cause)
  if (!(cause instanceof Error)) return 'unknown reason'
  // an AggregateError of several addresses has a code and no message
  return cause.message || ('code' in cause ? String(cause.code) : cause.name)
}

async function describeSession(client: Client, connectionString: string): Promise<MigrationSession> {
  const { rows } = await client.query<{
    version: number
    version_name: string
    login_role: string
    current_schema: string | null
    read_only: boolean
  }>(
    `select pg_catalog.current_setting('server_version_num')::int as version,
            pg_catalog.current_setting('server_version') as version_name,
            session_user::text as login_role,
            pg_catalog.current_schema()::text as current_schema,
            pg_catalog.pg_is_in_recovery() as read_only`,
  )
  const [row] = rows
  if (row === undefined) throw unusable('the server did not describe itself')
  if (row.version < minimumServerVersion) {
    throw unusable(`the server is PostgreSQL ${row.version_name}; migrations need 15 or newer`)
  }
  if (row.read_only) throw unusable('the server is a read-only standby; connect to the primary')
  const urlSchema = schemaOf(connectionString)
  return {
    client,
    loginRole: row.login_role,
    serverVersion: row.version,
    urlSchema,
    schema: urlSchema ?? row.current_schema ?? 'public',
  }
}

function schemaOf(connectionString: string): string | undefined {
  const query = connectionString.split('?').slice(1).join('?')
  return new URLSearchParams(query).get('schema') || undefined
}

/**
 * Asks again and again instead of waiting in the server: a statement that waits there keeps a snapshot, and the
 * `create index concurrently` of whoever holds the lock waits for every older snapshot, so both would wait for ever.
 */
async function takeLock(client: Client, timeoutMs: number, onWait: () => void): Promise<void> {
  const end = performance.now() + timeoutMs
  for (let attempt = 1; ; attempt += 1) {
    const { rows } = await client.query<{ taken: boolean }>(
      'select pg_catalog.pg_try_advisory_lock($1) as taken',
      [migrationLockKey],
    )
    if (rows[0]?.taken === true) return
    if (attempt === 1) onWait()
    const left = end - performance.now()
    if (left <= 0) break
    await new Promise((resolve) => setTimeout(resolve, Math.min(lockPauseMs, left)))
  }
  throw new TenancyError(
    'DH409',
    `another migration run held the lock for more than ${timeoutMs} ms; wait for it, or find it with: select pid from pg_locks where locktype = 'advisory' and objid = ${migrationLockKey}`,
    // lock_not_available, as PostgreSQL calls it
    { details: { sqlState: '55P03' } },
  )
}

async function requireLock(client: Client): Promise<void> {
  const { rows } = await client.query<{ held: boolean }>(
    `select exists (
       select from pg_catalog.pg_locks
       where locktype = 'advisory' and classid = 0 and objid = $1 and objsubid = 1 and granted
         and pid = pg_catalog.pg_backend_pid()
     ) as held`,
    [migrationLockKey],
  )
  if (rows[0]?.held === true) return
  throw unusable(
    'the connection goes through a pooler that moves it between server sessions, which loses the migration lock; use a direct connection (DIRECT_URL)',
  )
}

function unusable(message: string, cause?: unknown): TenancyError {
  const sqlState = sqlStateOf(cause)
  return new TenancyError('DH409', message, { details: sqlState === undefined ? {} : { sqlState }, cause })
}
