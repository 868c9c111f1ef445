import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterEach } from 'vitest'
import type { TestDatabase } from './test-database.ts'

/**
 * What makes a query as slow as a test needs it: an advisory lock that the administrator holds. The query waits in
 * the server until the gate is opened.
 */
export class Gate {
  /** The query that waits at the gate, and answers with the process that served it. */
  readonly query: string
  readonly #admin: pg.Client
  readonly #key: number

  constructor(admin: pg.Client, key: number) {
    this.#admin = admin
    this.#key = key
    this.query = `select pg_catalog.pg_backend_pid(), pg_catalog.pg_advisory_xact_lock_shared(${key})`
  }

  /** The processes of the server that stand at the gate. */
  async waiting(): Promise<readonly number[]> {
    const { rows } = await this.#admin.query<{ pid: number }>(
      `select pid from pg_locks where locktype = 'advisory' and objid = $1 and not granted`,
      [this.#key],
    )
    return rows.map(({ pid }) => pid)
  }

  /** Resolves when so many processes stand at the gate. */
  async isReachedBy(count: number): Promise<readonly number[]> {
    let pids = await this.waiting()
    for (; pids.length !== count; pids = await this.waiting()) await pause(5)
    return pids
  }

  async open(): Promise<void> {
    await this.#admin.query('select pg_advisory_unlock($1)', [this.#key])
  }
}

/** Shuts gates; all are open behind each test. */
export function useGates(database: TestDatabase): () => Promise<Gate> {
  afterEach(() => database.admin.query('select pg_advisory_unlock_all()'))
  return async () => {
    const key = randomInt(1, 2 ** 31 - 1)
    await database.admin.query('select pg_advisory_lock($1)', [key])
    return new Gate(database.admin, key)
  }
}

/** Runs `work` while the administrator holds what `statement` locks. */
export async function whileLocked<Result>(
  { adminUrl }: TestDatabase,
  statement: string,
  work: (locked: { isReachedBy(count: number): Promise<void> }) => Promise<Result>,
): Promise<Result> {
  const holder = new pg.Client({ connectionString: adminUrl })
  await holder.connect()
  try {
    await holder.query(`begin; ${statement}`)
    const waiting = async (): Promise<number> => {
      // not pg_stat_activity, which stays as it was for as long as a transaction lasts
      const { rows } = await holder.query(
        'select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))',
      )
      return rows.length
    }
    return await work({
      isReachedBy: async (count) => {
        while ((await waiting()) !== count) await pause(5)
      },
    })
  } finally {
    await holder.end()
  }
}
