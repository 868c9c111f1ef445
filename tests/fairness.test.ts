import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy } from '../src/index.ts'
import { FairQueue } from '../src/wire/fair-queue.ts'
import type { TenantPool } from '../src/wire/tenant-pool.ts'
import { useGates } from './support/gate.ts'
import { ask, askRaw, begin, commit, usePools } from './support/pools.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const openPool = usePools()
const shutGate = useGates(database)

const tenancies: Tenancy<PrismaClient>[] = []
afterEach(async () => {
  await Promise.all(tenancies.splice(0).map((tenancy) => tenancy.disconnect({ timeoutMillis: 0 })))
})

const somebody = () => ({ tenantId: randomUUID() })

/** What a tenant may ask for, on a connection that others share or on one of its own. */
const kinds = {
  operation: (pool: TenantPool, tenant: { tenantId: string }) => ask(pool, tenant, 'select 1'),
  'raw SQL': (pool: TenantPool, tenant: { tenantId: string }) => askRaw(pool, tenant, 'select 1'),
  transaction: async (pool: TenantPool, tenant: { tenantId: string }) => {
    const transaction = await begin(pool, tenant)
    await transaction.query({ text: 'select 1' })
    await commit(transaction)
  },
}
type Kind = keyof typeof kinds

describe('a tenant that asks five hundred times', () => {
  const pairs = (Object.keys(kinds) as Kind[]).flatMap((noise) =>
    (Object.keys(kinds) as Kind[]).map((asked) => [noise, asked] as const),
  )

  it.each(pairs)('with each %s delays another tenant’s %s by a turn', async (noise, asked) => {
    const pipelineDepth = 4
    const pool = await openPool(database.appUrl, { pipelineDepth })
    const gate = await shutGate()
    const noisy = somebody()
    let answered = 0
    const held = ask(pool, noisy, gate.query)
    const answers = Array.from({ length: 500 }, () =>
      kinds[noise](pool, noisy).then(() => {
        answered++
      }),
    )
    const before = kinds[asked](pool, somebody()).then(() => answered)
    await gate.isReachedBy(1)
    await gate.open()
    // what was under way already, one turn, and one more that may be answered in the same breath
    expect(await before).toBeLessThanOrEqual(pipelineDepth + 2)
    await held
    await Promise.all(answers)
  })

  it('delays ten others by a turn each', async () => {
    const pipelineDepth = 16
    const pool = await openPool(database.appUrl, { pipelineDepth })
    const gate = await shutGate()
    const noisy = somebody()
    let answered = 0
    const held = ask(pool, noisy, gate.query)
    const answers = Array.from({ length: 500 }, () =>
      ask(pool, noisy, 'select 1').then(() => {
        answered++
      }),
    )
    const before = Array.from({ length: 10 }, async () => {
      const tenant = somebody()
      const turns = await Promise.all([1, 2].map(() => ask(pool, tenant, 'select 1').then(() => answered)))
      return turns
    })
    await gate.isReachedBy(1)
    await gate.open()
    for (const [first, second] of await Promise.all(before)) {
      expect(first).toBeLessThanOrEqual(2 * pipelineDepth)
      expect(second).toBeLessThanOrEqual(3 * pipelineDepth)
    }
    await held
    await Promise.all(answers)
    expect(answered).toBe(500)
  })
})

describe('a tenant that may have two things under way', () => {
  const options = { maxConnections: 4, maxConcurrentPerTenant: 2, pipelineDepth: 4 }
  const underWay = (pool: TenantPool) => {
    const { inFlight, owned, total, idle } = pool.statistics()
    // an owned connection that is just asking counts once
    return { mine: Math.max(inFlight, owned), used: total - idle }
  }

  it('has never more, of whatever kind, and others go on meanwhile', async () => {
    const pool = await openPool(database.appUrl, options)
    const gate = await shutGate()
    const noisy = somebody()
    const most = { mine: 0, used: 0 }
    const look = () => {
      const { mine, used } = underWay(pool)
      most.mine = Math.max(most.mine, mine)
      most.used = Math.max(most.used, used)
    }
    const answers = Array.from({ length: 30 }, async (_, index) => {
      if (index % 3 === 0) await ask(pool, noisy, gate.query).finally(look)
      else if (index % 3 === 1) await askRaw(pool, noisy, gate.query).finally(look)
      else {
        const transaction = await begin(pool, noisy)
        look()
        await transaction.query({ text: gate.query })
        await commit(transaction)
      }
    })
    await gate.isReachedBy(2)
    look()
    expect(pool.statistics().waiting).toBe(28)
    for (const _ of [1, 2, 3]) {
      expect(await ask(pool, somebody(), 'select 1')).toEqual([[1]])
      expect(await askRaw(pool, somebody(), 'select 1')).toEqual([[1]])
      await kinds.transaction(pool, somebody())
    }
    expect(await gate.waiting()).toHaveLength(2)
    await gate.open()
    await Promise.all(answers)
    expect(most).toEqual({ mine: 2, used: 2 })
  })

  it('gets its place back, however it lost it', async () => {
    const { a } = await plantTwoTenants(database)
    const pool = await openPool(database.appUrl, { ...options, waitMillis: 400 })
    const gate = await shutGate()
    const ends: Record<string, () => Promise<unknown>> = {
      'by an error': () => ask(pool, a, 'select 1 / 0'),
      'by an error of raw SQL': () => askRaw(pool, a, 'select 1 / 0'),
      'by a time limit': () => ask(pool, { ...a, statementTimeoutMillis: 5 }, 'select pg_sleep(5)'),
      'by a parameter that can’t be written': () =>
        ask(pool, a, 'select $1', [{ toPostgres: () => assertNever() }]),
      'by a transaction that is not ended': async () => {
        const transaction = await begin(pool, a)
        await transaction.query({ text: 'select 1' })
        transaction.release()
        transaction.release()
      },
      'by a connection that is lost': () => ask(pool, a, 'select pg_terminate_backend(pg_backend_pid())'),
      'by one that is lost in a transaction': async () => {
        const transaction = await begin(pool, a)
        await transaction
          .query({ text: 'select pg_terminate_backend(pg_backend_pid())' })
          .finally(() => transaction.release())
      },
    }
    for (const [way, end] of Object.entries(ends)) {
      for (const _ of [1, 2, 3]) await end().catch(() => {})
      expect([way, await ask(pool, a, 'select 1')]).toEqual([way, [[1]]])
      expect([way, pool.statistics()]).toMatchObject([way, { waiting: 0, inFlight: 0, owned: 0 }])
    }
    // and by waiting too long
    const held = [1, 2].map(() => ask(pool, a, gate.query))
    for (const _ of [1, 2, 3]) await expect(ask(pool, a, 'select 1')).rejects.toMatchObject({ code: 'DH107' })
    await gate.open()
    await Promise.all(held)
    const both = await Promise.all([1, 2].map(() => begin(pool, a)))
    expect(pool.statistics()).toMatchObject({ owned: 2 })
    for (const transaction of both) transaction.release()
  })

  it('fills its own line and nobody else’s', async () => {
    const pool = await openPool(database.appUrl, { ...options, maxWaiting: 5 })
    const gate = await shutGate()
    const noisy = somebody()
    const answers = Promise.allSettled(Array.from({ length: 7 }, () => ask(pool, noisy, gate.query)))
    await gate.isReachedBy(2)
    await expect(ask(pool, noisy, 'select 1')).rejects.toMatchObject({ code: 'DH107' })
    // two connections have nothing to do
    expect(pool.statistics()).toMatchObject({ waiting: 5, idle: 2 })
    expect(await ask(pool, somebody(), 'select 1')).toEqual([[1]])
    await kinds.transaction(pool, somebody())
    await gate.open()
    expect((await answers).map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => 'fulfilled'))
  })

  it('is told of by the option of a tenancy', async () => {
    const { a, b } = await plantTwoTenants(database)
    const tenancy = createTenancy({
      PrismaClient,
      manifest,
      connectionString: database.appUrl,
      maxConnections: 3,
      maxConcurrentPerTenant: 1,
    })
    tenancies.push(tenancy)
    const [noisy, other] = [a, b].map(({ tenantId }) => tenancy.client({ tenantId }))
    await other?.configPackage.count()
    let end = (): void => {}
    let held: Promise<unknown> | undefined
    await new Promise<void>((isHeld) => {
      held = noisy?.$transaction(async (tx) => {
        await tx.configPackage.count()
        await new Promise<void>((resolve) => {
          end = resolve
          isHeld()
        })
      })
    })
    let isAnswered = false
    const waiting = noisy?.configPackage.count().finally(() => {
      isAnswered = true
    })
    for (const _ of [1, 2, 3]) expect(await other?.configPackage.count()).toBe(1)
    expect(isAnswered).toBe(false)
    end()
    await held
    expect(await waiting).toBe(1)
  })
})

describe('the queue of all tenants', () => {
  interface Item {
    readonly tenant: string
    readonly number: number
    isOver: boolean
  }
  type Step =
    | { readonly do: 'push'; readonly tenant: string }
    | { readonly do: 'take'; readonly barred: readonly string[] }
    | { readonly do: 'give up'; readonly which: number }

  const tenant = fc.constantFrom('a', 'b', 'c', 'd')
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), tenant }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('take' as const), barred: fc.subarray(['a', 'b', 'c', 'd']) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('give up' as const), which: fc.nat() }) },
  )

  /** Does the steps, and tells `onTake` what was taken and what else waited. */
  function run(
    steps: readonly Step[],
    onTake: (taken: Item | undefined, waiting: readonly Item[], barred: readonly string[]) => void,
  ): { readonly left: readonly Item[]; readonly waiting: readonly Item[] } {
    const queue = new FairQueue<Item>()
    let waiting: Item[] = []
    let number = 0
    for (const step of steps) {
      if (step.do === 'push') {
        const item = { tenant: step.tenant, number: number++, isOver: false }
        queue.push(item)
        waiting.push(item)
      } else if (step.do === 'give up') {
        const item = waiting[step.which % Math.max(waiting.length, 1)]
        if (item) item.isOver = true
        waiting = waiting.filter((other) => other !== item)
      } else {
        const mayGo = (tenant: string) => !step.barred.includes(tenant)
        const item = queue.peek(mayGo)
        expect(queue.peek(mayGo)).toBe(item)
        onTake(item, waiting, step.barred)
        if (item) queue.take(item)
        waiting = waiting.filter((other) => other !== item)
      }
    }
    return { left: queue.drain(), waiting }
  }

  it('keeps each tenant’s own order, passes over who gave up or may not go, and loses nobody', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { left, waiting } = run(steps, (taken, waiting, barred) => {
          const mayGo = waiting.filter((item) => !barred.includes(item.tenant))
          if (!taken) {
            expect(mayGo).toEqual([])
            return
          }
          expect(mayGo).toContain(taken)
          expect(mayGo.find((item) => item.tenant === taken.tenant)).toBe(taken)
        })
        expect([...left].sort((one, other) => one.number - other.number)).toEqual(waiting)
      }),
    )
  })

  it('gives nobody a second turn before all who waited and might go had one', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        // for each tenant, who has been waiting since its last turn
        const owed = new Map<string, Set<string>>()
        run(steps, (taken, waiting, barred) => {
          if (!taken) return
          const present = new Set(waiting.map(({ tenant }) => tenant))
          const passedOver = [...(owed.get(taken.tenant) ?? [])].filter(
            (other) => present.has(other) && !barred.includes(other),
          )
          expect(passedOver).toEqual([])
          for (const others of owed.values()) others.delete(taken.tenant)
          owed.set(taken.tenant, new Set([...present].filter((other) => other !== taken.tenant)))
        })
      }),
    )
  })
})

function assertNever(): never {
  throw new Error('this value has no text')
}
