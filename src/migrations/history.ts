/**
 * The history of applied migrations: Prisma's own table `_prisma_migrations`, read and written as Prisma
 * does, so that `prisma migrate` and this package can take turns on one database.
 */
import { randomUUID } from 'node:crypto'
import { TenancyError } from '../errors.ts'
import { qualified, quoteIdentifier } from '../policy/identifier.ts'
import { checksum, type MigrationFile, matchesChecksum } from './migration-files.ts'
import { inTransaction, type MigrationSession } from './session.ts'

const historyTable = '_prisma_migrations'

/** One row that still counts: rows that `prisma migrate resolve --rolled-back` marked are left out. */
interface HistoryEntry {
  readonly name: string
  readonly checksum: string
  readonly finished: boolean
}

/** What the directory and the history together say. */
export interface MigrationPlan {
  readonly alreadyApplied: readonly string[]
  readonly pending: readonly MigrationFile[]
}

/**
 * Compares a directory with the history of a database. Only reads.
 *
 * @param files the directory, in order
 * @param owner the role that is going to write the history
 * @returns which files are applied, and which are to be applied, both in order
 * @throws {TenancyError} `DH402` for a changed migration, `DH403` for a missing one, `DH404` for one that
 * failed earlier, `DH406` when the history cannot be read or written
 *
 * @example
 * ```ts
 * const { pending } = await planMigrations(session, await readMigrations(directory), 'doublehull_owner')
 * ```
 */
export async function planMigrations(
  session: MigrationSession,
  files: readonly MigrationFile[],
  owner: string,
): Promise<MigrationPlan> {
  const { history, ...plan } = await compareHistory(session, files, owner)
  if (plan.pending.length > 0 && !history.writable) throw notWritable(session.schema, history.owner, owner)
  return plan
}

/**
 * As {@link planMigrations}, for who writes no history.
 *
 * @throws {TenancyError} as {@link planMigrations}, but for a history that cannot be written
 */
export async function compareHistory(
  session: MigrationSession,
  files: readonly MigrationFile[],
  owner: string,
): Promise<MigrationPlan & { readonly history: History }> {
  const history = await inTransaction(session, () => readHistory(session, owner))
  const entries = history.entries
  const failed = entries.find((entry) => !entry.finished)
  if (failed !== undefined) throw failedEarlier(failed.name)
  for (const { name } of entries) if (!files.some((file) => file.name === name)) throw missing(name)
  const applied = new Map(entries.map((entry) => [entry.name, entry.checksum]))
  for (const { name, sql } of files) {
    const recorded = applied.get(name)
    if (recorded !== undefined && !matchesChecksum(sql, recorded)) throw changed(name)
  }
  const alreadyApplied = files.filter((file) => applied.has(file.name)).map((file) => file.name)
  return { alreadyApplied, pending: files.filter((file) => !applied.has(file.name)), history }
}

/** Creates the history's table where there is none, with the definition that Prisma gives it. */
export async function createHistory({ client, schema }: MigrationSession): Promise<void> {
  // asked first, because `if not exists` needs the privilege to create even when it doesn't
  if ((await findHistory(client, schema, null)) !== undefined) return
  await client.query(`
    create table ${qualified(schema, historyTable)} (
      id                  varchar(36) primary key not null,
      checksum            varchar(64) not null,
      finished_at         timestamptz,
      migration_name      varchar(255) not null,
      logs                text,
      rolled_back_at      timestamptz,
      started_at          timestamptz not null default now(),
      applied_steps_count integer not null default 0
    )`)
}

/**
 * Gives the owner a history that Prisma's CLI began as somebody else.
 *
 * @param owner the role that is going to write it
 */
export async function adoptHistory({ client, schema }: MigrationSession, owner: string): Promise<void> {
  const found = await findHistory(client, schema, owner)
  if (found === undefined || found.writable || !found.adoptable) return
  await client.query(`alter table ${qualified(schema, historyTable)} owner to ${quoteIdentifier(owner)}`)
}

/**
 * Records a migration that has just been run in the same transaction.
 *
 * @param startedAt seconds since 1970, by the server's clock
 */
export async function recordMigration(
  { client, schema }: MigrationSession,
  migration: MigrationFile,
  startedAt: number,
): Promise<void> {
  await client.query(
    `insert into ${qualified(schema, historyTable)}
       (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     values ($1, $2, $3, pg_catalog.to_timestamp($4), pg_catalog.clock_timestamp(), 1)`,
    [randomUUID(), checksum(migration.sql), migration.name, startedAt],
  )
}

interface History {
  readonly entries: readonly HistoryEntry[]
  readonly owner: string
  readonly writable: boolean
}

async function readHistory({ client, schema }: MigrationSession, owner: string): Promise<History> {
  const found = await findHistory(client, schema, owner)
  if (found === undefined) return { entries: [], owner, writable: true }
  if (!found.readable) {
    // the one who logged in may read it only as the owner
    await client.query(`set local role ${quoteIdentifier(owner)}`).catch((cause: unknown) => {
      throw notReadable(schema, found.owner, cause)
    })
    if ((await findHistory(client, schema, owner))?.readable !== true) throw notReadable(schema, found.owner)
  }
  const { rows } = await client.query<{ name: string; checksum: string; finished: boolean }>(
    `select migration_name as name, checksum, finished_at is not null as finished
     from ${qualified(schema, historyTable)}
     where rolled_back_at is null
     order by started_at, id`,
  )
  return { entries: rows, owner: found.owner, writable: found.writable || found.adoptable }
}

/** @param owner the role to ask about, null when it is only about whether the table is there */
async function findHistory(client: MigrationSession['client'], schema: string, owner: string | null) {
  const { rows } = await client.query<{
    owner: string
    readable: boolean
    writable: boolean
    adoptable: boolean
  }>(
    `select o.rolname as owner,
            pg_catalog.has_table_privilege(c.oid, 'select')
              and pg_catalog.has_schema_privilege(n.oid, 'usage') as readable,
            coalesce(pg_catalog.has_table_privilege(r.oid, c.oid, 'insert'), false) as writable,
            (select l.rolsuper from pg_catalog.pg_roles l where l.rolname = session_user) as adoptable
     from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_roles o on o.oid = c.relowner
     left join pg_catalog.pg_roles r on r.rolname = $3
     where n.nspname = $1 and c.relname = $2`,
    [schema, historyTable, owner],
  )
  return rows[0]
}

function failedEarlier(migration: string): TenancyError {
  return new TenancyError(
    'DH404',
    `migration ${migration} failed earlier and was left unfinished; repair the database, then run prisma migrate resolve with --rolled-back "${migration}" to apply it again or --applied "${migration}" to keep it`,
    { details: { migration } },
  )
}

function missing(migration: string): TenancyError {
  return new TenancyError(
    'DH403',
    `migration ${migration} was applied to this database but is not in the directory; restore its folder from version control, or check that the directory belongs to this database`,
    { details: { migration } },
  )
}

function changed(migration: string): TenancyError {
  return new TenancyError(
    'DH402',
    `migration ${migration} was changed after it was applied; restore the file and put the change into a new migration`,
    { details: { migration } },
  )
}

function notWritable(schema: string, tableOwner: string, owner: string): TenancyError {
  const table = qualified(schema, historyTable)
  return new TenancyError(
    'DH406',
    `${table} belongs to ${tableOwner}, so ${owner} cannot write the history; run: alter table ${table} owner to ${quoteIdentifier(owner)}`,
    { details: { role: owner, tables: [table] } },
  )
}

function notReadable(schema: string, tableOwner: string, cause?: unknown): TenancyError {
  const table = qualified(schema, historyTable)
  return new TenancyError(
    'DH406',
    `the connection may not read ${table}, which belongs to ${tableOwner}; connect as a role that may, or grant it select`,
    { details: { tables: [table] }, cause },
  )
}
