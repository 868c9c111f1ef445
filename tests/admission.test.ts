import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy } from '../src/index.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin, type TemporaryLogin } from '../src/testing/index.ts'
import { policyName } from './support/bundled-policy.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const guard = policyName('governance.branding', 'tenant_guard')
const held = policiesOf(manifest, defaultRoleNames)
  .flatMap(({ policies }) => policies)
  .find(({ name }) => name === guard)
const { app, owner, system, reader } = defaultRoleNames
const logins: TemporaryLogin[] = []
const groups: string[] = []

afterAll(async () => {
  for (const login of logins) await login.drop()
  for (const group of groups) await database.admin.query(`drop role ${group}`)
})

/** A login with the rights of `role`, and a member of others that it does not inherit. */
async function loginAs(role: string, ...others: string[]): Promise<string> {
  const login = await createTemporaryLogin(database.adminUrl, role)
  logins.push(login)
  const user = decodeURIComponent(new URL(login.connectionString).username)
  for (const other of others) await database.admin.query(`grant ${other} to ${user}`)
  if (others.length > 0) await database.admin.query(`alter role ${user} noinherit`)
  return login.connectionString
}

async function groupWith(attribute: string): Promise<string> {
  const group = `temporary_group_${groups.length}_${process.pid}`
  await database.admin.query(`create role ${group} nologin inherit ${attribute} in role ${app}`)
  groups.push(group)
  return group
}

const wearing = (url: string, role: string) => `${url}?options=${encodeURIComponent(`-c role=${role}`)}`

describe('a login', () => {
  it.each([
    ['is the system role', () => loginAs(system), ''],
    ['may become the system role', () => loginAs(app, system), system],
    ['may become the owner', () => loginAs(app, owner), owner],
    ['wears the app role over the owner', async () => wearing(await loginAs(app, owner), app), owner],
    ['wears the app role over the system role', async () => wearing(await loginAs(app, system), app), system],
    ['may become a BYPASSRLS role', async () => loginAs(app, await groupWith('bypassrls')), 'group'],
    ['may become a superuser', async () => loginAs(app, await groupWith('superuser')), 'group'],
  ])('that %s is refused, for it reads what it wants', async (_, open, becomes) => {
    const { b } = await plantTwoTenants(database)
    const connectionString = await open()
    const tenancy = createTenancy({ PrismaClient, manifest, connectionString })
    await expect(tenancy.client({ tenantId: b.tenantId }).configPackage.count()).rejects.toMatchObject({
      code: 'DH302',
    })
    expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: false, problem: { code: 'DH302' } })
    await tenancy.disconnect()

    // the same login, by hand: no context, and tenant B's rows all the same
    const client = new pg.Client({ connectionString })
    await client.connect()
    if (becomes) await client.query(`set role ${becomes === 'group' ? groups.at(-1) : becomes}`)
    const { rows } = await client.query('select from governance.config_package where name = $1', [b.secret])
    await client.end()
    expect(rows).toHaveLength(1)
  })

  it.each(['pg_read_server_files', 'pg_execute_server_program'])(
    'that may become %s is refused',
    async (role) => {
      const tenancy = createTenancy({ PrismaClient, manifest, connectionString: await loginAs(app, role) })
      expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: false, problem: { code: 'DH302' } })
      await tenancy.disconnect()
    },
  )

  it.each([
    [
      'the role may truncate a table',
      'grant truncate on governance.branding to doublehull_app',
      'revoke truncate on governance.branding from doublehull_app',
    ],
    [
      'the guard of a table is for another command',
      `drop policy ${guard} on governance.branding; create policy ${guard} on governance.branding as restrictive for delete to doublehull_app, doublehull_reader using (true)`,
      `drop policy ${guard} on governance.branding; create policy ${guard} on governance.branding as restrictive to doublehull_app, doublehull_reader using (${held?.using}) with check (${held?.withCheck})`,
    ],
  ])('is refused where %s', async (_, damage, mend) => {
    const tenancy = createTenancy({ PrismaClient, manifest, connectionString: await loginAs(app) })
    expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: true })
    await database.admin.query(damage)
    expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: false, problem: { code: 'DH302' } })
    await database.admin.query(mend)
    expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: true })
    await tenancy.disconnect()
  })

  it.each([app, reader])('with the rights of %s alone is admitted', async (role) => {
    const { a } = await plantTwoTenants(database)
    const tenancy = createTenancy({ PrismaClient, manifest, connectionString: await loginAs(role) })
    expect(await tenancy.client({ tenantId: a.tenantId }).configPackage.count()).toBe(1)
    expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: true, rowSecurityHolds: true })
    await tenancy.disconnect()
  })
})
