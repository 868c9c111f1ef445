import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { proveCommand } from '../src/cli/prove.ts'
import { writePolicies } from '../src/cli/write-policies.ts'
import { planPolicies } from '../src/migrations/plan-policies.ts'
import { withLogin } from '../src/testing/index.ts'
import { fixtureFolder, generateFixture } from './fixtures/fixture-database.ts'
import { buildPackage } from './support/built-package.ts'

/** A real proof, while other test files keep the cores busy. */
const long = { timeout: 300_000 }

let built: string
/** A project with a schema, a client and migrations of its own. */
let project: string
let admin: pg.Client
let adminUrl: string

beforeAll(async () => {
  built = buildPackage('doublehull-prove')
  adminUrl = inject('adminUrl')
  admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  project = fixtureFolder('prove')
  const { manifest, tableSql } = await generateFixture(project)
  writeFileSync(join(project, 'old.json'), JSON.stringify(manifest))
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }')
  // no candidate for a value fits it, and it tells of none
  const constraint = `alter table invoice add constraint vat_id check (md5(vat_id) = 'a3bb74eee0b516d276b083df78acdb71');`
  writeMigration('prisma/migrations', tableSql)
  writeMigration('constrained', tableSql + constraint)
  for (const directory of ['prisma/migrations', 'constrained'].map((folder) => join(project, folder))) {
    const base = { kind: 'history', serverUrl: adminUrl } as const
    writePolicies(directory, await planPolicies({ manifest, directory, base }))
  }
  writeMigration(
    'unprotected',
    `${tableSql} grant select, insert, update, delete on organization, invoice, currency to doublehull_app;`,
  )
  writeFileSync(
    join(project, 'seed.ts'),
    `enum Vat { bakery = 'DE136695976' }
     export const seed = (model: string) => (model === 'Invoice' ? { vatId: Vat.bakery } : undefined)`,
  )
}, 120_000)

afterAll(async () => {
  await admin?.end()
  if (project) rmSync(project, { recursive: true, force: true })
  if (built) rmSync(built, { recursive: true, force: true })
})

/** Behind each test, whatever it did: a proof leaves no database behind. */
afterEach(async () => {
  rmSync(join(project, '.doublehull/prove-state.json'), { force: true })
  const { rows } = await admin.query(
    `select datname from pg_catalog.pg_database where datname like 'doublehull_prove_%'`,
  )
  if (rows.length > 0) throw new Error('a proof left a database behind')
})

function writeMigration(folder: string, sql: string): void {
  const migration = join(project, folder, '20270101000000_tables')
  mkdirSync(migration, { recursive: true })
  writeFileSync(join(migration, 'migration.sql'), sql)
}

const client = ['--manifest', 'generated/tenancy.json']
const environment = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(DIRECT_URL|DATABASE_URL|DOUBLEHULL_|PRISMA_|NODE_OPTIONS|VITEST)/.test(name),
    ),
  )
const bin = () => join(built, 'dist/cli/main.js')

function prove(args: readonly string[], cwd = project) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin(), 'prove', ...args], {
    cwd,
    encoding: 'utf8',
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  })
  return { status, stdout, stderr }
}

interface Printed {
  readonly models: readonly { readonly name: string; readonly verdict: string; readonly unproven: string[] }[]
  readonly verdict: string
}

const onServer = () => ['--database-url', adminUrl]

describe('a call that can’t be proven', () => {
  it.each([
    ['a flag that does not exist', ['--fast'], 'does not know --fast'],
    ['both depths', ['--quick', '--full'], 'both --quick and --full'],
    ['--throw-away of nothing', ['--throw-away', 'x'], '--database-url'],
    ['no manifest at the path', ['--manifest', 'nope.json'], 'nope.json cannot be read'],
    ['a model that does not exist', [...client, '--only', 'Invoice,Invoce'], 'names Invoce'],
    ['no client at the path', [...client, '--client', 'nowhere'], 'run prisma generate'],
    ['a client without a class', [...client, '--client', 'seed.ts'], 'has no PrismaClient'],
    ['a manifest that names no client', ['--manifest', 'old.json'], 'does not tell which Prisma schema'],
    ['no migrations', [...client, '--migrations', 'nowhere'], 'nowhere cannot be read'],
    ['no seed', [...client, '--seed', 'nope.ts'], 'there is no seed nope.ts'],
    ['a seed without a function', [...client, '--seed', 'generated/tenancy.ts'], 'exports no function seed'],
    ['a report in no folder', [...client, '--html', 'nowhere/proof.html'], 'nowhere/proof.html'],
    ['what is no URL', [...client, '--database-url', 'user:Secret@host/app'], 'is not a PostgreSQL URL'],
    [
      'a database that is down',
      [...client, '--database-url', 'postgresql://u:Secret@localhost:1/app'],
      'is the server up',
    ],
    [
      'a database on another host',
      [...client, '--database-url', 'postgresql://u:Secret@db.example/app'],
      'DH412',
    ],
    [
      'the name of another database',
      [...client, '--database-url', 'postgresql://u:Secret@db.example/app', '--throw-away', 'App'],
      'DH412',
    ],
    [
      'a database that is called production',
      [...client, '--database-url', 'postgresql://u:Secret@localhost:1/app_production'],
      'DH412',
    ],
  ])('with %s ends with 2 and says what to do', (_, args, text) => {
    const { status, stdout, stderr } = prove(args)
    expect(stderr).toContain(text)
    expect(stdout + stderr).not.toContain('Secret')
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  })

  it('without migrations, or without a manifest, says how to make them', () => {
    const folder = join(project, 'bare')
    mkdirSync(join(folder, 'prisma'), { recursive: true })
    const manifest = ['--manifest', '../generated/tenancy.json']
    expect(prove(manifest, folder).stderr).toContain('npx doublehull policies')
    writeFileSync(join(folder, 'prisma/schema.prisma'), '')
    expect(prove([], folder).stderr).toContain('no tenancy.json')
  })

  it('with a login that may too little ends with 2', async () => {
    const user = `stranger_${randomBytes(4).toString('hex')}`
    const password = randomBytes(12).toString('hex')
    await admin.query(`create role ${user} login createdb password '${password}'`)
    const url = withLogin(adminUrl, { user, password })
    const { status, stdout } = prove([...client, '--json', '--database-url', url])
    await admin.query(`drop role ${user}`)
    expect(status).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'DH406', message: expect.stringContaining('no superuser') },
    })
  })

  it('with --resume and a state of other inputs is refused', () => {
    mkdirSync(join(project, '.doublehull'), { recursive: true })
    const state = join(project, '.doublehull/prove-state.json')
    writeFileSync(state, JSON.stringify({ version: 1, key: 'another', models: [] }))
    const { status, stderr } = prove([...client, ...onServer(), '--resume'])
    expect(status).toBe(2)
    expect(stderr).toContain('leave --resume out')
    // it may still be wanted
    expect(existsSync(state)).toBe(true)
  })
})

describe('a project with a schema of its own', () => {
  it('is proven in the embedded PostgreSQL, by the package as it is published', long, () => {
    const files = ['--junit', 'proof.xml', '--html', 'proof.html']
    const { status, stdout, stderr } = prove([...client, ...files])
    expect(stderr + stdout).toContain('prove: proven: no attack on 2 models')
    expect(status).toBe(0)
    // nobody watches: no colours, and no line that moves
    expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]/u)
    expect(stderr).toContain('100%')
    expect(stdout).toContain('  Currency (global)')
    expect(readFileSync(join(project, 'proof.xml'), 'utf8')).toContain('failures="0" errors="0"')
    const page = readFileSync(join(project, 'proof.html'), 'utf8')
    expect(page).toContain('<span class="badge proven">✓ proven</span>')
    expect(page).toMatch(/Prisma 7\.\d+\.\d+, PostgreSQL 18\.\d+/)
    // whole, or not at all
    expect(readdirSync(project).filter((name) => name.endsWith('.unfinished'))).toEqual([])
  })

  it('whose migrations forget the policies leaks, and the report says where', long, () => {
    const args = [
      ...client,
      ...onServer(),
      '--migrations',
      'unprotected',
      '--json',
      '--quick',
      '--accept-unproven',
    ]
    const { status, stdout } = prove(args)
    expect(status).toBe(1)
    const report = JSON.parse(stdout) as Printed
    expect(report.verdict).toBe('leaks')
    expect(report).toMatchObject({
      leaks: expect.any(Number),
      unproven: expect.any(Number),
      models: expect.arrayContaining([
        expect.objectContaining({
          name: 'Invoice',
          scope: 'direct',
          cells: expect.any(Number),
          leaks: expect.any(Number),
          unproven: expect.any(Array),
          verdict: 'leaks',
        }),
      ]),
    })
  })

  it('is unproven where rows can’t be planted, and proven with a seed', long, () => {
    const args = [...client, ...onServer(), '--migrations', 'constrained', '--quick', '--json']
    const without = prove([...args, '--only', 'Invoice'])
    expect(without.status).toBe(3)
    const invoice = (JSON.parse(without.stdout) as Printed).models.find(({ name }) => name === 'Invoice')
    expect(invoice).toMatchObject({ verdict: 'unproven' })
    expect(invoice?.unproven.join()).toContain('vat_id')
    const accepted = prove([...args, '--only', 'Invoice', '--accept-unproven'])
    expect(JSON.parse(accepted.stdout)).toMatchObject({ verdict: 'unproven' })
    expect(accepted.status).toBe(0)
    const seeded = prove([...args, '--only', 'Invoice', '--seed', 'seed.ts'])
    expect(JSON.parse(seeded.stdout)).toMatchObject({ verdict: 'proven', only: ['Invoice'], seed: 'seed.ts' })
    expect(seeded.status).toBe(0)
  })
})

describe('a proof that is stopped', () => {
  /** Their attacks are too many to be made at once: the last model is attacked when the others are done. */
  const models = [
    'Approval',
    'Branding',
    'ConfigPackage',
    'ConfigVersion',
    'ExecutionTrace',
    'FeatureFlag',
    'KillSwitch',
    'Tenant',
  ]
  const args = () => ['--only', models.join(), '--full', ...onServer()]
  /** Without a schema, so that the one of the package is proven. */
  const folder = () => join(project, 'none')

  async function stopped(isTime: (stderr: string) => boolean) {
    mkdirSync(folder(), { recursive: true })
    const child = spawn(process.execPath, [bin(), 'prove', ...args()], {
      cwd: folder(),
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    let isSent = false
    const poll = setInterval(() => {
      if (isSent || !isTime(stderr)) return
      isSent = true
      child.kill('SIGINT')
    }, 50)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const status = await new Promise((resolve) => child.once('close', resolve))
    clearInterval(poll)
    return { status, stderr, isSent }
  }

  it('drops its database, keeps the models that are done, and goes on with them', long, async () => {
    const state = join(folder(), '.doublehull/prove-state.json')
    const first = await stopped(() => existsSync(state))
    expect(first).toMatchObject({ status: 130, isSent: true })
    const [, done] =
      /(\d) models are done and kept in \.doublehull\/prove-state\.json/.exec(first.stderr) ?? []
    expect(Number(done)).toBeGreaterThan(0)
    expect(Number(done)).toBeLessThan(models.length)
    const resumed = prove([...args(), '--resume', '--json'], folder())
    expect(resumed.stderr).toContain(`going on: ${done} models are done`)
    const report = JSON.parse(resumed.stdout) as Printed
    expect(report.models.map(({ name }) => name)).toEqual(models)
    expect(existsSync(state)).toBe(false)
  })

  it('before its first attack leaves nothing behind', long, async () => {
    const { status, stderr } = await stopped((text) => text.includes('manifest'))
    expect(status).toBe(130)
    expect(stderr).not.toContain('is done')
  })
})

describe('the help', () => {
  it('tells each flag and each exit code', async () => {
    const lines: string[] = []
    const output = { stdout: (line: string) => void lines.push(line), stderr: () => {}, colours: false }
    expect(await proveCommand.run(['--help'], output)).toBe(0)
    for (const text of ['--throw-away NAME', '--resume', '0 proven; 1 leaks', '3 unproven'])
      expect(lines.join('\n')).toContain(text)
  })
})
