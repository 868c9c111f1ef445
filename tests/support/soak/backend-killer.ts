import pg from 'pg'
import type { Random } from './random.ts'

/** Terminates backends of one login, as an administrator or a server that shuts down does. */
export class BackendKiller {
  readonly #client: pg.Client
  readonly #user: string
  #work: Promise<void> = Promise.resolve()
  /** How many were terminated. */
  terminated = 0

  private constructor(client: pg.Client, user: string) {
    this.#client = client
    this.#user = user
  }

  static async of(loginUrl: string, adminUrl: string): Promise<BackendKiller> {
    const client = new pg.Client({ connectionString: adminUrl })
    await client.connect()
    return new BackendKiller(client, decodeURIComponent(new URL(loginUrl).username))
  }

  /** Terminates one backend, two times of three one that is at work. */
  strike(random: Random): void {
    const preferBusy = random.chance(2 / 3)
    const salt = String(random.next())
    this.#work = this.#work.then(async () => {
      // found and terminated in one statement: a moment later it would be doing something else
      const { rowCount } = await this.#client.query(
        `select pg_catalog.pg_terminate_backend(pid, 10000) from (
           select pid from pg_catalog.pg_stat_activity
            where usename = $1 and datname = current_database()
            order by $2::boolean and state is distinct from 'idle' desc, md5(pid || $3::text) limit 1
         ) as victim`,
        [this.#user, preferBusy, salt],
      )
      this.terminated += rowCount ?? 0
    })
  }

  async end(): Promise<void> {
    await this.#work
    await this.#client.end()
  }
}
