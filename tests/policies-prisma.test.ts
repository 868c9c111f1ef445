import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { verifyDatabase } from '../src/catalog/index.ts'
import { policiesCommand } from '../src/cli/policies.ts'
import { withLogin } from '../src/embedded/database-server.ts'
import { parseManifest } from '../src/manifest/parse-manifest.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { quoteIdentifier } from '../src/policy/identifier.ts'
import { fixtureFolder } from './fixtures/fixture-database.ts'
import { runPrisma } from './fixtures/prisma-cli.ts'

const folder = fixtureFolder('desk')
const migrations = join(folder, 'migrations')
const manifestFile = join(folder, 'generated/tenancy.json')
const admin = new pg.Client({ connectionString: inject('adminUrl') })
const databases: string[] = []

beforeAll(() => admin.connect())
afterAll(async () => {
  for (const name of databases)
    await admin.query(`drop database if exists ${quoteIdentifier(name)} with (force)`)
  await admin.end()
  rmSync(folder, { recursive: true, force: true })
})

/** The names of databases that nobody has made yet. */
function newDatabase(): string {
  const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
  databases.push(name)
  return withLogin(inject('adminUrl'), { database: name })
}

async function prisma(...args: readonly string[]): Promise<string> {
  const { code, output } = await runPrisma(folder, ...args)
  expect(code, output).toBe(0)
  return output
}

/** The command with what it prints and its exit code. */
async function policies(...args: readonly string[]) {
  const lines: string[] = []
  const code = await policiesCommand.run(['--manifest', manifestFile, '--migrations', migrations, ...args], {
    stdout: (line) => lines.push(line),
    stderr: () => {},
    colours: false,
  })
  return { code, text: lines.join('\n') }
}

const names = () =>
  readdirSync(migrations)
    .filter((name) => !name.endsWith('.toml'))
    .sort()
const purposes = () => names().map((name) => name.replace(/^\d{14}_/, ''))

// each step is the next line of a terminal; a real Prisma CLI takes seconds for each of its own
describe('a project that migrates with the Prisma CLI', { timeout: 300_000 }, () => {
  const url = newDatabase()
  const shadow = newDatabase()

  beforeAll(async () => {
    for (const name of databases) await admin.query(`create database ${quoteIdentifier(name)}`)
    writeFileSync(
      join(folder, 'prisma.config.ts'),
      `export default { schema: 'schema.prisma', migrations: { path: 'migrations' }, datasource: { url: ${JSON.stringify(url)}, shadowDatabaseUrl: ${JSON.stringify(shadow)} } }\n`,
    )
  }, 60_000)

  it('is told how to begin where there are no migrations', async () => {
    await prisma('generate', '--no-hints')
    const { code } = await policies('--json')
    expect(code).toBe(2)
    const { text } = await policies('--json')
    expect(JSON.parse(text)).toMatchObject({
      error: { code: 'DH401', message: expect.stringContaining('prisma migrate diff --from-empty') },
    })
  })

  it('gets its policies between two runs of prisma migrate dev, of which the second adds none of its own', async () => {
    await prisma('migrate', 'dev', '--name', 'init')
    expect(purposes()).toEqual(['init'])
    expect(await policies('--check')).toMatchObject({ code: 1 })
    expect(purposes()).toEqual(['init'])
    expect(await policies()).toMatchObject({ code: 0, text: expect.stringContaining('wrote') })
    const written = [
      'init',
      'doublehull_roles',
      'doublehull_context',
      'doublehull_system_work',
      'doublehull_context_key',
      'tenancy',
    ]
    expect(purposes()).toEqual(written)
    expect(await prisma('migrate', 'dev')).toContain('in sync')
    expect(purposes()).toEqual(written)
    expect(await policies()).toMatchObject({ code: 0, text: expect.stringContaining('nothing to do') })
    expect(await policies('--check', '--database-url', url)).toMatchObject({ code: 0 })
    expect(purposes()).toEqual(written)
  })

  it('gets exactly the difference when a directive changes', async () => {
    const schema = join(folder, 'schema.prisma')
    writeFileSync(schema, readFileSync(schema, 'utf8').replace('/// @tenancy.global', '/// @tenancy.system'))
    await prisma('generate', '--no-hints')
    const { code, text } = await policies('--dry-run', '--name', 'labels')
    expect(code).toBe(0)
    expect(text).toContain('revoke all on "public"."Label" from "doublehull_app"')
    expect(text).not.toMatch(/(policy|on) .*"(Ticket|Answer|Team)"\s/)
    expect(await policies('--name', 'labels')).toMatchObject({ code: 0 })
    expect(purposes().at(-1)).toBe('labels')
    expect(await policies('--check', '--database-url', url)).toMatchObject({ code: 2 })
    await prisma('migrate', 'deploy')
    expect(await policies('--check', '--database-url', url)).toMatchObject({ code: 0 })
  })

  it('deploys with doublehull migrate, to what verify finds nothing in', async () => {
    const fresh = newDatabase()
    await admin.query(`create database ${quoteIdentifier(databases.at(-1) ?? '')}`)
    const { applied } = await runMigrations({ connectionString: fresh, directory: migrations })
    expect(applied).toEqual(names())
    // and goes on where the Prisma CLI began
    expect((await runMigrations({ connectionString: url, directory: migrations })).applied).toEqual([])
    const manifest = parseManifest(readFileSync(manifestFile, 'utf8'), manifestFile)
    for (const connectionString of [fresh, url]) {
      const { findings } = await verifyDatabase({ connectionString, manifest })
      expect(findings.filter(({ level }) => level !== 'info')).toEqual([])
    }
    mkdirSync(join(migrations, 'odd name'))
    writeFileSync(join(migrations, 'odd name', 'migration.sql'), 'create table "Odd" ();')
    const refused = await policies('--json', '--check')
    expect(refused.code).toBe(0)
  })
})
