/**
 * Asks a live database whether it holds what hull two relies on. Invariant: it only reads, in one read-only transaction
 * that sees one state of the catalog, and it needs no privilege but to connect. What it can't see: what a superuser may
 * do, rows, and whether what the checks know is all that there is.
 */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { catalogInput } from './catalog-input.ts'
import { type Check, loadChecks } from './check.ts'
import { type Finding, levels } from './finding.ts'

export interface VerifyOptions {
  /** Any login of the database; it needs no rights in it. */
  readonly connectionString: string
  /** The schema that is to be held. */
  readonly manifest: Manifest
  /** Names of the roles, where they are not the default ones. */
  readonly roles?: Partial<RoleNames>
}

/** What {@link verifyDatabase} answers. */
export interface VerifyReport {
  readonly server: {
    /** As PostgreSQL says it, such as `18.4`. */
    readonly version: string
    readonly database: string
    /** Who was logged in. */
    readonly role: string
  }
  /** How many checks were made. */
  readonly checks: number
  /** The worst first, then by code and object. */
  readonly findings: readonly Finding[]
}

/** Sends one statement with its values. */
export type Ask = (text: string, values: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>

const prelude = readFileSync(new URL('./prelude.sql', import.meta.url), 'utf8')

/**
 * Looks for every known way around row-level security in a live database.
 *
 * @param options the database, and the manifest of its schema
 * @returns what was found; nothing above `info` where hull two holds
 * @throws {TenancyError} `DH409` when the database can't be asked
 *
 * @example
 * ```ts
 * const { findings } = await verifyDatabase({ connectionString: process.env.DATABASE_URL, manifest })
 * if (findings.some(({ level }) => level === 'error')) process.exitCode = 1
 * ```
 */
export async function verifyDatabase(options: VerifyOptions): Promise<VerifyReport> {
  const roles = { ...defaultRoleNames, ...options.roles }
  const client = new pg.Client({ connectionString: options.connectionString })
  // an idle connection that is lost would end the process; the query that misses it rejects as well
  client.on('error', () => {})
  try {
    await client.connect()
    const ask: Ask = async (text, values) => (await client.query(text, [...values])).rows
    // one state of the catalog for all checks, and every name that it prints with its schema
    await client.query(`begin isolation level repeatable read read only; set local search_path = ''`)
    const [server] = (await ask(
      `select pg_catalog.current_setting('server_version') as version,
              pg_catalog.current_database()::text as database,
              session_user::text as role`,
      [],
    )) as unknown as [VerifyReport['server']]
    const checks = loadChecks()
    const findings = await askChecks(ask, checks, options.manifest, roles)
    await client.query('rollback')
    return { server, checks: checks.length, findings }
  } catch (error) {
    throw unreachable(error)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Asks the given checks, one after the other; the worst findings come first. */
export async function askChecks(
  ask: Ask,
  checks: readonly Check[],
  manifest: Manifest,
  roles: RoleNames,
): Promise<readonly Finding[]> {
  const input = catalogInput(manifest, roles)
  const findings: Finding[] = []
  for (const check of checks) {
    const rows = (await ask(checkSql(check), [input])) as unknown as readonly Pick<
      Finding,
      'object' | 'detail' | 'remedy'
    >[]
    const { code, level, title } = check
    for (const { object, detail, remedy } of rows) {
      findings.push({ code, level, title, object, detail, remedy, page: `docs/checks/${code}.md` })
    }
  }
  // sort is stable: within a level, the order of the checks and of their rows
  return findings.sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level))
}

function checkSql({ sql }: Check): string {
  return `with ${prelude}
select object, detail, remedy
  from (
${sql}
  ) as finding (object, detail, remedy)
 order by object collate "C", detail collate "C"`
}

function unreachable(error: unknown): unknown {
  if (error instanceof TenancyError) return error
  const code = (error as { readonly code?: unknown }).code
  const sqlState = typeof code === 'string' ? code : undefined
  return new TenancyError(
    'DH409',
    `the database could not be asked${sqlState === undefined ? '' : ` (${sqlState})`}; is it there, and may the login connect?`,
    { cause: error, details: sqlState === undefined ? {} : { sqlState } },
  )
}
