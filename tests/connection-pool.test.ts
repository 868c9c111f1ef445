import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy, type TenancyOptions } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { useGates, whileLocked } from './support/gate.ts'
import { MeddlingProxy } from './support/meddling-proxy.ts'
import { ask, begin, commit, count, usePools } from './support/pools.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { type Planted, plantTenants, plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const openPool = usePools()
const shutGate = useGates(database)

const tenancies: Tenancy<PrismaClient>[] = []
function openTenancy(
  connectionString: string,
  options: Partial<TenancyOptions<PrismaClient>> = {},
  open = createTenancy<PrismaClient>,
): Tenancy<PrismaClient> {
  const tenancy = open({ PrismaClient, manifest, connectionString, maxConnections: 1, ...options })
  tenancies.push(tenancy)
  return tenancy
}
const proxies: { close(): Promise<void> }[] = []
async function tapBefore(url: string): Promise<{ tap: ProtocolTap; connectionString: string }> {
  const tapped = await ProtocolTap.before(url)
  proxies.push(tapped.tap)
  return tapped
}
async function proxyBefore(...args: Parameters<typeof MeddlingProxy.before>): Promise<MeddlingProxy> {
  const proxy = await MeddlingProxy.before(...args)
  proxies.push(proxy)
  return proxy
}
afterEach(async () => {
  await Promise.all(tenancies.splice(0).map((tenancy) => tenancy.disconnect({ timeoutMillis: 0 })))
  for (const proxy of proxies.splice(0)) await proxy.close().catch(() => {})
})

/** Whoever asks; nobody has rows. */
const somebody = () => ({ tenantId: randomUUID() })
const settled = <Result>(promises: readonly PromiseLike<Result>[]) =>
  Promise.allSettled(promises).then((results) =>
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as unknown))),
  )
const lost = expect.objectContaining({ name: 'TenancyError', code: 'DH106', retryable: true })
const tooBusy = expect.objectContaining({ name: 'TenancyError', code: 'DH107', retryable: true })
const closed = expect.objectContaining({ name: 'TenancyError', code: 'DH104' })

/** How many processes of the server the application's login has. */
async function backends(): Promise<number> {
  const { rows } = await database.admin.query<{ count: number }>(
    'select count(*)::int from pg_stat_activity where datname = current_database() and usename = $1',
    [new URL(database.appUrl).username],
  )
  return rows[0]?.count ?? 0
}

describe('a shared connection', () => {
  it.each([1, 4, 16])('has at most %i exchanges under way, and the others wait', async (pipelineDepth) => {
    const { tap, connectionString } = await tapBefore(database.appUrl)
    const pool = await openPool(connectionString, { pipelineDepth })
    const gate = await shutGate()
    tap.take()
    let deepest = 0
    const answers = Array.from({ length: 20 }, () =>
      ask(pool, somebody(), gate.query).finally(() => {
        deepest = Math.max(deepest, pool.statistics().deepest)
      }),
    )
    await gate.isReachedBy(1)
    expect(pool.statistics()).toEqual({
      total: 1,
      idle: 0,
      owned: 0,
      waiting: 20 - pipelineDepth,
      inFlight: pipelineDepth,
      deepest: pipelineDepth,
    })
    expect(count('S', tap.take())).toBe(pipelineDepth)
    await gate.open()
    await Promise.all(answers)
    expect(count('S', tap.take())).toBe(20 - pipelineDepth)
    expect(deepest).toBeLessThanOrEqual(pipelineDepth)
    expect(pool.statistics()).toMatchObject({ idle: 1, waiting: 0, inFlight: 0 })
  })

  it('is the one with the fewest under way', async () => {
    const pool = await openPool(database.appUrl, { maxConnections: 3, pipelineDepth: 4 })
    const first = await shutGate()
    const second = await shutGate()
    const third = await shutGate()
    const answers = [first, second, third, first, second, third].map((gate) =>
      ask(pool, somebody(), gate.query),
    )
    const [freed] = await second.isReachedBy(1)
    expect(pool.statistics()).toMatchObject({ total: 3, idle: 0, inFlight: 6, deepest: 2 })
    await second.open()
    await answers[4]
    expect(await ask(pool, somebody(), 'select pg_backend_pid()')).toEqual([[freed]])
    await first.open()
    await third.open()
    await Promise.all(answers)
  })

  describe('that is held up by slow work', () => {
    // the pool's clock stands still, so that a machine that is slow itself makes no difference
    beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
    afterEach(() => vi.useRealTimers())

    it('is the last choice', async () => {
      const pool = await openPool(database.appUrl, { maxConnections: 2, pipelineDepth: 4 })
      const gate = await shutGate()
      const slow = ask(pool, somebody(), gate.query)
      const [stalled] = await gate.isReachedBy(1)
      vi.advanceTimersByTime(21)
      // all in one turn, so that the other connection is busier with each of them
      const answers = Array.from({ length: 5 }, () => ask(pool, somebody(), 'select pg_backend_pid()'))
      expect(pool.statistics()).toMatchObject({ inFlight: 6, waiting: 0, deepest: 4 })
      const quick = (await Promise.all(answers.slice(0, 4))).flat(2)
      expect(new Set(quick).size).toBe(1)
      expect(quick).not.toContain(stalled)
      await gate.open()
      expect(await answers[4]).toEqual([[stalled]])
      await slow
    })

    it('is so from when its first answer is due, and not from when that was asked for', async () => {
      const pool = await openPool(database.appUrl, { maxConnections: 2, pipelineDepth: 4 })
      const [brief, second, stalled] = [await shutGate(), await shutGate(), await shutGate()]
      // in turns to the one and the other connection
      const gates = [brief, stalled, second, stalled, second] as const
      const answers = gates.map((gate) => ask(pool, somebody(), gate.query))
      const [[free], [slow]] = [await brief.isReachedBy(1), await stalled.isReachedBy(1)]
      vi.advanceTimersByTime(21)
      await brief.open()
      await answers[0]
      const more = Array.from({ length: 2 }, () => ask(pool, somebody(), second.query))
      expect(pool.statistics()).toMatchObject({ inFlight: 6, deepest: 4 })
      await second.open()
      expect((await Promise.all(more)).flat(2)).toEqual([free, '', free, ''])
      expect(await stalled.isReachedBy(1)).toEqual([slow])
      await stalled.open()
      await Promise.all(answers)
    })
  })

  it('is not left idle because a transaction waited for it that then got another', async () => {
    const pool = await openPool(database.appUrl, { maxConnections: 3, pipelineDepth: 4 })
    const gates = [await shutGate(), await shutGate(), await shutGate()] as const
    const answers = gates.map((gate) => ask(pool, somebody(), gate.query))
    for (const gate of gates) await gate.isReachedBy(1)
    const beginning = begin(pool, somebody())
    expect(pool.statistics()).toMatchObject({ total: 3, idle: 0, waiting: 1 })
    await gates[1].open()
    const transaction = await beginning
    await gates[0].open()
    await answers[0]
    expect(pool.statistics()).toMatchObject({ idle: 1, owned: 1, inFlight: 1 })
    const next = ask(pool, somebody(), gates[2].query)
    expect(pool.statistics()).toMatchObject({ idle: 0, owned: 1, inFlight: 2, deepest: 1 })
    await gates[2].open()
    await Promise.all([next, ...answers])
    await commit(transaction)
  })
})

describe('a transaction', () => {
  it('has a connection to itself, and single operations carry on on the others', async () => {
    const pool = await openPool(database.appUrl, { maxConnections: 2 })
    const transaction = await begin(pool, somebody())
    const { rows } = await transaction.query({ text: 'select pg_backend_pid()' })
    const pids = await Promise.all(
      Array.from({ length: 40 }, () => ask(pool, somebody(), 'select pg_backend_pid()')),
    )
    expect(new Set(pids.flat(2)).size).toBe(1)
    expect(pids.flat(2)).not.toContain(rows[0]?.[0])
    expect(pool.statistics()).toMatchObject({ total: 2, idle: 1, owned: 1 })
    await commit(transaction)
    expect(pool.statistics()).toMatchObject({ total: 2, idle: 2, owned: 0 })
  })

  it('waits until the only connection is empty, and what comes after it waits behind it', async () => {
    const pool = await openPool(database.appUrl, { pipelineDepth: 4 })
    const gate = await shutGate()
    const before = [gate.query, 'select 1'].map((text) => ask(pool, somebody(), text))
    const beginning = begin(pool, somebody())
    const behind = [1, 2].map(() => ask(pool, somebody(), 'select 1'))
    await gate.isReachedBy(1)
    expect(pool.statistics()).toMatchObject({ owned: 0, inFlight: 2, waiting: 3 })
    await gate.open()
    const transaction = await beginning
    expect(pool.statistics()).toMatchObject({ owned: 1, inFlight: 0, waiting: 2 })
    await Promise.all(before)
    await transaction.query({ text: 'select 1' })
    expect(pool.statistics()).toMatchObject({ owned: 1, inFlight: 0, waiting: 2 })
    await commit(transaction)
    await Promise.all(behind)
  })

  it('is not starved by a stream of single operations', async () => {
    const pool = await openPool(database.appUrl, { pipelineDepth: 4 })
    let answered = 0
    const flow = { isOver: false }
    const stream = Array.from({ length: 8 }, async () => {
      while (!flow.isOver) {
        await ask(pool, somebody(), 'select 1')
        answered++
      }
    })
    await expect.poll(() => answered).toBeGreaterThan(20)
    const before = answered
    const transaction = await begin(pool, somebody())
    const overtakenBy = answered - before
    await commit(transaction)
    flow.isOver = true
    await Promise.all(stream)
    // those that were under way or waited already
    expect(overtakenBy).toBeLessThanOrEqual(8)
  })

  it('does not starve a single operation, however many follow it', async () => {
    const pool = await openPool(database.appUrl, { pipelineDepth: 4 })
    let begun = 0
    const flow = { isOver: false }
    const stream = Array.from({ length: 3 }, async () => {
      while (!flow.isOver) {
        const transaction = await begin(pool, somebody())
        begun++
        await transaction.query({ text: 'select 1' })
        await commit(transaction)
      }
    })
    await expect.poll(() => begun).toBeGreaterThan(10)
    const before = begun
    await ask(pool, somebody(), 'select 1')
    const overtakenBy = begun - before
    flow.isOver = true
    await Promise.all(stream)
    expect(overtakenBy).toBeLessThanOrEqual(3)
  })
})

describe('an error', () => {
  it('stays with its own exchange of sixteen that are under way', async () => {
    const tenants = await plantTenants(database, 4)
    const pool = await openPool(database.appUrl)
    const [[pid]] = (await ask(pool, somebody(), 'select pg_backend_pid()')) as [[number]]
    const gate = await shutGate()
    const insert = (tenantId: string) =>
      `insert into governance.feature_flag (id, tenant_id, key, updated_at)
       values (gen_random_uuid(), '${tenantId}', 'flag', now())`
    const held = ask(pool, somebody(), gate.query)
    const answers = Array.from({ length: 15 }, (_, index) => {
      const { tenantId } = tenants[index % 4] ?? somebody()
      const other = tenants[(index + 1) % 4]?.tenantId ?? ''
      if (index % 5 === 1) return ask(pool, { tenantId }, insert(tenantId))
      if (index % 5 === 2) return ask(pool, { tenantId, statementTimeoutMillis: 20 }, 'select pg_sleep(30)')
      if (index % 5 === 3) return ask(pool, { tenantId }, insert(other))
      return ask(pool, { tenantId }, 'select tenant_id, id, name from governance.config_package')
    })
    const outcomes = settled(answers)
    await gate.isReachedBy(1)
    expect(pool.statistics()).toMatchObject({ total: 1, inFlight: 16, waiting: 0 })
    await gate.open()
    await held
    const code = (code: string) => expect.objectContaining({ name: 'error', code })
    expect(await outcomes).toEqual(
      answers.map((_, index) => {
        const own = tenants[index % 4]
        if (index % 5 === 1) return code('23505')
        if (index % 5 === 2) return code('57014')
        if (index % 5 === 3) return code('42501')
        return [[own?.tenantId, own?.packageId, own?.secret]]
      }),
    )
    expect(await ask(pool, somebody(), 'select pg_backend_pid()')).toEqual([[pid]])
  })

  it('stays with its own operation of a tenant client', async () => {
    const tenants = await plantTenants(database, 4)
    const tenancy = openTenancy(database.appUrl)
    await tenancy.client(somebody()).configPackage.count()
    const operate = (index: number): PromiseLike<unknown> => {
      const { tenantId, flagId, versionId } = tenants[index % 4] ?? {
        flagId: '',
        versionId: '',
        ...somebody(),
      }
      const db = tenancy.client({ tenantId, lockTimeoutMillis: 20 })
      if (index % 4 === 1) return db.featureFlag.create({ data: { key: 'flag' } })
      if (index % 4 === 2)
        return db.featureFlag.updateMany({ where: { id: flagId }, data: { enabled: true } })
      if (index % 8 === 3)
        return db.configVersion.updateMany({ where: { id: versionId }, data: { status: 'ACTIVE' } })
      return db.configPackage.findMany({ select: { tenantId: true, id: true, name: true } })
    }
    const calls = Array.from({ length: 16 }, (_, index) => index)
    const lock = `select from governance.feature_flag where id = '${tenants[2]?.flagId}' for update`
    expect(await whileLocked(database, lock, () => settled(calls.map(operate)))).toEqual(
      calls.map((index) => {
        const own = tenants[index % 4]
        if (index % 4 === 1) return expect.objectContaining({ code: 'P2002' })
        if (index % 4 === 2) return expect.objectContaining({ code: 'DH108' })
        if (index % 8 === 3) return expect.objectContaining({ code: 'DH501' })
        return [{ tenantId: own?.tenantId, id: own?.packageId, name: own?.secret }]
      }),
    )
  })

  it('that leaves the connection open is told as it is, and the connection is kept', async () => {
    const { a, b } = await plantTwoTenants(database)
    const pool = await openPool(database.appUrl)
    const pid = await ask(pool, a, 'select pg_backend_pid()')
    const gate = await shutGate()
    // a parameter that is missing is a violation of the protocol, and no end of the connection
    const outcomes = settled([
      ask(pool, b, gate.query),
      ask(pool, b, 'select $1::text'),
      ask(pool, a, 'select name from governance.config_package'),
    ])
    await gate.isReachedBy(1)
    await gate.open()
    expect((await outcomes).slice(1)).toEqual([
      expect.objectContaining({ name: 'error', code: '08P01' }),
      [[a.secret]],
    ])
    expect(await ask(pool, a, 'select pg_backend_pid()')).toEqual(pid)
  })
})

describe('a connection that is lost', () => {
  it('fails what was under way on it, and nothing else', async () => {
    const pool = await openPool(database.appUrl, { maxConnections: 2 })
    const [first, second] = [await shutGate(), await shutGate()]
    const answers = [first.query, second.query, 'select 1', 'select 2', 'select 3', 'select 4'].map((text) =>
      ask(pool, somebody(), text),
    )
    const outcomes = settled(answers)
    const [pid] = await first.isReachedBy(1)
    const [other] = await second.isReachedBy(1)
    expect(pool.statistics()).toMatchObject({ total: 2, inFlight: 6, deepest: 3 })
    await database.admin.query('select pg_terminate_backend($1)', [pid])
    await expect(answers[0]).rejects.toThrow('DH106')
    await second.open()
    expect(await outcomes).toEqual([lost, [[other, '']], lost, [[2]], lost, [[4]]])
    await first.open()
    await expect.poll(() => pool.statistics()).toMatchObject({ total: 1, idle: 1, inFlight: 0 })
  })

  it('hands what waits on to another', async () => {
    const pool = await openPool(database.appUrl, { pipelineDepth: 1 })
    const gate = await shutGate()
    const answers = [gate.query, 'select 1', 'select 2'].map((text) => ask(pool, somebody(), text))
    const beginning = begin(pool, somebody())
    const outcomes = settled(answers)
    const [pid] = await gate.isReachedBy(1)
    await database.admin.query('select pg_terminate_backend($1)', [pid])
    expect(await outcomes).toEqual([lost, [[1]], [[2]]])
    await commit(await beginning)
    await gate.open()
  })

  it('while it is idle is replaced, and nobody notices', async () => {
    const { a } = await plantTwoTenants(database)
    const pool = await openPool(database.appUrl, { maxConnections: 3 })
    await database.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and usename = $1`,
      [new URL(database.appUrl).username],
    )
    await expect.poll(() => pool.statistics().total).toBe(0)
    const own = [[a.secret]]
    expect(await ask(pool, a, 'select name from governance.config_package')).toEqual(own)
  })

  it('leaves a transaction that fails, and the tenant its place', async () => {
    const { a } = await plantTwoTenants(database)
    const tenancy = openTenancy(database.appUrl, { maxConcurrentPerTenant: 1 })
    const db = tenancy.client({ tenantId: a.tenantId })
    for (const dieAt of ['begin', 'statement', 'commit'] as const) {
      const transaction = db.$transaction(async (tx) => {
        const die = async () => {
          const [row] = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
          await database.admin.query('select pg_terminate_backend($1)', [row?.pid])
        }
        if (dieAt === 'begin') throw new Error('nothing was asked')
        await die()
        if (dieAt === 'statement') await tx.configPackage.count()
      })
      await expect(transaction).rejects.toBeInstanceOf(Error)
      // once the pool has noticed
      await expect.poll(() => db.configPackage.count().catch(() => -1)).toBe(1)
    }
  })

  it('is told from a server that is out of reach, which answers again when it is back', async () => {
    const { a } = await plantTwoTenants(database)
    const proxy = await proxyBefore(database.appUrl)
    const pool = await openPool(proxy.connectionString, { maxConnections: 2 })
    const gate = await shutGate()
    const underWay = ask(pool, a, gate.query)
    const failed = expect(underWay).rejects.toEqual(lost)
    await gate.isReachedBy(1)
    await proxy.close()
    await failed
    await gate.open()
    const read = () => ask(pool, a, 'select name from governance.config_package')
    await expect(read()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(begin(pool, a)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(pool.statistics()).toMatchObject({ total: 0, waiting: 0 })
    await proxy.reopen()
    expect(await read()).toEqual([[a.secret]])
  })

  it('and a server out of reach are so for a tenant client too', async () => {
    const { a } = await plantTwoTenants(database)
    const proxy = await proxyBefore(database.appUrl)
    await proxy.close()
    const db = openTenancy(proxy.connectionString).client({ tenantId: a.tenantId })
    await expect(db.configPackage.count()).rejects.toMatchObject({ code: 'P1001' })
    await expect(db.$transaction(async (tx) => tx.configPackage.count())).rejects.toMatchObject({
      code: 'P1001',
    })
    await proxy.reopen()
    expect(await db.configPackage.count()).toBe(1)
    await proxy.close()
    await expect(db.configPackage.count()).rejects.toMatchObject({ code: /^(DH106|P1001)$/ })
    await proxy.reopen()
    await expect.poll(() => db.configPackage.count().catch(() => -1)).toBe(1)
  })
})

describe('whoever finds no room', () => {
  it('is refused at once where too many wait already', async () => {
    const pool = await openPool(database.appUrl, { pipelineDepth: 1, maxWaiting: 2 })
    const gate = await shutGate()
    const held = ask(pool, somebody(), gate.query)
    const waiting = ask(pool, somebody(), 'select 1')
    const beginning = begin(pool, somebody())
    await expect(ask(pool, somebody(), 'select 1')).rejects.toEqual(tooBusy)
    await expect(begin(pool, somebody())).rejects.toEqual(tooBusy)
    expect(pool.statistics()).toMatchObject({ waiting: 2, inFlight: 1 })
    await gate.open()
    await Promise.all([held, waiting])
    await commit(await beginning)
    expect(pool.statistics()).toMatchObject({ waiting: 0, idle: 1 })
  })

  it('gives up in time, and takes no connection later', async () => {
    const { tap, connectionString } = await tapBefore(database.appUrl)
    const pool = await openPool(connectionString, { pipelineDepth: 1, waitMillis: 60 })
    const gate = await shutGate()
    const held = ask(pool, somebody(), gate.query)
    await gate.isReachedBy(1)
    tap.take()
    expect(await settled<unknown>([ask(pool, somebody(), 'select 1'), begin(pool, somebody())])).toEqual([
      tooBusy,
      tooBusy,
    ])
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 1 })
    await gate.open()
    await held
    // were either of them still in line, it would have gone before this one
    await ask(pool, somebody(), 'select 1')
    expect(count('S', tap.take())).toBe(1)
    expect(pool.statistics()).toMatchObject({ owned: 0, idle: 1 })
  })

  it.each([
    ['and gives up', 200, undefined],
    ['and is told to give up', 5_000, 100],
  ])('%s lets those go that only waited for it', async (_, waitMillis, abortMillis) => {
    const pool = await openPool(database.appUrl, { pipelineDepth: 4, waitMillis })
    const gate = await shutGate()
    const held = ask(pool, somebody(), gate.query)
    const signal = abortMillis === undefined ? undefined : AbortSignal.timeout(abortMillis)
    const beginning = begin(pool, somebody(), signal)
    const refused = expect(beginning).rejects.toMatchObject({ code: signal ? 'DH105' : 'DH107' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    // the connection has room for it, but takes nothing more before the transaction
    const behind = ask(pool, somebody(), 'select 1').catch((error: unknown) => error)
    expect(pool.statistics()).toMatchObject({ waiting: 2, inFlight: 1 })
    await refused
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 2 })
    await gate.open()
    await held
    expect(await behind).toEqual([[1]])
  })

  it('is refused with the same error by a tenant client', async () => {
    const tenancy = openTenancy(database.appUrl, { connectionTimeoutMillis: 300 })
    const client = () => tenancy.client(somebody())
    await client().configPackage.count()
    let end = (): void => {}
    let held: Promise<unknown> = Promise.resolve()
    await new Promise<void>((isHeld) => {
      held = client().$transaction(async (tx) => {
        await tx.configPackage.count()
        await new Promise<void>((resolve) => {
          end = resolve
          isHeld()
        })
      })
    })
    expect(
      await settled<unknown>([
        client().configPackage.count(),
        client().$queryRaw`select 1`,
        client().$transaction(async (tx) => tx.configPackage.count()),
      ]),
    ).toEqual([tooBusy, tooBusy, tooBusy])
    end()
    await held
    expect((await tenancy.checkDatabaseHealth()).connections).toEqual({ total: 1, idle: 1, waiting: 0 })
  })
})

/** Inserts of an event of that action leave another tenant behind for the whole session, as somebody's trigger might. */
async function plantPoison(tenantId: string): Promise<void> {
  await database.admin.query(`
    create or replace function public.poison() returns trigger language plpgsql security definer as
      $$ begin perform set_config('app.tenant_id', '${tenantId}', false); return null; end $$;
    create or replace trigger poison after insert on audit.audit_event
      for each row when (new.action = 'poison') execute function public.poison()`)
}

describe('a context that was left behind', () => {
  const insert = `insert into audit.audit_event (id, action) values (gen_random_uuid(), 'poison')`
  const read = 'select tenant_id, name from governance.config_package'

  it('shows its rows to whoever asks next over a plain connection', async () => {
    const { a, b } = await plantTwoTenants(database)
    await plantPoison(b.tenantId)
    const plain = new pg.Client({ connectionString: database.appUrl })
    await plain.connect()
    await plain.query('begin')
    await plain.query(`select set_config('app.tenant_id', $1, true)`, [a.tenantId])
    await plain.query(insert)
    await plain.query('commit')
    expect((await plain.query(read)).rows).toEqual([{ tenant_id: b.tenantId, name: b.secret }])
    await plain.end()
  })

  it('shows nobody anything on a shared connection, which is then retired', async () => {
    const tenants = await plantTenants(database, 6)
    const [a, b] = tenants as [Planted, Planted]
    await plantPoison(b.tenantId)
    const { tap, connectionString } = await tapBefore(database.appUrl)
    const pool = await openPool(connectionString)
    const gate = await shutGate()
    const pid = await ask(pool, somebody(), 'select pg_backend_pid()')
    const held = ask(pool, somebody(), gate.query)
    const poisoned = ask(pool, a, insert)
    const behind = tenants.flatMap((tenant) => [ask(pool, tenant, read), ask(pool, somebody(), read)])
    await gate.isReachedBy(1)
    expect(pool.statistics()).toMatchObject({ total: 1, inFlight: 14 })
    await gate.open()
    await held
    await poisoned
    expect(await Promise.all(behind)).toEqual(
      tenants.flatMap((tenant) => [[[tenant.tenantId, tenant.secret]], []]),
    )
    // it takes leave once, however many were on it
    await expect.poll(backends, { timeout: 5_000 }).toBe(0)
    expect(count('X', tap.take())).toBe(1)
    expect(await ask(pool, somebody(), 'select pg_backend_pid()')).not.toEqual(pid)
    const { rows } = await pool.queryWithoutTenant({ text: `select current_setting('app.tenant_id', true)` })
    expect(rows).not.toEqual([[b.tenantId]])
  })

  it.each([
    ['both hulls', createTenancy<PrismaClient>],
    ['hull two alone', createUnscopedTenancy<PrismaClient>],
  ])('shows nobody anything through tenant clients with %s', async (_, open) => {
    const tenants = await plantTenants(database, 6)
    const [a, b] = tenants as [Planted, Planted]
    await plantPoison(b.tenantId)
    const tenancy = openTenancy(database.appUrl, {}, open)
    const pid = () => tenancy.client(somebody()).$queryRaw`select pg_backend_pid()`
    const read = () =>
      tenants.map(({ tenantId }) =>
        tenancy.client({ tenantId }).configPackage.findMany({ select: { name: true } }),
      )
    const own = tenants.map(({ secret }) => [{ name: secret }])
    const before = await pid()
    const poisoned = tenancy
      .client({ tenantId: a.tenantId })
      .auditEvent.create({ data: { action: 'poison' } })
    expect(await Promise.all([poisoned.then(({ action }) => action), ...read()])).toEqual(['poison', ...own])
    expect(await Promise.all(read())).toEqual(own)
    expect(await pid()).not.toEqual(before)
  })
})

describe('an answer that went astray', () => {
  const read = 'select name from governance.config_package'

  it('is taken for one’s own by a plain pipelined client', async () => {
    const { a, b } = await plantTwoTenants(database)
    const proxy = await proxyBefore(database.adminUrl)
    const plain = new pg.Client({
      connectionString: proxy.connectionString,
      pipeline: true,
    })
    await plain.connect()
    proxy.swapNextTwo()
    const answers = await Promise.all(
      [a, b].map(({ tenantId }) => plain.query(`${read} where tenant_id = $1`, [tenantId])),
    )
    expect(answers.map(({ rows }) => rows as unknown)).toEqual([[{ name: b.secret }], [{ name: a.secret }]])
    await plain.end()
  })

  it('is handed out to nobody when two are swapped', async () => {
    const { a, b } = await plantTwoTenants(database)
    const proxy = await proxyBefore(database.appUrl)
    const pool = await openPool(proxy.connectionString)
    // of the same tenant, too: it may have asked as another user, or for something else
    for (const pair of [
      [a, b],
      [a, a],
    ]) {
      proxy.swapNextTwo()
      expect(await settled(pair.map((tenant) => ask(pool, tenant, read)))).toEqual([lost, lost])
      expect(await ask(pool, a, read)).toEqual([[a.secret]])
    }
  })

  it('is handed out to nobody when the one before it is missing', async () => {
    const { a, b } = await plantTwoTenants(database)
    const proxy = await proxyBefore(database.appUrl)
    const pool = await openPool(proxy.connectionString)
    proxy.dropNext()
    expect(await settled([a, b, a].map((tenant) => ask(pool, tenant, read)))).toEqual([lost, lost, lost])
    expect(await ask(pool, b, read)).toEqual([[b.secret]])
  })

  it('is handed out to nobody when it is an error', async () => {
    const { a, b } = await plantTwoTenants(database)
    const proxy = await proxyBefore(database.appUrl)
    const pool = await openPool(proxy.connectionString)
    const cast = 'select name::uuid from governance.config_package'
    await expect(ask(pool, b, cast)).rejects.toThrow(b.secret)
    proxy.swapNextTwo()
    const outcomes = await settled([ask(pool, a, read), ask(pool, b, cast)])
    expect(String(outcomes[0])).not.toContain(b.secret)
    expect(outcomes).toEqual([lost, lost])
  })

  it('is handed out to nobody by tenant clients', async () => {
    const tenants = await plantTenants(database, 8)
    const proxy = await proxyBefore(database.appUrl)
    const tenancy = openTenancy(proxy.connectionString)
    const read = () =>
      settled(
        tenants.map(({ tenantId }) =>
          tenancy.client({ tenantId }).configPackage.findMany({ select: { name: true } }),
        ),
      )
    const own = tenants.map(({ secret }) => [{ name: secret }])
    expect(await read()).toEqual(own)
    proxy.swapNextTwo()
    expect(await read()).toEqual(tenants.map(() => lost))
    expect(await read()).toEqual(own)
  })
})

describe('behind a pooler, which has process ids of its own', () => {
  it.each([
    ['nothing is shared and nothing prepared', {}, { inFlight: 1, letters: 'PBEPBDES', prepared: 0 }],
    [
      'unless told',
      { pipelineDepth: 3, statementCacheSize: 9 },
      { inFlight: 3, letters: 'BEBES', prepared: 2 },
    ],
  ])('%s', async (_, options, { inFlight, letters, prepared }) => {
    const { a } = await plantTwoTenants(database)
    const proxy = await proxyBefore(database.appUrl, { ownProcessIds: true })
    const { tap, connectionString } = await tapBefore(proxy.connectionString)
    const pool = await openPool(connectionString, options)
    const read = 'select name from governance.config_package'
    for (const _ of [1, 2, 3]) expect(await ask(pool, a, read)).toEqual([[a.secret]])
    tap.take()
    expect(await ask(pool, a, read)).toEqual([[a.secret]])
    expect(tap.take()).toBe(letters)
    const { rows } = await pool.queryWithoutTenant({
      text: 'select count(*)::int from pg_prepared_statements where not from_sql',
    })
    expect(rows).toEqual([[prepared]])

    const gate = await shutGate()
    tap.take()
    const answers = Array.from({ length: 5 }, () => ask(pool, a, gate.query))
    await gate.isReachedBy(1)
    expect(count('S', tap.take())).toBe(inFlight)
    expect(pool.statistics()).toMatchObject({ inFlight, deepest: inFlight, waiting: 5 - inFlight })
    await gate.open()
    await Promise.all(answers)
  })

  it('tenant clients find their rows', async () => {
    const tenants = await plantTenants(database, 4)
    const proxy = await proxyBefore(database.appUrl, { ownProcessIds: true })
    const { tap, connectionString } = await tapBefore(proxy.connectionString)
    const tenancy = openTenancy(connectionString, { maxConnections: 2 })
    for (const _ of [1, 2, 3]) {
      const answers = tenants.map(({ tenantId }) =>
        tenancy.client({ tenantId }).configPackage.findMany({ select: { name: true } }),
      )
      expect(await Promise.all(answers)).toEqual(tenants.map(({ secret }) => [{ name: secret }]))
    }
    // what is bound was parsed right before it
    const messages = tap.take()
    expect(count('PB', messages)).toBe(count('B', messages))
  })
})

describe('the end', () => {
  it('comes behind what is under way and what waits, and leaves no connection', async () => {
    const { a } = await plantTwoTenants(database)
    const pool = await openPool(database.appUrl, { pipelineDepth: 2 })
    const gate = await shutGate()
    const answers = Array.from({ length: 6 }, () => ask(pool, a, gate.query))
    const beginning = begin(pool, a)
    let isOver = false
    const end = pool.end().then(() => {
      isOver = true
    })
    await expect(ask(pool, a, 'select 1')).rejects.toEqual(closed)
    await expect(begin(pool, a)).rejects.toEqual(closed)
    await gate.isReachedBy(1)
    await gate.open()
    const transaction = await beginning
    await transaction.query({ text: 'select 1' })
    expect(isOver).toBe(false)
    await commit(transaction)
    await Promise.all(answers)
    await end
    await expect.poll(backends, { timeout: 5_000 }).toBe(0)
  })

  it('comes behind the operations and transactions of tenant clients, those of this very turn included', async () => {
    const { a } = await plantTwoTenants(database)
    const tenancy = openTenancy(database.appUrl)
    const db = tenancy.client({ tenantId: a.tenantId })
    // on a tenancy that has not said a word yet
    const answers = Promise.all(
      [
        db.configPackage.count(),
        db.$queryRaw`select 1 as one`,
        db.configPackage.findMany({ select: { name: true, versions: { select: { number: true } } } }),
        db.$transaction([db.configPackage.count(), db.featureFlag.count()]),
        db.$transaction(async (tx) => {
          await tx.featureFlag.create({ data: { key: 'last' } })
          await new Promise((resolve) => setTimeout(resolve, 50))
          return tx.featureFlag.count({ where: { key: 'last' } })
        }),
      ].map((lazy: PromiseLike<unknown>) => lazy.then((result) => result)),
    )
    const end = tenancy.disconnect()
    expect(() => tenancy.client(somebody())).toThrow(closed)
    await expect(db.configPackage.count()).rejects.toEqual(closed)
    await expect(db.$transaction(async (tx) => tx.configPackage.count())).rejects.toEqual(closed)
    await expect(db.$queryRaw`select 1`).rejects.toEqual(closed)
    await end
    const nested = [{ name: a.secret, versions: [{ number: 1 }] }]
    expect(await answers).toEqual([1, [{ one: 1 }], nested, [1, expect.any(Number)], 1])
    await expect.poll(backends, { timeout: 5_000 }).toBe(0)
  })

  it('fails what is left when its time is up', async () => {
    const { a } = await plantTwoTenants(database)
    const tenancy = openTenancy(database.appUrl, { maxConnections: 2 })
    const db = tenancy.client({ tenantId: a.tenantId })
    await db.configPackage.count()
    await whileLocked(database, 'lock table governance.config_package', async (lock) => {
      const answers = settled<unknown>([
        db.configPackage.count(),
        db.$transaction(async (tx) => tx.configPackage.count()),
        db.$queryRaw`select from governance.config_package`,
      ])
      await lock.isReachedBy(2)
      await tenancy.disconnect({ timeoutMillis: 20 })
      expect(await answers).toEqual(Array.from({ length: 3 }, () => expect.any(Error)))
    })
    await expect.poll(backends, { timeout: 5_000 }).toBe(0)
  })

  it('does not wait for a transaction that waits for something else', async () => {
    const { a } = await plantTwoTenants(database)
    const tenancy = openTenancy(database.appUrl)
    const db = tenancy.client({ tenantId: a.tenantId })
    let goOn = (): void => {}
    const transaction = db.$transaction(async (tx) => {
      await tx.featureFlag.create({ data: { key: 'never' } })
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      return tx.featureFlag.count()
    })
    const failed = expect(transaction).rejects.toBeInstanceOf(Error)
    await expect.poll(backends, { timeout: 5_000 }).toBe(1)
    await tenancy.disconnect({ timeoutMillis: 20 })
    await expect.poll(backends, { timeout: 5_000 }).toBe(0)
    goOn()
    await failed
    const { rows } = await database.admin.query(`select from governance.feature_flag where key = 'never'`)
    expect(rows).toEqual([])
  })

  it('does not wait for a connection that is just being opened, and closes it when it is', async () => {
    const proxy = await proxyBefore(database.appUrl)
    const { tap, connectionString } = await tapBefore(proxy.connectionString)
    const tenancy = openTenancy(connectionString, { maxConnections: 4 })
    proxy.hold()
    const answers = settled(
      Array.from({ length: 20 }, () => tenancy.client(somebody()).$transaction([]).then(String)),
    )
    await expect.poll(() => proxy.clients, { timeout: 5_000 }).toBe(1)
    await tenancy.disconnect({ timeoutMillis: 0 })
    expect(await answers).toEqual(Array.from({ length: 20 }, () => expect.any(Error)))
    proxy.letGo()
    let messages = ''
    const farewells = () => {
      messages += tap.take()
      return count('X', messages)
    }
    await expect.poll(farewells, { timeout: 5_000 }).toBe(1)
    await expect.poll(backends, { timeout: 5_000 }).toBe(0)
  })

  it('does not wait for a server that says nothing', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const accepted = new Promise<void>((resolve) => silent.once('connection', () => resolve()))
    const tenancy = openTenancy(`postgresql://nobody:nothing@127.0.0.1:${port}/nowhere`, {
      connectionTimeoutMillis: 8_000,
    })
    const answer = settled([tenancy.client(somebody()).configPackage.count()])
    await accepted
    const late = new Promise((resolve) => setTimeout(resolve, 4_000, 'late').unref())
    expect(await Promise.race([tenancy.disconnect({ timeoutMillis: 20 }), late])).not.toBe('late')
    expect(await answer).toEqual([expect.any(Error)])
    silent.close()
  })
})

describe('a process', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))

  /** Runs a module with a tenancy and a client of `tenantId` in another process, until that ends by itself. */
  async function run(
    tenantId: string,
    code: string,
  ): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const module = `
      import { PrismaClient } from './src/generated/prisma/client.ts'
      import { manifest } from './src/generated/tenancy.ts'
      import { createTenancy } from './src/index.ts'
      const connectionString = process.env.DATABASE_URL
      const tenancy = createTenancy({ PrismaClient, manifest, connectionString, idleTimeoutMillis: 600_000 })
      const db = tenancy.client({ tenantId: '${tenantId}' })
      process.on('exit', () => console.log('exit'))
      ${code}`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', module], {
      cwd: root,
      env: { ...process.env, DATABASE_URL: database.appUrl },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    })
    const [stdout, stderr, status] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code))),
    ])
    return { status, stdout, stderr }
  }

  it('ends by itself when it has nothing more to ask', async () => {
    const { a } = await plantTwoTenants(database)
    expect(
      await run(
        a.tenantId,
        `console.log(await db.configPackage.count())
         await Promise.all([1, 2, 3].map(() => db.$transaction(async (tx) => tx.configPackage.count())))`,
      ),
    ).toEqual({ status: 0, stdout: '1\nexit\n', stderr: '' })
  })

  it('does not end before its answers have come and its transactions are over', async () => {
    const { a } = await plantTwoTenants(database)
    // nothing but the connections holds it
    const outcome = await run(
      a.tenantId,
      `void db.configPackage.count().then(() => {
         void db.$transaction(async (tx) => {
           await tx.featureFlag.create({ data: { key: 'process' } })
           await new Promise((resolve) => setTimeout(resolve, 300).unref())
         }).then(() => console.log('committed'))
       })`,
    )
    expect(outcome).toEqual({ status: 0, stdout: 'committed\nexit\n', stderr: '' })
    const { rows } = await database.admin.query(
      `select tenant_id from governance.feature_flag where key = 'process'`,
    )
    expect(rows).toEqual([{ tenant_id: a.tenantId }])
  })
})

describe('an operation', () => {
  const names = (tenancy: Tenancy<PrismaClient>, { tenantId }: Planted) =>
    tenancy.client({ tenantId }).configPackage.findMany({ select: { name: true } })

  it.each([
    ['both hulls', createTenancy<PrismaClient>],
    ['hull two alone', createUnscopedTenancy<PrismaClient>],
  ])('is its maker’s, wherever it is awaited, with %s', async (_, open) => {
    const [a, b] = (await plantTenants(database, 2)) as [Planted, Planted]
    const tenancy = openTenancy(database.appUrl, { maxConnections: 2 }, open)
    const other = tenancy.client({ tenantId: b.tenantId })
    const made = () => names(tenancy, a)
    const events = new EventEmitter()

    const ways: Record<string, (made: PromiseLike<unknown>) => Promise<unknown>> = {
      'in a timer': (made) => new Promise((resolve) => setTimeout(() => void made.then(resolve), 1)),
      'in an immediate': (made) => new Promise((resolve) => setImmediate(() => void made.then(resolve))),
      'in a microtask': (made) => new Promise((resolve) => queueMicrotask(() => void made.then(resolve))),
      'in the next tick': (made) => new Promise((resolve) => process.nextTick(() => void made.then(resolve))),
      'in a listener, which another tenant’s work calls': async (made) => {
        const heard = new Promise((resolve) => events.once('event', () => void made.then(resolve)))
        await other.configPackage.count().then(() => events.emit('event'))
        return heard
      },
      'in another tenant’s callback': (made) => other.configPackage.findMany().then(() => made),
      'in the callback of another tenant’s error': (made) =>
        other.configPackage.findUniqueOrThrow({ where: { id: randomUUID() } }).catch(() => made),
      'behind another tenant’s transaction': async (made) => {
        await other.$transaction(async (tx) => tx.configPackage.count())
        return made
      },
      'among another tenant’s operations': async (made) =>
        (await Promise.all([other.configPackage.count(), other.featureFlag.count(), made]))[2],
      'by an async generator': async (made) => {
        async function* generate() {
          await other.configPackage.count()
          yield await made
        }
        for await (const rows of generate()) return rows
        return undefined
      },
    }
    for (const [way, awaited] of Object.entries(ways)) {
      expect([way, await awaited(made())]).toEqual([way, [{ name: a.secret }]])
    }
    expect(await Promise.all(Object.values(ways).map((awaited) => awaited(made())))).toEqual(
      Object.values(ways).map(() => [{ name: a.secret }]),
    )
  })

  it.each([1, 16])(
    'is its maker’s among those of twelve tenants in one turn, on a connection of depth %i',
    async (pipelineDepth) => {
      const tenants = await plantTenants(database, 12)
      const tenancy = openTenancy(database.appUrl, { pipelineDepth }, createUnscopedTenancy)
      const own = tenants.map(({ secret }) => ({ name: secret }))
      const select = { name: true } as const
      for (let round = 0; round < 4; round++) {
        const answers = tenants.map(({ tenantId, packageId }) => {
          const db = tenancy.client({ tenantId })
          return Promise.all([
            db.configPackage.findMany({ select }),
            db.configPackage.findUnique({ where: { id: packageId }, select }),
            db.configPackage.findUnique({ where: { tenantId_key: { tenantId, key: 'package' } }, select }),
            db.configVersion.findFirst({ select: { package: { select } } }),
            db.$queryRaw`select name from governance.config_package`,
            db.$transaction(async (tx) => tx.configPackage.findFirst({ select }), { maxWait: 20_000 }),
            db.$transaction([db.configPackage.findFirst({ select }), db.configPackage.count()]),
          ])
        })
        expect(await Promise.all(answers)).toEqual(
          own.map((row) => [[row], row, row, { package: row }, [row], row, [row, 1]]),
        )
      }
    },
  )

  it('is its maker’s when it has waited for a connection that another tenant gives back', async () => {
    const tenants = await plantTenants(database, 6)
    const tenancy = openTenancy(database.appUrl, { pipelineDepth: 2 }, createUnscopedTenancy)
    await names(tenancy, tenants[0] as Planted)
    let end = (): void => {}
    let held: Promise<unknown> = Promise.resolve()
    await new Promise<void>((isHeld) => {
      held = tenancy.client(somebody()).$transaction(async (tx) => {
        await tx.configPackage.count()
        await new Promise<void>((resolve) => {
          end = resolve
          isHeld()
        })
      })
    })
    const answers = [...tenants, ...tenants, ...tenants].map((tenant) => names(tenancy, tenant))
    const outcomes = Promise.all(answers)
    await new Promise((resolve) => setTimeout(resolve, 20))
    end()
    await held
    expect(await outcomes).toEqual(
      [...tenants, ...tenants, ...tenants].map(({ secret }) => [{ name: secret }]),
    )
  })
})
