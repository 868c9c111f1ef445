/**
 * The main job, from an empty machine: two tenants govern their configuration on a real PostgreSQL, and every
 * attempt of one to reach the other is made against each hull alone and both.
 */
import { parseArgs } from 'node:util'
import pg from 'pg'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, isTenancyError } from '../src/index.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin, type DatabaseServer, openDatabaseServer } from '../src/testing/index.ts'
import { type AttackResult, attackCount, attackHull } from './demo/attacks.ts'
import { openHulls } from './demo/hulls.ts'
import { type Governed, governTenant } from './demo/life-cycle.ts'
import { attackTable, auditTrail, type DemoReport, paint } from './demo/report.ts'

const usage = `Usage: npm run demo -- [options]

Two tenants govern their configuration, then one attacks the other: ten attacks
against hull one alone, hull two alone and both. Exits with 1 if any got through.

The server is that of DIRECT_URL, or else DATABASE_URL, or else the embedded
PostgreSQL. A URL must log in as an administrator; the demo migrates its database
and adds two tenants to it.

Options:
  --json      print one JSON object and nothing else (npm run --silent demo -- --json)
  --sabotage  switch both hulls off, to show that the attacks are real
  --help      show this help
`

const demoDatabase = 'doublehull_demo'

async function main(): Promise<void> {
  const options = readOptions()
  if (!options) return
  const say = options.json ? () => {} : (line: string) => console.log(line)

  const server = await openDatabaseServer(demoDatabase, { name: 'demo' })
  try {
    say(
      `PostgreSQL ${server.version}, ${server.kind === 'given' ? 'from DIRECT_URL or DATABASE_URL' : 'embedded'}`,
    )
    const applied = await migrate(server)
    say(applied.length > 0 ? `${applied.length} migrations applied` : 'all migrations are applied')

    const tenants = await governTenants(server.url(), say)
    const attacks = await attackAll(server.url(), tenants, options.sabotage, say)
    const leaks = attacks.filter(({ blocked }) => !blocked).length
    const report: DemoReport = { tenants: tenants.length, attacks, leaks }
    say(`\n${attackTable(attacks)}\n`)
    if (options.json) console.log(JSON.stringify(report, null, 2))
    else
      say(
        leaks === 0 ? paint('green', 'Nothing got through.') : paint('red', `${leaks} attacks got through.`),
      )
    process.exitCode = leaks === 0 && !outputFailed ? 0 : 1
  } finally {
    await server.stop()
  }
}

/** The embedded database is kept between runs, but it is only the demo's: one of an older version is made anew. */
async function migrate(server: DatabaseServer): Promise<readonly string[]> {
  try {
    return (await runMigrations({ connectionString: server.url() })).applied
  } catch (error) {
    const older = isTenancyError(error, 'DH402') || isTenancyError(error, 'DH403')
    if (!older || server.kind === 'given') throw error
  }
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  await client.query(`drop database ${demoDatabase} with (force)`)
  await client.query(`create database ${demoDatabase}`)
  await client.end()
  return (await runMigrations({ connectionString: server.url() })).applied
}

interface DemoOptions {
  readonly json: boolean
  readonly sabotage: boolean
}

function readOptions(): DemoOptions | undefined {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        sabotage: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (!values.help) return values
    console.log(usage)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exitCode = 2
  }
  return undefined
}

/** The story: each tenant through its own client, behind both hulls. */
async function governTenants(adminUrl: string, say: (line: string) => void): Promise<readonly Governed[]> {
  const login = await createTemporaryLogin(adminUrl, defaultRoleNames.app)
  const tenancy = createTenancy({ PrismaClient, manifest, connectionString: login.connectionString })
  const platform = new pg.Client({ connectionString: adminUrl })
  // a server that is stopped in the middle is reported by the next query
  platform.on('error', () => {})
  await platform.connect()
  try {
    const tenants: Governed[] = []
    for (const name of ['Alder', 'Birch']) {
      say(`\n${paint('bold', name)}`)
      const tenant = await governTenant(tenancy, platform, name, (step) => say(`  ${step}`))
      say(auditTrail(tenant))
      tenants.push(tenant)
    }
    return tenants
  } finally {
    await platform.end()
    await tenancy.disconnect()
    await login.drop()
  }
}

async function attackAll(
  adminUrl: string,
  [attacker, victim]: readonly Governed[],
  sabotage: boolean,
  say: (line: string) => void,
): Promise<readonly AttackResult[]> {
  if (!attacker || !victim) throw new Error('an attack needs two tenants')
  const hulls = await openHulls(adminUrl, sabotage)
  const admin = new pg.Client({ connectionString: adminUrl })
  // a server that is stopped in the middle is reported by the next query
  admin.on('error', () => {})
  await admin.connect()
  try {
    say(
      `\n${attacker.name} attacks ${victim.name}: ${attackCount} attacks on each of ${hulls.length} ${hulls.length === 1 ? 'client' : 'hulls'}`,
    )
    const results: AttackResult[] = []
    for (const hull of hulls) {
      results.push(...(await attackHull(hull, admin, [attacker.tenantId, victim.tenantId])))
    }
    return results
  } finally {
    await admin.end()
    for (const hull of hulls) await hull.close()
  }
}

// whoever reads the output may stop reading; the logins that were made are dropped all the same
let outputFailed = false
process.stdout.on('error', () => {
  outputFailed = true
  process.exitCode = 1
})

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
