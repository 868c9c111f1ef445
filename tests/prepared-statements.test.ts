import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy, type TenancyOptions } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import type { TenantPool } from '../src/wire/tenant-pool.ts'
import { isUnprepared } from '../src/wire/unprepared.ts'
import { whileLocked } from './support/gate.ts'
import { ask, askRaw, begin, count, usePools } from './support/pools.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { plantTenants, plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const openPool = usePools()

const tenancies: Tenancy<PrismaClient>[] = []
function openTenancy(
  options: Partial<TenancyOptions<PrismaClient>> = {},
  open = createTenancy<PrismaClient>,
): Tenancy<PrismaClient> {
  const connectionString = database.appUrl
  const tenancy = open({ PrismaClient, manifest, connectionString, maxConnections: 1, ...options })
  tenancies.push(tenancy)
  return tenancy
}
const taps: ProtocolTap[] = []
async function openTapped(
  options: Parameters<typeof openPool>[1] = {},
): Promise<{ pool: TenantPool; tap: ProtocolTap }> {
  const { tap, connectionString } = await ProtocolTap.before(database.appUrl)
  taps.push(tap)
  const pool = await openPool(connectionString, options)
  tap.take()
  return { pool, tap }
}
afterEach(async () => {
  await Promise.all(tenancies.splice(0).map((tenancy) => tenancy.disconnect({ timeoutMillis: 0 })))
  await Promise.all(taps.splice(0).map((tap) => tap.close()))
})

const somebody = () => ({ tenantId: randomUUID() })
const settled = <Result>(promises: readonly PromiseLike<Result>[]) =>
  Promise.allSettled(promises).then((results) =>
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as unknown))),
  )

/** How many statements the server keeps for the pool's connection, but for the one that asks. */
async function prepared(pool: TenantPool): Promise<number> {
  const { rows } = await pool.queryWithoutTenant({
    text: `select count(*)::int from pg_prepared_statements where statement not like '%pg_prepared_statements%'`,
  })
  return (rows as unknown as [[number]])[0][0]
}

describe('a statement', () => {
  const read = 'select name from governance.config_package'

  it.each([
    ['that answers with rows', read],
    ['that answers with none', `update governance.config_package set description = 'x'`],
  ])('%s is prepared when it comes for the second time', async (_, text) => {
    const { pool, tap } = await openTapped()
    const letters = async () => {
      await ask(pool, somebody(), text)
      return tap.take()
    }
    expect(await letters()).toBe('PBEPBDES')
    expect(await prepared(pool)).toBe(0)
    tap.take()
    expect(await letters()).toBe('PBEPBDES')
    expect(await prepared(pool)).toBe(2)
    tap.take()
    expect(await letters()).toBe('BEBES')
    expect(await letters()).toBe('BEBES')
  })

  it('that was used longest ago is closed when there are too many', async () => {
    const { pool, tap } = await openTapped({ statementCacheSize: 2 })
    const letters = async (text: string) => {
      await ask(pool, somebody(), text)
      return tap.take()
    }
    const other = 'select description from governance.config_package'
    for (const text of [read, read, other]) await letters(text)
    // beside it there is the statement that sets the context
    expect(await letters(read)).toBe('BEBES')
    expect(await letters(other)).toBe('BEPBDES')
    // before all else: behind a part that fails the server would skip it
    expect(await letters(other)).toBe('CBEBES')
    expect(await letters(read)).toBe('BEPBDES')
    expect(await prepared(pool)).toBe(2)
  })

  it.each([1, 2, 5])(
    'is right when the connection keeps %i at most, however many there are',
    async (size) => {
      const tenants = await plantTenants(database, 4)
      const { pool } = await openTapped({ statementCacheSize: size })
      for (let round = 0; round < 5; round++) {
        const calls = Array.from({ length: 32 }, (_, index) => ({
          tenant: tenants[index % 4] ?? somebody(),
          column: ['tenant_id', 'id', 'name'][(index + round) % 3],
        }))
        const answers = calls.map(({ tenant, column }) =>
          ask(pool, tenant, `select '${column}', tenant_id, ${column} from governance.config_package`),
        )
        const ofTenant = (await Promise.all(answers)).map(([row]) => row?.slice(0, 2))
        expect(ofTenant).toEqual(calls.map(({ tenant, column }) => [column, tenant.tenantId]))
      }
      expect(await prepared(pool)).toBeLessThanOrEqual(size)
    },
  )

  it('is never prepared where none is kept', async () => {
    const { pool, tap } = await openTapped({ statementCacheSize: 0 })
    for (const _ of [1, 2, 3, 4]) {
      await ask(pool, somebody(), read)
      expect(tap.take()).toBe('PBEPBDES')
    }
    expect(await prepared(pool)).toBe(0)
  })
})

describe('stacked SQL', () => {
  it('is a syntax error each time, prepared or not, in a transaction or not', async () => {
    const { a } = await plantTwoTenants(database)
    const { pool, tap } = await openTapped()
    const stacked = `select 1; update governance.config_package set name = 'stacked'`
    const refused = { name: 'error', code: '42601' }
    for (const _ of [1, 2, 3]) {
      await expect(ask(pool, a, stacked)).rejects.toMatchObject(refused)
      await expect(askRaw(pool, a, stacked)).rejects.toMatchObject(refused)
      const transaction = await begin(pool, a)
      await transaction.query({ text: 'select 1' })
      await expect(transaction.query({ text: stacked })).rejects.toMatchObject(refused)
      await transaction.query({ text: 'ROLLBACK' })
      transaction.release()
    }
    await expect(
      askRaw(pool, a, `commit; select set_config('app.tenant_id', '', false)`),
    ).rejects.toMatchObject(refused)
    expect(await ask(pool, a, 'select name from governance.config_package')).toEqual([[a.secret]])
    // never a simple query
    expect(count('Q', tap.take())).toBe(0)
  })
})

describe('a plan', () => {
  const calls = 12
  const forced = 'options=-c%20plan_cache_mode%3Dforce_generic_plan'

  it.each([
    ['both hulls', createTenancy<PrismaClient>, ''],
    ['hull two alone', createUnscopedTenancy<PrismaClient>, ''],
    ['both hulls, generic from the start', createTenancy<PrismaClient>, forced],
    ['hull two alone, generic from the start', createUnscopedTenancy<PrismaClient>, forced],
  ])(
    'is no tenant’s: twenty have the same statement on one connection, with %s',
    async (_, open, options) => {
      const tenants = await plantTenants(database, 20)
      const url = new URL(database.appUrl)
      url.search = options
      const tenancy = openTenancy({ connectionString: url.href }, open)
      const select = { tenantId: true, name: true } as const
      const own = tenants.map(({ tenantId, secret }) => [{ tenantId, name: secret }])
      for (let call = 0; call < calls; call++) {
        const answers = tenants.map(({ tenantId }) =>
          tenancy.client({ tenantId }).configPackage.findMany({ select, where: { key: 'package' } }),
        )
        expect(await Promise.all(answers)).toEqual(own)
      }
      const updates = await Promise.all(
        Array.from({ length: calls }, () => tenants).map((round) =>
          Promise.all(
            round.map(({ tenantId }) =>
              tenancy.client({ tenantId }).featureFlag.updateManyAndReturn({
                data: { enabled: true },
                select: { tenantId: true },
              }),
            ),
          ),
        ),
      )
      expect(updates).toEqual(
        Array.from({ length: calls }, () => tenants.map(({ tenantId }) => [{ tenantId }])),
      )
      // SQL of its own may look at the connection that all of it went over
      const [plans] = await tenancy.client(somebody()).$queryRaw<{ generic: boolean }[]>`
      select bool_and(generic_plans >= 5) as generic from pg_prepared_statements
       where statement like any (array['SELECT%config_package%', 'UPDATE%feature_flag%'])`
      expect(plans).toEqual({ generic: true })
    },
  )

  it('that knows the tenant when it is made would show one to the other', async () => {
    const { a, b } = await plantTwoTenants(database)
    await database.admin.query(`
      create function public.immutable_tenant_id() returns uuid immutable language sql
        return current_setting('app.tenant_id')::uuid;
      create table public.leaky (tenant_id uuid);
      alter table public.leaky enable row level security;
      create policy leaky on public.leaky using (tenant_id = public.immutable_tenant_id());
      grant select on public.leaky to doublehull_app;
      grant usage on schema public to doublehull_app;
      grant execute on function public.immutable_tenant_id() to doublehull_app`)
    await database.admin.query('insert into public.leaky values ($1), ($2)', [a.tenantId, b.tenantId])
    const { pool } = await openTapped()
    const read = (tenant: { tenantId: string }) => ask(pool, tenant, 'select tenant_id from public.leaky')
    for (const _ of [1, 2, 3]) expect(await read(a)).toEqual([[a.tenantId]])
    expect(await read(b)).toEqual([[a.tenantId]])
    await database.admin.query('drop table public.leaky; drop function public.immutable_tenant_id()')
  })
})

describe('a prepared statement that is out of date', () => {
  const addresses = Array.from({ length: 16 }, (_, index) => index)

  afterEach(async () => {
    await database.admin.query('alter table governance.feature_flag alter column description type text')
  })

  it('because its result has another type now is asked anew, for everybody, and once', async () => {
    const tenants = await plantTenants(database, 4)
    const tenancy = openTenancy({ maxConnections: 3 })
    const read = () =>
      Promise.all(
        addresses.map((index) =>
          tenancy
            .client({ tenantId: tenants[index % 4]?.tenantId ?? '' })
            .featureFlag.findMany({ select: { tenantId: true, description: true } }),
        ),
      )
    const own = addresses.map((index) => {
      const { tenantId, secret } = tenants[index % 4] ?? { ...somebody(), secret: '' }
      return [{ tenantId, description: secret }]
    })
    const create = (index: number) =>
      tenancy
        .client({ tenantId: tenants[index % 4]?.tenantId ?? '' })
        .featureFlag.create({ data: { key: `key ${randomUUID()}`, description: 'created' } })
    for (const _ of [1, 2, 3, 4]) expect(await read()).toEqual(own)
    await Promise.all(addresses.map(create))
    await database.admin.query(`delete from governance.feature_flag where description = 'created'`)
    await database.admin.query(
      'alter table governance.feature_flag alter column description type varchar(80)',
    )
    expect(await read()).toEqual(own)
    expect(await read()).toEqual(own)
    await database.admin.query(
      'alter table governance.feature_flag alter column description type varchar(90)',
    )
    await Promise.all(addresses.map(create))
    const { rows } = await database.admin.query(
      `select count(*)::int from governance.feature_flag where description = 'created'`,
    )
    expect(rows).toEqual([{ count: 16 }])
  })

  it('because it has a column more is asked anew', async () => {
    const { a } = await plantTwoTenants(database)
    const { pool } = await openTapped()
    const columns = async () => (await ask(pool, a, 'select * from governance.branding_copy'))[0]?.length
    await database.admin.query(`
      create table governance.branding_copy as select 1 as one;
      grant select on governance.branding_copy to doublehull_app`)
    for (const _ of [1, 2, 3]) expect(await columns()).toBe(1)
    await database.admin.query('alter table governance.branding_copy add column two int')
    expect(await columns()).toBe(2)
    await database.admin.query(
      'drop table governance.branding_copy; create table governance.branding_copy as select 1 as one, 2 as two, 3 as three',
    )
    await database.admin.query('grant select on governance.branding_copy to doublehull_app')
    expect(await columns()).toBe(3)
    await database.admin.query('drop table governance.branding_copy')
  })

  it('because its parameter has another type now is asked anew', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy().client({ tenantId: a.tenantId })
    const description = randomUUID()
    await database.admin.query('update governance.feature_flag set description = $1 where tenant_id = $2', [
      description,
      a.tenantId,
    ])
    await database.admin.query('delete from governance.feature_flag where tenant_id <> $1', [a.tenantId])
    const find = () => db.featureFlag.count({ where: { description } })
    for (const _ of [1, 2, 3]) expect(await find()).toBe(1)
    await database.admin.query(
      'alter table governance.feature_flag alter column description type uuid using description::uuid',
    )
    expect(await find()).toBe(1)
    expect(await find()).toBe(1)
  })

  it('is known in whatever language the server says so', () => {
    const error = { code: '0A000', routine: 'RevalidateCachedQuery', message: 'die Form des Ergebnisses' }
    expect(isUnprepared(error)).toBe(true)
    expect(isUnprepared({ ...error, routine: 'transformLockingClause' })).toBe(false)
  })

  it('fails a transaction, and its next attempt works', async () => {
    const { a } = await plantTwoTenants(database)
    const tenancy = openTenancy({ maxConnections: 3 })
    const db = tenancy.client({ tenantId: a.tenantId })
    const transact = () =>
      db.$transaction(async (tx) => (await tx.featureFlag.findMany({ select: { description: true } }))[0], {
        maxWait: 10_000,
      })
    for (const _ of [1, 2, 3, 4]) await Promise.all([transact(), transact(), transact()])
    await database.admin.query(
      'alter table governance.feature_flag alter column description type varchar(80)',
    )
    const outcomes: unknown[] = []
    for (const _ of [1, 2, 3]) outcomes.push(await transact().catch(() => 'failed'))
    expect(outcomes.slice(1)).toEqual([{ description: a.secret }, { description: a.secret }])
  })
})

describe('a prepared statement that is gone', () => {
  it.each([
    ['deallocate all', (db: ReturnType<Tenancy<PrismaClient>['client']>) => db.$executeRaw`deallocate all`],
    ['discard all', (db: ReturnType<Tenancy<PrismaClient>['client']>) => db.$executeRaw`discard all`],
  ])('by somebody’s %s is prepared anew, and nobody notices', async (_, destroy) => {
    const tenants = await plantTenants(database, 4)
    const tenancy = openTenancy()
    const read = () =>
      Promise.all(
        tenants.map(({ tenantId }) =>
          tenancy.client({ tenantId }).configPackage.findMany({ select: { name: true } }),
        ),
      )
    const own = tenants.map(({ secret }) => [{ name: secret }])
    const vandal = tenancy.client(somebody())
    for (const _ of [1, 2, 3]) {
      // several times, so that what surrounds raw SQL is prepared too
      await vandal.$executeRaw`select 1`
      expect(await read()).toEqual(own)
    }
    await destroy(vandal).catch(() => {})
    expect(await read()).toEqual(own)
    await vandal.$transaction(async (tx) => destroy(tx as never)).catch(() => {})
    expect(await read()).toEqual(own)
    expect(await vandal.$queryRaw`select 1 as one`).toEqual([{ one: 1 }])
  })

  it('is looked for once more, and then the caller is told', async () => {
    const { pool, tap } = await openTapped()
    await expect(ask(pool, somebody(), 'execute nowhere')).rejects.toMatchObject({ code: '26000' })
    expect(count('S', tap.take())).toBe(2)
    expect(await ask(pool, somebody(), 'select 1')).toEqual([[1]])
  })

  it('because whoever was to prepare it failed is prepared by the next', async () => {
    const tenants = await plantTenants(database, 16)
    const { pool } = await openTapped()
    const read = 'select name from governance.config_package'
    await ask(pool, somebody(), read)
    await whileLocked(database, 'lock table governance.config_package', async (locked) => {
      const [first, ...others] = tenants.map((tenant, index) =>
        ask(pool, index === 0 ? { ...tenant, lockTimeoutMillis: 50 } : tenant, read),
      )
      const outcome = settled(others)
      expect(pool.statistics()).toMatchObject({ total: 1, inFlight: 16 })
      await expect(first).rejects.toMatchObject({ name: 'error', code: '55P03' })
      await locked.isReachedBy(1)
      return { outcome }
    }).then(async ({ outcome }) => {
      expect(await outcome).toEqual(tenants.slice(1).map(({ secret }) => [[secret]]))
    })
    for (const _ of [1, 2, 3])
      expect(await ask(pool, tenants[0] ?? somebody(), read)).toEqual([[tenants[0]?.secret]])
  })
})

describe('what a connection forgets', () => {
  it('is closed on the server, however often it happens', async () => {
    await database.admin.query(`
      create function public.mistyped() returns int language plpgsql as
        $$ begin raise exception using errcode = '42883'; end $$;
      grant execute on function public.mistyped() to doublehull_app`)
    const { pool } = await openTapped()
    const { a } = await plantTwoTenants(database)
    const read = 'select name from governance.config_package'
    for (let round = 0; round < 5; round++) {
      for (const _ of [1, 2]) expect(await ask(pool, a, read)).toEqual([[a.secret]])
      for (const _ of [1, 2, 3]) {
        await expect(ask(pool, a, 'select public.mistyped()')).rejects.toMatchObject({ code: '42883' })
      }
    }
    for (const _ of [1, 2]) await ask(pool, a, read)
    // the context's and the one that was read with
    expect(await prepared(pool)).toBeLessThanOrEqual(3)
    await database.admin.query('drop function public.mistyped()')
  })
})

describe('a statement that raw SQL has put in the place of another', () => {
  type Db = ReturnType<Tenancy<PrismaClient>['client']>

  // All of it is what a tenant's own SQL may do to its session; whoever comes next would tell it what they read.
  const plant = (db: Pick<Db, '$executeRaw'>, behind = '') =>
    db.$executeRaw(
      Object.assign(
        [
          `do $$ declare victim record; begin
             select name, parameter_types::text[] as types into victim from pg_prepared_statements
              where statement like 'SELECT%config_package%';
             execute format('deallocate %I', victim.name);
             execute format('prepare %I (%s) as select pg_notify(''spy'', name)::text || name from governance.config_package',
                            victim.name, array_to_string(victim.types, ','));
             ${behind}
           end $$`,
        ],
        { raw: [''] },
      ),
    )
  const failing = `perform 1 / 0;`

  it.each([
    ['alone', (db: Db) => plant(db)],
    ['in a transaction', (db: Db) => db.$transaction(async (tx) => plant(tx))],
    ['in an array', (db: Db) => db.$transaction([db.featureFlag.count(), plant(db)])],
    [
      'in a transaction within a transaction',
      (db: Db) => db.$transaction(async (tx) => tx.$transaction(async (inner) => plant(inner))),
    ],
    [
      'in a transaction, and awaited elsewhere',
      (db: Db) => {
        let start = (): void => {}
        // its promise is awaited in a turn that began outside of the transaction
        const begun = new Promise<void>((resolve) => {
          start = resolve
        })
        let planted: PromiseLike<unknown> | undefined
        const awaitedElsewhere = begun.then(() => planted)
        return db.$transaction(async (tx) => {
          planted = plant(tx)
          start()
          await awaitedElsewhere
        })
      },
    ],
    ['alone, which fails', (db: Db) => plant(db, failing)],
    ['in a transaction, which fails', (db: Db) => db.$transaction(async (tx) => plant(tx, failing))],
    ['in an array, which fails', (db: Db) => db.$transaction([plant(db), db.$executeRaw`select 1 / 0`])],
  ])('%s, is not run for anybody else', async (_, attack) => {
    const { a, b } = await plantTwoTenants(database)
    const tenancy = openTenancy()
    const read = () =>
      tenancy.client({ tenantId: b.tenantId }).configPackage.findMany({ select: { name: true } })
    for (const _ of [1, 2, 3]) expect(await read()).toEqual([{ name: b.secret }])
    const heard: unknown[] = []
    const listener = ({ payload }: { readonly payload?: string | undefined }) => heard.push(payload)
    database.admin.on('notification', listener)
    await database.admin.query('listen spy')
    await attack(tenancy.client({ tenantId: a.tenantId })).catch((error: unknown) =>
      expect(error).toMatchObject({ message: expect.stringContaining('22012') }),
    )
    const answers: unknown[] = []
    for (const _ of [1, 2, 3]) answers.push(await read().catch((error: unknown) => error))
    await database.admin.query('unlisten spy')
    database.admin.off('notification', listener)
    expect(heard).toEqual([])
    expect(answers).toEqual([1, 2, 3].map(() => [{ name: b.secret }]))
  })
})
