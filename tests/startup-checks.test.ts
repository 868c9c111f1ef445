import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { loadChecks } from '../src/catalog/index.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy, type TenancyOptions } from '../src/index.ts'
import { quoteLiteral } from '../src/policy/identifier.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin, createUnscopedTenancy, type TemporaryLogin } from '../src/testing/index.ts'
import { policyName } from './support/bundled-policy.ts'
import { findPgBouncer, PgBouncer, pgBouncerIsMissing } from './support/pgbouncer.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const { app, reader, system } = defaultRoleNames
const open: Tenancy<PrismaClient>[] = []
const logins: TemporaryLogin[] = []

// to the question of who logged in, all is well: there is a guard, and it is for every command
const table = 'governance.config_package'
const policies = ['tenant_guard', 'tenant_select'].map((purpose) => {
  const name = policyName(table, purpose)
  const policy = policiesOf(manifest, defaultRoleNames)
    .flatMap((one) => one.policies)
    .find((one) => one.name === name)
  return { name, using: policy?.using ?? '' }
})
const [guard] = policies
const damage = policies.map(({ name }) => `alter policy ${name} on ${table} using (true)`).join('; ')
const mend = policies.map(({ name, using }) => `alter policy ${name} on ${table} using (${using})`).join('; ')

afterEach(async () => {
  await database.admin.query(mend)
  await Promise.all(open.splice(0).map((tenancy) => tenancy.disconnect()))
})
afterAll(async () => {
  for (const login of logins) await login.drop()
})

async function loginAs(role: string): Promise<string> {
  const login = await createTemporaryLogin(database.adminUrl, role)
  logins.push(login)
  return login.connectionString
}

function openTenancy(
  connectionString: string,
  options: Partial<TenancyOptions<PrismaClient>> = {},
): Tenancy<PrismaClient> {
  const tenancy = createTenancy({ PrismaClient, manifest, connectionString, maxConnections: 1, ...options })
  open.push(tenancy)
  return tenancy
}

describe('a client that connects', () => {
  it.each([app, reader])(
    'as a member of %s is refused by a policy that lets everybody pass',
    async (role) => {
      const { a, b } = await plantTwoTenants(database)
      const connectionString = await loginAs(role)
      const tenancy = openTenancy(connectionString)
      expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: true })
      await database.admin.query(damage)
      const db = openTenancy(connectionString).client({ tenantId: a.tenantId })
      await expect(db.configPackage.count()).rejects.toMatchObject({ code: 'DH307' })
      expect(await openTenancy(connectionString).checkDatabaseHealth()).toMatchObject({
        ok: false,
        problem: { code: 'DH307' },
      })
      // whoever has passed is asked no more than whom it has logged in as
      expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: true })

      // the same without the start-up checks, and without hull one: tenant A reads tenant B's package
      const held = createUnscopedTenancy({ PrismaClient, manifest, connectionString, verifyAtStart: false })
      open.push(held)
      expect(
        await held.client({ tenantId: a.tenantId }).configPackage.count({ where: { name: b.secret } }),
      ).toBe(1)

      await database.admin.query(mend)
      expect(await db.configPackage.count()).toBe(1)
      expect(
        await held.client({ tenantId: a.tenantId }).configPackage.count({ where: { name: b.secret } }),
      ).toBe(0)
    },
  )

  it('is told the finding, its object and its page, and no value', async () => {
    await database.admin.query(damage)
    const { problem } = await openTenancy(database.appUrl).checkDatabaseHealth()
    expect(problem?.message).toMatch(
      new RegExp(`DH307: .*: DH323, policy ${guard?.name} on ${table} .*; see docs/checks/DH323\\.md`),
    )
  })

  it('asks nothing more where it is told not to, or where hull two may be missing', async () => {
    await database.admin.query(damage)
    const unasked = openTenancy(database.appUrl, { verifyAtStart: false })
    expect(await unasked.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: false })
    const alone = openTenancy(database.appUrl, { allowRoleThatBypassesRowSecurity: true })
    expect(await alone.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: false })
  })

  it('for work across tenants is not asked', async () => {
    await database.admin.query(damage)
    const tenancy = openTenancy(database.appUrl, { system: { connectionString: await loginAs(system) } })
    const { a } = await plantTwoTenants(database)
    const use = tenancy.system({ actor: 'test', reason: 'counts packages' })
    expect(await use.configPackage.count({ where: { tenantId: a.tenantId } })).toBe(1)
  })

  it('asks them all in one round trip, before its first query and not again', async () => {
    const { a } = await plantTwoTenants(database)
    const { tap, connectionString } = await ProtocolTap.before(database.appUrl)
    const syncs = async (tenancy: Tenancy<PrismaClient>) => {
      const db = tenancy.client({ tenantId: a.tenantId })
      await db.configPackage.findFirst()
      await db.configPackage.findFirst()
      return tap.take().match(/S/g)?.length ?? 0
    }
    const without = await syncs(openTenancy(connectionString, { verifyAtStart: false }))
    expect(await syncs(openTenancy(connectionString))).toBe(without + 1)
    await tap.close()
  })

  it('behind PgBouncer is asked the same', async (ctx) => {
    const program = findPgBouncer()
    if (program === undefined) {
      if (process.env['DOUBLEHULL_REQUIRE_PGBOUNCER'] === '1') throw new Error(pgBouncerIsMissing)
      console.warn(`skipped: ${pgBouncerIsMissing}`)
      return ctx.skip(pgBouncerIsMissing)
    }
    const bouncer = await PgBouncer.start(program, database.appUrl, 2)
    try {
      const tenancy = openTenancy(bouncer.url)
      expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: true })
      await database.admin.query(damage)
      const later = openTenancy(bouncer.url)
      expect(await later.checkDatabaseHealth()).toMatchObject({ ok: false, problem: { code: 'DH307' } })
      await Promise.all([tenancy.disconnect(), later.disconnect()])
    } finally {
      await bouncer.stop()
    }
  })
})

describe('a database whose roles have names of their own', () => {
  /** A role with the rights of the application's, and its policies, that is no member of it. */
  async function otherRole(): Promise<string> {
    const role = `billing_app_${randomBytes(4).toString('hex')}`
    await database.admin.query(`create role ${role} nologin`)
    logins.push({
      connectionString: '',
      drop: () => database.admin.query(`drop owned by ${role}; drop role ${role}`).then(() => {}),
    })
    const { rows } = await database.admin.query<{ statement: string }>(
      `select format('grant select, insert, update, delete on %s to ${role}; grant usage on schema %I to ${role}', c.oid::regclass, n.nspname)
              || coalesce((select string_agg(format('; alter policy %I on %s to %s, ${role}', p.polname, c.oid::regclass,
                                                    (select string_agg(quote_ident(r.rolname), ', ') from pg_roles r where r.oid = any (p.polroles))), '')
                             from pg_policy p
                            where p.polrelid = c.oid
                              and (select oid from pg_roles where rolname = ${quoteLiteral(app)}) = any (p.polroles)), '') as statement
         from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('tenancy', 'governance', 'audit') and c.relkind = 'r' and c.relname not in ('system_work')`,
    )
    for (const { statement } of rows) await database.admin.query(statement)
    await database.admin.query(`grant execute on all functions in schema tenancy to ${role}`)
    return role
  }

  it('is not refused for it, and is verified when it is told them', async () => {
    const role = await otherRole()
    const connectionString = await loginAs(role)
    const { a } = await plantTwoTenants(database)
    const untold = openTenancy(connectionString)
    expect(await untold.client({ tenantId: a.tenantId }).configPackage.count()).toBe(1)
    expect(await untold.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: false })
    const told = openTenancy(connectionString, { roles: { app: role } })
    expect(await told.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: true })
  })
})

it('the start-up checks are some of all checks', () => {
  const codes = loadChecks()
    .filter(({ startup }) => startup)
    .map(({ code }) => code)
  expect(codes).toContain('DH323')
  expect(codes.length).toBeLessThan(loadChecks().length)
})
