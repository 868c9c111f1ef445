import { TenancyError } from '../errors.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { describeDatabaseError, sqlStateOf } from './database-error.ts'
import { inTransaction, type MigrationSession, withMigrationSession } from './session.ts'

/** A partition of the audit events that was made, and how many events came into it from the default one. */
export interface AuditPartition {
  readonly partition: string
  readonly moved: number
}

/** A month of audit events that {@link dropAuditEvents} drops, or would drop. */
export interface DroppedPartition {
  readonly partition: string
  readonly events: number
  /** Events that come behind one of a month that stays; they stay as well. */
  readonly kept: number
  readonly tenants: number
  /** Tenants without a checkpoint at or after their last event in it; while there is one, nothing is dropped. */
  readonly tenantsWithoutCheckpoint: number
}

/** As the driver has it: large numbers are text. */
interface DropRow {
  readonly partition: string
  readonly events: string
  readonly kept: string
  readonly tenants: string
  readonly tenants_without_checkpoint?: string
}

/** Where the audit events are: a direct connection, as an administrator or the migrator. */
export interface AuditDatabase {
  readonly connectionString: string
  /** The role that owns them; `doublehull_owner` unless told. */
  readonly owner?: string
  /** How long to wait for another migration run, and for each lock, in milliseconds. Default 60,000. */
  readonly lockTimeoutMs?: number
}

/** How far ahead there are partitions after each run of the migrations. */
const monthsAhead = 3
const defaultLockTimeoutMs = 60_000

/**
 * Makes the partitions of the audit events for this month and the coming ones.
 *
 * @param months how many coming ones
 * @throws {TenancyError} `DH409` where there is no such table, or the database cannot be used, `DH410` where a lock
 *   was not free in time
 *
 * @example
 * ```ts
 * const made = await ensureAuditPartitions({ connectionString }, 3)
 * ```
 */
export async function ensureAuditPartitions(
  target: AuditDatabase,
  monthsAhead: number,
): Promise<readonly AuditPartition[]> {
  return onTrail(target, async (session, owner, lockTimeoutMs) => {
    const made = await createAuditPartitions(session, owner, lockTimeoutMs, monthsAhead)
    if (made === undefined) throw noTrail()
    return made
  })
}

/**
 * Drops the audit events of whole months, behind checkpoints, and says so in the chain of each tenant.
 *
 * @param before the first month that stays: `2026-01`
 * @param options `dryRun`: only say what would be dropped
 * @throws {TenancyError} `DH506` for a month that has not begun, `DH511` where a tenant has no checkpoint at or after
 *   its last event of a month, `DH409` and `DH410` as {@link ensureAuditPartitions}
 *
 * @example
 * ```ts
 * const dropped = await dropAuditEvents({ connectionString }, '2025-01', { dryRun: true })
 * ```
 */
export async function dropAuditEvents(
  target: AuditDatabase,
  before: string,
  { dryRun }: { readonly dryRun: boolean },
): Promise<readonly DroppedPartition[]> {
  return onTrail(target, async (session, owner, lockTimeoutMs) => {
    const rows = await asOwner(session, owner, lockTimeoutMs, async () => {
      if (!(await hasTrail(session))) throw noTrail()
      const { client } = session
      if (!dryRun)
        return client.query<DropRow>(`select * from audit.drop_events_before(($1 || '-01')::date)`, [before])
      // what the default partition holds counts as well, so it is moved, and moved back
      await client.query('savepoint looked; select audit.ensure_partitions(0)')
      const found = await client.query<DropRow>(`select * from audit.events_before(($1 || '-01')::date)`, [
        before,
      ])
      await client.query('rollback to savepoint looked')
      return found
    })
    return rows.rows.map((row) => ({
      partition: row.partition,
      events: Number(row.events) - (dryRun ? Number(row.kept) : 0),
      kept: Number(row.kept),
      tenants: Number(row.tenants),
      tenantsWithoutCheckpoint: Number(row.tenants_without_checkpoint ?? 0),
    }))
  })
}

/** @returns what was made, or `undefined` where the schema has no audit events of the package's */
export async function createAuditPartitions(
  session: MigrationSession,
  owner: string,
  lockTimeoutMs = defaultLockTimeoutMs,
  months = monthsAhead,
): Promise<readonly AuditPartition[] | undefined> {
  if (!(await hasTrail(session))) return undefined
  const { rows } = await asOwner(session, owner, lockTimeoutMs, () =>
    session.client.query<{ partition: string; moved: string }>(
      'select partition, moved from audit.ensure_partitions($1)',
      [months],
    ),
  )
  return rows.map(({ partition, moved }) => ({ partition, moved: Number(moved) }))
}

function onTrail<Result>(
  { connectionString, owner = 'doublehull_owner', lockTimeoutMs = defaultLockTimeoutMs }: AuditDatabase,
  work: (session: MigrationSession, owner: string, lockTimeoutMs: number) => Promise<Result>,
): Promise<Result> {
  return withMigrationSession(
    connectionString,
    lockTimeoutMs,
    () => {},
    (session) => work(session, owner, lockTimeoutMs),
  )
}

async function hasTrail({ client }: MigrationSession): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `select pg_catalog.to_regprocedure('audit.ensure_partitions(integer)') is not null as found`,
  )
  return rows[0]?.found ?? false
}

async function asOwner<Result>(
  session: MigrationSession,
  owner: string,
  lockTimeoutMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await inTransaction(session, async () => {
      // `local`, so that a pooler never hands the owner's powers to the next client
      await session.client.query(`set local role ${quoteIdentifier(owner)}`)
      await session.client.query(`set local lock_timeout = ${Math.round(lockTimeoutMs)}`)
      return work()
    })
  } catch (cause) {
    const sqlState = sqlStateOf(cause)
    if (cause instanceof TenancyError || sqlState === undefined) throw cause
    const details = { sqlState }
    const text = describeDatabaseError(cause)
    switch (sqlState) {
      case '55P03':
        throw new TenancyError('DH410', 'the audit events are in use; try again when fewer write', {
          details,
          cause,
        })
      case '42501':
        throw new TenancyError('DH406', `partitions are the owner's: ${text}`, { details, cause })
      case 'DH506':
      case 'DH511':
        throw new TenancyError(sqlState, (cause as Error).message.replace(`${sqlState}: `, ''), {
          details,
          cause,
        })
      default:
        throw new TenancyError('DH409', `the audit events could not be partitioned: ${text}`, {
          details,
          cause,
        })
    }
  }
}

function noTrail(): TenancyError {
  return new TenancyError(
    'DH409',
    'the database has no audit.ensure_partitions; run doublehull migrate first',
  )
}
