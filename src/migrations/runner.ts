/**
 * Roles, then migrations. Invariant: whatever can be verified is verified before anything is changed; after
 * that, roles change in one transaction, and each migration in one of its own together with its row in the
 * history. The history is Prisma's, so `prisma migrate deploy` and this runner can take turns.
 *
 * It does not compare the schema with the migrations: what somebody changed by hand stays unseen.
 */
import { TenancyError } from '../errors.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { applyMigration } from './apply.ts'
import { createAuditPartitions } from './audit-partitions.ts'
import { bundledMigrations } from './bundled-migrations.ts'
import { type ContextReport, readContextMode, syncContext } from './context-mode.ts'
import { type ContextOptions, parseContextOptions } from './context-settings.ts'
import { planMigrations } from './history.ts'
import { readMigrations } from './migration-files.ts'
import { parseRoleOptions, type RoleOptions } from './role-settings.ts'
import { type RoleReport, syncRoles } from './roles.ts'
import { inTransaction, type MigrationSession, withMigrationSession } from './session.ts'

export {
  type AuditDatabase,
  type AuditPartition,
  type DroppedPartition,
  dropAuditEvents,
  ensureAuditPartitions,
} from './audit-partitions.ts'
export type { ContextReport } from './context-mode.ts'
export type { ContextOptions } from './context-settings.ts'
export { createLogin, dropLogin, type LoginOptions, type LoginPurpose } from './login.ts'
export {
  type PoliciesBase,
  type PoliciesFinding,
  type PoliciesOptions,
  type PoliciesPlan,
  planPolicies,
} from './plan-policies.ts'
export {
  type OnlineFinding,
  type OnlineStepKind,
  type ProtectEvent,
  type ProtectOptions,
  type ProtectReport,
  type ProtectStep,
  protectDatabase,
} from './protect.ts'
export type { LoginRole, RoleOptions } from './role-settings.ts'
export type { RoleReport } from './roles.ts'

/** What a run is doing, for a log. Names only; no event carries a password, a verifier or a connection string. */
export type MigrationEvent =
  | { readonly type: 'waitingForLock'; readonly timeoutMs: number }
  | { readonly type: 'role'; readonly role: RoleReport }
  | { readonly type: 'alreadyApplied'; readonly migrations: readonly string[] }
  | { readonly type: 'applying'; readonly migration: string }
  | { readonly type: 'applied'; readonly migration: string; readonly milliseconds: number }
  /** Partitions of the audit events that were missing. */
  | { readonly type: 'partitions'; readonly partitions: readonly string[] }
  | { readonly type: 'context'; readonly context: ContextReport }

/** Options of {@link runMigrations}. */
export interface MigrationOptions {
  /**
   * A direct connection to the database, as a PostgreSQL URL: as an administrator for the first run (a
   * superuser, or a role with CREATEROLE that owns the database), later as the migrator too.
   */
  readonly connectionString: string
  /** Where the migrations are; by default the ones that come with the package. */
  readonly directory?: string
  readonly roles?: RoleOptions
  /** Whether contexts must be signed, and with which keys. Left as it is unless told. */
  readonly context?: ContextOptions
  /** Where passwords and keys are looked up that the options don't give; `process.env` unless told. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** How long to wait for another run on the same database, in milliseconds. Default 60,000. */
  readonly lockTimeoutMs?: number
  /** Called for each step, after it has been committed. */
  readonly log?: (event: MigrationEvent) => void
}

/** What a run did. Names are in the order of the directory. */
export interface MigrationReport {
  readonly applied: readonly string[]
  readonly alreadyApplied: readonly string[]
  /** Empty when the roles were left alone. */
  readonly roles: readonly RoleReport[]
  readonly context: ContextReport
}

const defaultLockTimeoutMs = 60_000

/**
 * Sets up the roles, and applies the migrations that a database doesn't have yet. Running it again changes
 * nothing, and two runs at once are safe: the second waits.
 *
 * Passwords that the options don't give come from `DOUBLEHULL_MIGRATOR_PASSWORD`, `DOUBLEHULL_APP_PASSWORD`,
 * `DOUBLEHULL_READER_PASSWORD` and `DOUBLEHULL_SYSTEM_PASSWORD`; keys of signed contexts from
 * `DOUBLEHULL_CONTEXT_KEY` and `DOUBLEHULL_CONTEXT_KEY_PREVIOUS`. Without them signing stays as it is.
 *
 * @throws {TenancyError} each leaves the database as it was, but for what `details.hint` names:
 * `DH401` the directory cannot be used; `DH402` an applied migration was changed; `DH403` one is missing;
 * `DH404` one failed earlier; `DH405` one fails; `DH406` a privilege is lacking; `DH407` one begins or ends a
 * transaction; `DH408` role names, passwords or keys cannot be used; `DH409` the database cannot be used
 *
 * @example
 * ```ts
 * const { applied } = await runMigrations({ connectionString: 'postgresql://admin:secret@localhost/app' })
 * ```
 */
export async function runMigrations(options: MigrationOptions): Promise<MigrationReport> {
  const { connectionString, directory = bundledMigrations, lockTimeoutMs = defaultLockTimeoutMs } = options
  const log = options.log ?? (() => undefined)
  const environment = options.environment ?? process.env
  const settings = parseRoleOptions(options.roles ?? {}, environment)
  const contextSettings = parseContextOptions(options.context ?? {}, environment)
  const files = await readMigrations(directory)
  const onWait = () => log({ type: 'waitingForLock', timeoutMs: lockTimeoutMs })
  return withMigrationSession(connectionString, lockTimeoutMs, onWait, async (session) => {
    const { owner } = settings.names
    const { alreadyApplied, pending } = await planMigrations(session, files, owner)
    const roles = settings.manage ? await syncRoles(session, settings) : []
    for (const role of roles) log({ type: 'role', role })
    log({ type: 'alreadyApplied', migrations: alreadyApplied })
    if (pending.length > 0) await requireOwner(session, owner)
    const applied: string[] = []
    for (const migration of pending) {
      log({ type: 'applying', migration: migration.name })
      const start = performance.now()
      await applyMigration(session, migration, owner, applied)
      applied.push(migration.name)
      log({ type: 'applied', migration: migration.name, milliseconds: performance.now() - start })
    }
    const partitions = (await createAuditPartitions(session, owner)) ?? []
    if (partitions.length > 0) {
      log({ type: 'partitions', partitions: partitions.map(({ partition }) => partition) })
    }
    const context =
      contextSettings === 'keep'
        ? await readContextMode(session)
        : await syncContext(session, contextSettings, owner)
    log({ type: 'context', context })
    return { applied, alreadyApplied, roles, context }
  })
}

/** With managed roles all of this has just been granted; where somebody else manages them it may be missing. */
async function requireOwner(session: MigrationSession, owner: string): Promise<void> {
  const lacking = await inTransaction(session, () => lackingPrivilege(session, owner))
  if (lacking === undefined) return
  throw new TenancyError('DH406', `${lacking}; no migration was applied`, { details: { role: owner } })
}

async function lackingPrivilege(
  { client, loginRole, serverVersion, schema }: MigrationSession,
  owner: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{
    can_become: boolean
    on_database: boolean
    on_schema: boolean | null
  }>(
    `select pg_catalog.pg_has_role(session_user, r.oid, $2) as can_become,
            pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'create') as on_database,
            (select pg_catalog.has_schema_privilege(r.oid, n.oid, 'create')
             from pg_catalog.pg_namespace n where n.nspname = $3) as on_schema
     from pg_catalog.pg_roles r
     where r.rolname = $1`,
    [owner, serverVersion >= 160000 ? 'set' : 'member', schema],
  )
  const [row] = rows
  const role = quoteIdentifier(owner)
  if (row === undefined) return `the owner role ${role} does not exist; run with managed roles, or create it`
  if (!row.can_become) {
    return `${loginRole} is not a member of the owner role; run: grant ${role} to ${quoteIdentifier(loginRole)}`
  }
  if (!row.on_database) return `${role} may not create schemas; run: grant create on database … to ${role}`
  if (row.on_schema === false) {
    return `${role} may not create objects in schema ${schema}; run: grant usage, create on schema ${quoteIdentifier(schema)} to ${role}`
  }
  return undefined
}
