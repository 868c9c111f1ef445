/**
 * Puts hull two on a database that has data and is in use. Invariant: no table is rewritten, no table is scanned under
 * a lock that stops a reader or a writer, and whoever queues behind a lock that is not free waits no longer than
 * `lockTimeoutMillis`. A table's policies come with ENABLE and FORCE in one transaction, so there is no moment in
 * which it is half protected.
 *
 * It does not mend data: rows that a key would refuse are counted, and the key stays `not valid`.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { type DatabaseFacts, factsOf } from '../policy/database-facts.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { lockOf, type OnlineFinding, type OnlineStep } from '../policy/online-step.ts'
import { onlineSteps } from '../policy/online-steps.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { describeDatabaseError, isConnectionLost, sqlStateOf } from './database-error.ts'
import { readFacts, requireFoundation } from './read-facts.ts'
import { inTransaction, type MigrationSession, withMigrationSession } from './session.ts'

export type { OnlineFinding, OnlineStepKind } from '../policy/online-step.ts'

/** Options of {@link protectDatabase}. */
export interface ProtectOptions {
  /** A direct connection, as a superuser or as a member of the role that owns the tables, such as the migrator. */
  readonly connectionString: string
  /** The schema, as the generator wrote it. */
  readonly manifest: Manifest
  /** Names of the roles; the default ones unless told. */
  readonly roles?: Partial<RoleNames>
  /** How long a lock that stops others may be waited for, in milliseconds, before they are let through; 1,000 unless told. */
  readonly lockTimeoutMillis?: number
  /** How often a step is tried whose lock isn't free, with a longer pause before each; 30 unless told. */
  readonly attempts?: number
  /** Called for each step, when it is done, left or tried again. */
  readonly log?: (event: ProtectEvent) => void
  /** Change nothing, and report the steps as `planned`. False unless told. */
  readonly dryRun?: boolean
}

/** What a run is doing, for a log. Names only. */
export type ProtectEvent =
  | { readonly type: 'waitingForLock'; readonly timeoutMs: number }
  | { readonly type: 'again'; readonly step: ProtectStep; readonly attempt: number }
  | { readonly type: 'step'; readonly step: ProtectStep }

/** A step, and what became of it. */
export interface ProtectStep {
  readonly kind: OnlineStep['kind']
  readonly schema: string
  readonly table: string
  readonly object: string
  readonly sql: string
  /** In words, the strongest lock that it takes. */
  readonly lock: string
  /** `left` where a step that it needs failed. */
  readonly outcome: 'planned' | 'done' | 'failed' | 'left'
  readonly attempts: number
  readonly milliseconds: number
}

/** What a run did. */
export interface ProtectReport {
  /** In the order in which they were run; none where nothing was to be done. */
  readonly steps: readonly ProtectStep[]
  /** What was left alone; a `problem` leaves something unprotected. */
  readonly findings: readonly OnlineFinding[]
  /** No step is left to do and there is no problem. */
  readonly complete: boolean
}

const sessionLockTimeoutMs = 60_000
const defaultLockTimeoutMillis = 1_000
const defaultAttempts = 30
const longestPauseMillis = 10_000

/** The lock was not free in time, or two waited for each other. */
const lockStates = new Set(['55P03', '40P01'])

/**
 * Puts hull two on a filled database while the application works: tenant-leading indexes, composite foreign keys,
 * grants and policies. What is there is left as it is, so a second run does nothing, and a run that broke off is gone
 * on with by the next.
 *
 * The application's role must have its context already, or it is refused from the moment its table is protected.
 *
 * @returns the steps and what was left alone
 * @throws {TenancyError} `DH304` for a manifest that can't be used; `DH406` where a privilege is lacking; `DH409`
 * where the database can't be reached, or lacks the roles or functions that migrations make; `DH410` where a lock was
 * not free in any attempt. What was done before stays, and running it again goes on from there
 *
 * @example
 * ```ts
 * const { findings } = await protectDatabase({ connectionString, manifest })
 * for (const { severity, message } of findings) console.log(severity, message)
 * ```
 */
export async function protectDatabase(options: ProtectOptions): Promise<ProtectReport> {
  const roles: RoleNames = { ...defaultRoleNames, ...options.roles }
  const { connectionString, manifest, dryRun = false } = options
  const log = options.log ?? (() => undefined)
  const onWait = () => log({ type: 'waitingForLock', timeoutMs: sessionLockTimeoutMs })
  return withMigrationSession(connectionString, sessionLockTimeoutMs, onWait, async (session) => {
    // a build waits for what it must, and stops nobody meanwhile; a limit of the role's would only break it off
    await session.client.query('set statement_timeout = 0; set lock_timeout = 0')
    const facts = await factsNow(session, manifest, roles)
    requireFoundation(facts, roles)
    const plan = onlineSteps(manifest, roles, facts)
    const findings = [...plan.findings]
    const run = new Run(session, {
      lockTimeoutMillis: options.lockTimeoutMillis ?? defaultLockTimeoutMillis,
      attempts: options.attempts ?? defaultAttempts,
      log,
      findings,
      actAs: (step) =>
        facts.seesAll ? undefined : (factsOf(facts, step.schema, step.table)?.owner ?? roles.owner),
    })
    if (dryRun) {
      const steps = plan.steps.map((step) => reported(step, 'planned'))
      return { steps, findings, complete: steps.length === 0 && !findings.some(isProblem) }
    }
    for (const step of plan.steps) await run.do(step)
    if (plan.steps.length > 0)
      await findUndone(run, onlineSteps(manifest, roles, await factsNow(session, manifest, roles)).steps)
    return { steps: run.steps, findings, complete: !findings.some(isProblem) }
  })
}

function factsNow(session: MigrationSession, manifest: Manifest, roles: RoleNames): Promise<DatabaseFacts> {
  return inTransaction(session, () => readFacts(session.client, manifest, roles))
}

/** PostgreSQL answers a grant without the right to it with a warning: what was done is looked at, and not believed. */
async function findUndone(run: Run, remaining: readonly OnlineStep[]): Promise<void> {
  for (const step of remaining) {
    const done = run.steps.find((one) => sameStep(one, step))?.outcome === 'done'
    if (done)
      run.fail(step, 'it ran, and the database is as before; whoever runs this may lack the right to grant')
  }
}

function isProblem({ severity }: OnlineFinding): boolean {
  return severity === 'problem'
}

interface RunOptions {
  readonly lockTimeoutMillis: number
  readonly attempts: number
  readonly log: (event: ProtectEvent) => void
  readonly findings: OnlineFinding[]
  /** The role that a step runs as, or `undefined` for the one that logged in. */
  readonly actAs: (step: OnlineStep) => string | undefined
}

/** One pass over the steps. */
class Run {
  readonly steps: ProtectStep[] = []
  readonly #session: MigrationSession
  readonly #options: RunOptions
  readonly #failed = new Set<string>()

  constructor(session: MigrationSession, options: RunOptions) {
    this.#session = session
    this.#options = options
  }

  async do(step: OnlineStep): Promise<void> {
    if (step.needs !== undefined && this.#failed.has(idOf(step, step.needs))) {
      this.#failed.add(idOf(step, step.object))
      this.#report(reported(step, 'left'))
      return
    }
    const start = performance.now()
    const { outcome, attempts } = await this.#try(step)
    if (outcome === 'failed') this.#failed.add(idOf(step, step.object))
    this.#report(reported(step, outcome, attempts, performance.now() - start))
  }

  fail({ schema, table, object }: OnlineStep, why: string): void {
    const where = table === '' ? 'the grants of schemas and functions' : `${schema}.${table}: ${object}`
    this.#options.findings.push({
      severity: 'problem',
      kind: 'failedStep',
      schema,
      table,
      object,
      message: `${where}: ${why}`,
    })
  }

  async #try(step: OnlineStep): Promise<{ readonly outcome: 'done' | 'failed'; readonly attempts: number }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#run(step)
        return { outcome: 'done', attempts: attempt }
      } catch (error) {
        if (error instanceof TenancyError) throw error
        const sqlState = sqlStateOf(error)
        if (sqlState === undefined || isConnectionLost(error)) throw this.#lost(step, error)
        await this.#cleanUp(step)
        if (lockStates.has(sqlState)) {
          if (attempt >= this.#options.attempts) throw this.#locked(step, attempt, error)
          this.#options.log({ type: 'again', step: reported(step, 'planned', attempt), attempt })
          await pause(pauseBefore(attempt))
          continue
        }
        if (sqlState === '42501') throw this.#notAllowed(step, error)
        await this.#describe(step, error)
        return { outcome: 'failed', attempts: attempt }
      }
    }
  }

  async #run(step: OnlineStep): Promise<void> {
    const { client } = this.#session
    const role = this.#options.actAs(step)
    if (step.transaction) {
      await inTransaction(this.#session, async () => {
        if (role !== undefined) await client.query(`set local role ${quoteIdentifier(role)}`)
        await client.query(`set local lock_timeout = ${Math.round(this.#options.lockTimeoutMillis)}`)
        for (const statement of step.statements) await client.query(statement)
      })
      return
    }
    if (role !== undefined) await client.query(`set role ${quoteIdentifier(role)}`)
    try {
      for (const statement of step.statements) await client.query(statement)
    } finally {
      if (role !== undefined) await client.query('reset role').catch(() => undefined)
    }
  }

  /** What a build that failed leaves is of no use, and is kept up to date with every write. */
  async #cleanUp(step: OnlineStep): Promise<void> {
    if (step.cleanUp === undefined) return
    // where this fails too, the next run begins with it
    await this.#run({ ...step, statements: [step.cleanUp] }).catch(() => undefined)
  }

  async #describe(step: OnlineStep, error: unknown): Promise<void> {
    const { schema, table, object } = step
    if (sqlStateOf(error) !== '23503' || step.violations === undefined) {
      this.fail(step, `${describeDatabaseError(error)}; mend it, and run this again`)
      return
    }
    const rows = await this.#count(step, step.violations)
    this.#options.findings.push({
      severity: 'problem',
      kind: 'violatingRows',
      schema,
      table,
      object,
      rows,
      message: `${schema}.${table}: ${rows} ${rows === 1 ? 'row does' : 'rows do'} not fit ${object}, which holds new rows and stays not valid for those that are there; mend them, and run this again`,
    })
  }

  async #count(step: OnlineStep, sql: string): Promise<number> {
    const { client } = this.#session
    const role = this.#options.actAs(step)
    return inTransaction(this.#session, async () => {
      if (role !== undefined) await client.query(`set local role ${quoteIdentifier(role)}`)
      const { rows } = await client.query<{ rows: number }>(sql)
      return rows[0]?.rows ?? 0
    })
  }

  #report(step: ProtectStep): void {
    this.steps.push(step)
    this.#options.log({ type: 'step', step })
  }

  #details(step: OnlineStep, cause: unknown) {
    const sqlState = sqlStateOf(cause)
    const done = this.steps.filter(({ outcome }) => outcome === 'done').length
    return {
      details: {
        tables: [`${step.schema}.${step.table}`],
        ...(sqlState !== undefined && { sqlState }),
        hint: `${done} steps were done before and stay; running it again goes on from there`,
      },
      cause,
    }
  }

  #locked(step: OnlineStep, attempts: number, cause: unknown): TenancyError {
    const message = `a lock on ${step.schema}.${step.table} for ${describeStep(step)} was not free within ${this.#options.lockTimeoutMillis} ms, ${attempts} times; end the long transactions on it (select pid, query from pg_stat_activity where xact_start < now() - interval '1 minute'), and run this again`
    return new TenancyError('DH410', message, this.#details(step, cause))
  }

  #notAllowed(step: OnlineStep, cause: unknown): TenancyError {
    const message = `${this.#session.loginRole} may not do ${describeStep(step)} on ${step.schema}.${step.table} (${describeDatabaseError(cause)}); connect as a superuser, or as a member of the role that owns the table`
    return new TenancyError('DH406', message, this.#details(step, cause))
  }

  #lost(step: OnlineStep, cause: unknown): TenancyError {
    const message = `the connection was lost during ${describeStep(step)} on ${step.schema}.${step.table}; run it again`
    return new TenancyError('DH409', message, this.#details(step, cause))
  }
}

/** A step in a few words, such as `validateForeignKey order_tenant_id_customer_id_fkey`. */
function describeStep({ kind, object }: OnlineStep): string {
  return object === '' ? kind : `${kind} ${object}`
}

function reported(
  step: OnlineStep,
  outcome: ProtectStep['outcome'],
  attempts = 0,
  milliseconds = 0,
): ProtectStep {
  const { kind, schema, table, object } = step
  return {
    kind,
    schema,
    table,
    object,
    sql: sqlOf(step),
    lock: lockOf[kind],
    outcome,
    attempts,
    milliseconds,
  }
}

/** The statements as somebody would run them by hand. */
function sqlOf({ statements, transaction }: OnlineStep): string {
  const lines = statements.map((statement) => `${statement};`)
  return (transaction && statements.length > 1 ? ['begin;', ...lines, 'commit;'] : lines).join('\n')
}

function idOf({ schema, table }: OnlineStep, object: string): string {
  return JSON.stringify([schema, table, object])
}

function sameStep(one: ProtectStep, other: OnlineStep): boolean {
  const key = ({ kind, schema, table, object }: ProtectStep | OnlineStep) =>
    JSON.stringify([kind, schema, table, object])
  return key(one) === key(other)
}

/** Longer each time, and at random, so that it doesn't meet the same job again. */
function pauseBefore(attempt: number): number {
  return Math.min(longestPauseMillis, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2)
}
