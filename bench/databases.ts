import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { runMigrations } from '../src/migrations/runner.ts'
import { quoteIdentifier } from '../src/policy/identifier.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin, openDatabaseServer, withLogin } from '../src/testing/index.ts'
import type { Cleanup } from './cleanup.ts'

/** The server of a run. Whatever is made on it goes with the run. */
export interface BenchServer {
  readonly version: string
  readonly kind: 'given' | 'embedded'
  /** Creates a database with all migrations applied; `load` fills it, as a superuser. */
  createDatabase(purpose: string, load: (admin: pg.Client) => Promise<void>): Promise<BenchDatabase>
}

interface BenchDatabase {
  readonly adminUrl: string
  /** Has the rights of `doublehull_app`, as an application has: row-level security holds it. */
  readonly appUrl: string
  /** The same rights and BYPASSRLS: to this one there is no row-level security. */
  readonly bypassUrl: string
}

const prefix = 'doublehull_bench_'

/** Opens the server, migrates a template, and makes the two logins that all databases share. */
export async function openBenchServer(cleanup: Cleanup): Promise<BenchServer> {
  const server = await cleanup.acquire(
    () => openDatabaseServer('postgres', { name: 'bench' }),
    (made) => made.stop(),
  )
  const serverUrl = server.url('postgres')
  if (server.kind === 'embedded') await dropDatabasesOfTheDead(serverUrl)

  const run = `${prefix}${process.pid}_${randomBytes(4).toString('hex')}`
  const create = async (name: string, template?: string) => {
    const clone = template === undefined ? '' : ` template ${quoteIdentifier(template)}`
    await cleanup.acquire(
      () => asAdmin(serverUrl, `create database ${quoteIdentifier(name)}${clone}`),
      () => asAdmin(serverUrl, `drop database if exists ${quoteIdentifier(name)} with (force)`),
    )
    return server.url(name)
  }
  const template = `${run}_template`
  const templateUrl = await create(template)
  await runMigrations({ connectionString: templateUrl })

  const createLogin = () =>
    cleanup.acquire(
      () => createTemporaryLogin(serverUrl, defaultRoleNames.app),
      (login) => login.drop(),
    )
  const app = await createLogin()
  const bypass = await createLogin()
  const bypassUser = new URL(bypass.connectionString).username
  await asAdmin(serverUrl, `alter role ${quoteIdentifier(bypassUser)} bypassrls`)

  return {
    version: server.version,
    kind: server.kind,
    async createDatabase(purpose, load) {
      const name = `${run}_${purpose}`
      const adminUrl = await create(name, template)
      const admin = new pg.Client({ connectionString: adminUrl })
      await admin.connect()
      try {
        await load(admin)
      } finally {
        await admin.end()
      }
      return {
        adminUrl,
        appUrl: withLogin(app.connectionString, { database: name }),
        bypassUrl: withLogin(bypass.connectionString, { database: name }),
      }
    },
  }
}

/**
 * The embedded server keeps its data, so what a killed run could not drop is still there. The databases are named
 * after the process that made them, which ran on this machine.
 */
async function dropDatabasesOfTheDead(serverUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      'select datname as name from pg_catalog.pg_database where starts_with(datname, $1)',
      [prefix],
    )
    for (const { name } of rows) {
      if (isAlive(Number.parseInt(name.slice(prefix.length), 10))) continue
      await client.query(`drop database if exists ${quoteIdentifier(name)} with (force)`)
    }
  } finally {
    await client.end()
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function asAdmin(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
