/**
 * One process's databases and logins on a server. All of them have the run's number in their name, and the run holds
 * an advisory lock by that number for as long as it lives: what is named after a number that nobody holds was left
 * behind by a run that crashed. Neither a clock nor a process id is believed, so it holds for several machines, too.
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { withLogin } from '../embedded/database-server.ts'
import { quoteIdentifier, quoteLiteral } from '../policy/identifier.ts'
import { onceUnused, withClient } from './in-use.ts'

/** The first key of the advisory locks; the second one is the run's number. */
const runLock = 1_145_590_850

const prefix = 'doublehull_test_'

/** How somebody logs in. */
export interface Login {
  readonly user: string
  readonly password: string
}

export class TestRun {
  readonly serverUrl: string
  readonly #keeper: pg.Client
  readonly #id: string
  readonly #logins: string[] = []
  #databases = 0

  private constructor(serverUrl: string, keeper: pg.Client, id: string) {
    this.serverUrl = serverUrl
    this.#keeper = keeper
    this.#id = id
  }

  /**
   * Takes a number, and drops what crashed runs have left.
   *
   * @param serverUrl an administrator's connection string
   */
  static async begin(serverUrl: string): Promise<TestRun> {
    const keeper = new pg.Client({
      connectionString: serverUrl,
      application_name: 'doublehull testing',
      keepAlive: true,
    })
    keeper.on('error', () => undefined)
    await keeper.connect()
    try {
      let id = newId()
      while (!(await tryLock(keeper, id))) id = newId()
      const run = new TestRun(serverUrl, keeper, id)
      await dropLeftovers(keeper, id)
      return run
    } catch (error) {
      await keeper.end()
      throw error
    }
  }

  /** A name for a database of this run. */
  newName(): string {
    return `${prefix}${this.#id}_${++this.#databases}`
  }

  urlOf(database: string): string {
    return withLogin(this.serverUrl, { database })
  }

  /**
   * Makes a database as a copy of another, which nobody may be connected to, and keeps the run's logins good.
   *
   * @throws the database's `3D000` where the other is gone
   */
  async clone(template: string): Promise<string> {
    const name = this.newName()
    await withClient(this.serverUrl, async (client) => {
      const renewals = this.#logins.map((user) => `alter role ${quoteIdentifier(user)} ${validity()}`)
      if (renewals.length > 0) await client.query(renewals.join(';'))
      await onceUnused(() =>
        client.query(`create database ${quoteIdentifier(name)} template ${quoteIdentifier(template)}`),
      )
    })
    return name
  }

  async drop(database: string): Promise<void> {
    await withClient(this.serverUrl, (client) =>
      client.query(`drop database if exists ${quoteIdentifier(database)} with (force)`),
    )
  }

  /**
   * A login with the rights of a role and no more, good for a day from the last {@link clone} on.
   *
   * @param purpose what it is called by
   */
  async login(purpose: string, role: string): Promise<Login> {
    const user = `${prefix}${this.#id}_${purpose}`
    const password = randomBytes(18).toString('base64url')
    await withClient(this.serverUrl, (client) =>
      client.query(
        `create role ${quoteIdentifier(user)} login inherit nobypassrls in role ${quoteIdentifier(role)} password ${quoteLiteral(password)} ${validity()}`,
      ),
    )
    this.#logins.push(user)
    return { user, password }
  }

  /** Drops the run's databases and logins. */
  async end(): Promise<void> {
    try {
      await withClient(this.serverUrl, (client) => dropRun(client, this.#id))
    } finally {
      await this.#keeper.end()
    }
  }
}

/** So that the login of a run that was killed is of no use to anybody, even where no run comes after it. */
function validity(): string {
  return `valid until ${quoteLiteral(new Date(Date.now() + 86_400_000).toISOString())}`
}

function newId(): string {
  return randomBytes(4).toString('hex')
}

async function tryLock(keeper: pg.Client, id: string): Promise<boolean> {
  const { rows } = await keeper.query<{ taken: boolean }>(
    'select pg_catalog.pg_try_advisory_lock($1, $2) as taken',
    [runLock, Buffer.from(id, 'hex').readInt32BE()],
  )
  return rows[0]?.taken === true
}

/** An advisory lock belongs to the database that it is taken in, and another run may have come through another one. */
async function isAlive(keeper: pg.Client, id: string): Promise<boolean> {
  const { rows } = await keeper.query<{ held: boolean }>(
    `select exists (select from pg_catalog.pg_locks
                     where locktype = 'advisory' and classid = $1 and objid::text::bigint = $2 and objsubid = 2
                       and granted) as held`,
    [runLock, Buffer.from(id, 'hex').readUInt32BE()],
  )
  return rows[0]?.held === true
}

async function unlock(keeper: pg.Client, id: string): Promise<void> {
  await keeper.query('select pg_catalog.pg_advisory_unlock($1, $2)', [
    runLock,
    Buffer.from(id, 'hex').readInt32BE(),
  ])
}

async function dropLeftovers(keeper: pg.Client, own: string): Promise<void> {
  const { rows } = await keeper.query<{ id: string }>(
    `select distinct substring(name from $1) as id
       from (select datname::text as name from pg_catalog.pg_database
             union all select rolname::text from pg_catalog.pg_roles) as names
      where name ~ $1
      order by 1`,
    [`^${prefix}([0-9a-f]{8})_`],
  )
  for (const { id } of rows) {
    if (id === own || (await isAlive(keeper, id)) || !(await tryLock(keeper, id))) continue
    // what can't be dropped now is left for a later run, and is in nobody's way
    await dropRun(keeper, id).catch(() => undefined)
    await unlock(keeper, id)
  }
}

async function dropRun(keeper: pg.Client, id: string): Promise<void> {
  const pattern = `^${prefix}${id}_`
  const databases = await keeper.query<{ name: string }>(
    'select datname as name from pg_catalog.pg_database where datname ~ $1 order by 1',
    [pattern],
  )
  for (const { name } of databases.rows) {
    await keeper.query(`drop database if exists ${quoteIdentifier(name)} with (force)`)
  }
  const roles = await keeper.query<{ name: string }>(
    'select rolname as name from pg_catalog.pg_roles where rolname ~ $1 order by 1',
    [pattern],
  )
  for (const { name } of roles.rows) await keeper.query(`drop role if exists ${quoteIdentifier(name)}`)
}
