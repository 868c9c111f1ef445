/**
 * Applies one migration. Invariant: its statements, and its row in the history, are there together or not at
 * all. It does not undo what a statement does outside of transactions, such as advancing a sequence.
 */
import { TenancyError } from '../errors.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { describeDatabaseError, errorLine, isConnectionLost, sqlStateOf } from './database-error.ts'
import { adoptHistory, createHistory, recordMigration } from './history.ts'
import type { MigrationFile } from './migration-files.ts'
import { inTransaction, type MigrationSession } from './session.ts'

/**
 * Applies one migration in a transaction of its own, as the owner.
 *
 * @param owner the role that is to own what the migration creates
 * @param before the migrations that this run has applied already; they stay, and the error says so
 * @throws {TenancyError} `DH405` when the file fails, `DH406` when it lacks a privilege, `DH407` when it ended
 * its transaction, `DH409` when the connection was lost
 *
 * @example
 * ```ts
 * await applyMigration(session, migration, 'doublehull_owner', [])
 * ```
 */
export async function applyMigration(
  session: MigrationSession,
  migration: MigrationFile,
  owner: string,
  before: readonly string[],
): Promise<void> {
  const { client } = session
  // what a file set for the session must not reach the next file
  await client.query('reset session authorization; reset role; reset all')
  try {
    await inTransaction(session, async () => {
      await adoptHistory(session, owner)
      await becomeOwner(session, owner)
      await createHistory(session)
      // the reader of the file relied on it; `off` would make a backslash hide the end of a string
      await client.query('set local standard_conforming_strings = on')
      const start = await transactionMark(client)
      // the whole file in one message of the simple protocol: only PostgreSQL decides where statements end
      await client.query(migration.sql).catch((error: unknown) => {
        throw failure(error, migration, before, errorLine(error, migration.sql))
      })
      if ((await transactionMark(client)).id !== start.id) throw endedTransaction(migration)
      await becomeOwner(session, owner)
      await recordMigration(session, migration, start.seconds)
    })
  } catch (error) {
    // anything else failed around the file: a deferred constraint at the commit, or the history
    throw error instanceof TenancyError ? error : failure(error, migration, before)
  }
}

async function becomeOwner({ client, urlSchema }: MigrationSession, owner: string): Promise<void> {
  // `local`, so that a pooler never hands the owner's powers to the next client
  await client.query(`reset session authorization; set local role ${quoteIdentifier(owner)}`)
  if (urlSchema === undefined) return
  const { rowCount } = await client.query('select from pg_catalog.pg_namespace where nspname = $1', [
    urlSchema,
  ])
  if (rowCount === 0) await client.query(`create schema ${quoteIdentifier(urlSchema)}`)
  await client.query(`set local search_path = ${quoteIdentifier(urlSchema)}`)
}

async function transactionMark(client: MigrationSession['client']) {
  const { rows } = await client.query<{ id: string; seconds: number }>(
    `select pg_catalog.pg_current_xact_id()::text as id,
            extract(epoch from pg_catalog.clock_timestamp())::float8 as seconds`,
  )
  return { id: rows[0]?.id ?? '', seconds: rows[0]?.seconds ?? 0 }
}

function endedTransaction({ name }: MigrationFile): TenancyError {
  return new TenancyError(
    'DH407',
    `migration ${name} ended the transaction it ran in, so what came before stays and the history does not name it; remove the statement that ended it, and undo by hand what it did`,
    { details: { migration: name } },
  )
}

function failure(
  cause: unknown,
  { name }: MigrationFile,
  before: readonly string[],
  line?: number,
): TenancyError {
  const sqlState = sqlStateOf(cause)
  const details = { migration: name, ...(sqlState && { sqlState }), ...keptHint(before) }
  if (isConnectionLost(cause)) {
    const message = `the connection was lost while migration ${name} ran; PostgreSQL rolls back what was not committed, so run it again`
    return new TenancyError('DH409', message, { details, cause })
  }
  const what = `migration ${name} failed${line === undefined ? '' : ` in line ${line}`} and was rolled back (${describeDatabaseError(cause)})`
  if (sqlState === '42501') {
    return new TenancyError('DH406', `${what}; grant the owner role the privilege, or change the file`, {
      details,
      cause,
    })
  }
  return new TenancyError('DH405', `${what}; ${advice(sqlState, name)}`, { details, cause })
}

function advice(sqlState: string | undefined, name: string): string {
  switch (sqlState) {
    case '25001':
      return `the statement cannot run inside a transaction: use its transactional form (create index without concurrently), or run it by hand and then prisma migrate resolve --applied "${name}"`
    case '2D000':
      return 'a block or procedure must not commit or roll back: remove the statement'
    case '55P04':
      return 'a new enum value can be used only after its transaction: put its use into the next migration'
    case '57014':
      return 'a time-out cancelled it: raise statement_timeout for the connecting role, or split the file'
    default:
      return 'repair the file, or the data that it met, and run it again'
  }
}

function keptHint(before: readonly string[]) {
  return before.length === 0 ? {} : { hint: `applied earlier in this run, and kept: ${before.join(', ')}` }
}
