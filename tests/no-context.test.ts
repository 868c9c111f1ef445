import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy } from '../src/index.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let app: pg.Client
beforeAll(async () => {
  app = new pg.Client({ connectionString: database.appUrl })
  await app.connect()
})
afterAll(() => app.end())

const tables = Object.values(manifest.models)
const name = ({ schema, table }: { schema: string; table: string }) => `${schema}."${table}"`

/** Queries that could come back with an empty result and so look like an answer. */
function queriesOf(model: (typeof tables)[number]): readonly string[] {
  const table = name(model)
  const [key] = model.primaryKey
  const column = (model.columns as Record<string, string>)[key] ?? ''
  const value = `'${randomUUID()}'`
  return [
    `select * from ${table}`,
    `select count(*) from ${table}`,
    `select * from ${table} limit 1`,
    `select * from ${table} where ${column} = ${value}`,
    `select exists (select from ${table} where ${column} = ${value})`,
    `select 1 from ${table} a join ${table} b using (${column})`,
    `select 1 from ${table} a left join ${table} b on a.${column} = b.${column} order by 1`,
    `select t.* from (values (1)) v left join ${table} t on true`,
    `select (select count(*) from ${table})`,
    `select ${column} from ${table} union select null`,
    `with t as (select * from ${table}) select count(*) from t`,
    `select ${column}, count(*) from ${table} group by 1`,
    `update ${table} set ${column} = ${column}`,
    `update ${table} set ${column} = ${column} where ${column} = ${value}`,
    `delete from ${table}`,
    `delete from ${table} where ${column} = ${value}`,
  ]
}

/** The SQLSTATE that a query fails with; `00000` where it succeeds. */
async function sqlStateOf(query: string): Promise<string> {
  return app.query(query).then(
    () => '00000',
    (error: unknown) => (error as pg.DatabaseError).code ?? '',
  )
}

describe.each(['empty', 'filled'])('without a context, on %s tables, the app role gets DH101', (state) => {
  beforeAll(async () => {
    if (state === 'filled') await plantTwoTenants(database)
  })

  it.each(tables.map((model) => [name(model), model] as const))(
    'from every query on %s',
    async (_, model) => {
      for (const setting of ['default', 'seqscan', 'generic plan']) {
        await app.query('reset all')
        if (setting === 'seqscan') await app.query('set enable_indexscan = off; set enable_bitmapscan = off')
        if (setting === 'generic plan') await app.query('set plan_cache_mode = force_generic_plan')
        for (const query of queriesOf(model)) {
          // 42501: the role may not write the table at all, which is no answer either
          const expected = /^(update|delete)/.test(query) ? ['DH101', '42501'] : ['DH101']
          expect(expected, `${setting}: ${query}`).toContain(await sqlStateOf(query))
        }
      }
    },
  )

  it('and with a context the same queries answer', async () => {
    await app.query('begin')
    await app.query(`select set_config('app.tenant_id', $1, true)`, [randomUUID()])
    for (const model of tables) {
      for (const query of queriesOf(model).filter((text) => !/^(update|delete)/.test(text))) {
        expect(await sqlStateOf(query), query).toBe('00000')
      }
    }
    await app.query('rollback')
  })
})

it('an empty table within UNION ALL raises DH101 as well, when the query is planned', async () => {
  // PostgreSQL tests the conditions of such a member row by row only, and here there is no row to test; but the planner
  // asks for the claim to estimate how many rows there are
  await app.query('reset all')
  await app.query('set enable_indexscan = off; set enable_bitmapscan = off')
  const query = 'select id from governance.trace_step union all select null'
  expect(await sqlStateOf(query)).toBe('DH101')
  await app.query('reset all')
})

describe('the context setting', () => {
  it('raises DH101 in a fresh session, where it is null, and in a used one, where it is empty', async () => {
    const fresh = new pg.Client({ connectionString: database.appUrl })
    await fresh.connect()
    await expect(fresh.query('select tenancy.require_tenant_id()')).rejects.toMatchObject({ code: 'DH101' })
    await fresh.query(`select set_config('app.tenant_id', $1, true)`, [randomUUID()])
    const { rows } = await fresh.query(`select current_setting('app.tenant_id', true) as setting`)
    expect(rows).toEqual([{ setting: '' }])
    await expect(fresh.query('select tenancy.require_tenant_id()')).rejects.toMatchObject({ code: 'DH101' })
    await fresh.end()
  })

  it.each([
    'x',
    `' or true --`,
    '{018f0000-0000-7000-8000-00000000000a}',
    '018f0000-0000-7000-8000-00000000000a0',
    '018f000000007000800000000000000a',
  ])('raises DH102 where it is malformed: %s', async (setting) => {
    await app.query('begin')
    await app.query(`select set_config('app.tenant_id', $1, true)`, [setting])
    await expect(app.query('select * from governance.config_package')).rejects.toMatchObject({
      code: 'DH102',
    })
    await app.query('rollback')
  })

  it('is set for no role and no database', async () => {
    const { rows } = await database.admin.query(
      `select from pg_catalog.pg_db_role_setting where array_to_string(setconfig, ',') like '%app.tenant_id%'`,
    )
    expect(rows).toEqual([])
  })
})

describe('hull one', () => {
  const tenancy = () =>
    createTenancy({ PrismaClient, manifest, connectionString: 'postgresql://nobody@127.0.0.1:1/nowhere' })

  it.each([
    ['nothing', undefined, 'DH101'],
    ['null', null, 'DH101'],
    ['no tenant id', {}, 'DH101'],
    ['an empty tenant id', { tenantId: '' }, 'DH101'],
    ['no uuid', { tenantId: 'a' }, 'DH102'],
    ['SQL', { tenantId: `' or true --` }, 'DH102'],
    ['a uuid with a NUL', { tenantId: `${randomUUID().slice(0, -1)}\0` }, 'DH102'],
    ['a uuid with a newline', { tenantId: `${randomUUID()}\n` }, 'DH102'],
    ['a mebibyte', { tenantId: 'a'.repeat(2 ** 20) }, 'DH102'],
    ['an array', { tenantId: [randomUUID()] }, 'DH102'],
    ['an object', { tenantId: { toString: () => randomUUID() } }, 'DH102'],
    ['a malformed user id', { tenantId: randomUUID(), userId: 'me' }, 'DH102'],
    ['an unknown key', { tenantId: randomUUID(), tenant: randomUUID() }, 'DH102'],
  ])('refuses a context of %s before any SQL', (_, context, code) => {
    expect(() => tenancy().client(context as never)).toThrow(expect.objectContaining({ code }))
  })

  it('takes a tenant id in capitals as the same tenant', async () => {
    const { a } = await plantTwoTenants(database)
    const db = database.one.client({ tenantId: a.tenantId.toUpperCase() })
    expect(await db.configPackage.findMany({ select: { name: true } })).toEqual([{ name: a.secret }])
  })

  it('names no value in the refusal of a context', () => {
    expect.assertions(1)
    try {
      tenancy().client({ tenantId: 'very-secret-value' })
    } catch (error) {
      expect(String(error)).not.toContain('very-secret-value')
    }
  })
})
