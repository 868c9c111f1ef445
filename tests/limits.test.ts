import { randomInt } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import {
  type BundledTenantClient,
  type BundledTransaction,
  createTenancy,
  createTenantClient,
  disconnect,
  setRLSTenantContext,
  type Tenancy,
  type TenancyOptions,
  type TenantTransactionOptions,
  withTenantContext,
} from '../src/index.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
beforeAll(async () => {
  scene = await plantTwoTenants(database)
})

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

type Limits = Pick<TenantTransactionOptions, 'statementTimeoutMillis' | 'lockTimeoutMillis'>
type Reader = Pick<BundledTransaction, '$queryRaw' | 'featureFlag'>

/** A tenancy with one connection, unless told otherwise. */
function open(options: Partial<TenancyOptions<PrismaClient>> = {}): Tenancy<PrismaClient> {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString: database.appUrl,
    maxConnections: 1,
    ...options,
  })
  closing.push(() => tenancy.disconnect({ timeoutMillis: 1_000 }))
  return tenancy
}

const openClient = (options: Partial<TenancyOptions<PrismaClient>> = {}) =>
  open(options).client({ tenantId: scene.a.tenantId })

/** A client of Prisma's own, with one connection of the app role. */
function openPlain(connectionString = database.appUrl): PrismaClient {
  const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 1 }) })
  closing.push(() => plain.$disconnect())
  return plain
}

async function openTap(): Promise<{ readonly tap: ProtocolTap; readonly connectionString: string }> {
  const opened = await ProtocolTap.before(database.appUrl)
  closing.push(() => opened.tap.close())
  return opened
}

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** What a promise fails with, and after how many milliseconds. */
async function failure(
  work: Promise<unknown>,
): Promise<{ readonly reason: unknown; readonly millis: number }> {
  const since = performance.now()
  const reason = await work.then(
    () => 'it did not fail',
    (error: unknown) => error,
  )
  return { reason, millis: performance.now() - since }
}

/** Sleeps longer than any test lasts. */
const sleep = (tx: Pick<Reader, '$queryRaw'>) => tx.$queryRaw`select pg_sleep(25)::text as slept`
const countFlags = (tx: Pick<Reader, 'featureFlag'>) => tx.featureFlag.count()

interface Settings {
  readonly pid: number
  readonly statement: string
  readonly lock: string
}

async function settings(tx: Pick<Reader, '$queryRaw'>): Promise<Settings> {
  const [row] = await settingsOf(tx)
  if (!row) throw new Error('no row')
  return row
}

const settingsOf = (tx: Pick<Reader, '$queryRaw'>) => tx.$queryRaw<Settings[]>`
  select pg_backend_pid() as pid, current_setting('statement_timeout') as statement,
         current_setting('lock_timeout') as lock`

/** The transaction within a transaction, with options that its types do not have. */
const nested = (tx: BundledTransaction) =>
  tx.$transaction as <Result>(
    work: (tx: BundledTransaction) => Promise<Result>,
    options: TenantTransactionOptions,
  ) => Promise<Result>

/** Holds a lock on the flags that makes everybody wait who reads them. */
async function whileFlagsAreLocked(work: () => Promise<void>): Promise<void> {
  await database.admin.query('begin')
  try {
    await database.admin.query('lock table governance.feature_flag in access exclusive mode')
    await work()
  } finally {
    await database.admin.query('rollback')
  }
}

/** The ways in which a limit can be given, each running one operation under it. */
const ways: readonly [string, (limits: Limits, ask: (tx: Reader) => Promise<unknown>) => Promise<unknown>][] =
  [
    [
      'the context of a client',
      (limits, ask) => ask(open().client({ tenantId: scene.a.tenantId, ...limits })),
    ],
    ['the options of a tenancy', (limits, ask) => ask(openClient(limits))],
    ['a $transaction', (limits, ask) => openClient().$transaction((tx) => ask(tx), limits)],
    [
      'a $transaction of an array',
      (limits, ask) => {
        const db = openClient()
        return (db.$transaction as (input: unknown, options: object) => Promise<unknown>)([ask(db)], limits)
      },
    ],
    [
      'withTenantContext',
      (limits, ask) => withTenantContext(openClient(), scene.a.tenantId, (tx) => ask(tx), limits),
    ],
  ]

describe.each(ways)('a limit in %s', (_, run) => {
  it('ends a statement that takes longer, with DH108', async () => {
    const { reason, millis } = await failure(run({ statementTimeoutMillis: 100 }, sleep))
    expect(reason).toMatchObject({
      name: 'TenancyError',
      code: 'DH108',
      retryable: true,
      details: { sqlState: '57014' },
    })
    expect(String(reason)).toContain('statement_timeout')
    expect(millis).toBeLessThan(3_000)
  })

  it('ends the wait for a lock, and a model’s operation, with DH108', async () => {
    await whileFlagsAreLocked(async () => {
      for (const [limits, sqlState] of [
        [{ lockTimeoutMillis: 50 }, '55P03'],
        [{ statementTimeoutMillis: 50 }, '57014'],
      ] as const) {
        const { reason } = await failure(run(limits, countFlags))
        expect(reason).toMatchObject({ code: 'DH108', retryable: true, details: { sqlState } })
      }
    })
  })

  it('lets pass what is quick enough', async () => {
    const limits = { statementTimeoutMillis: 4_321, lockTimeoutMillis: 1_234 }
    const asked = (await run(limits, settingsOf)) as readonly unknown[]
    expect(asked.flat()).toMatchObject([{ statement: '4321ms', lock: '1234ms' }])
  })
})

describe('a limit', () => {
  it('ends with its transaction: nothing of it stays on the connection', async () => {
    const tenancy = open()
    const { tenantId } = scene.a
    const unlimited = tenancy.client({ tenantId })
    const { pid, ...untouched } = await settings(unlimited)
    expect(untouched).toEqual({ statement: '0', lock: '0' })
    const limits = { statementTimeoutMillis: 200, lockTimeoutMillis: 200 }
    const limited = tenancy.client({ tenantId, ...limits })
    for (const work of [
      () => limited.featureFlag.count(),
      () => settings(limited),
      () => limited.$transaction(settings),
      () => limited.$transaction([limited.featureFlag.count()]),
      () => unlimited.$transaction(settings, limits),
      () => withTenantContext(unlimited, tenantId, settings, limits),
      () => sleep(limited).then((rows) => rows),
      () => unlimited.$transaction(sleep, limits),
    ]) {
      await work().catch((error: unknown) => expect(error).toMatchObject({ code: 'DH108' }))
      expect(await settings(unlimited)).toEqual({ pid, ...untouched })
      expect(await unlimited.$transaction(settings)).toEqual({ pid, ...untouched })
      expect(await unlimited.featureFlag.count()).toBe(1)
    }
  })

  it('of a call goes before the client’s, and the client’s before the tenancy’s', async () => {
    const { tenantId } = scene.a
    const tenancy = open({ statementTimeoutMillis: 9_000, lockTimeoutMillis: 8_000 })
    const seen = async (db: Pick<Reader, '$queryRaw'>) => {
      const { statement, lock } = await settings(db)
      return [statement, lock]
    }
    const ofTenancy = tenancy.client({ tenantId })
    const ofClient = tenancy.client({ tenantId, statementTimeoutMillis: 7_000 })
    expect(await seen(ofTenancy)).toEqual(['9s', '8s'])
    expect(await seen(ofClient)).toEqual(['7s', '8s'])
    expect(await ofTenancy.$transaction(seen)).toEqual(['9s', '8s'])
    expect(await ofClient.$transaction(seen)).toEqual(['7s', '8s'])
    expect(await ofClient.$transaction(seen, { statementTimeoutMillis: 6_000 })).toEqual(['6s', '8s'])
    expect(await ofClient.$transaction(seen, { lockTimeoutMillis: 60_000 })).toEqual(['7s', '1min'])
    const options = { statementTimeoutMillis: 600_000, lockTimeoutMillis: 5_000 }
    expect(await withTenantContext(ofClient, tenantId, seen, options)).toEqual(['10min', '5s'])
    // and not beyond the call
    expect(await seen(ofClient)).toEqual(['7s', '8s'])
  })

  it('that is undefined is one that is not given', async () => {
    const { tenantId } = scene.a
    const tenancy = open({ statementTimeoutMillis: 9_000 })
    const db = tenancy.client({ tenantId, statementTimeoutMillis: undefined })
    expect(await settings(db)).toMatchObject({ statement: '9s' })
    const nothing = { statementTimeoutMillis: undefined } as unknown as Limits
    expect(await db.$transaction(settings, nothing)).toMatchObject({ statement: '9s' })
  })

  it('that is not given stays what the role has', async () => {
    const role = decodeURIComponent(new URL(database.appUrl).username)
    await database.admin.query(`alter role "${role}" set statement_timeout = '7s'`)
    try {
      const tenancy = open()
      const { tenantId } = scene.a
      const limited = { lock: '3s', statement: '7s' }
      expect(await settings(tenancy.client({ tenantId, lockTimeoutMillis: 3_000 }))).toMatchObject(limited)
      const db = tenancy.client({ tenantId })
      expect(await db.$transaction(settings, { lockTimeoutMillis: 3_000 })).toMatchObject(limited)
      expect(await settings(db)).toMatchObject({ statement: '7s', lock: '0' })
    } finally {
      await database.admin.query(`alter role "${role}" reset statement_timeout`)
    }
  })

  it('is not silently ignored in a transaction within a transaction', async () => {
    const answer = await openClient().$transaction((tx) =>
      nested(tx)(settings, { statementTimeoutMillis: 1_234 }).then(
        ({ statement }) => statement,
        ({ name }: Error) => name,
      ),
    )
    expect(['1234ms', 'TenancyError']).toContain(answer)
  })

  it('holds a plain client too, whose errors are Prisma’s, and ends with its transaction', async () => {
    const plain = openPlain()
    const { tenantId } = scene.a
    const run = <Result>(ask: (tx: Reader) => Promise<Result>, limits: Limits = {}) =>
      withTenantContext(plain, tenantId, (tx) => ask(tx), limits)
    const { pid, ...untouched } = await run(settings)
    const limits = { statementTimeoutMillis: 4_321, lockTimeoutMillis: 1_234 }
    expect(await run(settings, limits)).toEqual({ pid, statement: '4321ms', lock: '1234ms' })
    expect(await run(settings)).toEqual({ pid, ...untouched })

    const { reason, millis } = await failure(run(sleep, { statementTimeoutMillis: 100 }))
    expect(reason).toMatchObject({ name: 'PrismaClientKnownRequestError', code: 'P2010' })
    expect(String(reason)).toContain('statement timeout')
    expect(millis).toBeLessThan(3_000)
    await whileFlagsAreLocked(async () => {
      const { reason } = await failure(run(countFlags, { lockTimeoutMillis: 50 }))
      expect(reason).toMatchObject({ name: 'PrismaClientKnownRequestError', code: 'P2039' })
    })
    expect(await run(settings)).toEqual({ pid, ...untouched })
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '100', 2 ** 31, null, [100], true, 100n])(
    'of %s is refused before any SQL',
    async (value) => {
      const { tap, connectionString } = await openTap()
      const { tenantId } = scene.a
      const tenancy = open({ connectionString })
      const db = tenancy.client({ tenantId })
      const plain = openPlain(connectionString)
      await db.featureFlag.count()
      tap.take()
      for (const name of ['statementTimeoutMillis', 'lockTimeoutMillis']) {
        const limits = { [name]: value } as Limits
        const none = async () => 'it ran'
        const refusals = [
          failure((async () => tenancy.client({ tenantId, ...limits }).featureFlag.count())()),
          failure(db.$transaction(none, limits)),
          failure(db.$transaction([db.featureFlag.count()], limits)),
          failure(withTenantContext(db, tenantId, none, limits)),
          failure(withTenantContext(plain, tenantId, none, limits)),
        ]
        expect(() => open({ connectionString, ...limits })).toThrow(
          `DH409: ${name} must be a whole number from 1`,
        )
        for (const { reason } of await Promise.all(refusals)) {
          expect(reason).toMatchObject({
            name: 'TenancyError',
            code: 'DH102',
            retryable: false,
            details: { field: name },
          })
        }
      }
      expect(tap.take()).toBe('')
    },
  )
})

/** The forms of a transaction that a signal ends, each doing some work. */
const forms: readonly [
  string,
  (
    db: BundledTenantClient,
    signal: AbortSignal,
    work: (tx: Reader) => readonly PromiseLike<unknown>[],
  ) => Promise<unknown>,
][] = [
  [
    'of a callback',
    (db, signal, work) =>
      db.$transaction(
        async (tx) => {
          for (const operation of work(tx)) await operation
        },
        { signal },
      ),
  ],
  [
    'of an array',
    (db, signal, work) =>
      (db.$transaction as (input: unknown, options: object) => Promise<unknown>)(work(db), { signal }),
  ],
  [
    'of withTenantContext',
    (db, signal, work) =>
      withTenantContext(
        db,
        scene.a.tenantId,
        async (tx) => {
          for (const operation of work(tx)) await operation
        },
        { signal },
      ),
  ],
]

const create = (tx: Reader, key: string) => tx.featureFlag.create({ data: { key } })

/** How many flags of a key there are really. */
async function stored(key: string): Promise<number> {
  const { rows } = await database.admin.query('select from governance.feature_flag where key = $1', [key])
  return rows.length
}

/** How many statements with a text are being worked on. */
async function running(text: string): Promise<number> {
  const { rows } = await database.admin.query(
    `select from pg_stat_activity
      where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid() and strpos(query, $1) > 0`,
    [text],
  )
  return rows.length
}

/** Works while a transaction has the only connection of a tenancy. */
async function whileItsConnectionIsHeld(db: BundledTenantClient, work: () => Promise<void>): Promise<void> {
  let holder: Promise<void> | undefined
  let letGo = (): void => {}
  await new Promise<void>((isHeld, isNotHeld) => {
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    holder = db.$transaction(
      async (tx) => {
        await tx.featureFlag.count()
        isHeld()
        await held
      },
      { timeout: 20_000 },
    )
    holder.catch(isNotHeld)
  })
  try {
    await work()
  } finally {
    letGo()
    await holder
  }
}

describe.each(forms)('the signal of a transaction %s', (form, transact) => {
  it('that was aborted before sends nothing and rejects with its reason', async () => {
    const { tap, connectionString } = await openTap()
    const db = openClient({ connectionString })
    await db.featureFlag.count()
    tap.take()
    for (const reason of [new Error('enough'), 'a text', { an: 'object' }]) {
      const { reason: rejected } = await failure(
        transact(db, AbortSignal.abort(reason), (tx) => [create(tx, 'never')]),
      )
      expect(rejected).toBe(reason)
    }
    await expect(transact(db, AbortSignal.abort(), () => [])).rejects.toMatchObject({ name: 'AbortError' })
    expect(tap.take()).toBe('')
  })

  it('stops the statement that runs, and all is rolled back', async () => {
    const db = openClient({ maxConnections: 2 })
    const key = `stopped ${form}`
    const lock = randomInt(2 ** 31)
    const reason = new Error('enough')
    const controller = new AbortController()
    const attempt = failure(
      transact(db, controller.signal, (tx) => [
        create(tx, key),
        tx.$queryRaw`select pg_advisory_xact_lock(${lock}::bigint)::text`,
        tx.$queryRaw`select pg_sleep(25)::text as stopped`,
        create(tx, key),
      ]),
    )
    await expect.poll(() => running('as stopped'), { interval: 10 }).toBe(1)
    const since = performance.now()
    controller.abort(reason)
    expect((await attempt).reason).toBe(reason)
    expect(performance.now() - since).toBeLessThan(2_000)
    expect(await running('as stopped')).toBe(0)
    expect(await stored(key)).toBe(0)
    const { rows } = await database.admin.query<{ free: boolean }>(
      'select pg_try_advisory_lock($1) as free, pg_advisory_unlock($1)',
      [lock],
    )
    expect(rows).toMatchObject([{ free: true }])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(await db.featureFlag.count()).toBe(1)
  })

  it('does not wait for a connection, and keeps none', async () => {
    const tenancy = open()
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    await whileItsConnectionIsHeld(db, async () => {
      for (const _ of [1, 2]) {
        const controller = new AbortController()
        const reason = new Error('enough')
        const attempt = failure(transact(db, controller.signal, (tx) => [create(tx, 'never')]))
        setTimeout(() => controller.abort(reason), 30)
        const { reason: rejected, millis } = await attempt
        expect(rejected).toBe(reason)
        expect(millis).toBeLessThan(500)
        expect(getEventListeners(controller.signal, 'abort')).toEqual([])
      }
    })
    expect(await db.featureFlag.count()).toBe(1)
    expect((await tenancy.checkDatabaseHealth()).connections).toEqual({ total: 1, idle: 1, waiting: 0 })
    expect(await stored('never')).toBe(0)
  })

  it('keeps no place in the line for a connection', async () => {
    const db = openClient({ maxWaiting: 1 })
    await whileItsConnectionIsHeld(db, async () => {
      for (const _ of [1, 2, 3]) {
        const reason = new Error('enough')
        const controller = new AbortController()
        setTimeout(() => controller.abort(reason), 10)
        const attempt = transact(db, controller.signal, (tx) => [create(tx, 'never')])
        expect((await failure(attempt)).reason).toBe(reason)
      }
    })
  })

  it('leaves no listener behind, however it ends', async () => {
    const db = openClient()
    const { signal } = new AbortController()
    await transact(db, signal, (tx) => [tx.featureFlag.count()])
    await transact(db, signal, () => [])
    await expect(transact(db, signal, (tx) => [tx.$queryRaw`select 1 / 0`])).rejects.toMatchObject({
      code: 'P2010',
    })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('does nothing behind the end', async () => {
    const db = openClient()
    const { pid } = await settings(db)
    const controller = new AbortController()
    const key = `kept ${form}`
    await transact(db, controller.signal, (tx) => [create(tx, key)])
    controller.abort(new Error('too late'))
    await pause(20)
    expect(await stored(key)).toBe(1)
    // the connection is still the same, and nobody has cancelled what runs on it now
    expect(await db.$queryRaw`select pg_sleep(0.05)::text as slept`).toHaveLength(1)
    expect((await settings(db)).pid).toBe(pid)
    await db.featureFlag.deleteMany({ where: { key } })
  })
})

describe('the signal of a transaction', () => {
  it('may be a time limit for all of it', async () => {
    const db = openClient()
    const { reason, millis } = await failure(db.$transaction(sleep, { signal: AbortSignal.timeout(100) }))
    expect(reason).toMatchObject({ name: 'TimeoutError' })
    expect(millis).toBeLessThan(3_000)
  })

  it('does not wait for a server that does not answer', async () => {
    const server = createServer()
    closing.push(() => new Promise((resolve) => server.close(() => resolve())))
    const sockets = new Set<Socket>()
    closing.push(async () => sockets.forEach((socket) => socket.destroy()))
    server.on('connection', (socket) => sockets.add(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const db = openClient({
      connectionString: `postgresql://nobody:nothing@127.0.0.1:${port}/nowhere`,
      connectionTimeoutMillis: 1_500,
    })
    const controller = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 30)
    const { reason: rejected, millis } = await failure(
      db.$transaction(countFlags, { signal: controller.signal }),
    )
    expect(rejected).toBe(reason)
    expect(millis).toBeLessThan(1_000)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('ends it while it waits for something else, and what comes later is refused', async () => {
    const db = openClient({ maxConnections: 2 })
    const controller = new AbortController()
    const reason = new Error('enough')
    const late: Promise<unknown>[] = []
    let finished: () => void = () => {}
    const end = new Promise<void>((resolve) => {
      finished = resolve
    })
    const { reason: rejected, millis } = await failure(
      db.$transaction(
        async (tx) => {
          await create(tx, 'while waiting')
          setTimeout(() => controller.abort(reason), 20)
          await pause(400)
          const asks: readonly (() => PromiseLike<unknown>)[] = [
            () => create(tx, 'late'),
            () => tx.$executeRaw`delete from governance.feature_flag`,
            () => tx.featureFlag.findUnique({ where: { id: scene.a.flagId } }),
            () => tx.$transaction(async (inner) => create(inner, 'late')),
          ]
          for (const ask of asks) {
            late.push(failure(Promise.resolve().then(ask)).then(({ reason }) => reason))
          }
          finished()
        },
        { signal: controller.signal },
      ),
    )
    expect(rejected).toBe(reason)
    expect(millis).toBeLessThan(350)
    expect(await stored('while waiting')).toBe(0)
    await end
    for (const refusal of await Promise.all(late)) {
      expect(refusal).toMatchObject({ code: expect.stringMatching(/^(DH105|P2028)$/) })
    }
    expect([await stored('late'), await stored('flag')]).toEqual([0, 2])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('that the callback itself aborts ends it at once', async () => {
    const db = openClient()
    const reason = new Error('enough')
    for (const ask of [true, false]) {
      const controller = new AbortController()
      const { reason: rejected, millis } = await failure(
        db.$transaction(
          async (tx) => {
            controller.abort(reason)
            if (ask) await create(tx, 'aborted by itself').catch(() => undefined)
            await pause(1_000)
          },
          { signal: controller.signal },
        ),
      )
      expect(rejected).toBe(reason)
      expect(millis).toBeLessThan(700)
      expect(await stored('aborted by itself')).toBe(0)
    }
  })

  it('stops a COMMIT, as long as that has not been done', async () => {
    await database.admin.query(`
      create function public.linger() returns trigger language plpgsql as
        $$ begin perform pg_catalog.pg_sleep(25); return null; end $$;
      grant execute on function public.linger() to doublehull_app;
      create constraint trigger linger after insert on governance.feature_flag
        deferrable initially deferred for each row when (new.key = 'slow to commit')
        execute function public.linger()`)
    const db = openClient({ maxConnections: 2 })
    const controller = new AbortController()
    const reason = new Error('enough')
    const attempt = failure(
      db.$transaction((tx) => create(tx, 'slow to commit'), { signal: controller.signal }),
    )
    await expect.poll(() => running('COMMIT'), { interval: 10 }).toBe(1)
    controller.abort(reason)
    expect((await attempt).reason).toBe(reason)
    expect([await stored('slow to commit'), await running('COMMIT')]).toEqual([0, 0])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await database.admin.query('drop function public.linger() cascade')
  })

  it('is not silently ignored in a transaction within a transaction', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const [inner, after] = await openClient().$transaction(async (tx) => {
      setTimeout(() => controller.abort(reason), 50)
      const attempt = await failure(
        nested(tx)((inner) => inner.$queryRaw`select pg_sleep(2)::text`, { signal: controller.signal }),
      )
      return [attempt, await tx.featureFlag.count()]
    })
    expect(inner.millis).toBeLessThan(1_500)
    if (inner.reason !== reason) expect(inner.reason).toMatchObject({ name: 'TenancyError' })
    expect(after).toBe(1)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('never stops what somebody else has asked', async () => {
    const tenancy = open({ maxConnections: 4 })
    const { a, b } = scene
    const mine = tenancy.client({ tenantId: a.tenantId })
    const theirs = tenancy.client({ tenantId: b.tenantId })
    const end = new AbortController()
    let answered = 0
    const work = async (): Promise<void> => {
      while (!end.signal.aborted) {
        const [slept, names, within] = await Promise.all([
          theirs.$queryRaw`select pg_sleep(0.005)::text as slept`,
          theirs.configPackage.findMany({ select: { name: true } }),
          theirs.$transaction(async (tx) => tx.configPackage.findFirst({ select: { name: true } }), {
            maxWait: 20_000,
          }),
        ])
        expect([slept, names, within]).toEqual([expect.anything(), [{ name: b.secret }], { name: b.secret }])
        answered++
      }
    }
    const worker = failure(work())
    const outcomes: Record<string, number> = {}
    const abort = async (): Promise<void> => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const attempt = mine.$transaction(
        async (tx) => {
          await create(tx, 'aborted')
          await tx.$queryRaw`select pg_sleep(0.005)::text`
          await tx.featureFlag.count()
          await tx.featureFlag.deleteMany({ where: { key: 'aborted' } })
        },
        { signal: controller.signal, maxWait: 20_000 },
      )
      setTimeout(() => controller.abort(reason), randomInt(45))
      const { reason: rejected } = await failure(attempt)
      const outcome = rejected === reason ? 'aborted' : String(rejected)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    }
    for (let round = 0; round < 50; round++) await Promise.all([abort(), abort(), abort(), abort()])
    end.abort()
    expect((await worker).reason).toBe('it did not fail')
    expect(answered).toBeGreaterThan(10)
    expect(Object.keys(outcomes).filter((name) => !['aborted', 'it did not fail'].includes(name))).toEqual([])
    expect(outcomes['aborted']).toBeGreaterThan(20)
    expect(await stored('aborted')).toBe(0)
    const { connections } = await tenancy.checkDatabaseHealth()
    expect([connections.waiting, connections.total - connections.idle]).toEqual([0, 0])
  })
})

describe('the signal of withTenantContext on a plain client', () => {
  it('rolls back when what runs has been answered, and rejects with its reason', async () => {
    const plain = openPlain()
    const controller = new AbortController()
    const reason = new Error('enough')
    const attempt = failure(
      withTenantContext(
        plain,
        scene.a.tenantId,
        async (tx) => {
          await create(tx, 'plain')
          await tx.$queryRaw`select pg_sleep(0.4)::text as plainly`
          await create(tx, 'plain')
        },
        { signal: controller.signal },
      ),
    )
    await expect.poll(() => running('as plainly'), { interval: 10 }).toBe(1)
    controller.abort(reason)
    expect((await attempt).reason).toBe(reason)
    expect(await stored('plain')).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('that was aborted before sends nothing', async () => {
    const { tap, connectionString } = await openTap()
    const plain = openPlain(connectionString)
    const reason = new Error('enough')
    const work = (tx: Reader) => create(tx, 'plain')
    await expect(
      withTenantContext(plain, scene.a.tenantId, work, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason)
    expect(tap.take()).toBe('')
  })

  it('that was aborted while it waited for a connection never runs the callback', async () => {
    const plain = openPlain()
    const { tenantId } = scene.a
    const controller = new AbortController()
    const reason = new Error('enough')
    let ran = false
    const holder = withTenantContext(plain, tenantId, async (tx) => {
      await tx.featureFlag.count()
      await pause(300)
    })
    await pause(50)
    const attempt = failure(
      withTenantContext(
        plain,
        tenantId,
        async (tx) => {
          ran = true
          await create(tx, 'plain')
        },
        { signal: controller.signal },
      ),
    )
    await pause(50)
    controller.abort(reason)
    await holder
    expect((await attempt).reason).toBe(reason)
    expect([ran, await stored('plain')]).toEqual([false, 0])
  })
})

describe('a tenant’s id', () => {
  const uuid = '5ec2e700-aaaa-4bbb-8ccc-0123456789ab'
  const secret = 'planted-value'
  const bad: readonly [string, unknown, string?][] = [
    ['that is missing', undefined, 'DH101'],
    ['that is null', null, 'DH101'],
    ['that is empty', '', 'DH101'],
    ['that is a word', secret],
    ['with a quote', `${uuid}'`],
    ['with SQL behind it', `' or true -- ${secret}`],
    ['with a NUL behind it', `${uuid}\0`],
    ['with a NUL within', `${uuid.slice(0, 20)}\0${uuid.slice(21)}`],
    ['of a mebibyte', secret.repeat(2 ** 20 / secret.length)],
    ['with a mebibyte behind it', uuid + ' '.repeat(2 ** 20)],
    ['with a line feed behind it', `${uuid}\n`],
    ['with a carriage return behind it', `${uuid}\r`],
    ['with a blank before it', ` ${uuid}`],
    ['without hyphens', uuid.replaceAll('-', '')],
    ['in braces', `{${uuid}}`],
    ['as a URN', `urn:uuid:${uuid}`],
    ['with one digit less', uuid.slice(1)],
    ['with full-width digits', uuid.replaceAll('0', '\uff10')],
    ['with a Cyrillic a', uuid.replaceAll('a', '\u0430')],
    ['with a typographic hyphen', uuid.replaceAll('-', '\u2010')],
    ['with a zero-width space within', uuid.replace('-', '\u200b-')],
    ['with a right-to-left mark behind it', `${uuid}\u200f`],
    ['with an accent of its own', `${uuid}\u0301`],
    ['that is two', `${uuid},${uuid}`],
    ['that is an array', [uuid]],
    ['that is an object', { id: uuid }],
    ['that is a String', Object(uuid)],
    ['that is an object with toString', { toString: () => uuid }],
    ['that is an object with valueOf', { valueOf: () => uuid }],
    ['that is an object with toJSON', { toJSON: () => uuid }],
    ['that is an object with Symbol.toPrimitive', { [Symbol.toPrimitive]: () => uuid }],
    ['that is bytes', Buffer.from(uuid)],
    ['that is a number', 1],
    ['that is true', true],
    ['that is a symbol', Symbol(uuid)],
    ['that is a function', () => uuid],
  ]

  it.each(bad)('%s is refused before any SQL, and not repeated', async (_, value, code = 'DH102') => {
    const { tap, connectionString } = await openTap()
    const tenancy = open({ connectionString })
    const limited = open({ connectionString, statementTimeoutMillis: 1_000 })
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    const plain = openPlain(connectionString)
    const tenantId = value as string
    const none = async () => 'it ran'
    process.env['DATABASE_URL'] = connectionString
    const refusals = [
      failure((async () => tenancy.client({ tenantId }).featureFlag.count())()),
      failure((async () => limited.client({ tenantId }).featureFlag.count())()),
      failure((async () => createTenantClient({ tenantId }).featureFlag.count())()),
      failure(withTenantContext(db, tenantId, none)),
      failure(withTenantContext(plain, tenantId, none)),
      failure(setRLSTenantContext(db, tenantId)),
      failure(setRLSTenantContext(plain, tenantId)),
    ]
    const reasons = (await Promise.all(refusals)).map(({ reason }) => reason)
    expect(tap.take()).toBe('')
    await disconnect()
    process.env['DATABASE_URL'] = ''
    const within = await plain.$transaction(async (tx) => {
      tap.take()
      const attempt = await failure(setRLSTenantContext(tx, tenantId))
      expect(tap.take()).toBe('')
      return attempt
    })
    for (const reason of [...reasons, within.reason]) {
      expect(reason).toMatchObject({ name: 'TenancyError', code })
      const shown = [
        String(reason),
        JSON.stringify(reason),
        inspect(reason, { depth: 9, showHidden: true }),
        String((reason as Error).stack),
      ]
      for (const text of shown) {
        expect(text).not.toContain(secret)
        expect(text).not.toContain(uuid.slice(0, 8))
        expect(text.length).toBeLessThan(20_000)
      }
    }
  })

  it('is one tenant’s in either case, and in lower case from then on', async () => {
    const db = open().client({ tenantId: scene.a.tenantId.toUpperCase() })
    const [row] = await db.$queryRaw<{ tenant: string }[]>`select current_setting('app.tenant_id') as tenant`
    expect(row).toEqual({ tenant: scene.a.tenantId })
    expect(
      await withTenantContext(db, scene.a.tenantId.toUpperCase(), (tx) => tx.configPackage.count()),
    ).toBe(1)
  })
})

describe('a context', () => {
  const planted = 'planted-value'
  const withTenant = (rest: object) => ({ tenantId: scene.a.tenantId, ...rest })
  const bad: readonly [string, () => unknown, string, string?][] = [
    ['that is missing', () => undefined, 'DH101'],
    ['that is null', () => null, 'DH101'],
    ['that is a text', () => scene.a.tenantId, 'DH101'],
    ['that is an array', () => [scene.a.tenantId], 'DH101'],
    ['that is a function', () => () => withTenant({}), 'DH101'],
    ['that is a map', () => new Map(Object.entries(withTenant({}))), 'DH101'],
    ['with a user who is no uuid', () => withTenant({ userId: planted }), 'DH102', 'userId'],
    [
      'with a user in an object',
      () => withTenant({ userId: { toString: () => planted } }),
      'DH102',
      'userId',
    ],
    ['with a user and a quote', () => withTenant({ userId: `${scene.a.userId}'` }), 'DH102', 'userId'],
    ['with a user and a line feed', () => withTenant({ userId: `${scene.a.userId}\n` }), 'DH102', 'userId'],
    ['with a user and a NUL', () => withTenant({ userId: `${scene.a.userId}\0` }), 'DH102', 'userId'],
    ['with a role that is too long', () => withTenant({ roles: [planted.repeat(99)] }), 'DH102', 'roles.0'],
    ['with roles that are a text', () => withTenant({ roles: planted }), 'DH102', 'roles'],
    ['with an empty request', () => withTenant({ requestId: '' }), 'DH102', 'requestId'],
    ['with what it does not know', () => withTenant({ [planted]: planted }), 'DH102'],
    ['with a tenant beside the tenant', () => withTenant({ tenant_id: planted }), 'DH102'],
    [
      'out of JSON, with a prototype',
      () => JSON.parse(`{"tenantId":"${scene.a.tenantId}","__proto__":{"userId":"${planted}"}}`),
      'DH102',
    ],
  ]

  it.each(bad)('%s is refused before any SQL, and not repeated', async (_, make, code, field) => {
    const { tap, connectionString } = await openTap()
    const input = make() as { readonly tenantId: string }
    for (const options of [{}, { lockTimeoutMillis: 1_000 }]) {
      const tenancy = open({ connectionString, ...options })
      const { reason } = await failure((async () => tenancy.client(input).featureFlag.count())())
      expect(reason).toMatchObject({ code, ...(field === undefined ? {} : { details: { field } }) })
      for (const text of [String(reason), JSON.stringify(reason), inspect(reason, { depth: 9 })]) {
        expect(text).not.toContain(planted)
        expect(text).not.toContain(scene.a.userId)
      }
    }
    expect(tap.take()).toBe('')
  })

  it('may be an object of a class, and means the same under a tenancy’s limits', async () => {
    class Session {
      get tenantId(): string {
        return scene.a.tenantId
      }
    }
    for (const options of [{}, { lockTimeoutMillis: 1_000 }]) {
      expect(await open(options).client(new Session()).configPackage.count()).toBe(1)
    }
  })

  it('is what it was when the client was made', async () => {
    const input = { tenantId: scene.a.tenantId, lockTimeoutMillis: 3_000 }
    const db = open().client(input)
    Object.assign(input, { tenantId: scene.b.tenantId, lockTimeoutMillis: 1 })
    expect(await db.configPackage.findMany({ select: { name: true } })).toEqual([{ name: scene.a.secret }])
    expect(await settings(db)).toMatchObject({ lock: '3s' })
  })
})
