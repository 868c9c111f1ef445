import { EventEmitter } from 'node:events'
import { PrismaPg } from '@prisma/adapter-pg'
import { afterEach, describe, expect, it } from 'vitest'
import { runInWireScope } from '../src/context/wire-scope.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, parseTenantContext, type Tenancy } from '../src/index.ts'
import { TenantPool } from '../src/wire/tenant-pool.ts'
import type { TenantTransaction } from '../src/wire/tenant-transaction.ts'
import { poolOptions } from './support/pools.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { plantTenants, plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()

const opened: Tenancy<PrismaClient>[] = []
function openTenancy(connectionString: string, maxConnections = 1): Tenancy<PrismaClient> {
  const tenancy = createTenancy({ PrismaClient, manifest, connectionString, maxConnections })
  opened.push(tenancy)
  return tenancy
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((tenancy) => tenancy.disconnect()))
})

async function pidOf(db: ReturnType<Tenancy<PrismaClient>['client']>): Promise<number> {
  const [row] = await db.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
  return row?.pid ?? 0
}

describe('what goes over the wire', () => {
  it('sends the context and a query under one Sync', async () => {
    const { a } = await plantTwoTenants(database)
    const { tap, connectionString } = await ProtocolTap.before(database.appUrl)
    const db = openTenancy(connectionString).client({ tenantId: a.tenantId })
    await db.configPackage.findFirst()
    tap.take()
    await db.configPackage.findFirst()
    expect(tap.take()).toBe('PBEPBDES')
    await tap.close()
  })

  it('sends BEGIN, the isolation level and the context with the first statement of a transaction', async () => {
    const { a } = await plantTwoTenants(database)
    const { tap, connectionString } = await ProtocolTap.before(database.appUrl)
    const db = openTenancy(connectionString).client({ tenantId: a.tenantId })
    await db.configPackage.findFirst()
    tap.take()
    const [level] = await db.$transaction(
      async (tx) => {
        await tx.configPackage.count()
        return tx.$queryRaw<{ level: string }[]>`select current_setting('transaction_isolation') as level`
      },
      { isolationLevel: 'Serializable' },
    )
    expect(level).toEqual({ level: 'serializable' })
    // two statements, and behind the COMMIT what takes away a context and looks for what raw SQL has prepared
    expect(tap.take()).toBe(`PBEPBEPBE${'PBDES'.repeat(2)}PBDEPBEPBES`)
    await tap.close()
  })

  it('never speaks the simple protocol, so stacked SQL is a syntax error', async () => {
    const { a, b } = await plantTwoTenants(database)
    const stacked = Object.assign([`select 1; update governance.config_package set name = 'x'`], {
      raw: [''],
    })
    const db = database.two.client({ tenantId: a.tenantId })
    await expect(db.$queryRaw(stacked)).rejects.toThrow('42601')
    // without the wire the same text runs
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.ownerUrl }) })
    await plain.$executeRaw(stacked)
    await plain.$disconnect()
    const { rows } = await database.admin.query('select name from governance.config_package where id = $1', [
      b.packageId,
    ])
    expect(rows).toEqual([{ name: 'x' }])
  })

  it('asks the database about its role once for a pool', async () => {
    const { a } = await plantTwoTenants(database)
    const { tap, connectionString } = await ProtocolTap.before(database.appUrl)
    const db = openTenancy(connectionString, 1).client({ tenantId: a.tenantId })
    await Promise.all(Array.from({ length: 9 }, () => db.configPackage.findFirst()))
    // and about ways around its role, and the connection is asked once which process it leads to
    expect(tap.take().match(/S/g)).toHaveLength(9 + 1 + 1 + 1)
    await tap.close()
  })
})

describe('a connection', () => {
  it('carries no context when its query is done', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId, userId: a.userId })
    const pid = await pidOf(db)
    const { rows } = await database.admin.query<{ state: string; inTransaction: boolean }>(
      `select state, xact_start is not null as "inTransaction" from pg_stat_activity where pid = $1`,
      [pid],
    )
    expect(rows).toEqual([{ state: 'idle', inTransaction: false }])
    const [inside] = await db.$queryRaw<{ tenant: string; user: string }[]>`
      select current_setting('app.tenant_id') as tenant, current_setting('app.user_id') as user`
    expect(inside).toEqual({ tenant: a.tenantId, user: a.userId })
  })

  it('loses a context that raw SQL set for the whole session', async () => {
    const { a, b } = await plantTwoTenants(database)
    const pool = new TenantPool(poolOptions(database.appUrl))
    const setting = async () => {
      const { rows } = await pool.queryWithoutTenant({
        text: `select current_setting('app.tenant_id', true)`,
      })
      return Object.values(rows[0] ?? {})
    }
    const context = parseTenantContext({ tenantId: a.tenantId })
    const poison = { text: `select set_config('app.tenant_id', '${b.tenantId}', false)` }
    await runInWireScope({ context, inTransaction: false, raw: true }, () => pool.query(poison))
    expect(await setting()).toEqual([''])

    const session = { ranRaw: true }
    await runInWireScope({ context, inTransaction: true, raw: false, session }, async () => {
      const transaction = await pool.connect()
      for (const text of ['BEGIN', poison.text, 'COMMIT']) await transaction.query({ text })
      transaction.release()
    })
    expect(await setting()).toEqual([''])

    // one that was left behind all the same is noticed by whoever comes next, and the connection destroyed
    const pid = async () => {
      const { rows } = await pool.queryWithoutTenant({ text: 'select pg_backend_pid() as pid' })
      return Object.values(rows[0] ?? {})
    }
    await pool.queryWithoutTenant(poison)
    expect(await setting()).toEqual([b.tenantId])
    const poisoned = await pid()
    const { rows } = await runInWireScope({ context, inTransaction: false, raw: false }, () =>
      pool.query({ text: 'select name from governance.config_package' }),
    )
    expect(rows).toEqual([[a.secret]])
    expect(await pid()).not.toEqual(poisoned)
    expect(await setting()).not.toContain(b.tenantId)
    await pool.end()
  })

  it('is in no transaction behind raw SQL, whatever that began', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    const pid = await pidOf(db)
    await db.$executeRaw`begin`
    await expect(db.$executeRaw`savepoint nowhere; rollback`).rejects.toThrow('42601')
    const { rows } = await database.admin.query(
      'select state, xact_start from pg_stat_activity where pid = $1',
      [pid],
    )
    expect(rows).toEqual([{ state: 'idle', xact_start: null }])
    expect(await pidOf(db)).toBe(pid)
  })

  it('is kept when a statement fails', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    const pid = await pidOf(db)
    await expect(db.$queryRaw`select 1 / 0`).rejects.toThrow('22012')
    expect(await pidOf(db)).toBe(pid)
  })

  it('that is lost fails its own query and no other', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl, 2).client({ tenantId: a.tenantId })
    const pid = await pidOf(db)
    const slow = db.$queryRaw`select pg_sleep(30)`.then(
      () => 'answered',
      () => 'failed',
    )
    await expect
      .poll(async () => {
        const { rows } = await database.admin.query(
          'select from pg_stat_activity where pid = $1 and query like $2',
          [pid, '%pg_sleep%'],
        )
        return rows.length
      })
      .toBe(1)
    const other = db.configPackage.count().then((count) => count)
    await database.admin.query('select pg_terminate_backend($1)', [pid])
    expect(await slow).toBe('failed')
    expect(await other).toBe(1)
    expect(await db.configPackage.count()).toBe(1)
  })

  it('that is lost while idle is replaced', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    await database.admin.query('select pg_terminate_backend($1)', [await pidOf(db)])
    await expect.poll(() => db.configPackage.count().catch(() => -1)).toBe(1)
  })
})

describe('the context', () => {
  it('is each caller’s own when findUnique calls of many tenants share a tick', async () => {
    const tenants = await plantTenants(database, 12)
    const victim = tenants[0]
    const tenancy = openTenancy(database.appUrl, 4)
    const answers = await Promise.all(
      tenants.map(({ tenantId }) =>
        tenancy.client({ tenantId }).configPackage.findUnique({
          where: { id: victim?.packageId ?? '' },
          select: { name: true },
        }),
      ),
    )
    expect(answers).toEqual(tenants.map((tenant) => (tenant === victim ? { name: victim.secret } : null)))
  })

  it('is each caller’s own when all of them wait for one connection', async () => {
    const tenants = await plantTenants(database, 10)
    const tenancy = openTenancy(database.appUrl, 1)
    const calls = Array.from({ length: 100 }, (_, index) => tenants[index % tenants.length])
    const answers = await Promise.all(
      calls.map((tenant) =>
        tenancy
          .client({ tenantId: tenant?.tenantId ?? '' })
          .configPackage.findMany({ select: { name: true } }),
      ),
    )
    expect(answers).toEqual(calls.map((tenant) => [{ name: tenant?.secret }]))
  })

  it.each([1, 2])(
    'is each caller’s own when array transactions of %i operations share a tick',
    async (length) => {
      const tenants = await plantTenants(database, 8)
      const calls = (hull: 'two' | 'both') =>
        Promise.all(
          tenants.map(({ tenantId }) => {
            const db = database[hull].client({ tenantId })
            const operation = () => db.configPackage.findMany({ select: { name: true } })
            return db.$transaction(Array.from({ length }, operation))
          }),
        )
      const own = tenants.map(({ secret }) => Array.from({ length }, () => [{ name: secret }]))
      expect(await calls('two')).toEqual(own)
      expect(await calls('both')).toEqual(own)
    },
  )

  it('is each caller’s own in many transactions at once, over few connections', async () => {
    const tenants = await plantTenants(database, 10)
    const tenancy = openTenancy(database.appUrl, 5)
    const wait = { maxWait: 20_000, timeout: 20_000 }
    const read = async (db: ReturnType<typeof tenancy.client>) => {
      const answers = await db.$transaction(async (tx) => {
        const once = await tx.configPackage.findMany({ select: { name: true } })
        const together = await Promise.all(
          [1, 2].map(() => tx.configPackage.findFirst({ select: { name: true } })),
        )
        return [...once, ...together]
      }, wait)
      return answers.map((answer) => answer?.name)
    }
    const callers = Array.from({ length: 64 }, async (_, caller) => {
      for (let round = 0; round < 10; round++) {
        const tenant = tenants[(caller + round) % tenants.length]
        const secret = tenant?.secret
        expect(await read(tenancy.client({ tenantId: tenant?.tenantId ?? '' }))).toEqual([
          secret,
          secret,
          secret,
        ])
      }
    })
    await Promise.all(callers)
  })

  it('is that of the maker of a promise, whoever awaits it', async () => {
    const { a, b } = await plantTwoTenants(database)
    const tenancy = openTenancy(database.appUrl, 2)
    const own = [{ name: a.secret }]
    const made = () =>
      tenancy.client({ tenantId: a.tenantId }).configPackage.findMany({ select: { name: true } })
    const other = tenancy.client({ tenantId: b.tenantId })

    const awaitedInTimer = made()
    expect(await new Promise((resolve) => setTimeout(() => void awaitedInTimer.then(resolve), 1))).toEqual(
      own,
    )

    const events = new EventEmitter()
    const awaitedInListener = made()
    const heard = new Promise((resolve) => events.once('event', () => void awaitedInListener.then(resolve)))
    await other.configPackage.count()
    events.emit('event')
    expect(await heard).toEqual(own)

    const awaitedTogether = made()
    expect((await Promise.all([other.configPackage.count(), awaitedTogether]))[1]).toEqual(own)
  })
})

describe('a transaction', () => {
  it('leaves nothing behind when its caller rolls it back', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl, 2).client({ tenantId: a.tenantId })
    const rollBack = new Error('rolled back')
    const ghost = { key: 'ghost' }
    await expect(
      db.$transaction(async (tx) => {
        await tx.featureFlag.create({ data: ghost })
        throw rollBack
      }),
    ).rejects.toBe(rollBack)
    expect(await db.featureFlag.count({ where: ghost })).toBe(0)

    const missing = { id: a.flagId, key: 'missing' }
    await expect(
      db.$transaction([db.featureFlag.create({ data: ghost }), db.featureFlag.delete({ where: missing })]),
    ).rejects.toMatchObject({ code: 'P2025' })
    expect(await db.featureFlag.count({ where: ghost })).toBe(0)

    // an extension that opens transactions of its own escapes the caller's: the row stays
    const escaping = database.none.$extends({
      query: {
        $allOperations: ({ args, query }) =>
          database.none
            .$transaction([database.none.$queryRaw`select 1`, query(args)] as never)
            .then((results) => (results as unknown[])[1]),
      },
    })
    await expect(
      escaping.$transaction(async (tx) => {
        await tx.featureFlag.create({ data: { ...ghost, tenantId: a.tenantId } })
        throw rollBack
      }),
    ).rejects.toBe(rollBack)
    expect(await db.featureFlag.count({ where: ghost })).toBe(1)
  })

  it('refuses an operation of another tenant', async () => {
    const { a, b } = await plantTwoTenants(database)
    const tenancy = openTenancy(database.appUrl, 3)
    const [mine, theirs] = [a, b].map(({ tenantId }) => tenancy.client({ tenantId }))
    const made = theirs?.featureFlag.count()
    await expect(mine?.$transaction(async () => theirs?.featureFlag.count())).rejects.toMatchObject({
      code: 'DH103',
    })
    await expect(mine?.$transaction(async () => made)).rejects.toMatchObject({ code: 'DH103' })
    await expect(
      mine?.$transaction([mine.featureFlag.count(), theirs?.featureFlag.count() as never]),
    ).rejects.toMatchObject({ code: 'DH103' })
    await expect(
      mine?.$transaction(async () => theirs?.$transaction(async (tx) => tx.featureFlag.count())),
    ).rejects.toMatchObject({ code: 'DH103' })
    expect(await theirs?.featureFlag.count()).toBe(1)
  })

  it('keeps its tenant through savepoints', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    const names = await db.$transaction(async (tx) => {
      await tx.configPackage.updateMany({ data: { description: 'outer' } })
      await tx
        .$transaction(async (inner) => {
          await inner.configPackage.updateMany({ data: { description: 'inner' } })
          throw new Error('only the inner one')
        })
        .catch(() => undefined)
      return tx.configPackage.findMany({ select: { name: true, description: true } })
    })
    expect(names).toEqual([{ name: a.secret, description: 'outer' }])
  })

  it('that runs out of time gives its connection back clean', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    await expect(
      db.$transaction(
        async (tx) => {
          await tx.featureFlag.create({ data: { key: 'late' } })
          await new Promise((resolve) => setTimeout(resolve, 300))
          await tx.featureFlag.count()
        },
        { timeout: 100 },
      ),
    ).rejects.toMatchObject({ code: 'P2028' })
    expect(await db.featureFlag.count({ where: { key: 'late' } })).toBe(0)
  })

  it('that gave up waiting for a connection does not keep the one it gets too late', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    const holder = db.$transaction(async (tx) => {
      await tx.featureFlag.count()
      await new Promise((resolve) => setTimeout(resolve, 400))
    })
    const waiting = db.$transaction(async (tx) => tx.featureFlag.count(), { maxWait: 100 })
    await expect(waiting).rejects.toMatchObject({ code: 'P2028' })
    await holder
    expect(await db.featureFlag.count()).toBe(1)
  })

  it('runs the operations of an array anew, also those that have run before', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl, 2).client({ tenantId: a.tenantId })
    const renamed = db.configPackage.updateMany({ data: { description: 'renamed' } })
    const described = db.configPackage.findMany({ select: { description: true } })
    await db.$transaction([renamed])
    await db.configPackage.updateMany({ data: { description: 'as before' } })
    expect(await db.$transaction([renamed, described])).toEqual([{ count: 1 }, [{ description: 'renamed' }]])

    const created = db.featureFlag.create({ data: { key: 'once' } })
    await created
    await expect(db.$transaction([created])).rejects.toMatchObject({ code: 'P2002' })
    await expect(db.$transaction([db.featureFlag.count(), Promise.resolve(1) as never])).rejects.toThrow(
      TypeError,
    )
  })

  it('that conflicts with another at its COMMIT fails with P2034, as one that conflicts earlier', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl, 2).client({ tenantId: a.tenantId })
    // each reads what the other writes, and none commits before both have written
    let written = 0
    let bothWritten = () => {}
    const barrier = new Promise<void>((resolve) => {
      bothWritten = resolve
    })
    const arrive = async () => {
      written++
      if (written === 2) bothWritten()
      await barrier
    }
    const isolationLevel = 'Serializable' as const
    const outcomes = await Promise.allSettled([
      db.$transaction(
        async (tx) => {
          await tx.configPackage.findMany()
          await tx.featureFlag.create({ data: { key: 'skew' } })
          await arrive()
        },
        { isolationLevel },
      ),
      db.$transaction(
        async (tx) => {
          await tx.featureFlag.findMany()
          await tx.configPackage.create({ data: { key: 'skew', name: 'skew' } })
          await arrive()
        },
        { isolationLevel },
      ),
    ])
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(failed.map(({ reason }: PromiseRejectedResult) => reason as unknown)).toMatchObject([
      { code: 'P2034' },
    ])
  })

  it('takes raw SQL and operations in one array', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    const [rows, count] = await db.$transaction([
      db.$queryRaw<{ xact: string }[]>`select current_setting('app.tenant_id') as xact`,
      db.featureFlag.count(),
    ])
    expect([rows, count]).toEqual([[{ xact: a.tenantId }], 1])
  })

  it('refuses a query that comes after its end', async () => {
    const { a } = await plantTwoTenants(database)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    const kept = await db.$transaction(async (tx) => ({ tx }))
    await expect(kept.tx.featureFlag.count()).rejects.toThrow(/transaction/i)
  })
})

describe('a transaction, as Prisma’s adapter drives it', () => {
  async function driven(): Promise<{
    pool: TenantPool
    begin: () => Promise<TenantTransaction>
    pid: () => Promise<unknown>
  }> {
    const { a } = await plantTwoTenants(database)
    const context = parseTenantContext({ tenantId: a.tenantId })
    const pool = new TenantPool(poolOptions(database.appUrl))
    const begin = () =>
      runInWireScope({ context, inTransaction: true, raw: false }, async () => {
        const transaction = await pool.connect()
        await transaction.query({ text: 'BEGIN' })
        return transaction
      })
    const pid = async () =>
      (await pool.queryWithoutTenant({ text: 'select pg_backend_pid() as pid' })).rows[0]
    return { pool, begin, pid }
  }

  it('gives a connection back that it has not ended, and the connection is destroyed', async () => {
    const { pool, begin, pid } = await driven()
    const before = await pid()
    const transaction = await begin()
    await transaction.query({ text: 'select 1' })
    transaction.release()
    expect(await pid()).not.toEqual(before)
    await pool.end()
  })

  it('gives a connection back whose first statement failed, and the connection is destroyed', async () => {
    const { pool, begin, pid } = await driven()
    const before = await pid()
    const transaction = await begin()
    await expect(transaction.query({ text: 'select 1 / 0' })).rejects.toMatchObject({ code: '22012' })
    transaction.release()
    expect(await pid()).not.toEqual(before)
    await pool.end()
  })

  it('refuses what comes after raw SQL has ended it, and leaves no context behind', async () => {
    const { pool, begin, pid } = await driven()
    const before = await pid()
    const transaction = await begin()
    await transaction.query({ text: `select set_config('app.tenant_id', gen_random_uuid()::text, false)` })
    await transaction.query({ text: 'commit work' })
    await expect(transaction.query({ text: 'select 1' })).rejects.toMatchObject({ code: 'DH105' })
    await transaction.query({ text: 'ROLLBACK' })
    transaction.release()
    expect(await pid()).not.toEqual(before)
    await pool.end()
  })

  it('fails a COPY that has no source, and goes on', async () => {
    const { pool, begin, pid } = await driven()
    const before = await pid()
    const transaction = await begin()
    const copy = transaction.query({ text: 'copy governance.trace_step from stdin' })
    await expect(copy).rejects.toMatchObject({ name: 'error' })
    await transaction.query({ text: 'ROLLBACK' })
    transaction.release()
    expect(await pid()).toEqual(before)
    await pool.end()
  })

  it('has its context until its end, also for what is deferred to it', async () => {
    const { a } = await plantTwoTenants(database)
    await database.admin.query(`
      create function public.look() returns trigger language plpgsql as
        $$ begin perform from governance.config_package; return null; end $$;
      grant execute on function public.look() to doublehull_app;
      create constraint trigger look after insert on governance.feature_flag
        deferrable initially deferred for each row execute function public.look()`)
    const db = openTenancy(database.appUrl).client({ tenantId: a.tenantId })
    await db.$transaction(async (tx) => tx.featureFlag.create({ data: { key: 'deferred' } }))
    await db.$transaction([db.featureFlag.create({ data: { key: 'deferred in an array' } })])
    await db.$executeRaw`insert into governance.feature_flag (id, key, updated_at) values (gen_random_uuid(), 'raw', now())`
    expect(await db.featureFlag.count()).toBe(4)
    await database.admin.query('drop function public.look() cascade')
  })

  it('keeps its connection when a statement fails and it is rolled back', async () => {
    const { pool, begin, pid } = await driven()
    const before = await pid()
    const transaction = await begin()
    await expect(transaction.query({ text: 'select 1 / 0' })).rejects.toMatchObject({ code: '22012' })
    await transaction.query({ text: 'ROLLBACK' })
    transaction.release()
    expect(await pid()).toEqual(before)
    await pool.end()
  })

  it('is over with its COMMIT: what comes afterwards is refused, and a ROLLBACK is nothing', async () => {
    const { pool, begin, pid } = await driven()
    const before = await pid()
    const transaction = await begin()
    await transaction.query({ text: 'select 1' })
    const committed = transaction.query({ text: 'COMMIT' })
    await expect(transaction.query({ text: 'select 1' })).rejects.toMatchObject({ code: 'DH105' })
    await committed
    await transaction.query({ text: 'ROLLBACK' })
    transaction.release()
    expect(await pid()).toEqual(before)
    await pool.end()
  })

  it('that never says anything sends nothing', async () => {
    const { a } = await plantTwoTenants(database)
    const { tap, connectionString } = await ProtocolTap.before(database.appUrl)
    const db = openTenancy(connectionString).client({ tenantId: a.tenantId })
    await db.configPackage.count()
    tap.take()
    await db.$transaction(async () => undefined)
    await db.$transaction([])
    expect(tap.take()).toBe('')
    await tap.close()
  })
})

describe('the end', () => {
  it('comes after the work that is under way, and nothing can be asked afterwards', async () => {
    const { a } = await plantTwoTenants(database)
    const tenancy = openTenancy(database.appUrl)
    const db = tenancy.client({ tenantId: a.tenantId })
    await db.configPackage.count()
    const working = db.$queryRaw<{ done: boolean }[]>`select pg_sleep(0.2) is not null as done`.then(
      (rows) => rows[0],
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    await tenancy.disconnect()
    expect(await working).toEqual({ done: true })
    await tenancy.disconnect()
    expect(() => tenancy.client({ tenantId: a.tenantId })).toThrow(expect.objectContaining({ code: 'DH104' }))
    await expect(db.configPackage.count()).rejects.toMatchObject({ code: 'DH104' })
  })
})
