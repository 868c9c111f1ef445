import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { DatabaseHealth } from '../../../src/index.ts'
import type { Row } from './connection-relay.ts'
import type { Findings } from './findings.ts'

/** The statement that shows what a connection still has in it; no limit is shown as an empty one. */
export const contextQuestion = `
  select pg_catalog.current_setting('app.tenant_id', true), pg_catalog.current_setting('app.user_id', true),
         nullif(pg_catalog.current_setting('lock_timeout'), '0')`

/** Finds what {@link contextQuestion} answered on connections that nobody uses. */
export function verifyNoContext(findings: Findings, answers: readonly Row[]): void {
  findings.unless(answers.length > 0, 'wrong outcome', () => 'no connection was left to look at')
  for (const answer of answers) {
    findings.unless(
      answer.every((setting) => setting === null || setting === ''),
      'context left behind',
      () => `a connection that nobody uses has the context ${answer.join(', ')}`,
    )
  }
}

/** What a login's backends are doing. */
export class LoginActivity {
  readonly #admin: pg.Client
  readonly #user: string
  readonly #patienceMillis: number

  /** @param patienceMillis how long a backend may take to notice that it was let go */
  constructor(admin: pg.Client, loginUrl: string, patienceMillis = 10_000) {
    this.#admin = admin
    this.#user = decodeURIComponent(new URL(loginUrl).username)
    this.#patienceMillis = patienceMillis
  }

  /** No caller is left, so no backend may be in a transaction. */
  async verifyIdle(findings: Findings): Promise<void> {
    const left = await this.#waitFor(`state <> 'idle'`)
    findings.unless(left.length === 0, 'leaked connection', () => `backends are still ${left.join(', ')}`)
  }

  /** The pool was closed, so nothing of it may be there. */
  async verifyGone(findings: Findings): Promise<void> {
    const left = await this.#waitFor('true')
    findings.unless(left.length === 0, 'leaked connection', () => `backends are left: ${left.join(', ')}`)
  }

  /** The states of the backends that fit, once there is none or the patience is over. */
  async #waitFor(condition: string): Promise<readonly string[]> {
    for (const end = Date.now() + this.#patienceMillis; ; await sleep(50)) {
      const { rows } = await this.#admin.query<{ state: string }>(
        `select coalesce(state, 'starting') as state from pg_catalog.pg_stat_activity where usename = $1 and ${condition}`,
        [this.#user],
      )
      if (rows.length === 0 || Date.now() > end) return rows.map(({ state }) => state)
    }
  }
}

/** No caller is left, so nobody waits for a connection, and there are no more than were allowed. */
export function verifyHealth(findings: Findings, health: DatabaseHealth, maxConnections: number): void {
  const { total, idle, waiting } = health.connections
  findings.unless(health.ok, 'wrong outcome', () => `the database is not well: ${health.problem?.message}`)
  findings.unless(waiting === 0, 'leaked connection', () => `${waiting} still wait for a connection`)
  findings.unless(total <= maxConnections, 'leaked connection', () => `${total} connections are open`)
  findings.unless(idle === total, 'leaked connection', () => `${total - idle} connections are still lent`)
}
