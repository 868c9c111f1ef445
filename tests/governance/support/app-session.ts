import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll } from 'vitest'
import type { TestDatabase } from '../../support/test-database.ts'

type Row = Readonly<Record<string, unknown>>

/** A connection of the app role, with SQL and nothing between. */
export class AppSession {
  readonly #client: pg.Client
  readonly #admin: pg.Client
  #pid = 0

  constructor(database: Pick<TestDatabase, 'appUrl' | 'admin'>) {
    this.#client = new pg.Client({ connectionString: database.appUrl })
    this.#admin = database.admin
  }

  async open(): Promise<this> {
    await this.#client.connect()
    const { rows } = await this.#client.query<{ pid: number }>('select pg_backend_pid() as pid')
    this.#pid = rows[0]?.pid ?? 0
    return this
  }

  /** Begins a transaction of a user, or of nobody. */
  async begin(tenantId: string, userId: string | undefined, isolation = 'read committed'): Promise<void> {
    await this.#client.query(`begin isolation level ${isolation}`)
    await this.#client.query(
      `select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`,
      [tenantId, userId ?? ''],
    )
  }

  async query(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return (await this.#client.query<Row>(text, [...values])).rows
  }

  /** Runs in a transaction of a user, or of nobody. */
  async as<Result>(
    tenantId: string,
    userId: string | undefined,
    work: (session: this) => Promise<Result>,
  ): Promise<Result> {
    await this.begin(tenantId, userId)
    try {
      const result = await work(this)
      await this.query('commit')
      return result
    } catch (error) {
      await this.query('rollback')
      throw error
    }
  }

  /** Resolves when the server lets this session wait for another. */
  async isBlocked(): Promise<void> {
    const waits = async () => {
      const { rows } = await this.#admin.query<{ waits: boolean }>(
        'select cardinality(pg_blocking_pids($1)) > 0 as waits',
        [this.#pid],
      )
      return rows[0]?.waits
    }
    while (!(await waits())) await pause(5)
  }

  end(): Promise<void> {
    return this.#client.end()
  }
}

/** Opens sessions; they end behind the tests. */
export function useAppSessions(): (database: Pick<TestDatabase, 'appUrl' | 'admin'>) => Promise<AppSession> {
  const sessions: AppSession[] = []
  afterAll(async () => {
    await Promise.all(sessions.map((session) => session.end()))
  })
  return async (database) => {
    const session = await new AppSession(database).open()
    sessions.push(session)
    return session
  }
}
