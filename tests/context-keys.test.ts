import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { migrateCommand } from '../src/cli/migrate.ts'
import { parseContextKey } from '../src/context/context-key.ts'
import { ContextSigner } from '../src/context/context-signature.ts'
import { parseTenantContext } from '../src/context/tenant-context.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy } from '../src/index.ts'
import { parseContextOptions } from '../src/migrations/context-settings.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { contextServers, useContextDatabases } from './support/context-databases.ts'
import { drawContextKey, signContexts } from './support/signed-database.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

const roles = { manage: false }

describe('a key', () => {
  const bytes = randomBytes(32)
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, 8)

  it.each(['hex', 'base64', 'base64url'] as const)('is read as %s', (encoding) => {
    const key = parseContextKey(` ${bytes.toString(encoding)}\n`, 'key')
    expect(key.id).toBe(id)
    expect(key.secret.export().equals(bytes)).toBe(true)
  })

  it('shows nothing of itself to a log', () => {
    const key = parseContextKey(bytes.toString('base64'), 'key')
    for (const text of [JSON.stringify(key), inspect(key, { depth: 9, showHidden: true })]) {
      expect(text).not.toContain(bytes.toString('hex').slice(8, 20))
      expect(text).not.toContain(bytes.toString('base64').slice(8, 20))
    }
  })

  it.each([
    ['shorter than 32 bytes', randomBytes(31).toString('base64')],
    ['of other characters', `${bytes.toString('base64')}!`],
    ['of one character', 'a'.repeat(64)],
  ])('that is %s is refused, and not repeated', (_, text) => {
    vi.stubEnv('DOUBLEHULL_CONTEXT_KEY', text)
    const connectionString = 'postgresql://app@127.0.0.1:1/none'
    const create = () => createTenancy({ PrismaClient, manifest, connectionString })
    expect(create).toThrow(expect.objectContaining({ code: 'DH408' }))
    try {
      create()
    } catch (error) {
      expect(String(error)).toContain('DOUBLEHULL_CONTEXT_KEY')
      expect(String(error)).not.toContain(text)
    }
  })

  it('may be missing, and then a tenancy signs nothing', () => {
    vi.stubEnv('DOUBLEHULL_CONTEXT_KEY', '')
    expect(parseContextOptions({}, process.env)).toBe('keep')
    expect(() => parseContextOptions({ previousKey: drawContextKey() }, {})).toThrow(/missing/)
    expect(() => parseContextOptions({ key: drawContextKey(), unsigned: true }, {})).toThrow(/switched off/)
    expect(parseContextOptions({ key: drawContextKey(), previousKey: drawContextKey() }, {})).toHaveLength(2)
    const key = drawContextKey()
    expect(parseContextOptions({ key, previousKey: key }, {})).toHaveLength(1)
  })
})

describe('a signature', () => {
  const context = parseTenantContext({ tenantId: '00000000-0000-4000-8000-000000000001' })
  const signer = (ttl?: number) => new ContextSigner(parseContextKey(drawContextKey(), 'key'), ttl)

  it('is kept for its tenant and user until half its life is over, or the clock is set back', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 })
    const signs = signer()
    const first = signs.signatureOf(context)
    expect(first).toMatch(/^1800000300\./)
    vi.setSystemTime(1_800_000_149_000)
    expect(signs.signatureOf({ ...context })).toBe(first)
    expect(signs.signatureOf({ ...context, userId: context.tenantId as never })).not.toBe(first)
    vi.setSystemTime(1_800_000_151_000)
    expect(signs.signatureOf(context)).toMatch(/^1800000451\./)
    vi.setSystemTime(1_800_000_000_000)
    expect(signs.signatureOf(context)).toBe(first)
  })

  it.each([29, 86_401, 60.5, Number.NaN])('that would be good for %s seconds is refused', (ttl) => {
    expect(() => signer(ttl)).toThrow(expect.objectContaining({ code: 'DH409' }))
  })

  it('must outlive the wait for a connection', () => {
    const options = { contextKey: drawContextKey(), contextTtlSeconds: 30, connectionTimeoutMillis: 15_000 }
    expect(() =>
      createTenancy({
        PrismaClient,
        manifest,
        connectionString: 'postgresql://app@127.0.0.1:1/none',
        ...options,
      }),
    ).toThrow(expect.objectContaining({ code: 'DH409' }))
  })
})

describe('doublehull migrate', () => {
  const database = useTestDatabase()
  const state = async () => {
    const { rows } = await database.admin.query<{ signed: boolean; keys: number }>(
      `select (select prosecdef from pg_proc where oid = 'tenancy.current_tenant_id()'::regprocedure) as signed,
              (select count(*)::int from tenancy.context_key) as keys`,
    )
    return rows[0]
  }
  const migrate = async (...args: string[]) => {
    const lines: string[] = []
    const line = (text: string) => void lines.push(text)
    const output = { stdout: line, stderr: line, colours: false }
    const code = await migrateCommand.run(
      ['--database-url', database.adminUrl, '--no-roles', ...args],
      output,
    )
    return { code, context: lines.find((text) => text.startsWith('context')), text: lines.join('\n') }
  }

  it('switches signing on with a key, again changes nothing, and off only with its flag', async () => {
    const key = drawContextKey()
    expect(await migrate()).toMatchObject({ code: 0, context: 'context    not signed  unchanged' })
    vi.stubEnv('DOUBLEHULL_CONTEXT_KEY', key)
    expect(await migrate()).toMatchObject({ code: 0, context: 'context    signed, 1 key  changed' })
    expect(await state()).toEqual({ signed: true, keys: 1 })
    expect(await migrate()).toMatchObject({ code: 0, context: 'context    signed, 1 key  unchanged' })
    vi.stubEnv('DOUBLEHULL_CONTEXT_KEY_PREVIOUS', drawContextKey())
    expect(await migrate()).toMatchObject({ context: 'context    signed, 2 keys  changed' })
    vi.unstubAllEnvs()
    expect(await migrate()).toMatchObject({ code: 0, context: 'context    signed, 2 keys  unchanged' })
    vi.stubEnv('DOUBLEHULL_CONTEXT_KEY', key)
    expect(await migrate('--unsigned-context')).toMatchObject({
      code: 1,
      text: expect.stringContaining('DH408'),
    })
    expect(await state()).toEqual({ signed: true, keys: 2 })
    vi.unstubAllEnvs()
    expect(await migrate('--unsigned-context')).toMatchObject({ context: 'context    not signed  changed' })
    expect(await state()).toEqual({ signed: false, keys: 0 })
    const { text } = await migrate('--json')
    expect(JSON.parse(text)).toMatchObject({ context: { mode: 'plain', keys: 0, changed: false } })
  })

  it('stores no key, only what is made of it, and takes back what was granted on it', async () => {
    const key = drawContextKey()
    await signContexts(database.adminUrl, key)
    await database.admin.query(
      `grant select on tenancy.context_key to doublehull_reader, public;
       grant select (inner_pad) on tenancy.context_key to doublehull_app;
       alter table tenancy.context_key no force row level security`,
    )
    await signContexts(database.adminUrl, key)
    const { rows } = await database.admin.query<Record<string, unknown>>(
      `select k.*, c.relforcerowsecurity as forced, c.relacl::text as acl,
              (select string_agg(attacl::text, '') from pg_attribute where attrelid = c.oid) as columns
         from tenancy.context_key k, pg_class c where c.oid = 'tenancy.context_key'::regclass`,
    )
    expect(rows).toMatchObject([
      {
        forced: true,
        acl: expect.stringMatching(/^\{doublehull_owner=\w+\/doublehull_owner\}$/),
        columns: null,
      },
    ])
    const stored = JSON.stringify(rows[0], (_, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString('hex') : value,
    )
    expect(stored).not.toContain(Buffer.from(key, 'base64').toString('hex').slice(0, 16))
  })

  it('needs the package’s migrations for it', async () => {
    await database.admin.query('alter table tenancy.context_key rename to hidden')
    const refused = signContexts(database.adminUrl, drawContextKey())
    await expect(refused).rejects.toMatchObject({
      code: 'DH409',
      details: { migration: '20261121000700_context_key' },
    })
    await database.admin.query('alter table tenancy.hidden rename to context_key')
  })
})

describe('while clients work', () => {
  const database = useTestDatabase()
  const opened: Tenancy<PrismaClient>[] = []
  let tenantId: string
  beforeAll(async () => {
    tenantId = (await plantTwoTenants(database)).a.tenantId
  })
  afterAll(() => Promise.all(opened.map((tenancy) => tenancy.disconnect())))

  function open(contextKey: string, allowUnverifiedContext = false): Tenancy<PrismaClient> {
    const tenancy = createTenancy({
      PrismaClient,
      manifest,
      connectionString: database.appUrl,
      contextKey,
      allowUnverifiedContext,
      maxConnections: 2,
    })
    opened.push(tenancy)
    return tenancy
  }

  /** Reads, alone and in transactions, until it is told to stop; tells how often, and with which codes it failed. */
  function work(tenancy: Tenancy<PrismaClient>) {
    const db = tenancy.client({ tenantId })
    const failures = new Set<unknown>()
    const state = { isOver: false, reads: 0 }
    const loop = async () => {
      while (!state.isOver) {
        try {
          await db.configPackage.count()
          await db.$transaction((tx) => tx.configPackage.count())
          state.reads++
        } catch (error) {
          failures.add((error as { code?: unknown }).code)
        }
      }
    }
    const loops = [loop(), loop(), loop()]
    return {
      failures,
      async more() {
        const enough = state.reads + 10
        while (state.reads < enough) await new Promise((done) => setTimeout(done, 10))
      },
      async stop() {
        state.isOver = true
        await Promise.all(loops)
      },
    }
  }

  it('signing is switched on and off, and keys are exchanged, without a failure', async () => {
    const [first, second] = [drawContextKey(), drawContextKey()]
    const migrate = (key: string, previousKey = '') => signContexts(database.adminUrl, key, previousKey)
    const old = work(open(first, true))
    await old.more()
    await migrate(first)
    await old.more()
    // believed before anybody signs with it
    await migrate(second, first)
    await old.more()
    const next = work(open(second, true))
    await Promise.all([old.more(), next.more()])
    await old.stop()
    await migrate(second)
    await next.more()
    await runMigrations({ connectionString: database.adminUrl, roles, context: { unsigned: true } })
    await next.more()
    await next.stop()
    expect([...old.failures, ...next.failures]).toEqual([])
  })

  it('a key that is forgotten is refused from then on', async () => {
    const [first, second] = [drawContextKey(), drawContextKey()]
    await signContexts(database.adminUrl, first)
    const db = open(first).client({ tenantId })
    expect(await db.configPackage.count()).toBe(1)
    await signContexts(database.adminUrl, second)
    await expect(db.configPackage.count()).rejects.toMatchObject({ code: 'DH102' })
    expect(await open(second).client({ tenantId }).configPackage.count()).toBe(1)
  })
})

describe.each(contextServers)('on %s', (server) => {
  const databases = useContextDatabases(server)

  async function as<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  const doors: readonly (readonly [string, string])[] = [
    ['the table', 'select encode(inner_pad, $$hex$$), encode(outer_pad, $$hex$$) from tenancy.context_key'],
    ['the table as XML', `select table_to_xml('tenancy.context_key', true, false, '')::text`],
    ['the table’s samples', `select * from pg_stats where tablename = 'context_key'`],
    ['the catalog of samples', 'select * from pg_statistic'],
    [
      'the source of the functions',
      `select string_agg(prosrc, '') from pg_proc where proname in ('current_tenant_id', 'pre_request')`,
    ],
    ['what the statements were', `select string_agg(query, '') from pg_stat_activity`],
    ['an update of it', 'update tenancy.context_key set inner_pad = outer_pad returning *'],
    [
      'a key of one’s own',
      `insert into tenancy.context_key values ('00000000', decode(repeat('00', 64), 'hex'), decode(repeat('00', 64), 'hex'), true) returning *`,
    ],
    ['its removal', 'delete from tenancy.context_key returning *'],
    ['a copy of it', 'copy tenancy.context_key to stdout'],
    ['a lock on it', 'lock table tenancy.context_key in share mode'],
    ['the files of the server', `select pg_read_file('PG_VERSION')`],
  ]

  it.each(doors)('no role that queries reaches the keys: %s', async (_, statement) => {
    const { admin } = databases.signed
    await admin.query('analyze tenancy.context_key')
    const { rows } = await admin.query<{ pad: string }>(
      `select encode(inner_pad, 'hex') as pad from tenancy.context_key union select encode(outer_pad, 'hex') from tenancy.context_key`,
    )
    expect(rows).toHaveLength(2)
    for (const role of ['app', 'reader', 'system'] as const) {
      const answer = await as(databases.signed.url(role), (client) => client.query(statement)).then(
        (result) => JSON.stringify(result.rows),
        (error: unknown) => String(error),
      )
      for (const { pad } of rows) expect(answer).not.toContain(pad.slice(0, 32))
    }
    const { rows: kept } = await admin.query('select from tenancy.context_key')
    expect(kept).toHaveLength(1)
  })

  it('a role that was granted the whole schema finds no key in it', async () => {
    const { admin } = databases.signed
    await admin.query('grant select on all tables in schema tenancy to doublehull_reader')
    const read = (client: pg.Client) => client.query('select * from tenancy.context_key')
    expect((await as(databases.signed.url('reader'), read)).rows).toEqual([])
    await admin.query('revoke select on tenancy.context_key from doublehull_reader')
    expect((await admin.query('select from tenancy.context_key')).rowCount).toBe(1)
  })

  it('the server’s own debugging, which every role may switch on, prints no key', async () => {
    const { scene, admin } = databases.signed
    const { rows } = await admin.query<{ pads: Buffer }>(
      'select inner_pad || outer_pad as pads from tenancy.context_key',
    )
    const pads = rows[0]?.pads ?? Buffer.alloc(0)
    const signature = new ContextSigner(parseContextKey(databases.key, 'key')).signatureOf(
      parseTenantContext({ tenantId: scene.a.tenantId }),
    )
    const printed: string[] = []
    const known = randomBytes(8)
    await as(databases.signed.url(), async (client) => {
      client.on('notice', ({ message, detail }) => printed.push(`${message} ${detail}`))
      await client.query(
        `set client_min_messages = debug5; set debug_print_parse = on; set debug_print_rewritten = on;
         set debug_print_plan = on; set debug_pretty_print = off; set plpgsql.print_strict_params = on`,
      )
      await client.query(
        `select set_config('app.tenant_id', $1, false), set_config('app.context_signature', $2, false)`,
        [scene.a.tenantId, signature],
      )
      for (let call = 0; call < 8; call++)
        await client.query('select count(*) from governance.config_package')
      await client.query(`select set_config('app.tenant_id', $1, false)`, [scene.b.tenantId])
      await client.query('select count(*) from governance.config_package').catch(() => undefined)
      await client.query(`select '\\x${known.toString('hex')}'::bytea`)
    })
    // long lines are broken
    const text = printed.join(' ').replace(/\s+/g, ' ')
    // the plans of what runs within the function are among them
    expect(text.includes('inner_pad')).toBe(true)
    const forms = [
      (eight: number[]) => Buffer.from(eight).toString('hex'),
      (eight: number[]) => eight.join(' '),
      (eight: number[]) => eight.map((byte) => (byte > 127 ? byte - 256 : byte)).join(' '),
    ]
    const isPrinted = (eight: Buffer) => forms.some((form) => text.includes(form([...eight])))
    expect(isPrinted(known)).toBe(true)
    for (let at = 0; at + 8 <= pads.length; at += 8) {
      expect(isPrinted(pads.subarray(at, at + 8))).toBe(false)
    }
  })

  it('the migrator switches signing off and on, being no superuser', async () => {
    const connectionString = databases.signed.url('migrator')
    const off = await runMigrations({ connectionString, roles, context: { unsigned: true } })
    expect(off.context).toEqual({ mode: 'plain', keys: 0, changed: true })
    const on = await runMigrations({ connectionString, roles, context: { key: databases.key } })
    expect(on.context).toEqual({ mode: 'signed', keys: 1, changed: true })
    const app = runMigrations({
      connectionString: databases.signed.url(),
      roles,
      context: { key: databases.key },
    })
    await expect(app).rejects.toMatchObject({ code: expect.stringMatching(/^DH40/) })
  })

  it.each([
    ['four minutes late', -240, 'read'],
    ['six minutes late', -360, 'DH102'],
    ['an hour early', 3_600, 'read'],
    ['two days early', 172_800, 'DH102'],
  ])('a clock that is %s: %s s', async (_, seconds, outcome) => {
    const { scene, options } = databases.signed
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1_000 })
    const tenancy = createTenancy({ PrismaClient, manifest, ...options })
    const answer = await tenancy
      .client({ tenantId: scene.a.tenantId })
      .configPackage.count()
      .then(
        () => 'read',
        (error: { code?: unknown }) => error.code,
      )
    await tenancy.disconnect()
    expect(answer).toBe(outcome)
  })

  it('parallel workers verify the context too', async () => {
    const { scene, admin, url } = databases.signed
    await admin.query(
      `insert into governance.feature_flag (id, tenant_id, key, updated_at)
       select gen_random_uuid(), $1, 'parallel-' || n, now() from generate_series(1, 3000) n`,
      [scene.a.tenantId],
    )
    const signature = new ContextSigner(parseContextKey(databases.key, 'key')).signatureOf(
      parseTenantContext({ tenantId: scene.a.tenantId }),
    )
    await as(url(), async (client) => {
      await client.query(
        `begin; set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0; set local min_parallel_table_scan_size = 0;
         set local ${server === 'PostgreSQL 15' ? 'force_parallel_mode' : 'debug_parallel_query'} = on`,
      )
      const set = (id: string) =>
        client.query(
          `select set_config('app.tenant_id', $1, true), set_config('app.context_signature', $2, true)`,
          [id, signature],
        )
      await set(scene.a.tenantId)
      const { rows } = await client.query('select count(*)::int as count from governance.feature_flag')
      expect(rows).toEqual([{ count: 3001 }])
      const { rows: own } = await client.query('select tenancy.current_tenant_id() as id')
      expect(own).toEqual([{ id: scene.a.tenantId }])
      await set(scene.b.tenantId)
      await expect(client.query('select tenancy.current_tenant_id()')).rejects.toMatchObject({
        code: 'DH102',
      })
    })
    await admin.query(`delete from governance.feature_flag where key like 'parallel-%'`)
  })
})
