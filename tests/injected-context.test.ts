import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { parseContextKey } from '../src/context/context-key.ts'
import { ContextSigner } from '../src/context/context-signature.ts'
import { parseTenantContext } from '../src/context/tenant-context.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy } from '../src/index.ts'
import { createTemporaryLogin } from '../src/testing/index.ts'
import { type ContextDatabase, contextServers, useContextDatabases } from './support/context-databases.ts'

// Whoever can put text into raw SQL as tenant A wants tenant B's rows. Without signatures most of these doors open.

/** What an attacker knows: the other tenant's id. */
type Attack = (b: string) => readonly string[]

const names = 'select name from governance.config_package'
const become = (b: string) => `set_config('app.tenant_id', '${b}', true)`
const claim = (b: string) => `'{"tenant_id":"${b}"}'`

/** Each is run statement by statement in one transaction of tenant A, and a single one outside of any too. */
const doors: readonly (readonly [string, Attack])[] = [
  ['set_config within a union', (b) => [`select ${become(b)} as name union all ${names}`]],
  [
    'set_config before a lateral join',
    (b) => [
      `select p.name from (select ${become(b)} as set offset 0) s
        cross join lateral (${names} where s.set is not null offset 0) p`,
    ],
  ],
  [
    'set_config in a CTE that a subquery waits for',
    (b) => [
      `with s as materialized (select ${become(b)} as set)
     select (select string_agg(name, ',') from governance.config_package where s.set <> '') as name from s`,
    ],
  ],
  [
    'query_to_xml',
    (b) => [`select ${become(b)} as name union all select query_to_xml('${names}', true, false, '')::text`],
  ],
  [
    'table_to_xml',
    (b) => [
      `select ${become(b)} as name union all select table_to_xml('governance.config_package', true, false, '')::text`,
    ],
  ],
  [
    'ts_stat',
    (b) => [
      `select ${become(b)} as name union all
     select word from ts_stat('select array_to_tsvector(array[name]) from governance.config_package')`,
    ],
  ],
  [
    'a DO block',
    (b) => [
      `do $$ declare found text; begin
       perform ${become(b)};
       select string_agg(name, ',') into found from governance.config_package;
       raise exception '%', found;
     end $$`,
    ],
  ],
  ['a DO block, and a query after it', (b) => [`do $$ begin perform ${become(b)}; end $$`, names]],
  ['SET LOCAL', (b) => [`set local app.tenant_id = '${b}'`, names]],
  ['SET for the session', (b) => [`set app.tenant_id = '${b}'`, names]],
  [
    'a savepoint that is released (G9)',
    (b) => ['savepoint s', `set local app.tenant_id = '${b}'`, 'release s', names],
  ],
  [
    'a prepared statement',
    (b) => [`prepare planted as ${names}`, 'execute planted', `select ${become(b)}`, 'execute planted'],
  ],
  [
    'a cursor that straddles the change (G11)',
    (b) => [
      `declare planted cursor for select name from governance.config_package order by name`,
      `select ${become(b)}`,
      'fetch all from planted',
    ],
  ],
  [
    'claims of a token',
    (b) => [
      `select set_config('app.tenant_id', '', true) as name
     union all select set_config('request.jwt.claims', ${claim(b)}, true) union all ${names}`,
    ],
  ],
  [
    'the tenant, without the signature',
    (b) => [
      `select ${become(b)} as name union all select set_config('app.context_signature', '', true) union all ${names}`,
    ],
  ],
  ['the tenant, and everything reset first', (b) => ['reset all', `select ${become(b)}`, names]],
]

/** Doors that are shut whatever the database believes. */
const shut: readonly (readonly [string, Attack])[] = [
  ['stacked statements', (b) => [`set local app.tenant_id = '${b}'; ${names}`]],
  ['SET ROLE', () => ['set local role doublehull_owner', names]],
  ['SET SESSION AUTHORIZATION', () => ['set local session authorization doublehull_owner', names]],
  ['RESET ALL', () => ['reset all', names]],
  ['DISCARD ALL', () => ['discard all', names]],
  ['row_security off', () => ['set local row_security = off', names]],
  [
    'tenancy.pre_request()',
    (b) => [
      `select set_config('app.tenant_id', '', true), set_config('request.jwt.claims', ${claim(b)}, true)`,
      'select tenancy.pre_request()',
      names,
    ],
  ],
  [
    'a function of one’s own in the place of the verifying one',
    () => [
      `create or replace function tenancy.current_tenant_id() returns uuid language sql as 'select null::uuid'`,
    ],
  ],
  ['a temporary view', () => [`create temporary view planted as ${names}`, 'select * from planted']],
]

describe.each(contextServers)('on %s', (server) => {
  const databases = useContextDatabases(server)
  const opened: Tenancy<PrismaClient, true>[] = []
  afterAll(() => Promise.all(opened.map((tenancy) => tenancy.disconnect())))

  function tenancyOf(database: ContextDatabase): Tenancy<PrismaClient, true> {
    const tenancy = createTenancy({
      PrismaClient,
      manifest,
      ...database.options,
      allowUnsafeRaw: true,
      maxConnections: 2,
    })
    opened.push(tenancy)
    return tenancy
  }

  /** Everything that tenant A gets to see, errors included. */
  async function seenBy(database: ContextDatabase, attack: Attack): Promise<string> {
    const { a, b } = database.scene
    const tenancy = tenancyOf(database)
    const db = tenancy.client({ tenantId: a.tenantId, userId: a.userId })
    const statements = attack(b.tenantId)
    const seen: unknown[] = []
    const run = async (client: Pick<typeof db, '$queryRawUnsafe'>) => {
      for (const statement of statements) seen.push(await client.$queryRawUnsafe(statement))
    }
    await db.$transaction(run).catch((error: unknown) => seen.push(String(error), error))
    if (statements.length === 1) await run(db).catch((error: unknown) => seen.push(String(error), error))
    // whatever was left on the connections
    for (const { tenantId, secret } of [a, b, a, b]) {
      const own = await tenancy.client({ tenantId }).configPackage.findMany({ select: { name: true } })
      expect(own).toEqual([{ name: secret }])
    }
    await tenancy.disconnect()
    return JSON.stringify(seen)
  }

  it.each(doors)(
    '%s reads B’s row where contexts are believed, and not where they are signed',
    async (_, attack) => {
      expect(await seenBy(databases.plain, attack)).toContain(databases.plain.scene.b.secret)
      const seen = await seenBy(databases.signed, attack)
      expect(seen).not.toContain(databases.signed.scene.b.secret)
    },
  )

  it.each(shut)('%s is refused with signatures and without', async (_, attack) => {
    for (const database of [databases.plain, databases.signed]) {
      const seen = await seenBy(database, attack)
      expect(seen).toMatch(/Error/)
      expect(seen).not.toContain(database.scene.b.secret)
    }
  })

  it('UPDATE of pg_settings does not reach the context, which is no setting of a module', async () => {
    for (const database of [databases.plain, databases.signed]) {
      const seen = await seenBy(database, (b) => [
        `update pg_settings set setting = '${b}' where name = 'app.tenant_id'`,
        names,
      ])
      expect(seen).toContain(database.scene.a.secret)
      expect(seen).not.toContain(database.scene.b.secret)
    }
  })

  it('a setting of the caller’s own that changes in the middle of a scan leads to no row of B’s', async () => {
    const steps = (table: string, verb: string, end: string) => (a: string, b: string) => [
      'set local enable_indexscan = off',
      'set local enable_bitmapscan = off',
      `select set_config('own.tenant', '${a}', true)`,
      `${verb} ${table} where tenant_id = current_setting('own.tenant')::uuid and set_config('own.tenant', '${b}', true) <> '' ${end}`,
    ]
    const flags = 'governance.feature_flag'
    const attacks = [
      steps('governance.config_package', 'select name from', ''),
      steps(flags, 'delete from', 'returning description'),
      (a: string, b: string) =>
        steps(
          flags,
          'update',
          'returning description',
        )(a, b).map((text) => text.replace(' where', ` set tenant_id = '${a}' where`)),
    ]
    for (const { admin, options, scene, url } of [databases.plain, databases.signed]) {
      const { a, b } = scene
      // a key that A has not, so that the row could be A's
      await admin.query(`update governance.feature_flag set key = 'other' where id = $1`, [b.flagId])
      const signature = options.contextKey
        ? new ContextSigner(parseContextKey(options.contextKey, 'key')).signatureOf(
            parseTenantContext({ tenantId: a.tenantId }),
          )
        : ''
      const seenIn = async (client: pg.Client, attack: (a: string, b: string) => readonly string[]) => {
        await client.query(
          `select set_config('app.tenant_id', $1, true), set_config('app.context_signature', $2, true)`,
          [a.tenantId, signature],
        )
        const seen: unknown[] = []
        for (const text of attack(a.tenantId, b.tenantId)) seen.push((await client.query(text)).rows)
        return JSON.stringify(seen)
      }
      const app = new pg.Client({ connectionString: url() })
      await app.connect()
      for (const attack of attacks) {
        await app.query('begin')
        expect(await seenIn(app, attack)).not.toContain(b.secret)
        await app.query('rollback')
        // with the equality alone, as such policies are usually written
        await admin.query('begin')
        const { rows } = await admin.query<{ sql: string }>(
          `select format('alter policy %I on %s using (tenant_id = (select tenancy.require_tenant_id()))',
                         polname, polrelid::regclass) as sql
             from pg_policy
            where polrelid = any ('{governance.config_package,governance.feature_flag}'::regclass[])
              and polname like 'tenant%' and polcmd <> 'a'`,
        )
        for (const { sql } of rows) await admin.query(sql)
        await admin.query('set local role doublehull_app')
        expect(await seenIn(admin, attack)).toContain(b.secret)
        await admin.query('rollback')
      }
      await app.end()
    }
  })

  it('a write as B succeeds where contexts are believed, and not where they are signed', async () => {
    const written = async (database: ContextDatabase) => {
      const { a, b } = database.scene
      const db = tenancyOf(database).client({ tenantId: a.tenantId })
      await db
        .$transaction(async (tx) => {
          await tx.$executeRawUnsafe(`set local app.tenant_id = '${b.tenantId}'`)
          await tx.$executeRawUnsafe(`update governance.feature_flag set description = 'injected'`)
        })
        .catch(() => undefined)
      const { rows } = await database.admin.query(
        'select description from governance.feature_flag where id = $1',
        [b.flagId],
      )
      return rows
    }
    expect(await written(databases.plain)).toEqual([{ description: 'injected' }])
    expect(await written(databases.signed)).toEqual([{ description: databases.signed.scene.b.secret }])
  })

  it('a signature of A’s, used again with B’s tenant or with another user, is of no use', async () => {
    const { a, b } = databases.signed.scene
    const db = tenancyOf(databases.signed).client({ tenantId: a.tenantId, userId: a.userId })
    const captured = await db.$queryRawUnsafe<{ signature: string }[]>(
      `select current_setting('app.context_signature') as signature`,
    )
    const { signature } = captured[0] ?? { signature: '' }
    expect(signature).toMatch(/^\d{10}\.[0-9a-f]{8}\.[0-9a-f]{64}$/)
    const client = new pg.Client({ connectionString: databases.signed.url() })
    await client.connect()
    const read = async (tenantId: string, userId: string) => {
      await client.query('begin')
      await client.query(
        `select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true), set_config('app.context_signature', $3, true)`,
        [tenantId, userId, signature],
      )
      const answer = await client.query(names).then(
        ({ rows }) => rows,
        (error: pg.DatabaseError) => error.code,
      )
      await client.query('rollback')
      return answer
    }
    // what remains: whoever captures it is that tenant until it expires
    expect(await read(a.tenantId, a.userId)).toEqual([{ name: a.secret }])
    expect(await read(b.tenantId, a.userId)).toBe('DH102')
    expect(await read(b.tenantId, b.userId)).toBe('DH102')
    expect(await read(a.tenantId, b.userId)).toBe('DH102')
    expect(await read(a.tenantId, '')).toBe('DH102')
    await client.end()
  })

  it('a role that may make temporary types runs nothing of its own with the owner’s rights', async () => {
    const { admin, adminUrl, scene } = databases.signed
    const login = await createTemporaryLogin(adminUrl, 'doublehull_app')
    const user = decodeURIComponent(new URL(login.connectionString).username)
    const { rows } = await admin.query<{ name: string }>('select current_database() as name')
    await admin.query(`grant temporary on database ${rows[0]?.name} to ${user}`)
    const client = new pg.Client({ connectionString: login.connectionString })
    await client.connect()
    await client.query('create temporary table ran_as (who name)')
    await client.query('grant all on ran_as to public')
    await client.query(
      `create function pg_temp.note(value anyelement) returns bool language plpgsql as
       $$ begin raise warning 'ran as %', current_user; return true; end $$`,
    )
    for (const type of ['text', 'uuid', 'bool', 'bytea', 'int8', 'float8', 'numeric', 'jsonb']) {
      await client.query(`create domain pg_temp.${type} as pg_catalog.${type} check (pg_temp.note(value))`)
    }
    await client.query(
      'create temporary table context_key (id text, inner_pad bytea, outer_pad bytea, signs bool)',
    )
    const warnings: string[] = []
    client.on('notice', ({ message }) => warnings.push(message ?? ''))
    // the trap works where it is stepped into
    await client.query(`select 'x'::pg_temp.text`)
    expect(warnings).toEqual([`ran as ${user}`])
    await client.query(`select set_config('app.tenant_id', $1, false)`, [scene.b.tenantId])
    await expect(client.query('select tenancy.current_tenant_id()')).rejects.toMatchObject({ code: 'DH102' })
    await expect(client.query(names)).rejects.toMatchObject({ code: 'DH102' })
    expect(warnings.filter((warning) => warning.includes('owner'))).toEqual([])
    await client.end()
    await admin.query(`revoke temporary on database ${rows[0]?.name} from ${user}`)
    await login.drop()
  })
})
