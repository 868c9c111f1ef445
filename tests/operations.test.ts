import { inspect, types } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { type BundledTenantClient, createTenancy, type Tenancy } from '../src/index.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
let tap: ProtocolTap
let tenancy: Tenancy<PrismaClient>
let db: BundledTenantClient

beforeAll(async () => {
  scene = await plantTwoTenants(database)
  const tapped = await ProtocolTap.before(database.appUrl)
  tap = tapped.tap
  tenancy = createTenancy({ PrismaClient, manifest, connectionString: tapped.connectionString })
  db = tenancy.client({ tenantId: scene.a.tenantId })
  await db.configPackage.count()
})
afterAll(async () => {
  await tenancy.disconnect()
  await tap.close()
})

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))
const rename = (description: string) => db.configPackage.updateMany({ data: { description } })
const described = () =>
  db.configPackage.findMany({ select: { description: true } }).then((rows) => rows[0]?.description)
const fails = () => db.configPackage.findUniqueOrThrow({ where: { id: scene.b.packageId } })

/** One operation of each kind, and the secret that its arguments hold. */
const kinds: readonly [string, (client: BundledTenantClient) => PromiseLike<unknown>][] = [
  ['findMany', (client) => client.configPackage.findMany({ where: { name: scene.b.secret } })],
  ['findUnique', (client) => client.user.findUnique({ where: { email: scene.b.secret } })],
  ['findFirst', (client) => client.configPackage.findFirst({ where: { name: scene.b.secret } })],
  ['count', (client) => client.configPackage.count({ where: { name: scene.b.secret } })],
  ['create', (client) => client.featureFlag.create({ data: { key: scene.b.secret } })],
  [
    'followed',
    (client) =>
      client.configVersion
        .findFirst({ where: { contentHash: scene.b.secret } })
        .package()
        .versions({ where: { contentHash: scene.b.secret } }),
  ],
  ['$queryRaw', (client) => client.$queryRaw`select ${scene.b.secret}`],
  ['$executeRaw', (client) => client.$executeRaw`select ${scene.b.secret}`],
]

describe('an operation', () => {
  it.each(kinds)('sends nothing until it is awaited: %s', async (_, make) => {
    tap.take()
    make(db)
    await db.$transaction(async (tx) => {
      make(tx)
      await pause(10)
    })
    expect(tap.take()).toBe('')
  })

  it('runs once, however often it is awaited', async () => {
    const created = db.featureFlag.create({ data: { key: 'created once' } })
    const [first, second] = await Promise.all([created, created])
    expect(second).toBe(first)
    expect(await created).toBe(first)
    expect(await db.featureFlag.count({ where: { key: 'created once' } })).toBe(1)
    const failed = fails()
    await expect(failed).rejects.toMatchObject({ code: 'P2025' })
    await expect(failed).rejects.toMatchObject({ code: 'P2025' })
  })

  it('is a promise to whoever uses it as one', async () => {
    const names = () => db.configPackage.findMany({ select: { name: true } })
    const own = [{ name: scene.a.secret }]
    expect(names().then()).toBeInstanceOf(Promise)
    expect(await names().then((rows) => rows.length)).toBe(1)
    expect(
      await fails().then(
        () => 'found',
        () => 'not found',
      ),
    ).toBe('not found')
    expect(await names().catch(() => 'not reached')).toEqual(own)
    expect(await fails().catch((error: { code: string }) => error.code)).toBe('P2025')

    const order: string[] = []
    expect(await names().finally(() => order.push('found'))).toEqual(own)
    await expect(fails().finally(() => order.push('not found'))).rejects.toMatchObject({ code: 'P2025' })
    expect(order).toEqual(['found', 'not found'])
    const thrown = new Error('thrown')
    await expect(
      names().finally(() => {
        throw thrown
      }),
    ).rejects.toBe(thrown)
    await expect(
      names().then(() => {
        throw thrown
      }),
    ).rejects.toBe(thrown)

    expect(await Promise.all([names(), db.configPackage.count()])).toEqual([own, 1])
    expect((await Promise.allSettled([names(), fails()])).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
    ])
    expect(await Promise.race([names(), pause(5_000)])).toEqual(own)
    expect(await Promise.any([fails(), names()])).toEqual(own)
    expect(await Promise.resolve(names())).toEqual(own)
    expect(Object.prototype.toString.call(names())).toBe('[object PrismaPromise]')
  })

  it('is what an async function makes of it that returns it', async () => {
    const returned = async () => db.configPackage.findMany({ select: { name: true } })
    const awaited = async () => await db.configPackage.findMany({ select: { name: true } })
    expect(await returned()).toEqual([{ name: scene.a.secret }])
    expect(await awaited()).toEqual(await returned())
    await expect((async () => fails())()).rejects.toMatchObject({ code: 'P2025' })
    async function* generated() {
      yield db.configPackage.count()
    }
    for await (const count of generated()) expect(count).toBe(1)
  })

  it('that nobody awaits fails for nobody', async () => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', listen)
    void fails()
    void db.configPackage.findMany({ where: { nothing: 1 } } as never)
    await fails().catch(() => undefined)
    await pause(20)
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
  })

  it('may stand in an array of a transaction, also twice and again', async () => {
    await rename('')
    const created = db.featureFlag.create({ data: { key: 'array' } })
    const counted = db.featureFlag.count({ where: { key: 'array' } })
    const removed = db.featureFlag.deleteMany({ where: { key: 'array' } })
    for (const _ of [1, 2]) {
      const results = await db.$transaction([counted, created, counted, removed, counted])
      expect(results).toMatchObject([0, { key: 'array' }, 1, { count: 1 }, 0])
    }
    const followed = db.configVersion.findFirst().package({ select: { name: true } })
    expect(await db.$transaction([followed, followed])).toEqual([
      { name: scene.a.secret },
      { name: scene.a.secret },
    ])
    expect(await followed).toEqual({ name: scene.a.secret })
  })

  it('of a transaction is that transaction’s, whoever awaits it', async () => {
    await rename('before')
    const kept: PromiseLike<unknown>[] = []
    await expect(
      db.$transaction(async (tx) => {
        const lazy = tx.configPackage.updateMany({ data: { description: 'within' } })
        kept.push(tx.configPackage.updateMany({ data: { description: 'behind' } }))
        await lazy
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    expect(await described()).toBe('before')
    await expect(kept[0]).rejects.toThrow(/transaction/i)
    expect(await described()).toBe('before')
  })

  it.each(kinds)('shows nothing of its arguments, and its inspection starts nothing: %s', async (_, make) => {
    tap.take()
    const operation = make(db)
    const shown = [
      inspect(operation, { depth: 9, showHidden: true, getters: true, showProxy: true }),
      inspect(db, { depth: 9, showHidden: true, getters: true, showProxy: true }),
      JSON.stringify({ operation }),
      Object.entries(operation).flat().join(),
    ]
    for (const text of shown) {
      expect(text).not.toContain(scene.b.secret)
      expect(text).not.toContain(scene.a.tenantId)
    }
    await pause(5)
    expect(tap.take()).toBe('')
  })
})

describe('an operation as a way out', () => {
  // what any object or function has
  const ordinary = new Set<unknown>([
    Object.prototype,
    Function.prototype,
    Promise.prototype,
    Object,
    Function,
    Promise,
  ])

  /** The names of all that can be reached from an object by its properties, getters and prototypes. */
  function reachable(start: object): ReadonlySet<PropertyKey> {
    const names = new Set<PropertyKey>()
    const seen = new Set<unknown>(ordinary)
    const visit = (value: unknown, self: unknown): void => {
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
        return
      seen.add(value)
      visit(Object.getPrototypeOf(value), self)
      for (const key of Reflect.ownKeys(value)) {
        if (typeof value === 'function' && (key === 'length' || key === 'name')) continue
        names.add(key)
        const { value: held, get, set } = Object.getOwnPropertyDescriptor(value, key) ?? {}
        for (const part of [held, get, set]) visit(part, self)
        if (get) visit(Reflect.apply(get, self, []), self)
      }
    }
    visit(start, start)
    return names
  }

  const promise = ['then', 'catch', 'finally', Symbol.toStringTag]

  it.each(kinds)('leads to nothing but a promise’s methods and relations to follow: %s', (kind, make) => {
    const operation = make(db)
    const relations =
      kind === 'findFirst' || kind === 'create' || kind === 'findUnique' || kind === 'followed'
        ? Object.values(manifest.models).flatMap(({ relations }) => Object.keys(relations))
        : []
    const allowed = new Set<PropertyKey>([...promise, ...relations])
    expect([...reachable(operation)].filter((name) => !allowed.has(name))).toEqual([])
    for (const name of ['requestTransaction', 'spec', 'client', '_engine', '$parent', '$extends']) {
      expect([name, Reflect.get(operation, name)]).toEqual([name, undefined])
    }
  })

  it('has no class from which another could be made: of another tenant’s, or with the client of all', async () => {
    const operation = db.configPackage.findFirst()
    const classes: unknown[] = []
    let parent: unknown = operation.constructor
    while (typeof parent === 'function' && !ordinary.has(parent)) {
      classes.push(parent)
      parent = Object.getPrototypeOf(parent)
    }
    expect(classes).toEqual([])
  })

  it('is no operation when it only looks like one', async () => {
    const operation = db.configPackage.findFirst()
    const forged = Object.create(Object.getPrototypeOf(operation) as object) as typeof operation
    const disguised = new Proxy(operation, {})
    const copied = Object.assign({}, operation)
    for (const one of [forged, disguised]) expect(() => one.then()).toThrow(TypeError)
    for (const one of [forged, disguised, copied]) {
      await expect(db.$transaction([one])).rejects.toThrow(TypeError)
    }
    for (const detached of [operation.then, operation.catch, operation.finally]) {
      expect(() => Reflect.apply(detached, undefined, [])).toThrow(TypeError)
    }
  })

  it('would lead to Prisma’s request in Prisma', () => {
    expect(reachable(database.none.configPackage.findFirst())).toContain('requestTransaction')
  })
})

describe('the fluent interface', () => {
  const operations = [
    'findUnique',
    'findUniqueOrThrow',
    'findFirst',
    'findFirstOrThrow',
    'findMany',
    'create',
    'createMany',
    'createManyAndReturn',
    'update',
    'updateMany',
    'updateManyAndReturn',
    'upsert',
    'delete',
    'deleteMany',
    'count',
  ]
  type Made = Readonly<Record<string, unknown>>
  type Delegates = Readonly<Record<string, Readonly<Record<string, (args: object) => Made>>>>
  const delegates = Object.keys(manifest.models).map((name) => name.charAt(0).toLowerCase() + name.slice(1))

  it.each(delegates)('of %s is there exactly where Prisma has it', (delegate) => {
    const names = new Set(Object.values(manifest.models).flatMap(({ relations }) => Object.keys(relations)))
    const follows = (client: Delegates, operation: string) => {
      const made = client[delegate]?.[operation]?.({})
      return [...names].filter((name) => typeof made?.[name] === 'function')
    }
    for (const operation of operations) {
      const ours = follows(db as unknown as Delegates, operation)
      expect([operation, ours]).toEqual([
        operation,
        follows(database.none as unknown as Delegates, operation),
      ])
    }
  })

  it('goes on from what was followed, as in Prisma', () => {
    for (const client of [db, database.none]) {
      const followed = client.configVersion.findFirst().package()
      const further = followed.versions()
      for (const [operation, relation, follows] of [
        [followed, 'versions', 'function'],
        [followed, 'approvals', 'undefined'],
        [further, 'approvals', 'function'],
        [further, 'versions', 'undefined'],
      ] as const) {
        expect([relation, typeof Reflect.get(operation, relation)]).toEqual([relation, follows])
      }
    }
  })

  it('answers as Prisma does, from reads and from writes', async () => {
    const { versionId: id, secret } = scene.a
    const name = { select: { name: true } }
    expect(await db.configVersion.findUnique({ where: { id } }).package(name)).toEqual({ name: secret })
    expect(await db.configVersion.findUniqueOrThrow({ where: { id } }).package(name)).toEqual({
      name: secret,
    })
    expect(await db.configVersion.findFirst({ where: { id } }).tenant(name)).toEqual({ name: secret })
    expect(await db.configVersion.update({ where: { id }, data: { content: {} } }).package(name)).toEqual({
      name: secret,
    })
    const made = { packageId: scene.a.packageId, number: 77, content: {} }
    expect(await db.configVersion.create({ data: made }).package(name)).toEqual({ name: secret })
    const where = {
      tenantId_packageId_number: {
        tenantId: scene.a.tenantId,
        packageId: scene.a.packageId,
        number: 77,
      },
    }
    expect(await db.configVersion.delete({ where }).package(name)).toEqual({ name: secret })
    expect(await db.configVersion.findUnique({ where: { id: scene.b.versionId } }).package(name)).toBeNull()
    expect(
      await db.configVersion
        .findUnique({ where: { id: scene.b.versionId } })
        .package()
        .versions(),
    ).toBeNull()
    await expect(
      db.configVersion.findUniqueOrThrow({ where: { id: scene.b.versionId } }).package(),
    ).rejects.toMatchObject({ code: 'P2025' })
  })

  it('in a transaction sees what is not committed', async () => {
    const found = await db.$transaction(async (tx) => {
      await tx.configPackage.updateMany({ data: { description: 'uncommitted' } })
      return tx.configVersion
        .findUnique({ where: { id: scene.a.versionId } })
        .package({ select: { description: true } })
    })
    expect(found).toEqual({ description: 'uncommitted' })
  })
})

describe('a tenant client’s members', () => {
  it('are the same each time', () => {
    const delegate: Record<string, unknown> = db.configPackage as never
    for (const name of ['findMany', 'findUnique', 'create', 'count', 'groupBy']) {
      expect(delegate[name]).toBe(delegate[name])
      expect(Reflect.get(db, 'configPackage')).toBe(delegate)
    }
    for (const name of ['$transaction', '$queryRaw', '$executeRaw'] as const) expect(db[name]).toBe(db[name])
    expect(tenancy.client({ tenantId: scene.a.tenantId }).configPackage).not.toBe(db.configPackage)
  })

  it('are found by name, and what is not there is undefined', async () => {
    expect('configPackage' in db).toBe(true)
    expect('findMany' in db.configPackage).toBe(true)
    for (const unknown of ['unknown', 'ConfigPackage', 'then', 'constructor', '__proto__', 'toJSON', '']) {
      expect([unknown, Reflect.get(db, unknown), unknown in db]).toEqual([unknown, undefined, false])
      expect([unknown, Reflect.get(db.configPackage, unknown)]).toEqual([unknown, undefined])
      expect(unknown in db.configPackage).toBe(false)
    }
    expect(Reflect.get(db, Symbol.iterator)).toBeUndefined()
    // so that it may be returned from an async function
    expect(await (async () => db)()).toBe(db)
  })

  it('can be called apart from their client, and stay its own', async () => {
    const { findMany } = db.configPackage
    expect(await findMany({ select: { name: true } })).toEqual([{ name: scene.a.secret }])
    const other = database.both.client({ tenantId: scene.b.tenantId })
    expect(await Reflect.apply(findMany, other.configPackage, [{ select: { name: true } }])).toEqual([
      { name: scene.a.secret },
    ])
    const heir = Object.create(db) as BundledTenantClient
    expect(await heir.configPackage.count()).toBe(1)
  })

  it('cannot be changed, on a client or on a model, within a transaction or outside', async () => {
    const refused = expect.objectContaining({ code: 'DH204' })
    await db.$transaction(async (tx) => {
      for (const object of [db, db.configPackage, tx, tx.configPackage]) {
        for (const name of ['configPackage', 'findMany', 'anything', 'then']) {
          expect(() => Reflect.set(object, name, () => scene.b.secret)).toThrow(refused)
          expect(() => Object.defineProperty(object, name, { value: 1 })).toThrow(refused)
          expect(() => Object.assign(object, { [name]: 1 })).toThrow(refused)
          Reflect.deleteProperty(object, name)
        }
        expect(() => Object.setPrototypeOf(object, { findMany: () => [] })).toThrow(refused)
        Object.freeze(object)
        expect(Reflect.ownKeys(object)).toEqual([])
      }
      expect(await tx.configPackage.count()).toBe(1)
    })
    expect('configPackage' in db).toBe(true)
    expect(await db.configPackage.count()).toBe(1)
    expect(types.isProxy(db)).toBe(true)
  })
})
