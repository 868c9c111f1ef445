import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { type DatabaseFacts, factsOf } from '../policy/database-facts.ts'
import { identifierFault } from '../policy/identifier.ts'
import { nextMigration, type PoliciesFinding } from '../policy/next-migration.ts'
import { type ProtectedTable, protectedTables } from '../policy/policy.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { foundationMigrations, type NamedSql } from './foundation.ts'
import { compareHistory } from './history.ts'
import { compareNames, type MigrationFile, readMigrationFiles } from './migration-files.ts'
import { readFacts } from './read-facts.ts'
import { withReplay } from './replay.ts'
import { inTransaction, withMigrationSession } from './session.ts'

export type { PoliciesFinding } from '../policy/next-migration.ts'

/** What a manifest is compared with. */
export type PoliciesBase =
  /** The folder of migrations, applied one after another to a new database of a server, which is dropped afterwards. */
  | {
      readonly kind: 'history'
      /** An administrator's connection string for the server; the embedded one unless told. */
      readonly serverUrl?: string
    }
  /** A database that has all migrations of the folder. Any login that may read the history and the catalog. */
  | { readonly kind: 'database'; readonly connectionString: string }

/** Options of {@link planPolicies}. */
export interface PoliciesOptions {
  /** The schema, as the generator wrote it. */
  readonly manifest: Manifest
  /** The folder of migrations, such as `prisma/migrations`. */
  readonly directory: string
  /** What the manifest is compared with; the history unless told. */
  readonly base?: PoliciesBase
  /** Names of the roles; the default ones unless told. */
  readonly roles?: Partial<RoleNames>
  /** What the migration of the policies is called behind its timestamp; `tenancy` unless told. */
  readonly name?: string
  /** Drop permissive policies that are not the package's; their definitions stay as comments. */
  readonly adopt?: boolean
  /** Models that get a tenant column of their own, filled from their parents. */
  readonly denormalise?: readonly string[]
  /** Let the foreign keys carry the tenant, and lead an index of each table with it. */
  readonly compositeKeys?: boolean
  /** Told what is going on, one line at a time. */
  readonly log?: (line: string) => void
}

/** What {@link planPolicies} answers. */
export interface PoliciesPlan {
  /** The migrations that are due, in order; none where there is nothing to do. */
  readonly migrations: readonly MigrationFile[]
  readonly findings: readonly PoliciesFinding[]
}

/** How long another migration run may hold the database of a comparison, in milliseconds. */
const lockTimeoutMs = 60_000

/**
 * Compares what a manifest wants of row-level security with what a project's migrations make of it, or a database
 * has, and writes down exactly the difference as the next migrations. Changes nothing.
 *
 * @returns the migrations, and what is left alone
 * @throws {TenancyError} `DH401` for a folder that can't be used; `DH304` for a manifest that can't be used, or of which
 * the history lacks a table; `DH402`, `DH403` and `DH404` where the database has another history; `DH405` where a
 * migration fails; `DH409` where the server can't be used, or lacks migrations of the folder
 *
 * @example
 * ```ts
 * const plan = await planPolicies({ manifest, directory: 'prisma/migrations' })
 * for (const { name, sql } of plan.migrations) console.log(name, sql)
 * ```
 */
export async function planPolicies(options: PoliciesOptions): Promise<PoliciesPlan> {
  const { directory, base = { kind: 'history' }, log = () => {} } = options
  const roles: RoleNames = { ...defaultRoleNames, ...options.roles }
  const name = options.name ?? 'tenancy'
  if (!/^[\w-]+$/.test(name) || identifierFault(name) !== undefined) {
    throw new TenancyError(
      'DH401',
      'the name of the migration takes letters, digits, _ and - only, and up to 63 of them',
    )
  }
  const files = await readHistoryOf(directory)
  const names = files.map((file) => file.name)
  const plan = (facts: DatabaseFacts) => compare(options, facts, { roles, name })
  if (base.kind === 'database') {
    return withMigrationSession(
      base.connectionString,
      lockTimeoutMs,
      () => log('waiting for another migration run'),
      async (session) => {
        const { pending } = await compareHistory(session, files, roles.owner)
        if (pending.length > 0) throw unapplied(pending)
        const facts = await inTransaction(session, () => readFacts(session.client, options.manifest, roles))
        const { migrations, findings } = plan(facts)
        return { migrations: stamped(migrations, names, directory), findings }
      },
    )
  }
  return withReplay(files, base.serverUrl, log, async ({ client, apply }) => {
    const read = async () => {
      await client.query('begin')
      const facts = await readFacts(client, options.manifest, roles)
      await client.query('rollback')
      return facts
    }
    const { migrations, findings } = plan(await read())
    const stampedOnes = stamped(migrations, names, directory)
    if (stampedOnes.length > 0) {
      await apply(stampedOnes)
      const again = plan(await read()).migrations
      if (again.length > 0) throw unfinished(again)
    }
    return { migrations: stampedOnes, findings }
  })
}

function compare(
  { manifest, adopt = false, compositeKeys = false, denormalise = [] }: PoliciesOptions,
  facts: DatabaseFacts,
  { roles, name }: { readonly roles: RoleNames; readonly name: string },
): { readonly migrations: readonly NamedSql[]; readonly findings: readonly PoliciesFinding[] } {
  const missing = protectedTables(manifest, roles).filter(
    ({ schema, table }) => factsOf(facts, schema, table) === undefined,
  )
  if (missing.length > 0) throw missingTables(missing)
  const { sql, findings } = nextMigration({ manifest, roles, facts, adopt, compositeKeys, denormalise })
  const foundation = foundationMigrations(facts, { roles, tenantIdType: manifest.tenantIdType })
  return { migrations: [...foundation, ...(sql === undefined ? [] : [{ name, sql }])], findings }
}

async function readHistoryOf(directory: string): Promise<readonly MigrationFile[]> {
  const files = await readMigrationFiles(directory).catch((cause: unknown) => {
    if (isMissingFolder(cause)) return []
    throw cause
  })
  if (files.length > 0) return files
  throw new TenancyError(
    'DH401',
    `there are no migrations in ${directory}; make the first with prisma migrate dev, or the baseline of a database that has its tables already: mkdir -p ${directory}/0_init && prisma migrate diff --from-empty --to-schema prisma/schema.prisma --script > ${directory}/0_init/migration.sql && prisma migrate resolve --applied 0_init`,
  )
}

function isMissingFolder(error: unknown): boolean {
  if (!(error instanceof TenancyError) || error.details.migration !== undefined) return false
  const { cause } = error
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}

/**
 * Puts timestamps of Prisma's form before the names. They end now, so that what `prisma migrate dev` writes next comes
 * behind them, unless what is there is later.
 */
function stamped(
  migrations: readonly NamedSql[],
  existing: readonly string[],
  directory: string,
): readonly MigrationFile[] {
  const last = existing.reduce((latest, name) => {
    const [digits] = /^\d{14}(?!\d)/.exec(name) ?? []
    return digits !== undefined && digits > latest ? digits : latest
  }, '')
  const start = Math.max(Date.now() - (migrations.length - 1) * 1000, last === '' ? 0 : secondAfter(last))
  return migrations.map(({ name, sql }, index) => {
    const full = `${timestamp(start + index * 1000)}_${name}`
    const later = existing.find((one) => compareNames(one, full) >= 0 || one >= full)
    if (later === undefined) return { name: full, sql }
    throw new TenancyError(
      'DH401',
      `the migration ${later} in ${directory} would be applied behind ${full}; Prisma sorts migrations by their names, so let this one's begin with a timestamp, and rename it in _prisma_migrations too`,
      { details: { migration: later } },
    )
  })
}

function timestamp(time: number): string {
  return new Date(time).toISOString().replace(/\D/g, '').slice(0, 14)
}

/** The next second, also where the digits are no time, such as 20230000000000. */
function secondAfter(digits: string): number {
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(digits) ?? []
  const next = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second) + 1,
  )
  if (timestamp(next) > digits) return next
  return Date.UTC(Number(year) + 1, 0)
}

function missingTables(missing: readonly ProtectedTable[]): TenancyError {
  const tables = missing.map(({ schema, table }) => `${schema}.${table}`)
  const shown = tables.slice(0, 5).join(', ')
  const mend = missing.every(({ isView }) => isView)
    ? 'Prisma writes no views: put create view … into a migration of yours'
    : 'run prisma migrate dev first, or prisma generate where the model is gone'
  const more = tables.length > 5 ? ` and ${tables.length - 5} more` : ''
  return new TenancyError('DH304', `the manifest has ${shown}${more}, which no migration makes; ${mend}`, {
    details: { tables },
  })
}

function unapplied(pending: readonly MigrationFile[]): TenancyError {
  const [first] = pending
  return new TenancyError(
    'DH409',
    `the database lacks ${pending.length} of the migrations, from ${first?.name ?? ''} on; apply them first with prisma migrate deploy or doublehull migrate, or leave out --database-url to compare with the migrations alone`,
    { details: first === undefined ? {} : { migration: first.name } },
  )
}

function unfinished(migrations: readonly NamedSql[]): TenancyError {
  const statements = migrations.flatMap(({ sql }) =>
    sql.split('\n').filter((line) => line !== '' && !line.startsWith('--') && !line.startsWith('set local')),
  )
  return new TenancyError(
    'DH405',
    `the migration was tried on a throw-away database and leaves something to do (${statements[0] ?? ''}); nothing was written`,
  )
}
