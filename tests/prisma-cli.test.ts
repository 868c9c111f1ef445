import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runMigrations } from '../src/migrations/runner.ts'
import { quoteIdentifier } from '../src/policy/identifier.ts'
import { withLogin } from '../src/testing/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const migrations = join(root, 'prisma/migrations')
const names = readdirSync(migrations)
  .filter((name) => /^\d+_/.test(name))
  .sort()
const last = names.at(-1) ?? ''
const admin = new pg.Client({ connectionString: inject('adminUrl') })
const databases: string[] = []

beforeAll(() => admin.connect())
afterAll(async () => {
  for (const name of databases)
    await admin.query(`drop database if exists ${quoteIdentifier(name)} with (force)`)
  await admin.end()
})

async function emptyDatabase(): Promise<string> {
  const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
  databases.push(name)
  await admin.query(`create database ${quoteIdentifier(name)}`)
  return withLogin(inject('adminUrl'), { database: name })
}

/** The real Prisma CLI, as `npm run prisma -- …` starts it. */
async function prisma(url: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/prisma.ts', ...args], {
    cwd: root,
    env: { ...process.env, DIRECT_URL: '', DATABASE_URL: url, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? -1))),
  ])
  return { code, output: stdout + stderr }
}

async function query<Row>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows as Row[]
  } finally {
    await client.end()
  }
}

describe('the Prisma CLI, offline', () => {
  it('deploys the migrations, and then runMigrations has nothing to do', async () => {
    const url = await emptyDatabase()
    expect(await prisma(url, 'migrate', 'deploy')).toMatchObject({ code: 0 })
    const report = await runMigrations({ connectionString: url })
    expect(report.applied).toEqual([])
    expect(report.alreadyApplied).toHaveLength(names.length)
  })

  it('calls a database up to date that runMigrations migrated', async () => {
    const url = await emptyDatabase()
    const { applied } = await runMigrations({ connectionString: url })
    expect(applied).toHaveLength(names.length)
    const status = await prisma(url, 'migrate', 'status')
    expect(status.output).toContain('Database schema is up to date!')
    expect(status.code).toBe(0)
  })

  it('and runMigrations agree about a migration that is still to come', async () => {
    const url = await emptyDatabase()
    const directory = mkdtempSync(join(tmpdir(), 'migrations-'))
    cpSync(migrations, directory, { recursive: true })
    rmSync(join(directory, last), { recursive: true })
    await runMigrations({ connectionString: url, directory })
    const status = await prisma(url, 'migrate', 'status')
    expect(status.code).toBe(1)
    expect(status.output).toContain(last)
    expect((await runMigrations({ connectionString: url })).applied).toEqual([last])
    rmSync(directory, { recursive: true })
  })

  it('and runMigrations agree about a patch with the number of an applied migration', async () => {
    const url = await emptyDatabase()
    const directory = mkdtempSync(join(tmpdir(), 'migrations-'))
    cpSync(migrations, directory, { recursive: true })
    const patch = `${last}_patch`
    mkdirSync(join(directory, patch))
    writeFileSync(join(directory, patch, 'migration.sql'), `comment on schema governance is 'patched';\n`)
    const { applied } = await runMigrations({ connectionString: url, directory })
    expect(applied.slice(-2)).toEqual([last, patch])
    rmSync(directory, { recursive: true })
  })

  it('finds no drift between the migrations and the schema', async () => {
    const url = await emptyDatabase()
    const from = ['--from-migrations', 'prisma/migrations']
    const to = ['--to-schema', 'prisma/schema']
    const diff = await prisma(url, 'migrate', 'diff', ...from, ...to, '--exit-code')
    expect(diff).toMatchObject({ code: 0, output: expect.stringContaining('No difference detected') })
  })

  it('resets a database and migrates it anew', async () => {
    const url = await emptyDatabase()
    await runMigrations({ connectionString: url })
    expect(await prisma(url, 'migrate', 'reset', '--force')).toMatchObject({ code: 0 })
    expect((await runMigrations({ connectionString: url })).applied).toEqual([])
  })

  it('pulls a schema out of a database', async () => {
    const url = await emptyDatabase()
    await runMigrations({ connectionString: url })
    const pulled = await prisma(url, 'db', 'pull', '--print')
    expect(pulled.code).toBe(0)
    expect(pulled.output).toContain('model ConfigVersion {')
  })
})

it('every object that Prisma cannot express is listed', async () => {
  const url = await emptyDatabase()
  await runMigrations({ connectionString: url })
  const objects = await query<{ name: string }>(
    url,
    `with ours as (select oid from pg_namespace where nspname in ('tenancy', 'governance', 'audit'))
     select indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indpred is not null and c.relnamespace in (select oid from ours)
     union select distinct tgname || ' on ' || coalesce(p.inhparent, t.tgrelid)::regclass
             from pg_trigger t left join pg_inherits p on p.inhrelid = t.tgrelid where not tgisinternal
     union select p.oid::regprocedure::text from pg_proc p where p.pronamespace in (select oid from ours)
     union select distinct regexp_replace(polname, '_[0-9a-f]{8}$', '') from pg_policy
     order by 1`,
  )
  expect(objects.length).toBeGreaterThan(10)
  const list = readFileSync(join(root, 'docs/decisions/0002-what-prisma-cannot-express.md'), 'utf8')
  expect(objects.filter(({ name }) => !list.includes(`\`${name}\``))).toEqual([])
})
