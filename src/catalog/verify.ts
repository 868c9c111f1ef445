/**
 * Asks a live database whether it holds what hull two relies on. Invariant: it only reads, in one read-only transaction
 * that sees one state of the catalog, and it needs no privilege but to connect. What it can't see: what a superuser may
 * do, rows, and whether what the checks know is all that there is.
 */
import pg from 'pg'
import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { type Ask, askChecks } from './ask-checks.ts'
import { catalogInput } from './catalog-input.ts'
import { type Check, loadChecks } from './check.ts'
import type { Finding } from './finding.ts'

export interface VerifyOptions {
  /**
   * Any login of the database, as `postgresql://…`; it needs no rights in it. May be undefined to the compiler, as a
   * variable of the environment is; it is refused then.
   */
  readonly connectionString: string | undefined
  /** The schema that is to be held. */
  readonly manifest: Manifest
  /** Names of the roles, where they are not the default ones. */
  readonly roles?: Partial<RoleNames>
  /** Codes of the checks to make, such as `DH310`; all unless told. */
  readonly checks?: readonly string[]
  /** How long to wait for the server to let the login in, in milliseconds; 10,000 unless told. */
  readonly connectionTimeoutMillis?: number
  /** Ends the connection, whatever is asked; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal
  /** Called after each check. */
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** How far {@link verifyDatabase} is. */
export interface VerifyProgress {
  /** The code of the check that was just made. */
  readonly check: string
  /** How many findings it has. */
  readonly findings: number
  /** How many checks are made. */
  readonly done: number
  /** How many there are to make. */
  readonly total: number
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

/**
 * Looks for every known way around row-level security in a live database.
 *
 * @param options the database, and the manifest of its schema
 * @returns what was found; nothing above `info` where hull two holds
 * @throws {TenancyError} `DH409` when the database can't be asked, or where `checks` names one that there is not; the
 *   reason of the signal when that ends it
 *
 * @example
 * ```ts
 * const { findings } = await verifyDatabase({ connectionString: process.env.DATABASE_URL, manifest })
 * if (findings.some(({ level }) => level === 'error')) process.exitCode = 1
 * ```
 */
export async function verifyDatabase(options: VerifyOptions): Promise<VerifyReport> {
  const { manifest, signal, onProgress } = options
  const roles = { ...defaultRoleNames, ...options.roles }
  const checks = chosenChecks(options.checks)
  signal?.throwIfAborted()
  const client = clientOf(options)
  const stop = () => client.connection.stream.destroy()
  try {
    signal?.addEventListener('abort', stop)
    await client.connect()
    const ask: Ask = async (text, values) => (await client.query(text, [...values])).rows
    // one state of the catalog for all checks, and every name that it prints with its schema; compiling would take
    // longer than the statements do
    await client.query(
      `begin isolation level repeatable read read only; set local search_path = ''; set local jit = off`,
    )
    const [server] = (await ask(
      `select pg_catalog.current_setting('server_version') as version,
              pg_catalog.current_database()::text as database,
              session_user::text as role`,
      [],
    )) as unknown as [VerifyReport['server']]
    let done = 0
    const findings = await askChecks(ask, checks, catalogInput(manifest, roles), ({ code }, found) => {
      done++
      onProgress?.({ check: code, findings: found, done, total: checks.length })
    })
    await client.query('rollback')
    return { server, checks: checks.length, findings }
  } catch (error) {
    signal?.throwIfAborted()
    throw unreachable(error)
  } finally {
    signal?.removeEventListener('abort', stop)
    if (signal?.aborted) stop()
    else await client.end().catch(() => {})
  }
}

/** @throws {TenancyError} `DH409` for a connection string that is missing or malformed */
function clientOf({ connectionString = '', connectionTimeoutMillis = 10_000 }: VerifyOptions): pg.Client {
  try {
    // node-postgres takes any other text for the name of a database
    if (!/^postgres(ql)?:\/\//.test(connectionString)) throw new TypeError('no URL of a database')
    const client = new pg.Client({ connectionString, connectionTimeoutMillis })
    // an idle connection that is lost would end the process; the query that misses it rejects as well
    client.on('error', () => {})
    return client
  } catch (cause) {
    throw new TenancyError(
      'DH409',
      'the connection string is missing or not of the form postgresql://user:password@host:port/database',
      { cause },
    )
  }
}

/** @throws {TenancyError} `DH409` for a code that no check has */
function chosenChecks(codes: readonly string[] | undefined): readonly Check[] {
  const checks = loadChecks()
  if (codes === undefined) return checks
  if (codes.length === 0) throw new TenancyError('DH409', 'checks names none; leave it out for all of them')
  const unknown = codes.findIndex((code) => !checks.some((check) => check.code === code))
  if (unknown === -1) return checks.filter(({ code }) => codes.includes(code))
  throw new TenancyError(
    'DH409',
    `the check at position ${unknown + 1} of those that were asked for does not exist; doublehull verify --list tells all of them`,
  )
}

function unreachable(error: unknown): unknown {
  if (error instanceof TenancyError) return error
  const sqlState = error instanceof pg.DatabaseError ? error.code : undefined
  const { code } = error as { readonly code?: unknown }
  const why = typeof code === 'string' ? ` (${code})` : ''
  return new TenancyError(
    'DH409',
    `the database could not be asked${why}; is it there, and may the login connect?`,
    { cause: error, details: sqlState === undefined ? {} : { sqlState } },
  )
}
