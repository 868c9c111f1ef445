import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type ContextKey, parseContextKey } from '../src/context/context-key.ts'
import { ContextSigner } from '../src/context/context-signature.ts'
import { parseTenantContext } from '../src/context/tenant-context.ts'
import { parseTenantId, type TenantIdType, tenantIdTypes } from '../src/context/tenant-id.ts'
import { isTenancyError } from '../src/errors.ts'
import { syncContext } from '../src/migrations/context-mode.ts'
import { withMigrationSession } from '../src/migrations/session.ts'
import { contextMigrationSql } from '../src/policy/context-sql.ts'
import { quoteIdentifier } from '../src/policy/identifier.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin, type TemporaryLogin, withLogin } from '../src/testing/index.ts'
import { migration } from './fixtures/fixture-database.ts'
import { drawContextKey } from './support/signed-database.ts'

const other: Readonly<Record<TenantIdType, readonly [string, string]>> = {
  uuid: ['0190f3a0-0000-7000-8000-00000000000a', '0190f3a0-0000-7000-8000-00000000000b'],
  text: ['ckteam000a', 'ckteam000b'],
  int4: ['7', '8'],
  int8: ['9007199254740993', '9007199254740995'],
}

/** Texts that some of the types take for an id, and some nearly do. */
const candidates = [
  ...Object.values(other).flat(),
  '0190F3A0-0000-7000-8000-00000000000A',
  '0190f3a0000070008000000000000000',
  '0190f3a0-0000-7000-8000-00000000000g',
  'Team_A',
  'auth0|5f7c8ec7c33c6c004bbafe82',
  'a@b.example',
  '~-.',
  'a b',
  'a:b',
  ' a',
  'a\n',
  'a\tb',
  'é',
  '{}',
  '"a"',
  "a'b",
  'a\\b',
  'x'.repeat(128),
  'x'.repeat(129),
  '0',
  '-0',
  '-1',
  '+1',
  '007',
  '1 ',
  '1e3',
  '1.0',
  '0x10',
  '999999999',
  '2147483647',
  '2147483648',
  '999999999999999999',
  '9223372036854775807',
  '9223372036854775808',
  '99999999999999999999',
]

function parsed(id: unknown, type: TenantIdType): string {
  try {
    return parseTenantId(id, type)
  } catch (error) {
    return isTenancyError(error) ? error.code : 'another error'
  }
}

/** A database whose functions are for ids of one type, and a table of some columns that may hold one. */
interface IdDatabase {
  readonly admin: pg.Client
  readonly app: pg.Client
  readonly adminUrl: string
}

const columns: Readonly<Record<TenantIdType, readonly string[]>> = {
  uuid: ['uuid'],
  text: ['text', 'varchar(40)', 'text collate "C"', 'char(40)'],
  int4: ['int4'],
  int8: ['int8'],
}

const typeName = { uuid: 'uuid', text: 'text', int4: 'integer', int8: 'bigint' } as const

const databases = new Map<TenantIdType, IdDatabase>()
const undo: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  const serverUrl = inject('adminUrl')
  const server = await connected(serverUrl)
  for (const type of tenantIdTypes) {
    const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
    await server.query(`create database ${quoteIdentifier(name)}`)
    const adminUrl = withLogin(serverUrl, { database: name })
    const admin = await connected(adminUrl)
    await admin.query(migration('20261121000000_roles_and_schemas'))
    await admin.query(contextMigrationSql(type))
    await admin.query(migration('20261121000700_context_key'))
    for (const [at, column] of columns[type].entries()) await admin.query(tableSql(`t${at}`, column, type))
    await admin.query('grant execute on all functions in schema tenancy to doublehull_app')
    const login: TemporaryLogin = await createTemporaryLogin(adminUrl, defaultRoleNames.app)
    const app = await connected(login.connectionString)
    databases.set(type, { admin, app, adminUrl })
    undo.push(async () => {
      await app.end()
      await admin.end()
      await server.query(`drop database ${quoteIdentifier(name)} with (force)`)
      await login.drop(serverUrl)
    })
  }
  undo.push(() => server.end())
})
afterAll(async () => {
  for (const step of undo) await step()
})

async function connected(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}

/** A table with 20,000 rows of 500 tenants beside the two, held as the package holds a model. */
function tableSql(table: string, column: string, type: TenantIdType): string {
  const filler = type === 'uuid' ? `lpad(n::text, 32, '0')::uuid` : `(n + 100)::text::${type}`
  const policies = policiesOf(manifestOf(table, type), defaultRoleNames).flatMap((one) => one.policies)
  const [guard, select] = ['tenant_guard', 'tenant_select'].map((name) =>
    policies.find((policy) => policy.name.startsWith(name)),
  )
  return `
    create table tenancy.${table} (tenant ${column}, secret text);
    insert into tenancy.${table} select ${filler}, 'filler' from generate_series(0, 19999) i, lateral (select i % 500) one (n);
    insert into tenancy.${table} values ('${other[type][0]}', 'of a'), ('${other[type][1]}', 'of b');
    create index on tenancy.${table} (tenant);
    analyze tenancy.${table};
    alter table tenancy.${table} enable row level security;
    grant usage on schema tenancy to doublehull_app;
    grant select on tenancy.${table} to doublehull_app;
    create policy guard on tenancy.${table} as restrictive for all to doublehull_app using (${guard?.using});
    create policy reads on tenancy.${table} for select to doublehull_app using (${select?.using})`
}

const manifestOf = (table: string, tenantIdType: TenantIdType) =>
  ({
    version: 1,
    tenantModel: 'Team',
    tenantIdType,
    joinTables: [],
    hidden: [],
    models: {
      Team: {
        schema: 'tenancy',
        table,
        isView: false,
        scope: { kind: 'direct', field: 'tenant' },
        readOnly: true,
        commands: ['select'],
        appendOnly: false,
        columns: { tenant: 'tenant' },
        jsonFields: [],
        primaryKey: [],
        uniqueFields: [],
        compoundUniques: {},
        relations: {},
      },
    },
  }) as const

/** Runs in a transaction with these settings, and takes everything back. */
async function within<Result>(
  client: pg.Client,
  settings: Readonly<Record<string, string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query('begin')
  try {
    for (const [name, value] of Object.entries(settings)) {
      await client.query('select set_config($1, $2, true)', [name, value])
    }
    return await work()
  } finally {
    await client.query('rollback')
  }
}

const databaseOf = (type: TenantIdType): IdDatabase => {
  const database = databases.get(type)
  if (!database) throw new Error('no database')
  return database
}

/** What one of the functions takes settings for: an id in its spelling, or the code that it refuses with. */
async function answered(
  client: pg.Client,
  settings: Readonly<Record<string, string>>,
  name = 'current_tenant_id',
): Promise<unknown> {
  try {
    return await within(client, settings, async () => {
      const { rows } = await client.query<{ id: string }>(`select tenancy.${name}()::text as id`)
      return rows[0]?.id
    })
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe.each(tenantIdTypes)('ids of the type %s', (type) => {
  const [a, b] = other[type]

  it('are the same to the application and to the database, in one spelling each', async () => {
    const { app } = databaseOf(type)
    for (const text of candidates) {
      // a uuid in capitals is one to the application, which hands it on in small letters
      const given = type === 'uuid' ? text.toLowerCase() : text
      const ours = parsed(given, type)
      const theirs = await answered(app, { 'app.tenant_id': given })
      expect([given, theirs]).toEqual([given, theirs === '22P02' ? '22P02' : ours])
      // the cast of a uuid raises an error of PostgreSQL's own
      if (theirs === '22P02') expect([type, ours]).toEqual(['uuid', 'DH102'])
      for (const name of ['require_tenant_id', 'claimed_tenant_id', 'read_tenant_id']) {
        const again = await answered(app, { 'app.tenant_id': given }, name)
        expect([name, given, again === '22P02' ? 'DH102' : again]).toEqual([name, given, ours])
      }
    }
    expect(parsed(a, type)).toBe(a)
  })

  it('are the same in the claims of a token, with and without a context beside them', async () => {
    const { app } = databaseOf(type)
    const claims = (id: string) => ({ 'request.jwt.claims': JSON.stringify({ tenant_id: id, sub: 'x:y' }) })
    for (const text of candidates) {
      const given = type === 'uuid' ? text.toLowerCase() : text
      expect([given, await answered(app, claims(given))]).toEqual([given, parsed(given, type)])
    }
    expect(await answered(app, { ...claims(a), 'app.tenant_id': a })).toBe(a)
    expect(await answered(app, { ...claims(b), 'app.tenant_id': a })).toBe('DH102')
    // claims that hold no tenant, and claims that are no object
    for (const strange of ['{}', '1', '"a"', '[]', '0']) {
      expect(await answered(app, { 'request.jwt.claims': strange, 'app.tenant_id': a })).toBe('DH102')
    }
  })

  it('of a token become the context, with its subject where that is a user', async () => {
    const { admin } = databaseOf(type)
    const context = async (claims: object) => {
      const settings = { 'request.jwt.claims': JSON.stringify(claims) }
      return within(admin, settings, async () => {
        await admin.query('select tenancy.pre_request()')
        const { rows } = await admin.query<{ tenant: string; person: string }>(
          `select current_setting('app.tenant_id') as tenant, current_setting('app.user_id') as person`,
        )
        return [rows[0]?.tenant, rows[0]?.person]
      }).catch((error: { code?: unknown }) => error.code)
    }
    const uuid = other.uuid[1]
    expect(await context({ tenant_id: a, sub: uuid })).toEqual([a, uuid])
    const person = type === 'uuid' ? '' : 'auth0|5f7c'
    expect(await context({ tenant_id: a, sub: 'auth0|5f7c' })).toEqual([a, person])
    expect(await context({ tenant_id: a, sub: 'x:y' })).toEqual([a, ''])
    expect(await context({ tenant_id: 'a b', sub: uuid })).toBe('DH102')
    expect(await context({})).toEqual(['', ''])
  })

  it.each(columns[type].map((column, at) => [column, at] as const))(
    'in a column of %s hold a tenant in, by an index, and are asked once for a statement',
    async (column, at) => {
      const { app, admin } = databaseOf(type)
      const seen = await within(app, { 'app.tenant_id': a }, async () => {
        const { rows } = await app.query<{ secret: string }>(`select secret from tenancy.t${at}`)
        return rows
      })
      expect(seen).toEqual([{ secret: 'of a' }])
      const plan = await within(app, { 'app.tenant_id': a }, async () => {
        const { rows } = await app.query<{ 'QUERY PLAN': string }>(
          `explain (costs off) select secret from tenancy.t${at}`,
        )
        return rows.map((row) => row['QUERY PLAN']).join('\n')
      })
      expect(plan).toMatch(/One-Time Filter/)
      // PostgreSQL asks no function for each row: what it compares with was asked before
      const forEachRow = plan.split('\n').filter((line) => /^\s*(Filter|Index Cond|Recheck Cond)/.test(line))
      expect(forEachRow.join('\n')).not.toMatch(/tenant_id\(|current_setting/)
      // of char(n) PostgreSQL makes text before it compares, which an index on the column is not for
      expect(/Index Cond/.test(plan)).toBe(!column.startsWith('char'))
      // without a context it fails before it looks for a row
      await expect(app.query(`select from tenancy.t${at} where secret = 'no such'`)).rejects.toMatchObject({
        code: 'DH101',
      })
      const { rows } = await admin.query(`select from tenancy.t${at} where secret like 'of _'`)
      expect(rows).toHaveLength(2)
    },
  )

  it.each(columns[type].map((column, at) => [column, at] as const))(
    'in a column of %s hold a scan in whose middle the caller’s own setting changes',
    async (column, at) => {
      const { app, admin } = databaseOf(type)
      const [cast] = column.split(' ')
      const attack = (client: pg.Client) =>
        within(client, { 'app.tenant_id': a, 'own.tenant': a }, async () => {
          await client.query('set local enable_indexscan = off')
          await client.query('set local enable_bitmapscan = off')
          const { rows } = await client.query<{ secret: string }>(
            `select secret from tenancy.t${at}
              where tenant = current_setting('own.tenant')::${cast} and set_config('own.tenant', '${b}', true) <> ''`,
          )
          return rows.map(({ secret }) => secret)
        })
      expect(await attack(app)).not.toContain('of b')
      // the same where the policies don't hold
      expect(await attack(admin)).toContain('of b')
    },
  )

  it('are believed with a signature only where contexts are signed, and stay of their type', async () => {
    const { admin, app, adminUrl } = databaseOf(type)
    const key = parseContextKey(drawContextKey(), 'key')
    const sync = (keys: readonly ContextKey[]) =>
      withMigrationSession(
        adminUrl,
        10_000,
        () => {},
        (session) => syncContext(session, keys, defaultRoleNames.owner),
      )
    expect(await sync([key])).toMatchObject({ mode: 'signed', changed: true })
    expect(await sync([key])).toMatchObject({ changed: false })
    const { rows } = await admin.query(
      `select format_type(prorettype, null) as type from pg_proc where proname like '%_tenant_id' group by 1`,
    )
    expect(rows).toEqual([{ type: typeName[type] }])

    const userId = type === 'uuid' ? b : 'auth0|5f7c'
    const context = parseTenantContext({ tenantId: a, userId }, type)
    const good = {
      'app.tenant_id': a,
      'app.user_id': userId,
      'app.context_signature': new ContextSigner(key).signatureOf(context),
    }
    expect(await answered(app, good)).toBe(a)
    expect(await answered(app, { 'app.tenant_id': a })).toBe('DH102')
    expect(await answered(app, { ...good, 'app.tenant_id': b })).toBe('DH102')
    expect(await answered(app, { ...good, 'app.user_id': '' })).toBe('DH102')
    // what is signed can't be cut in other places
    expect(await answered(app, { ...good, 'app.tenant_id': `${a}:${userId}`, 'app.user_id': '' })).toBe(
      'DH102',
    )
    const read = (settings: Readonly<Record<string, string>>) =>
      within(app, settings, async () => (await app.query('select secret from tenancy.t0')).rows as unknown)
    expect(await read(good)).toEqual([{ secret: 'of a' }])
    await expect(read({ 'app.tenant_id': a })).rejects.toMatchObject({ code: 'DH102' })
    expect(await sync([])).toMatchObject({ mode: 'plain' })
    expect(await answered(app, { 'app.tenant_id': a })).toBe(a)
  })
})

it('a table without a primary key, all of whose rows are everybody’s, fails without a context before it looks for one', async () => {
  const { admin, app } = databaseOf('text')
  const manifest = manifestOf('keyless', 'text')
  const { Team } = manifest.models
  const [policies] = policiesOf(
    { ...manifest, models: { Team: { ...Team, scope: { kind: 'global' } } } },
    defaultRoleNames,
  )
  const guard = policies?.policies.find(({ as }) => as === 'restrictive')
  await admin.query(`
    create table tenancy.keyless (tenant text);
    alter table tenancy.keyless enable row level security;
    grant select on tenancy.keyless to doublehull_app;
    create policy guard on tenancy.keyless as permissive for select to doublehull_app using (${guard?.using})`)
  const count = async () => (await app.query('select tenant from tenancy.keyless')).rows.length
  await expect(count()).rejects.toMatchObject({ code: 'DH101' })
  await admin.query('insert into tenancy.keyless values (null), (null)')
  await expect(count()).rejects.toMatchObject({ code: 'DH101' })
  expect(await within(app, { 'app.tenant_id': other.text[0] }, count)).toBe(2)
})

describe('an id is given', () => {
  it('as a number or a bigint where the ids are numbers, and only there', () => {
    expect(parseTenantId(7, 'int4')).toBe('7')
    expect(parseTenantId(7n, 'int4')).toBe('7')
    expect(parseTenantId(9_007_199_254_740_993n, 'int8')).toBe('9007199254740993')
    for (const [id, type] of [
      [7.5, 'int4'],
      [-1, 'int4'],
      [Number.NaN, 'int4'],
      [2_147_483_648, 'int4'],
      // JavaScript can't tell it from the next
      [9_007_199_254_740_992, 'int8'],
      [2n ** 63n, 'int8'],
      [7, 'text'],
      [7n, 'uuid'],
      [true, 'int4'],
      [[7], 'int4'],
      [{ toString: () => '7' }, 'int4'],
    ] as const) {
      expect(parsed(id, type)).toBe('DH102')
    }
    for (const type of tenantIdTypes) {
      for (const none of [undefined, null, '']) expect(parsed(none, type)).toBe('DH101')
    }
  })

  it('with a user that is a uuid beside a uuid, and any text or number else', () => {
    const user = (userId: unknown, type: TenantIdType) => {
      try {
        return parseTenantContext({ tenantId: other[type][0], userId }, type).userId
      } catch (error) {
        return isTenancyError(error) ? error.code : error
      }
    }
    expect(user(other.uuid[1], 'uuid')).toBe(other.uuid[1])
    expect(user('auth0|5f7c', 'uuid')).toBe('DH102')
    expect(user(42, 'uuid')).toBe('DH102')
    for (const type of ['text', 'int4', 'int8'] as const) {
      expect(user('auth0|5f7c', type)).toBe('auth0|5f7c')
      expect(user('007', type)).toBe('007')
      expect(user(42, type)).toBe('42')
      expect(user(42n, type)).toBe('42')
      for (const bad of ['a:b', 'a b', '', -1, 1.5]) expect(user(bad, type)).toBe('DH102')
    }
  })
})
