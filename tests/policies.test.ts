import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifest } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { defaultRoleNames, grantSql, policySql, type RoleNames } from '../src/policy/index.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { createTemporaryLogin, type TemporaryLogin } from '../src/testing/index.ts'
import { bundledPolicy } from './support/bundled-policy.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()

/** Runs statements in a transaction of a login, in a tenant's context, and undoes them. */
async function asTenant<Result>(
  connectionString: string,
  tenantId: string | undefined,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query('begin')
    if (tenantId) await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId])
    return await work(client)
  } finally {
    await client.end()
  }
}

describe('the bundled policies', () => {
  it('are exactly what the manifest asks for', () => {
    const migration = readFileSync(
      new URL('../prisma/migrations/20261121000400_row_level_security/migration.sql', import.meta.url),
      'utf8',
    )
    expect(migration.split('\n').slice(3).join('\n')).toBe(policySql(manifest))
  })

  it('have the grants that the manifest asks for, and no others', () => {
    const migration = readFileSync(
      new URL('../prisma/migrations/20261121000300_grants/migration.sql', import.meta.url),
      'utf8',
    )
    expect(migration.split('\n').slice(5).join('\n')).toBe(grantSql(manifest))
  })

  it('say in their names when their definition changes', () => {
    const namesOf = (roles: RoleNames, changed: Manifest) =>
      policiesOf(changed, roles).flatMap(({ table, policies }) =>
        policies.map(({ name }) => `${table}.${name}`),
      )
    const now = namesOf(defaultRoleNames, manifest)
    expect(namesOf({ ...defaultRoleNames }, structuredClone(manifest))).toEqual(now)
    expect(new Set(now).size).toBe(now.length)
    for (const name of namesOf({ ...defaultRoleNames, reader: 'auditors' }, manifest)) {
      if (/tenant_(guard|select)_/.test(name)) expect(now).not.toContain(name)
      else expect(now).toContain(name)
    }
    const renamed: Manifest = structuredClone(manifest)
    Object.assign(renamed.models['Branding']?.columns ?? {}, { tenantId: 'owner_id' })
    const changed = namesOf(defaultRoleNames, renamed).filter((name) => !now.includes(name))
    expect(changed.map((name) => name.replace(/_[0-9a-f]{8}$/, ''))).toEqual(
      ['guard', 'select', 'insert', 'update', 'delete'].map((purpose) => `branding.tenant_${purpose}`),
    )
  })

  it('are enabled and forced on every table', async () => {
    const { rows } = await database.admin.query<{ table: string }>(
      `select c.relname as table from pg_catalog.pg_class c
        where c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
          and c.relnamespace in ('tenancy'::regnamespace, 'governance'::regnamespace, 'audit'::regnamespace)`,
    )
    expect(rows).toEqual([])
  })

  it('call the tenant function as a scalar sub-select only', () => {
    const calls = /\(select tenancy\.(?:require|claimed)_tenant_id\(\)\)/g
    // the claim is put in the place of its call, and stands for a constant that is compared ahead of the rows
    const claims = /tenancy\.claimed_tenant_id\(\)(?= = "| is not null)/g
    expect(policySql(manifest).replace(calls, '').replace(claims, '')).not.toContain('tenant_id()')
  })

  it.each(
    Object.values(manifest.models).flatMap(({ schema, table, scope, commands }) =>
      scope.kind === 'direct' || scope.kind === 'root'
        ? commands
            .flatMap((command) => (command === 'insert' ? [] : command))
            .map((command) => [command, `${schema}."${table}"`, scope] as const)
        : [],
    ),
  )(
    'verify the tenant twice for a statement, whatever the number of rows: %s on %s',
    async (command, table, scope) => {
      const { a } = await plantTwoTenants(database)
      const column = scope.kind === 'root' ? 'id' : 'tenant_id'
      const statement = {
        select: `select * from ${table}`,
        update: `update ${table} set ${column} = ${column} returning *`,
        delete: `delete from ${table} returning *`,
      }[command]
      for (const setting of ['on', 'off']) {
        const plan = await asTenant(database.appUrl, a.tenantId, async (client) => {
          await client.query(
            `set local enable_indexscan = ${setting}; set local enable_bitmapscan = ${setting}`,
          )
          const { rows } = await client.query<{ 'QUERY PLAN': string }>(
            `explain (verbose, costs off) ${statement}`,
          )
          return rows.map((row) => row['QUERY PLAN']).join('\n')
        })
        // each InitPlan's own line says what it asks, the functions' text in the place of their calls; an updated row is
        // also checked, and read back, by the guard and by a permissive policy each
        const lines = plan.split('\n')
        const verified = lines.filter((line) => /Output: CASE .*request\.jwt\.claims/.test(line))
        const [checks, reads] = command === 'update' ? [2, 2] : [0, 0]
        // ahead of the scan, and for the rows
        expect(verified).toHaveLength(2 * (1 + reads) + checks)
        expect(plan.replaceAll(/One-Time Filter: .*/g, '')).not.toMatch(
          /(Filter|Cond): .*(tenant_id\(\)|current_setting)/,
        )
        // what the claim is compared with
        expect(plan).toMatch(/One-Time Filter: .*current_setting.* = \(InitPlan \d+\)\.col1\)/)
      }
    },
  )

  it('are not widened by a permissive policy that somebody adds', async () => {
    const { a, b } = await plantTwoTenants(database)
    const names = () =>
      asTenant(database.appUrl, a.tenantId, async (client) => {
        const { rows } = await client.query<{ name: string }>('select name from governance.config_package')
        return rows.map(({ name }) => name)
      })
    await database.admin.query('create policy careless on governance.config_package using (true)')
    expect(await names()).toEqual([a.secret])
    // without the guard it would leak
    const { name, using } = bundledPolicy('governance.config_package', 'tenant_guard')
    await database.admin.query(`alter policy ${name} on governance.config_package using (true)`)
    expect(await names()).toContain(b.secret)
    await database.admin.query(`alter policy ${name} on governance.config_package using (${using})`)
    await database.admin.query('drop policy careless on governance.config_package')
    expect(await names()).toEqual([a.secret])
  })
})

describe('rows without a tenant', () => {
  it('are read by every tenant and written by none', async () => {
    const { a } = await plantTwoTenants(database)
    await database.admin.query(
      `insert into governance.kill_switch (id, tenant_id, scope, resource, engaged, updated_at)
       values (gen_random_uuid(), null, 'GLOBAL', 'everything', true, now())`,
    )
    const where = `where resource = 'everything'`
    for (const hull of ['one', 'two', 'both'] as const) {
      const db = database[hull].client({ tenantId: a.tenantId })
      expect(await db.killSwitch.count({ where: { resource: 'everything', engaged: true } })).toBe(1)
      expect(
        await db.killSwitch.updateMany({ where: { resource: 'everything' }, data: { engaged: false } }),
      ).toEqual({
        count: 0,
      })
      expect(await db.killSwitch.deleteMany({ where: { resource: 'everything' } })).toEqual({ count: 0 })
      await expect(
        db.killSwitch.updateMany({ where: { resource: 'everything' }, data: { tenantId: a.tenantId } }),
      ).resolves.toEqual({ count: 0 })
    }
    const { rows } = await database.admin.query(
      `select engaged, tenant_id from governance.kill_switch ${where}`,
    )
    expect(rows).toEqual([{ engaged: true, tenant_id: null }])
  })
})

describe('grantSql', () => {
  it('grants what a tenant client needs, and nothing that the policies refuse', async () => {
    const { a } = await plantTwoTenants(database)
    const { admin } = database
    await admin.query('begin')
    await admin.query(`revoke all on all tables in schema tenancy, governance, audit from doublehull_app`)
    await admin.query(`revoke all on schema tenancy, governance, audit from doublehull_app`)
    await admin.query('commit')
    const db = database.both.client({ tenantId: a.tenantId })
    await expect(db.featureFlag.count()).rejects.toMatchObject({ code: 'DH305' })

    await admin.query(grantSql(manifest))
    await db.featureFlag.create({ data: { key: 'granted' } })
    expect(await db.featureFlag.updateMany({ data: { enabled: true } })).toEqual({ count: 2 })
    expect(await db.user.count()).toBe(1)
    const { rows } = await admin.query(
      `select has_table_privilege('doublehull_app', 'tenancy.membership', 'insert') as "insert",
              has_table_privilege('doublehull_app', 'tenancy.tenant', 'delete') as "delete",
              has_table_privilege('doublehull_app', 'governance.feature_flag', 'truncate') as "truncate"`,
    )
    expect(rows).toEqual([{ insert: false, delete: false, truncate: false }])
  })
})

describe('roles', () => {
  const logins: TemporaryLogin[] = []
  let reader: string
  let system: string
  beforeAll(async () => {
    for (const role of [defaultRoleNames.reader, defaultRoleNames.system]) {
      logins.push(await createTemporaryLogin(database.adminUrl, role))
    }
    ;[reader, system] = logins.map(({ connectionString }) => connectionString) as [string, string]
  })
  afterAll(async () => {
    for (const login of logins) await login.drop()
  })

  it('a reader reads its tenant and writes nothing', async () => {
    const { a } = await plantTwoTenants(database)
    await asTenant(reader, a.tenantId, async (client) => {
      const { rows } = await client.query('select name from governance.config_package')
      expect(rows).toEqual([{ name: a.secret }])
      await expect(client.query(`update governance.config_package set name = 'x'`)).rejects.toMatchObject({
        code: '42501',
      })
    })
    await asTenant(reader, undefined, async (client) => {
      await expect(client.query('select from governance.config_package')).rejects.toMatchObject({
        code: 'DH101',
      })
    })
  })

  it('the system works across tenants without a context', async () => {
    const { a, b } = await plantTwoTenants(database)
    await asTenant(system, undefined, async (client) => {
      const { rows } = await client.query(
        'select name from governance.config_package where name = any ($1)',
        [[a.secret, b.secret]],
      )
      expect(rows).toHaveLength(2)
    })
  })

  it('none but the owner may truncate, refer to, trigger on or own a table', async () => {
    const { rows } = await database.admin.query(
      `select c.oid::regclass::text as table, r.rolname as role, p.privilege
         from pg_catalog.pg_class c
        cross join (values ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) p (privilege)
        cross join pg_catalog.pg_roles r
        where c.relkind in ('r', 'p')
          and c.relnamespace in ('tenancy'::regnamespace, 'governance'::regnamespace, 'audit'::regnamespace)
          and r.rolname in ('doublehull_app', 'doublehull_reader', 'doublehull_system')
          and pg_catalog.has_table_privilege(r.oid, c.oid, p.privilege)`,
    )
    expect(rows).toEqual([])
    const { rows: owners } = await database.admin.query(
      `select distinct pg_catalog.pg_get_userbyid(c.relowner) as owner from pg_catalog.pg_class c
        where c.relnamespace in ('tenancy'::regnamespace, 'governance'::regnamespace, 'audit'::regnamespace)`,
    )
    expect(owners).toEqual([{ owner: defaultRoleNames.owner }])
  })

  it('nobody executes the package’s functions by being anybody', async () => {
    const { rows } = await database.admin.query(
      `select p.oid::regprocedure::text as function from pg_catalog.pg_proc p
        where p.pronamespace in ('tenancy'::regnamespace, 'governance'::regnamespace, 'audit'::regnamespace)
          and exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                       where a.grantee = 0)`,
    )
    expect(rows).toEqual([])
  })
})
