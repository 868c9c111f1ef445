import { EventEmitter, once } from 'node:events'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import {
  bundledTenancy,
  contextOf,
  createTenancy,
  createTenantClient,
  disconnect,
  isTenancyError,
} from '../src/index.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
beforeAll(async () => {
  scene = await plantTwoTenants(database)
})

const noContext = expect.objectContaining({ name: 'TenancyError', code: 'DH101' }) as Error
const names = async (tenancy = database.both) =>
  (await tenancy.client().configPackage.findMany({ select: { name: true } })).map(({ name }) => name)

describe('the ambient context', () => {
  it('gives clients their tenant, before and after what is awaited', async () => {
    const { a, b } = scene
    await Promise.all(
      [a, b].map(({ tenantId, secret }) =>
        database.both.run({ tenantId }, async () => {
          expect(await names()).toEqual([secret])
          await pause(1)
          await turn()
          expect(database.both.current()).toEqual({ tenantId })
          expect(await names()).toEqual([secret])
        }),
      ),
    )
  })

  it('is not mixed up by 64 callers of two tenants', async () => {
    const callers = Array.from({ length: 64 }, (_, at) => (at % 2 ? scene.a : scene.b))
    const answers = await Promise.all(
      callers.map(({ tenantId }, at) =>
        database.both.run({ tenantId }, async () => {
          await pause(at % 7)
          const before = await names()
          await turn()
          return [...before, ...(await names())]
        }),
      ),
    )
    expect(answers).toEqual(callers.map(({ secret }) => [secret, secret]))
  })

  it('is there in synchronous work, whose result it hands back', () => {
    const { tenantId, userId } = scene.a
    const context = { tenantId, userId, roles: ['admin'] }
    expect(database.both.run(context, () => database.both.current())).toEqual(context)
    expect(database.both.current()).toBeUndefined()
    expect(() =>
      database.both.run(context, () => {
        throw new RangeError('mine')
      }),
    ).toThrow(RangeError)
  })

  it('is not there outside of a run, and after one', async () => {
    expect(() => database.both.client()).toThrow(noContext)
    await database.both.run({ tenantId: scene.a.tenantId }, () => pause(1))
    expect(() => database.both.client()).toThrow(/run\(context, work\)/)
  })

  it('is never meant by an undefined that is passed', () => {
    const missing = undefined as unknown as { tenantId: string }
    database.both.run({ tenantId: scene.a.tenantId }, () => {
      expect(() => database.both.client(missing)).toThrow(noContext)
    })
  })

  it('is parsed before the work begins', () => {
    let begun = false
    const begin = () => {
      begun = true
    }
    expect(() => database.both.run({ tenantId: '' }, begin)).toThrow(noContext)
    expect(() => database.both.run({ tenantId: 'none of yours' }, begin)).toThrow(
      expect.objectContaining({ code: 'DH102' }),
    )
    expect(begun).toBe(false)
  })

  it('has the time limits of the tenancy and its own', async () => {
    const { tenantId } = scene.a
    const tenancy = createTenancyWithLimit()
    await tenancy.run({ tenantId }, async () => {
      expect(contextOf(tenancy.client())).toMatchObject({ statementTimeoutMillis: 4_000 })
    })
    await tenancy.run({ tenantId, statementTimeoutMillis: 3_000 }, async () => {
      expect(contextOf(tenancy.client())).toMatchObject({ statementTimeoutMillis: 3_000 })
    })
    await tenancy.disconnect()
  })

  it('is the tenancy’s own', () => {
    database.both.run({ tenantId: scene.a.tenantId }, () => {
      expect(database.two.current()).toBeUndefined()
      expect(() => database.two.client()).toThrow(noContext)
    })
  })
})

describe('one run within another', () => {
  it('counts for as long as it lasts', async () => {
    const { a, b } = scene
    await database.both.run({ tenantId: a.tenantId }, async () => {
      await database.both.run({ tenantId: b.tenantId }, async () => expect(await names()).toEqual([b.secret]))
      expect(await names()).toEqual([a.secret])
    })
  })

  it('does not put another tenant’s operation into a transaction', async () => {
    const { a, b } = scene
    await database.both.run({ tenantId: a.tenantId }, async () => {
      const refused = await database.both
        .client()
        .$transaction(async () => database.both.run({ tenantId: b.tenantId }, () => names()))
        .catch((error: unknown) => error)
      expect(isTenancyError(refused, 'DH103')).toBe(true)
    })
  })
})

describe('a client of the ambient context', () => {
  it('keeps its tenant, wherever it is used', async () => {
    const { a, b } = scene
    const db = database.both.run({ tenantId: a.tenantId }, () => database.both.client())
    await database.both.run({ tenantId: b.tenantId }, async () => {
      expect(await db.configPackage.findMany({ select: { name: true } })).toEqual([{ name: a.secret }])
    })
  })

  it('is to be made before the work goes into a queue, which serves it in another’s context', async () => {
    const { a, b } = scene
    const queue = new EventEmitter()
    const served = once(queue, 'served')
    const work: (() => Promise<string[]>)[] = []
    const db = database.both.run({ tenantId: a.tenantId }, () => {
      const made = database.both.client()
      work.push(() => names())
      work.push(async () =>
        (await made.configPackage.findMany({ select: { name: true } })).map(({ name }) => name),
      )
      return made
    })
    // tenant B comes next, and its turn serves the queue
    database.both.run({ tenantId: b.tenantId }, () => {
      void Promise.all(work.map((job) => job())).then((results) => queue.emit('served', ...results))
    })
    const [late, early] = (await served) as [string[], string[]]
    expect(contextOf(db)?.tenantId).toBe(a.tenantId)
    expect(early).toEqual([a.secret])
    // the trap: whoever makes the client late gets the tenant of whoever served the queue
    expect(late).toEqual([b.secret])
  })
})

describe('the bundled tenancy', () => {
  afterAll(() => disconnect())

  it('has an ambient context, of which clients can be made', async () => {
    process.env['DATABASE_URL'] = database.appUrl
    expect(() => createTenantClient()).toThrow(noContext)
    const found = await bundledTenancy().run({ tenantId: scene.a.tenantId }, async () => {
      await turn()
      return createTenantClient().configPackage.findMany({ select: { name: true } })
    })
    expect(found).toEqual([{ name: scene.a.secret }])
    await disconnect()
    process.env['DATABASE_URL'] = ''
  })
})

function createTenancyWithLimit() {
  return createTenancy({
    PrismaClient,
    manifest,
    connectionString: database.appUrl,
    statementTimeoutMillis: 4_000,
  })
}
