/** Fills a database with a data set of any size: many tenants, few of them large, each with a history of its own. */
import { parseArgs } from 'node:util'
import pg from 'pg'
import { runMigrations } from '../src/migrations/runner.ts'
import { type DatabaseServer, openDatabaseServer } from '../src/testing/index.ts'
import { loadSeed, type SeedPlan } from './seed/load.ts'
import { createProgress } from './seed/progress.ts'
import { fewestRows } from './seed/tenant-sizes.ts'

const usage = `Usage: npm run seed -- [options]

Fills a database with tenants, their members, packages, versions in every state,
approvals, activations, flags, kill switches, brandings, traces, and audit trails
whose chains are valid. The same options give the same rows, byte for byte: the
digest says so.

The server is that of --url, DIRECT_URL or DATABASE_URL, or else the embedded
PostgreSQL, where the database is doublehull_seed. Migrations are applied first.
The login must be a superuser, or one with BYPASSRLS that may set the parameter
session_replication_role: triggers do not run while rows are loaded.

Options:
  --tenants N   how many tenants (1000)
  --rows N      how many rows in all tables together (1000000), at least ${fewestRows} a tenant
  --seed N      another number gives other rows (1)
  --until DATE  when the histories end, three months after their beginning (2026-01-01)
  --append      also where the database has tenants; with another --seed
  --fresh       drop and create the embedded database first
  --url URL     an administrator's connection string
  --json        print one JSON object and nothing else
  --help        show this help

Exit codes: 0 all is loaded, 1 nothing is, 2 an option is wrong.
`

const seedDatabase = 'doublehull_seed'

interface SeedOptions extends SeedPlan {
  readonly append: boolean
  readonly fresh: boolean
  readonly json: boolean
  readonly url: string | undefined
}

async function main(): Promise<void> {
  const options = readOptions()
  if (!options) return
  const say = options.json ? () => {} : (line: string) => console.log(line)
  // what the options say comes before the environment
  if (options.url !== undefined) process.env['DIRECT_URL'] = options.url
  const server = await openDatabaseServer(seedDatabase, { name: 'demo' })
  try {
    if (options.fresh) await recreate(server)
    say(`PostgreSQL ${server.version}, ${server.kind === 'given' ? 'as given' : 'embedded'}`)
    await runMigrations({ connectionString: server.url() })
    await load(server, options, say)
  } finally {
    await server.stop()
  }
}

async function load(
  server: DatabaseServer,
  options: SeedOptions,
  say: (line: string) => void,
): Promise<void> {
  const client = new pg.Client({ connectionString: server.url() })
  // a server that is stopped in the middle is reported by the next query
  client.on('error', () => {})
  await client.connect()
  try {
    await assertUsable(client, options.append)
    const progress = createProgress(options.rows, process.stderr)
    const started = performance.now()
    const result = await loadSeed(client, options, options.json ? undefined : progress)
    const seconds = Number(((performance.now() - started) / 1000).toFixed(2))
    if (!options.json) progress.end()
    const summary = {
      ...result,
      seed: options.seed,
      seconds,
      rowsPerSecond: Math.round(result.rows / seconds),
    }
    if (options.json) return console.log(JSON.stringify(summary, null, 2))
    for (const [table, rows] of Object.entries(result.tables))
      say(`${table.padEnd(30)} ${String(rows).padStart(10)}`)
    say(`${'all'.padEnd(30)} ${String(result.rows).padStart(10)}`)
    say(`${result.tenants} tenants in ${seconds} s, ${summary.rowsPerSecond} rows/s, ANALYZE included`)
    say(`digest ${result.digest}`)
  } finally {
    await client.end()
  }
}

/** @throws Error with what is missing, before anything is written */
async function assertUsable(client: pg.Client, append: boolean): Promise<void> {
  const { rows } = await client.query<{
    superuser: boolean
    bypasses: boolean
    sets: boolean
    tenants: boolean
  }>(
    `select r.rolsuper as superuser, r.rolbypassrls as bypasses,
            has_parameter_privilege('session_replication_role', 'set') as sets,
            exists (select from tenancy.tenant) as tenants
       from pg_catalog.pg_roles r where r.rolname = current_user`,
  )
  const [login] = rows
  if (!login?.superuser && !login?.sets) {
    throw new Error(
      'the login may not load rows without triggers: use a superuser, or grant set on parameter session_replication_role to it',
    )
  }
  if (!login.superuser && !login.bypasses) {
    throw new Error('row-level security holds the login: use a superuser, or one with BYPASSRLS')
  }
  if (login.tenants && !append) {
    throw new Error(
      'the database has tenants already: give --append and another --seed, or another database (--fresh for the embedded one)',
    )
  }
}

async function recreate(server: DatabaseServer): Promise<void> {
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  await client.query(`drop database ${seedDatabase} with (force)`)
  await client.query(`create database ${seedDatabase}`)
  await client.end()
}

function readOptions(): SeedOptions | undefined {
  try {
    const { values } = parseArgs({
      options: {
        tenants: { type: 'string', default: '1000' },
        rows: { type: 'string', default: '1000000' },
        seed: { type: 'string', default: '1' },
        until: { type: 'string', default: '2026-01-01' },
        url: { type: 'string' },
        append: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (!values.help) return checked(values)
    console.log(usage)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exitCode = 2
  }
  return undefined
}

function checked(values: {
  readonly tenants: string
  readonly rows: string
  readonly seed: string
  readonly until: string
  readonly url?: string
  readonly append: boolean
  readonly fresh: boolean
  readonly json: boolean
}): SeedOptions {
  const whole = (name: 'tenants' | 'rows' | 'seed', least: number) => {
    const number = Number(values[name])
    if (!/^\d{1,10}$/.test(values[name]) || number < least) {
      throw new Error(`--${name} must be a whole number from ${least}`)
    }
    return number
  }
  const tenants = whole('tenants', 1)
  const until = new Date(values.until)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(values.until) || Number.isNaN(until.getTime()) || until > new Date()) {
    throw new Error('--until must be a date that has come, such as 2026-01-01')
  }
  const given = values.url ?? (process.env['DIRECT_URL'] || process.env['DATABASE_URL'])
  if (values.fresh && given) throw new Error('--fresh is for the embedded PostgreSQL, and a server was given')
  return {
    tenants,
    rows: whole('rows', tenants * fewestRows),
    seed: whole('seed', 0),
    until,
    url: values.url,
    append: values.append,
    fresh: values.fresh,
    json: values.json,
  }
}

await main().catch((error: unknown) => {
  const isThere = (error as { code?: unknown }).code === '23505'
  console.error(
    isThere
      ? 'rows of this seed are in the database already: give another --seed'
      : error instanceof Error
        ? error.message
        : error,
  )
  process.exitCode = 1
})
