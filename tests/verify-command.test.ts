import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checksTable } from '../scripts/checks-table.ts'
import { loadChecks, type VerifyProgress, type VerifyReport, verifyDatabase } from '../src/catalog/index.ts'
import { verifyCommand } from '../src/cli/verify.ts'
import { tableOf } from '../src/cli/verify-table.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { type EmbeddedServer, startEmbeddedPostgres, withLogin } from '../src/testing/index.ts'
import { buildPackage } from './support/built-package.ts'

const manifestFile = fileURLToPath(new URL('../src/generated/tenancy.json', import.meta.url))
const checks = loadChecks()

let server: EmbeddedServer
let admin: pg.Client
/** Of a login without any right. */
let url: string
let folder: string
/** The built package: the command starts in a quarter of the time that its source takes. */
let built: string
let dropAll: () => Promise<void>

// roles are the server's, and other files' logins would be found too: the server is this file's own
beforeAll(async () => {
  built = buildPackage('doublehull-verify')
  folder = mkdtempSync(join(tmpdir(), 'verify-'))
  server = await startEmbeddedPostgres({ name: 'verify-command' })
  const name = `verify_${randomBytes(4).toString('hex')}`
  await server.ensureDatabase(name)
  await runMigrations({ connectionString: server.url(name) })
  admin = new pg.Client({ connectionString: server.url(name) })
  await admin.connect()
  const stranger = `stranger_${randomBytes(4).toString('hex')}`
  const password = randomBytes(16).toString('hex')
  await admin.query(`create role ${stranger} login password '${password}'`)
  url = withLogin(server.url(name), { user: stranger, password })
  dropAll = async () => {
    await admin.query(`drop role ${stranger}`)
    await admin.end()
    const client = new pg.Client({ connectionString: server.url('postgres') })
    await client.connect()
    await client.query(`drop database ${name} with (force)`)
    await client.end()
  }
})

afterAll(async () => {
  await dropAll?.()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
  rmSync(built, { recursive: true, force: true })
})

const broken = 'alter table governance.branding no force row level security'
const mended = 'alter table governance.branding force row level security'
const found = { code: 'DH321', level: 'error', object: 'table governance.branding' }

afterEach(async () => {
  await admin.query(mended)
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
})

/** The command in an empty folder, with nobody at the terminal. */
function verify(args: readonly string[], env: Readonly<Record<string, string>> = { DATABASE_URL: url }) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(DIRECT_URL|DATABASE_URL|DOUBLEHULL_|PRISMA_)/.test(name),
  )
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(built, 'dist/cli/main.js'), 'verify', ...args],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    },
  )
  return { status, stdout, stderr }
}

const file = (name: string) => join(folder, name)
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
const writeBaseline = (...accepted: readonly object[]) =>
  writeFileSync(file('baseline.json'), JSON.stringify({ version: 1, accepted }))
const accepted = {
  code: found.code,
  object: found.object,
  reason: 'migrated on <Monday>',
  expires: inDays(30),
}

describe('the exit code', () => {
  it('is 0 where nothing is found, and 1 where something is', async () => {
    const sound = verify([])
    expect(sound).toMatchObject({ status: 0, stderr: 'manifest of the bundled schema\n' })
    expect(sound.stdout).toMatch(
      new RegExp(
        `verify: 0 errors, 0 warnings, \\d+ infos?, ${checks.length} checks, PostgreSQL 18\\.\\d+\n$`,
      ),
    )
    await admin.query(broken)
    const finding = verify([])
    expect(finding.status).toBe(1)
    expect(finding.stdout).toContain('DH321  table governance.branding\n')
    expect(finding.stdout).toContain('mend  alter table governance.branding')
    expect(finding.stdout).toContain('page  docs/checks/DH321.md')
    expect(finding.stdout).toContain('verify: 1 error, ')
    // no terminal reads this
    expect(finding.stdout).not.toContain('\u001b')
  })

  it.each([
    ['error', 1],
    ['warning', 1],
    ['info', 1],
    ['never', 0],
  ])('with --fail-on %s is %i for an error', async (level, status) => {
    await admin.query(broken)
    expect(verify(['--fail-on', level, '--check', 'DH321']).status).toBe(status)
  })

  it('with --fail-on error is 0 for a warning, of which no other level is less', () => {
    const entry = checks.find(({ level }) => level !== 'error')
    expect(verify(['--fail-on', 'error', ...(entry ? ['--check', entry.code] : [])]).status).toBe(0)
  })

  it.each([
    [['--chek'], 'does not know --chek'],
    [['postgresql://u:Secret-Password@h/x'], 'takes flags only'],
    [['--format', 'xml'], 'table, json, sarif, junit'],
    [['--format', 'sarif', '--json'], 'another --format'],
    [['--fail-on', 'fatal'], 'error, warning, info or never'],
    [['--role', 'application=x'], 'owner, migrator, app, reader, system'],
    [['--role', 'app'], 'KIND=NAME'],
    [['--check', 'DH999'], '--list'],
    [['--write-baseline'], '--baseline FILE'],
    [['--write-baseline', '--baseline', 'x.json', '--json'], 'leave out --format'],
    [['--output'], 'lacks its value'],
  ])('is 2 for %j, with what to do', async (args, text) => {
    const [lines, errors]: string[][] = [[], []]
    const stdout = (line: string) => void lines?.push(line)
    const stderr = (line: string) => void errors?.push(line)
    expect(await verifyCommand.run(args, { stdout, stderr, colours: true })).toBe(2)
    expect(lines).toEqual([])
    expect(errors?.join()).toContain(text)
    expect(errors?.join()).toContain('see doublehull verify --help')
    expect(errors?.join()).not.toContain('Secret')
  })

  it('of the process is the one of the command', () => {
    const { status, stdout, stderr } = verify(['--chek'])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain('does not know --chek')
  })

  it('is 2 where no database is named or answers, and the sentence has no password', () => {
    const unnamed = verify([], {})
    expect([unnamed.status, unnamed.stdout]).toEqual([2, ''])
    expect(unnamed.stderr).toMatch(/^DH409: no database is named; set DIRECT_URL/)
    const away = verify(['--database-url', 'postgresql://u:Secret-Password@127.0.0.1:1/x'])
    expect([away.status, away.stdout]).toEqual([2, ''])
    expect(away.stderr).toContain('DH409: the database could not be asked (ECONNREFUSED)')
    const malformed = verify(['--database-url', 'mysql://u:Secret-Password@h/x', '--json'])
    expect(malformed.status).toBe(2)
    expect(JSON.parse(malformed.stdout)).toMatchObject({ error: { code: 'DH409' } })
    expect(away.stderr + malformed.stderr + malformed.stdout).not.toContain('Secret')
  })
})

describe('the manifest', () => {
  it('is the one that is named, the one of the project, or the one of the package, and is said', () => {
    expect(verify(['--manifest', manifestFile]).stderr).toContain(`manifest ${manifestFile}`)
    mkdir('src/generated')
    writeFileSync(file('src/generated/tenancy.json'), readFileSync(manifestFile))
    expect(verify([])).toMatchObject({ status: 0, stderr: 'manifest src/generated/tenancy.json\n' })
  })

  it('is missed where the project has a schema of its own', () => {
    mkdir('prisma')
    writeFileSync(file('prisma/schema.prisma'), '')
    const { status, stderr } = verify([])
    expect(status).toBe(2)
    expect(stderr).toMatch(
      /^DH304: there is a Prisma schema \(prisma\/schema\.prisma\), but no tenancy\.json/,
    )
  })

  it.each([
    ['no JSON', () => '{"Secret', 'is no JSON'],
    ['another text of JSON', () => '{"version":1}', 'tenantModel'],
    ['a manifest of a newer version', () => withManifest((value) => ({ ...value, version: 2 })), '(version)'],
    [
      'a model without commands',
      () =>
        withManifest(({ models, ...rest }) => ({
          ...rest,
          models: { Tenant: { ...models['Tenant'], commands: null } },
        })),
      '(models.Tenant.commands)',
    ],
    [
      'a relation that leads to no model',
      () => withManifest(({ models, ...rest }) => ({ ...rest, models: { Tenant: models['Tenant'] } })),
      '(models.Tenant.relations.memberships.model)',
    ],
  ])('that is %s is refused by its name', (_, text, where) => {
    writeFileSync(file('tenancy.json'), text())
    const { status, stdout, stderr } = verify(['--manifest', 'tenancy.json'])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^DH304: tenancy\.json is no .*prisma generate/)
    expect(stderr).toContain(where)
    expect(stderr).not.toContain('Secret')
  })

  it('that is not there is refused by its name', () => {
    const { status, stderr } = verify(['--manifest', 'nowhere/tenancy.json'])
    expect(status).toBe(2)
    expect(stderr).toContain('DH304: nowhere/tenancy.json cannot be read')
  })
})

describe('the flags', () => {
  it('are all in the help', () => {
    const { status, stdout } = verify(['--help'])
    expect(status).toBe(0)
    const flags =
      'database-url manifest role check format json output fail-on baseline write-baseline list quiet'
    for (const flag of flags.split(' ')) expect(stdout).toContain(`--${flag}`)
  })

  it('--list prints each check, and asks no database', () => {
    const { status, stdout } = verify(['--list'], {})
    expect(status).toBe(0)
    expect(stdout.trim().split('\n')).toEqual(
      checks.map(({ code, level, title }) => `${code}  ${level.padEnd(7)}  ${title}`),
    )
    expect(JSON.parse(verify(['--list', '--json'], {}).stdout)).toEqual(
      checks.map(({ code, level, title, attacks }) => ({ code, level, title, attacks })),
    )
  })

  it('--check makes that check only, and more than one where it is repeated', async () => {
    await admin.query(broken)
    const report = JSON.parse(
      verify(['--json', '--check', 'DH320', '--check', 'DH321']).stdout,
    ) as VerifyReport
    expect(report).toMatchObject({ checks: 2, findings: [found] })
    expect(verify(['--check', 'DH320'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('verify: 0 errors, 0 warnings, 0 infos, 1 check, PostgreSQL'),
    })
  })

  it('--role names a role that is called otherwise', async () => {
    await admin.query('create role "billing app" login bypassrls')
    try {
      const args = ['--json', '--check', 'DH310']
      expect(JSON.parse(verify(args).stdout)).toMatchObject({ findings: [] })
      const { status, stdout } = verify([...args, '--role', 'app=billing app'])
      expect(status).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({ findings: [{ code: 'DH310', object: 'role billing app' }] })
    } finally {
      await admin.query('drop role "billing app"')
    }
  })

  it('--quiet prints nothing where nothing fails, and the table where something does', async () => {
    expect(verify(['--quiet'])).toEqual({ status: 0, stdout: '', stderr: '' })
    await admin.query(broken)
    const { status, stdout, stderr } = verify(['--quiet'])
    expect([status, stderr]).toEqual([1, ''])
    expect(stdout).toContain('DH321')
  })

  it('--database-url goes before DIRECT_URL, and that before DATABASE_URL and .env', () => {
    const nowhere = 'postgresql://u@127.0.0.1:1/x'
    writeFileSync(file('.env'), `DATABASE_URL=${nowhere}\n`)
    expect(verify(['--check', 'DH320'], {}).status).toBe(2)
    expect(verify(['--check', 'DH320'], { DATABASE_URL: url }).status).toBe(0)
    expect(verify(['--check', 'DH320'], { DATABASE_URL: nowhere, DIRECT_URL: url }).status).toBe(0)
    expect(verify(['--check', 'DH320', '--database-url', url], { DIRECT_URL: nowhere }).status).toBe(0)
  })

  it('a name with control characters does nothing to a terminal', async () => {
    await admin.query(`create role "\u001b[2Jbilling" login bypassrls`)
    try {
      const { stdout } = verify(['--check', 'DH310', '--role', 'app=\u001b[2Jbilling'])
      expect(stdout).toContain('role \ufffd[2Jbilling')
      expect(stdout).not.toContain('\u001b')
    } finally {
      await admin.query(`drop role "\u001b[2Jbilling"`)
    }
  })
})

describe('the table', () => {
  it('has colours for a terminal that wants them, and the worst first', async () => {
    await admin.query(broken)
    const report = { ...(await verifyDatabase({ connectionString: url, manifest })), accepted: [] }
    const plain = tableOf(report, { colours: false })
    const coloured = tableOf(report, { colours: true })
    expect(coloured).toContain('\u001b[31merror\u001b[0m')
    // oxlint-disable-next-line no-control-regex -- they are what is taken out
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain)
    expect(plain.startsWith('error\n  DH321  table governance.branding\n')).toBe(true)
  })

  it('of all checks in the documentation is the one that scripts/checks-table.ts writes', () => {
    const page = readFileSync(new URL('../docs/checks/README.md', import.meta.url), 'utf8')
    expect(page, 'npx tsx scripts/checks-table.ts writes it anew').toBe(checksTable())
  })
})

describe('JSON', () => {
  it('is the server and the findings', async () => {
    await admin.query(broken)
    const { status, stdout } = verify(['--json'])
    expect(status).toBe(1)
    const report = JSON.parse(stdout) as VerifyReport & { accepted: unknown }
    expect(Object.keys(report)).toEqual(['server', 'checks', 'findings', 'accepted'])
    expect(Object.keys(report.server)).toEqual(['version', 'database', 'role'])
    expect(report.findings[0]).toMatchObject({ ...found, page: 'docs/checks/DH321.md' })
    for (const finding of report.findings) {
      expect(Object.keys(finding)).toEqual(['code', 'level', 'title', 'object', 'detail', 'remedy', 'page'])
    }
    expect(verify(['--format', 'json']).stdout).toBe(stdout)
  })
})

describe('--output', () => {
  it('writes the report, and says on the terminal what is in it', () => {
    const { status, stdout, stderr } = verify(['--json', '--output', 'report.json'])
    expect([status, stdout]).toEqual([0, ''])
    expect(stderr).toContain('verify: 0 errors')
    expect(JSON.parse(readFileSync(file('report.json'), 'utf8'))).toHaveProperty('findings')
    expect(readdirSync(folder)).toEqual(['report.json'])
  })

  it('leaves what is there where there is no report', () => {
    writeFileSync(file('report.json'), 'as it was')
    const { status } = verify(['--json', '--output', 'report.json'], {
      DATABASE_URL: 'postgresql://u@127.0.0.1:1/x',
    })
    expect(status).toBe(2)
    expect(readFileSync(file('report.json'), 'utf8')).toBe('as it was')
    expect(readdirSync(folder)).toEqual(['report.json'])
  })

  it('that cannot be written is an error, and leaves nothing half done', () => {
    mkdir('report.json')
    const { status, stderr } = verify(['--output', 'report.json'])
    expect(status).toBe(2)
    expect(stderr).toContain('DH409: report.json cannot be written')
    expect(readdirSync(folder)).toEqual(['report.json'])
    expect(verify(['--output', 'nowhere/report.txt']).status).toBe(2)
  })
})

describe('a baseline', () => {
  it('accepts a finding with a reason until a day, and the report keeps it apart', async () => {
    await admin.query(broken)
    writeBaseline(accepted)
    const table = verify(['--baseline', 'baseline.json'])
    expect(table.status).toBe(0)
    expect(table.stdout).toContain(`why   migrated on <Monday> (until ${accepted.expires})`)
    expect(table.stdout).toContain(', 1 accepted, ')
    const { status, stdout } = verify(['--baseline', 'baseline.json', '--json'])
    expect(status).toBe(0)
    const report = JSON.parse(stdout) as VerifyReport
    expect(report.findings.filter(({ code }) => code === found.code)).toEqual([])
    expect(report).toMatchObject({
      accepted: [{ ...found, accepted: { reason: accepted.reason, expires: accepted.expires } }],
    })
  })

  it('accepts no other detail than the one that it names', async () => {
    await admin.query(broken)
    writeBaseline({ ...accepted, detail: 'is something else' })
    expect(verify(['--baseline', 'baseline.json']).status).toBe(1)
  })

  it('accepts nothing after its day, and says so', async () => {
    await admin.query(broken)
    writeBaseline({ ...accepted, expires: inDays(-1) })
    const { status, stderr } = verify(['--baseline', 'baseline.json'])
    expect(status).toBe(1)
    expect(stderr).toContain(
      `DH321 table governance.branding was accepted until ${inDays(-1)}, and is not any more`,
    )
  })

  it('says what it accepts and nobody finds, among the checks that were made', () => {
    writeBaseline(accepted)
    const args = ['--baseline', 'baseline.json']
    expect(verify(args)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('was not found; take it out'),
    })
    expect(verify([...args, '--check', 'DH320']).stderr).not.toContain('was not found')
  })

  it.each([
    ['no JSON', '{"Secret', 'is no JSON'],
    [
      'no reason',
      JSON.stringify({ version: 1, accepted: [{ ...accepted, reason: ' ' }] }),
      'accepted.0.reason is blank',
    ],
    [
      'no day',
      JSON.stringify({ version: 1, accepted: [{ ...accepted, expires: 'Secret' }] }),
      'accepted.0.expires is no day',
    ],
    [
      'a day that is far',
      JSON.stringify({ version: 1, accepted: [{ ...accepted, expires: inDays(400) }] }),
      'more than a year',
    ],
    [
      'an entry twice',
      JSON.stringify({ version: 1, accepted: [accepted, accepted] }),
      'accepted.1 is there twice',
    ],
    ['another version', JSON.stringify({ version: 2, accepted: [] }), 'version'],
    [
      'a key too much',
      JSON.stringify({ version: 1, accepted: [{ ...accepted, objects: '*' }] }),
      'accepted.0',
    ],
  ])('with %s is refused', (_, text, where) => {
    writeFileSync(file('baseline.json'), text)
    const { status, stderr } = verify(['--baseline', 'baseline.json'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^DH308: baseline\.json is /)
    expect(stderr).toContain(where)
    expect(stderr).not.toContain('Secret')
  })

  it('that is not there is refused', () => {
    expect(verify(['--baseline', 'baseline.json'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('DH308: baseline.json cannot be read'),
    })
  })

  it('is written with what is found, holds once its reasons are filled in, and keeps them', async () => {
    await admin.query(broken)
    const args = ['--baseline', 'baseline.json']
    const write = verify([...args, '--write-baseline'])
    expect(write).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('1 added') })
    const written = JSON.parse(readFileSync(file('baseline.json'), 'utf8')) as { accepted: object[] }
    expect(written.accepted).toEqual([
      {
        code: found.code,
        object: found.object,
        detail: expect.stringContaining('not forced'),
        reason: '',
        expires: inDays(90),
      },
    ])
    expect(verify(args)).toMatchObject({ status: 2, stderr: expect.stringContaining('reason is blank') })
    // an entry of a check that is not made stays, and one that accepts nothing any more does not
    writeBaseline({ ...written.accepted[0], reason: 'known' }, { ...accepted, code: 'DH310' })
    expect(verify(args).status).toBe(0)
    expect(verify([...args, '--write-baseline']).stderr).toContain('0 added, 1 kept, 1 left out')
    expect(JSON.parse(readFileSync(file('baseline.json'), 'utf8'))).toMatchObject({
      accepted: [{ code: 'DH321', reason: 'known' }],
    })
  })
})

describe('SARIF', () => {
  // the OASIS schema, without its descriptions; of draft 4, of which nothing that it uses was changed since
  const schema = JSON.parse(
    readFileSync(new URL('./fixtures/sarif-2.1.0.schema.json', import.meta.url), 'utf8'),
  ) as object
  const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(schema)

  interface Sarif {
    runs: [
      {
        tool: { driver: { rules: { id: string; help: { markdown: string } }[] } }
        results: {
          ruleId: string
          ruleIndex: number
          level: string
          partialFingerprints: object
          suppressions: object[]
          locations: object[]
        }[]
      },
    ]
  }
  const sarif = (...args: readonly string[]): Sarif => {
    const log = JSON.parse(verify(['--format', 'sarif', '--fail-on', 'never', ...args]).stdout) as Sarif
    expect(validate(log), JSON.stringify(validate.errors)).toBe(true)
    return log
  }

  it('is valid, has a rule for each check, and a result for each finding', async () => {
    await admin.query(broken)
    const [{ tool, results }] = sarif().runs
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(checks.map(({ code }) => code))
    for (const { help } of tool.driver.rules) expect(help.markdown).toContain('## The mend')
    const result = results.find(({ ruleId }) => ruleId === found.code)
    expect(result).toMatchObject({
      ruleIndex: checks.findIndex(({ code }) => code === found.code),
      level: 'error',
      suppressions: [],
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'package.json' } },
          logicalLocations: [{ kind: 'table', fullyQualifiedName: found.object }],
        },
      ],
    })
    expect(validate({ version: '2.1.0', runs: [{ results: [{}] }] })).toBe(false)
  })

  it('tells a result by the same fingerprint in each run, and an accepted one as suppressed', async () => {
    await admin.query(`${broken}; alter table governance.trace_step no force row level security`)
    const [{ results }] = sarif('--check', 'DH321').runs
    const prints = results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints))
    expect(new Set(prints).size).toBe(2)
    await admin.query('alter table governance.trace_step force row level security')
    writeBaseline(accepted)
    const [again] = sarif('--check', 'DH321', '--baseline', 'baseline.json').runs[0].results
    expect(prints).toContain(JSON.stringify(again?.partialFingerprints))
    expect(again?.suppressions).toEqual([
      { kind: 'external', status: 'accepted', justification: accepted.reason },
    ])
  })
})

describe('JUnit', () => {
  const junit = (...args: readonly string[]) => verify(['--format', 'junit', ...args])

  it('has a test for each check, which fails where something is found', async () => {
    const sound = junit().stdout
    expect(sound).toContain(`tests="${checks.length}" failures="0" errors="0" skipped="0"`)
    expect(sound.match(/<testcase /g)).toHaveLength(checks.length)
    await admin.query(broken)
    const { status, stdout } = junit()
    expect(status).toBe(1)
    expect(stdout).toContain('failures="1"')
    expect(stdout).toContain('<failure type="error" message="table governance.branding: ')
    // what does not fail the command fails no test
    const never = junit('--fail-on', 'never').stdout
    expect(never).toContain('failures="0"')
    expect(never).toMatch(/<system-out>error: table governance\.branding/)
  })

  it('has an accepted finding as a skipped test with its reason, and escapes what XML has not', async () => {
    await admin.query(broken)
    writeBaseline({ ...accepted, reason: `<"&'>\u0001\n]]>` })
    const { status, stdout } = junit('--check', 'DH321', '--baseline', 'baseline.json')
    expect(status).toBe(0)
    expect(stdout).toContain('tests="1" failures="0" errors="0" skipped="1"')
    expect(stdout).toContain('&lt;&quot;&amp;&apos;&gt;\ufffd&#10;]]&gt;"/>')
  })
})

describe('verifyDatabase', () => {
  it('makes the checks that it is told, and tells how far it is', async () => {
    const seen: VerifyProgress[] = []
    const report = await verifyDatabase({
      connectionString: url,
      manifest,
      checks: ['DH321', 'DH310'],
      onProgress: (progress) => seen.push(progress),
    })
    expect(report).toMatchObject({
      checks: 2,
      findings: [],
      server: { version: expect.stringMatching(/^18/) },
    })
    expect(seen).toEqual([
      { check: 'DH310', findings: 0, done: 1, total: 2 },
      { check: 'DH321', findings: 0, done: 2, total: 2 },
    ])
  })

  it.each([
    ['no connection string', { connectionString: undefined }],
    ['a malformed one', { connectionString: 'postgresql://%zz' }],
    ['the name of a database', { connectionString: 'postgres' }],
    ['no check', { checks: [] }],
    ['a check that does not exist', { checks: ['DH310', 'DH999'] }],
  ])('refuses %s', async (_, options) => {
    const refused = verifyDatabase({ connectionString: url, manifest, ...options })
    await expect(refused).rejects.toMatchObject({ code: 'DH409' })
  })

  it('waits for a server that says nothing as long as it is told, or until the signal', async () => {
    const sockets = new Set<{ destroy(): void }>()
    const silent = createServer((socket) => {
      socket.on('error', () => {})
      sockets.add(socket)
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const connectionString = `postgresql://u@127.0.0.1:${port}/x`
    try {
      await expect(
        verifyDatabase({ connectionString, manifest, connectionTimeoutMillis: 50 }),
      ).rejects.toMatchObject({ code: 'DH409' })
      const reason = new Error('enough')
      const controller = new AbortController()
      const waiting = verifyDatabase({ connectionString, manifest, signal: controller.signal })
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      await expect(verifyDatabase({ connectionString, manifest, signal: controller.signal })).rejects.toBe(
        reason,
      )
    } finally {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => silent.close(resolve))
    }
  })

  it('ends between two checks where the signal says so', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const verifying = verifyDatabase({
      connectionString: url,
      manifest,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 1) controller.abort(reason)
      },
    })
    await expect(verifying).rejects.toBe(reason)
  })
})

function mkdir(path: string): void {
  mkdirSync(file(path), { recursive: true })
}

function withManifest(
  change: (value: Record<string, unknown> & { models: Record<string, object> }) => object,
) {
  return JSON.stringify(change(JSON.parse(readFileSync(manifestFile, 'utf8'))))
}
