import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { protectCommand } from '../src/cli/protect.ts'
import { manifest as bundledManifest } from '../src/generated/tenancy.ts'
import {
  type ProtectEvent,
  type ProtectOptions,
  type ProtectReport,
  protectDatabase,
} from '../src/migrations/protect.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin } from '../src/testing/index.ts'
import { createShop, shopManifest, shopTenant } from './support/shop.ts'
import { useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()

/** Long enough that nobody who is let through at all reaches it. */
const generous = 20_000

beforeAll(async () => {
  // Each command says, while it still holds them, which locks it took, and which keys it has checked by then.
  await database.admin.query(`
    create table public.ddl_log (
      id bigint generated always as identity,
      query text not null,
      locks text[] not null,
      checked_keys text[] not null
    );
    grant insert on public.ddl_log to public;
    create function public.log_ddl() returns event_trigger language plpgsql security definer set search_path = '' as $$
    begin
      insert into public.ddl_log (query, locks, checked_keys)
      select pg_catalog.current_query(),
             array(select distinct l.mode || ' ' || c.relname
                     from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation
                    where l.pid = pg_catalog.pg_backend_pid() and l.granted and c.relkind = 'r'
                      and starts_with(c.relnamespace::regnamespace::text, 'shop')
                      and l.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')),
             array(select k.conname from pg_catalog.pg_constraint k where k.contype = 'f' and k.convalidated);
    end $$;
    create event trigger log_ddl on ddl_command_end execute function public.log_ddl();`)
})

interface LoggedCommand {
  readonly query: string
  readonly locks: readonly string[]
  readonly checked_keys: readonly string[]
}

async function takeDdlLog(): Promise<readonly LoggedCommand[]> {
  const { rows } = await database.admin.query<LoggedCommand & { id: string }>(
    'with taken as (delete from public.ddl_log returning *) select * from taken order by id',
  )
  return rows
}

/** A new schema of an application without hull two, and a run on it. */
async function newShop(size: Parameters<typeof createShop>[2] = {}) {
  const schema = `shop_${randomBytes(4).toString('hex')}`
  await createShop(database.admin, schema, size)
  await database.admin.query('truncate public.ddl_log')
  const manifest = shopManifest(schema)
  const protect = (options: Partial<ProtectOptions> = {}) =>
    protectDatabase({ connectionString: database.adminUrl, manifest, ...options })
  return { schema, manifest, protect, order: `${schema}."order"`, customer: `${schema}.customer` }
}

const kindsOf = ({ steps }: ProtectReport) =>
  steps.map(({ kind, table, object }) => `${kind} ${object || table}`.trim())

async function connected<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** One statement of the application, in a tenant's context, that waits for no lock longer than `lockTimeout`. */
async function asApp(client: pg.Client, tenant: number, sql: string, lockTimeout = generous) {
  await client.query('begin')
  try {
    await client.query(`select set_config('app.tenant_id', $1, true), set_config('lock_timeout', $2, true)`, [
      shopTenant(tenant),
      `${lockTimeout}ms`,
    ])
    const result = await client.query<Record<string, unknown>>(sql)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Resolves when a statement that begins so waits for a lock. */
async function untilWaiting(beginning: string): Promise<void> {
  for (;;) {
    const { rowCount } = await database.admin.query(
      `select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and starts_with(query, $1)`,
      [beginning],
    )
    if (rowCount !== 0) return
    await pause(5)
  }
}

async function fileNodes(schema: string) {
  const { rows } = await database.admin.query<{ table: string; node: number }>(
    `select relname as table, relfilenode::int as node from pg_class
      where relnamespace = $1::regnamespace and relkind = 'r' order by relname`,
    [schema],
  )
  return rows
}

async function foreignKeys(schema: string): Promise<readonly string[]> {
  const { rows } = await database.admin.query<{ definition: string }>(
    `select conname || ': ' || replace(pg_get_constraintdef(oid), $1 || '.', '') as definition from pg_constraint
      where contype = 'f' and connamespace = $1::regnamespace order by conname`,
    [schema],
  )
  return rows.map(({ definition }) => definition)
}

describe('protecting a filled database', () => {
  // 200,000 rows and three connections that never rest, on whatever machine
  it('rewrites no table and stops neither a reader nor a writer, while both go on as the application', {
    timeout: 120_000,
  }, async () => {
    const { schema, manifest, protect, order } = await newShop({ tenants: 20, orders: 200_000 })
    const before = await fileNodes(schema)
    const kept = await foreignKeys(schema)
    const work = { goesOn: true }
    const served = { reads: 0, writes: 0 }
    const reader = connected(database.appUrl, async (client) => {
      for (; work.goesOn; served.reads++) {
        const { rows } = await asApp(client, 1, `select id, tenant_id from ${order} limit 10`)
        expect(rows).toHaveLength(10)
      }
    })
    const writer = connected(database.appUrl, async (client) => {
      for (; work.goesOn; served.writes++) {
        const id = 1_000_000 + served.writes
        await asApp(client, 1, `insert into ${order} values (${id}, '${shopTenant(1)}', 1001, 1002)`)
        await asApp(client, 1, `update ${order} set agent_id = 1003 where id = ${id}`)
      }
    })
    // What it holds and waits for, seen from outside. A sample may miss what is short, never what lasts.
    const seen = new Set<string>()
    const sampler = connected(database.adminUrl, async (client) => {
      while (work.goesOn) {
        const { rows } = await client.query<{ mode: string; query: string }>(
          `select l.mode, a.query from pg_locks l join pg_stat_activity a using (pid)
            where a.datname = current_database() and a.application_name = 'doublehull migrate'
              and l.locktype = 'relation' and l.granted
              and l.relation in (select oid from pg_class where relnamespace = $1::regnamespace and relkind = 'r')`,
          [schema],
        )
        for (const { mode, query } of rows) seen.add(`${mode} during ${query}`)
        await pause(2)
      }
    })
    const report = await protect().finally(() => {
      work.goesOn = false
    })
    await Promise.all([reader, writer, sampler])

    expect(report).toMatchObject({ complete: true, findings: [] })
    expect(kindsOf(report)).toEqual([
      'schemaGrants',
      'uniqueIndex customer_tenant_id_id_key',
      'index order_tenant_id_idx',
      'addForeignKey order_tenant_id_customer_id_fkey',
      'validateForeignKey order_tenant_id_customer_id_fkey',
      'dropForeignKey order_customer_id_fkey',
      'addForeignKey order_tenant_id_agent_id_fkey',
      'validateForeignKey order_tenant_id_agent_id_fkey',
      'dropForeignKey order_agent_id_fkey',
      'protectTable order',
      'protectTable customer',
      'protectTable shop',
      'protectTable line',
    ])
    expect(served.reads).toBeGreaterThan(0)
    expect(served.writes).toBeGreaterThan(0)
    expect(await fileNodes(schema)).toEqual(before)
    expect(await foreignKeys(schema)).toEqual(
      [
        ...kept.filter((key) => !/^order_(customer|agent)_id_fkey/.test(key)),
        'order_tenant_id_agent_id_fkey: FOREIGN KEY (tenant_id, agent_id) REFERENCES customer(tenant_id, id) ON UPDATE CASCADE ON DELETE SET NULL (agent_id)',
        'order_tenant_id_customer_id_fkey: FOREIGN KEY (tenant_id, customer_id) REFERENCES customer(tenant_id, id) ON UPDATE CASCADE ON DELETE CASCADE',
      ].sort(),
    )

    const log = await takeDdlLog()
    const locksOf = (pattern: RegExp) => [
      ...new Set(log.filter(({ query }) => pattern.test(query)).flatMap(({ locks }) => locks)),
    ]
    // whatever reads all rows lets everybody go on
    expect(log.filter(({ query }) => /concurrently/.test(query))).toHaveLength(2)
    expect(log.filter(({ query }) => /create (unique )?index (?!concurrently)/.test(query))).toEqual([])
    for (const lock of locksOf(/concurrently|validate constraint/)) {
      expect(lock).toMatch(/^ShareUpdateExclusiveLock /)
    }
    expect(locksOf(/validate constraint/)).toEqual(['ShareUpdateExclusiveLock order'])
    // whatever stops a writer reads no row: the key that it adds is not checked then
    const added = log.filter(({ query }) => /add constraint/.test(query))
    expect(added).toHaveLength(2)
    for (const { query, locks, checked_keys } of added) {
      expect(locks.toSorted()).toEqual(['ShareRowExclusiveLock customer', 'ShareRowExclusiveLock order'])
      expect(checked_keys).not.toContain(/add constraint "(\w+)"/.exec(query)?.[1])
    }
    // and what stops a reader too is about the catalog alone
    const exclusive = log.filter(({ locks }) => locks.some((lock) => lock.startsWith('AccessExclusiveLock')))
    for (const { query } of exclusive) {
      expect(query).toMatch(
        /^(alter table \S+ (enable|force) row|create policy|grant|revoke|alter table \S+ drop constraint)/,
      )
    }
    for (const sight of seen) {
      expect(sight).not.toMatch(
        /^(AccessExclusive|Exclusive|ShareRowExclusive|Share)Lock during (create (unique )?index|alter table \S+ validate)/,
      )
    }

    const policies = policiesOf(manifest, defaultRoleNames).flatMap((table) =>
      table.policies.map(({ name }) => `${table.table} ${name}`),
    )
    const { rows } = await database.admin.query<{ policy: string }>(
      `select tablename || ' ' || policyname as policy from pg_policies where schemaname = $1`,
      [schema],
    )
    expect(rows.map(({ policy }) => policy).sort()).toEqual(policies.sort())
  })

  it('would stop writers without `concurrently`, and check every row under their lock without `not valid`', async () => {
    const { manifest, protect, schema } = await newShop()
    const { steps } = await protect({ dryRun: true })
    const sql = (kind: string) => steps.find((step) => step.kind === kind)?.sql ?? ''
    await database.admin.query(sql('uniqueIndex').replace(' concurrently', ''))
    await database.admin.query(sql('addForeignKey').replace('not valid', ''))
    const [index, key] = await takeDdlLog()
    expect(index?.locks).toContain('ShareLock customer')
    expect(key?.checked_keys).toContain('order_tenant_id_customer_id_fkey')
    expect(key?.locks).toContain('ShareRowExclusiveLock order')
    expect(manifest.models['Order']?.schema).toBe(schema)
  })

  it('lets no tenant reach another, which before it could', async () => {
    const { protect, order, schema } = await newShop()
    const stolen = () =>
      connected(database.appUrl, async (client) => {
        const read = await asApp(client, 1, `select from ${order} where tenant_id <> '${shopTenant(1)}'`)
        const lines = await asApp(client, 1, `select from ${schema}.line`)
        const outcome = (sql: string) =>
          asApp(client, 1, sql).then(
            () => 'done',
            (error: { code: string }) => error.code,
          )
        const mine = `where tenant_id = '${shopTenant(1)}'`
        return {
          read: read.rowCount,
          lines: lines.rowCount,
          key: await outcome(`update ${order} set customer_id = 2001 ${mine}`),
          wiped: await outcome(`truncate ${schema}.line`),
        }
      })
    const before = await stolen()
    expect(before).toEqual({ read: 20, lines: 30, key: 'done', wiped: 'done' })
    await database.admin.query(`update ${order} set customer_id = 1001 where tenant_id = '${shopTenant(1)}'`)
    await database.admin.query(`insert into ${schema}.line select id, id from ${order}`)
    expect(await protect()).toMatchObject({ complete: true })
    expect(await stolen()).toEqual({ read: 0, lines: 10, key: '23503', wiped: '42501' })
  })

  it('clears the reference alone, and not the tenant, when the row that it names is deleted', async () => {
    const { protect, order, customer } = await newShop()
    await protect()
    await database.admin.query(`insert into ${customer} values (1999, '${shopTenant(1)}', 'agent')`)
    await database.admin.query(`insert into ${order} values (9000, '${shopTenant(1)}', 1001, 1999)`)
    await database.admin.query(`delete from ${customer} where id = 1999`)
    const { rows } = await database.admin.query(`select tenant_id, agent_id from ${order} where id = 9000`)
    expect(rows).toEqual([{ tenant_id: shopTenant(1), agent_id: null }])
  })
})

describe('a second run', () => {
  it('does nothing, and says so', async () => {
    const { protect } = await newShop()
    await protect()
    await takeDdlLog()
    expect(await protect()).toEqual({ steps: [], findings: [], complete: true })
    expect(await takeDdlLog()).toEqual([])
  })

  it('has nothing to do on a database that the migrations made', async () => {
    const report = await protectDatabase({ connectionString: database.adminUrl, manifest: bundledManifest })
    expect(report.steps).toEqual([])
    expect(report.findings.filter(({ severity }) => severity === 'problem')).toEqual([])
  })

  it('goes on where the first was broken off', async () => {
    const { protect, schema } = await newShop()
    const events: ProtectEvent[] = []
    const whole = kindsOf(await protect({ dryRun: true }))
    await connected(database.ownerUrl, async (reader) => {
      await reader.query(`begin; select from ${schema}.line`)
      await expect(
        protect({ lockTimeoutMillis: 50, attempts: 2, log: (event) => events.push(event) }),
      ).rejects.toMatchObject({ code: 'DH410', retryable: true, details: { tables: [`${schema}.line`] } })
    })
    expect(events.filter(({ type }) => type === 'again')).toHaveLength(1)
    const rest = await protect()
    expect(kindsOf(rest)).toEqual(whole.slice(-1))
    expect(rest.complete).toBe(true)
  })

  it('drops the index that a failed build left, and makes it again', async () => {
    const { protect, customer, schema } = await newShop()
    await database.admin.query(`create unique index customer_tenant_id_id_key on ${customer} (tenant_id, id)`)
    await database.admin.query(`set allow_system_table_mods = on`)
    await database.admin.query(
      `update pg_index set indisvalid = false where indexrelid = '${schema}.customer_tenant_id_id_key'::regclass`,
    )
    await database.admin.query(`reset allow_system_table_mods`)
    const report = await protect()
    expect(kindsOf(report).slice(0, 3)).toEqual([
      'schemaGrants',
      'dropInvalidIndex customer_tenant_id_id_key',
      'uniqueIndex customer_tenant_id_id_key',
    ])
    expect(report.complete).toBe(true)
    const { rows } = await database.admin.query(
      `select indisvalid from pg_index where indexrelid = '${schema}.customer_tenant_id_id_key'::regclass`,
    )
    expect(rows).toEqual([{ indisvalid: true }])
  })

  it('replaces a policy whose definition is no longer the wanted one, and one that was changed by hand', async () => {
    const { protect, order, manifest } = await newShop()
    await protect()
    const ours = policiesOf(manifest, defaultRoleNames).find(({ table }) => table === 'order')?.policies ?? []
    const [guard, select] = [ours[0]?.name, ours.find(({ command }) => command === 'select')?.name]
    await database.admin.query(`alter policy ${guard} on ${order} rename to tenant_guard_00000000`)
    await database.admin.query(`alter policy ${select} on ${order} to public`)
    // a guard of its own for one command, as where tenants read more than they write
    await database.admin.query(
      `create policy tenant_guard_update_00000000 on ${order} as restrictive for update to doublehull_app using (false)`,
    )
    await takeDdlLog()
    const report = await protect()
    expect(kindsOf(report)).toEqual(['protectTable order'])
    expect(report.steps[0]?.sql.match(/(drop|create) policy "\w+"/g)).toEqual([
      `drop policy "tenant_guard_00000000"`,
      `drop policy "tenant_guard_update_00000000"`,
      `drop policy "${select}"`,
      `create policy "${guard}"`,
      `create policy "${select}"`,
    ])
    expect((await protect()).steps).toEqual([])
  })
})

describe('while somebody is in the way', () => {
  it('an index waits for an open transaction, and no writer waits for the index', async () => {
    const { protect, order, customer } = await newShop()
    const insert = (id: number) => `insert into ${customer} values (${id}, '${shopTenant(1)}', 'new')`
    await connected(database.appUrl, async (slow) => {
      await slow.query(`begin; ${insert(7001)}`)
      const running = protect()
      await untilWaiting('create unique index concurrently')
      await connected(database.appUrl, async (client) => {
        await asApp(client, 1, insert(7002))
        await asApp(client, 1, `select from ${order}`)
      })
      await slow.query('commit')
      expect(await running).toMatchObject({ complete: true })
    })
  })

  it('an index that is not built concurrently makes the next writer wait for that transaction', async () => {
    const { customer } = await newShop()
    const insert = (id: number) => `insert into ${customer} values (${id}, '${shopTenant(1)}', 'new')`
    await connected(database.appUrl, async (slow) => {
      await slow.query(`begin; ${insert(7001)}`)
      const plain = database.admin.query(`create unique index on ${customer} (tenant_id, id)`)
      await connected(database.adminUrl, async (watcher) => {
        for (let waits = 0; waits === 0; ) {
          const { rowCount } = await watcher.query(
            `select from pg_locks where mode = 'ShareLock' and not granted`,
          )
          waits = rowCount ?? 0
        }
      })
      await connected(database.appUrl, (client) =>
        expect(asApp(client, 1, insert(7002), 200)).rejects.toMatchObject({ code: '55P03' }),
      )
      await slow.query('commit')
      await plain
    })
  })

  it('policies wait for a long reader a moment at a time, let others through between, and come when it ends', async () => {
    const { protect, schema, order } = await newShop()
    await connected(database.ownerUrl, async (slow) => {
      await slow.query(`begin; select from ${schema}.shop`)
      const again: ProtectEvent[] = []
      const running = protect({
        lockTimeoutMillis: 100,
        log: (event) => void (event.type === 'again' && again.push(event)),
      })
      // others queue behind the one that waits, and no longer than it waits
      await connected(database.appUrl, async (client) => {
        while (again.length < 4) {
          await asApp(client, 1, `select from ${schema}.shop`)
          await asApp(client, 1, `select from ${order}`)
        }
      })
      expect(await protectedTables(schema)).not.toContain('shop')
      await slow.query('commit')
      expect(await running).toMatchObject({ complete: true })
    })
    expect(await protectedTables(schema)).toEqual(['customer', 'line', 'order', 'shop'])
  })

  it('a statement that waits without end makes everybody wait behind it', async () => {
    const { schema } = await newShop()
    await connected(database.ownerUrl, async (slow) => {
      await slow.query(`begin; select from ${schema}.shop`)
      await connected(database.ownerUrl, async (owner) => {
        const statement = `alter table ${schema}.shop enable row level security`
        const waiting = owner.query(statement)
        await untilWaiting(statement)
        await connected(database.appUrl, (client) =>
          expect(asApp(client, 1, `select from ${schema}.shop`, 200)).rejects.toMatchObject({
            code: '55P03',
          }),
        )
        await slow.query('commit')
        await waiting
      })
    })
  })
})

async function protectedTables(schema: string): Promise<readonly string[]> {
  const { rows } = await database.admin.query<{ table: string }>(
    `select relname as table from pg_class
      where relnamespace = $1::regnamespace and relrowsecurity and relforcerowsecurity order by relname`,
    [schema],
  )
  return rows.map(({ table }) => table)
}

describe('what is left alone', () => {
  it('rows that cross tenants are counted, their key stays not valid, and the old one stays until they are mended', async () => {
    const { protect, schema, order } = await newShop()
    await database.admin.query(`update ${order} set customer_id = 2001 where id in (3, 6, 9)`)
    const report = await protect()
    expect(report.complete).toBe(false)
    expect(report.findings).toEqual([
      {
        severity: 'problem',
        kind: 'violatingRows',
        schema,
        table: 'order',
        object: 'order_tenant_id_customer_id_fkey',
        rows: 3,
        message: `${schema}.order: 3 rows do not fit order_tenant_id_customer_id_fkey, which holds new rows and stays not valid for those that are there; mend them, and run this again`,
      },
    ])
    const outcomes = report.steps.filter(({ object }) => /customer_id_fkey/.test(object))
    expect(outcomes.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['addForeignKey', 'done'],
      ['validateForeignKey', 'failed'],
      ['dropForeignKey', 'left'],
    ])
    expect((await foreignKeys(schema)).join('\n')).toMatch(
      /^order_customer_id_fkey[\s\S]*order_tenant_id_customer_id_fkey: .*NOT VALID$/m,
    )
    expect(await protectedTables(schema)).toHaveLength(4)
    // a row that is new is held already
    const crossing = `insert into ${order} values (9001, '${shopTenant(1)}', 2001)`
    await expect(database.admin.query(crossing)).rejects.toMatchObject({ code: '23503' })

    await database.admin.query(`update ${order} set customer_id = 1001 where id in (3, 6, 9)`)
    const second = await protect()
    expect(kindsOf(second)).toEqual([
      'validateForeignKey order_tenant_id_customer_id_fkey',
      'dropForeignKey order_customer_id_fkey',
    ])
    expect(second.complete).toBe(true)
  })

  it("policies that are not Doublehull's stay, and are named", async () => {
    const { protect, schema, order } = await newShop()
    await database.admin.query(`create policy everything on ${order} using (true)`)
    const { findings, complete } = await protect()
    expect(findings).toMatchObject([
      { severity: 'notice', kind: 'foreignPolicy', table: 'order', object: 'everything' },
    ])
    expect(complete).toBe(true)
    const { rowCount } = await database.admin.query(
      `select from pg_policies where schemaname = $1 and policyname = 'everything'`,
      [schema],
    )
    expect(rowCount).toBe(1)
  })

  it('a key that would clear the tenant on an update, a missing table and a view are problems', async () => {
    const { protect, schema, manifest, order } = await newShop()
    await database.admin.query(`
      alter table ${order} drop constraint order_agent_id_fkey;
      alter table ${order} add constraint order_agent_id_fkey foreign key (agent_id) references ${schema}.customer
        on update set null;
      alter table ${schema}.line rename to line_of_old;
      create view ${schema}.line as select * from ${schema}.line_of_old;`)
    const { Line, ...models } = manifest.models
    if (!Line) throw new Error('the manifest has no line')
    const odd = { ...manifest, models: { ...models, Line, Gone: { ...Line, table: 'gone' } } }
    const { findings, complete } = await protect({ manifest: odd })
    expect(findings.map(({ severity, kind, table }) => `${severity} ${kind} ${table}`).sort()).toEqual([
      'problem missingTable gone',
      'problem notATable line',
      'problem updateAction order',
    ])
    expect(complete).toBe(false)
  })

  it('a partitioned table gets its policies, and its keys by hand', async () => {
    const { protect, schema } = await newShop()
    await database.admin.query(`
      drop table ${schema}.line;
      create table ${schema}.line (id int, order_id int not null, primary key (id)) partition by range (id);
      alter table ${schema}.line owner to doublehull_owner`)
    const { findings, complete } = await protect()
    expect(findings).toMatchObject([{ severity: 'notice', kind: 'partitioned', table: 'line' }])
    expect(complete).toBe(true)
  })

  it('an owner whom FORCE blinds is named, and is not let find a key valid whose rows it cannot see', async () => {
    const { protect, schema, order, customer } = await newShop()
    const other = `owner_of_${schema}`
    await database.admin.query(`
      create role ${other};
      alter table ${order} owner to ${other};
      alter table ${customer} owner to ${other};
      grant usage, create on schema ${schema} to ${other}`)
    const login = await createTemporaryLogin(database.adminUrl, other)
    try {
      await database.admin.query(`grant doublehull_owner to ${new URL(login.connectionString).username}`)
      const { findings } = await protect()
      const named = { severity: 'notice', kind: 'blindOwner', object: other }
      expect(findings).toMatchObject([named, named])
      await database.admin.query(`
        alter table ${order} drop constraint order_tenant_id_customer_id_fkey;
        update ${order} set customer_id = 2001 where id = 3;
        alter table ${order} add constraint order_tenant_id_customer_id_fkey foreign key (tenant_id, customer_id)
          references ${schema}.customer (tenant_id, id) not valid`)
      const blind = await protect({ connectionString: login.connectionString })
      expect(blind.findings).toMatchObject([named, named, { severity: 'problem', kind: 'hiddenRows' }])
      expect((await foreignKeys(schema)).join()).toContain('NOT VALID')
      // PostgreSQL would believe the owner, who sees none of the rows
      await database.admin.query(
        `set role ${other}; alter table ${order} validate constraint order_tenant_id_customer_id_fkey; reset role`,
      )
      expect((await foreignKeys(schema)).join()).not.toContain('NOT VALID')
    } finally {
      await database.admin.query(`reset role; drop schema ${schema} cascade`)
      await login.drop(database.adminUrl)
      await database.admin.query(`drop role ${other}`)
    }
  })
})

describe('whoever runs it', () => {
  it('may be a member of the owner, and no superuser', async () => {
    const { protect, schema } = await newShop()
    expect(await protect({ connectionString: database.ownerUrl })).toMatchObject({
      complete: true,
      findings: [],
    })
    expect(await protectedTables(schema)).toHaveLength(4)
    expect((await protect({ connectionString: database.ownerUrl })).steps).toEqual([])
  })

  it('may not be the application', async () => {
    const { protect } = await newShop()
    await expect(protect({ connectionString: database.appUrl })).rejects.toMatchObject({ code: 'DH406' })
  })

  it('is told what the database lacks, before anything is changed', async () => {
    const { protect } = await newShop()
    const error = await protect({ roles: { app: 'nobody_of_that_name' } }).catch((cause: unknown) => cause)
    expect(error).toMatchObject({
      code: 'DH409',
      message: expect.stringContaining('role nobody_of_that_name'),
    })
    expect(await takeDdlLog()).toEqual([])
  })
})

describe('doublehull protect', () => {
  async function cli(...args: string[]) {
    const out: string[] = []
    const err: string[] = []
    const code = await protectCommand.run(['--database-url', database.adminUrl, ...args], {
      stdout: (line) => out.push(line),
      stderr: (line) => err.push(line),
      colours: false,
    })
    return { code, stdout: out.join('\n'), stderr: err.join('\n') }
  }

  async function withManifest<Result>(manifest: unknown, work: (file: string) => Promise<Result>) {
    const folder = mkdtempSync(join(tmpdir(), 'doublehull-protect-'))
    try {
      const file = join(folder, 'tenancy.json')
      writeFileSync(file, JSON.stringify(manifest))
      return await work(file)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('shows with --dry-run the SQL that, run by hand, leaves nothing to do', async () => {
    const { manifest, schema, order } = await newShop()
    await withManifest(manifest, async (file) => {
      const { code, stdout } = await cli('--manifest', file, '--dry-run')
      expect(code).toBe(0)
      expect(stdout).toContain(
        [
          `-- 4. addForeignKey ${schema}.order: share row exclusive on both tables, for a moment: reads go on`,
          `alter table "${schema}"."order" add constraint "order_tenant_id_customer_id_fkey"`,
          `  foreign key ("tenant_id", "customer_id") references "${schema}"."customer" ("tenant_id", "id")`,
          '  on delete cascade',
          '  on update cascade',
          '  not valid;',
        ].join('\n'),
      )
      expect(await takeDdlLog()).toEqual([])
      const steps = stdout.split(/^-- \d+\. .*$/m).slice(1)
      for (const step of steps) await database.admin.query(step)
      expect(await cli('--manifest', file)).toEqual({
        code: 0,
        stdout: 'nothing to do: every table has its keys, grants and policies',
        stderr: '',
      })
      expect(order).toContain(schema)
    })
  })

  it('exits with 1 while problems are left, and prints no value of a row', async () => {
    const { manifest, order } = await newShop()
    await database.admin.query(`update ${order} set customer_id = 2001 where id = 3`)
    await withManifest(manifest, async (file) => {
      const { code, stderr, stdout } = await cli('--manifest', file)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^problem: \S+: 1 row does not fit order_tenant_id_customer_id_fkey/)
      expect(stdout + stderr).not.toContain('2001')
      expect(stdout).toMatch(/protectTable {8}shop_\w+\.line {2}done in \d+ ms/)
      const json = await cli('--manifest', file, '--json')
      expect(json.code).toBe(1)
      expect(JSON.parse(json.stdout)).toMatchObject({ complete: false, findings: [{ rows: 1 }] })
    })
  })

  it('takes the bundled schema unless told, and refuses what it does not understand', async () => {
    expect(await cli()).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to do') })
    expect(await cli('--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await cli('--attempts', 'many')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--attempts'),
    })
    expect(await cli('--nonsense')).toMatchObject({ code: 2, stderr: expect.stringContaining('--nonsense') })
    expect(await cli('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--dry-run') })
    expect(await cli('--manifest', 'no-such-file.json')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('DH304'),
    })
    await withManifest({ version: 2 }, async (file) => {
      expect(await cli('--manifest', file, '--json')).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('DH304'),
      })
    })
  })
})
