import { beforeAll, describe, expect, it } from 'vitest'
import { Questions } from '../src/extension/questions.ts'
import { scopeOperation } from '../src/extension/scope-operation.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { type BundledTenantClient, parseTenantContext } from '../src/index.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
beforeAll(async () => {
  scene = await plantTwoTenants(database)
})

/** What Prisma puts another object in the place of; the first also comes out of JSON. */
const disguises = [
  [
    'marked as raw parameters',
    (values: object) => JSON.parse(JSON.stringify({ __prismaRawParameters__: true, values })),
  ],
  ['with toJSON', (values: object) => ({ toJSON: () => values })],
] as const

type Disguise = (values: object) => never

const places: readonly [
  string,
  (db: BundledTenantClient, to: Disguise, scene: TwoTenants) => Promise<unknown>,
][] = [
  ['where', (db, to, { b }) => db.configPackage.findMany({ where: to({ id: b.packageId }) })],
  [
    'a nested where',
    (db, to, { b }) => db.configPackage.findMany({ where: { OR: [to({ id: b.packageId })] } }),
  ],
  ['the arguments', (db, to, { b }) => db.configPackage.findMany(to({ where: { id: b.packageId } }))],
  ['the arguments of a count', (db, to) => db.configPackage.count(to({ where: {} }))],
  ['a cursor', (db, to, { b }) => db.configPackage.findMany({ cursor: to({ id: b.packageId }) })],
  ['an order', (db, to) => db.configPackage.findMany({ orderBy: to({ name: 'asc' }) })],
  ['a selection', (db, to) => db.tenant.findMany({ select: to({ name: true }) })],
  ['a relation’s arguments', (db, to) => db.tenant.findMany({ include: { memberships: to({ where: {} }) } })],
  [
    'data of a create',
    (db, to, { b }) => db.featureFlag.create({ data: to({ key: 'x', tenantId: b.tenantId }) }),
  ],
  [
    'data of an update',
    (db, to, { a, b }) =>
      db.featureFlag.update({ where: { id: a.flagId }, data: to({ key: 'x', tenantId: b.tenantId }) }),
  ],
  [
    'the tenant field',
    (db, to, { b }) => db.featureFlag.create({ data: { key: 'x', tenantId: to({ set: b.tenantId }) } }),
  ],
  [
    'connect',
    (db, to, { b }) =>
      db.configVersion.create({
        data: { number: 9, content: {}, package: { connect: to({ id: b.packageId }) } },
      }),
  ],
  ['a key', (db, to, { b }) => db.configPackage.findUnique({ where: { id: to([b.packageId]) } })],
  [
    'a nested createMany',
    (db, to, { a }) =>
      db.configPackage.update({
        where: { id: a.packageId },
        data: { versions: { createMany: to({ data: [] }) } },
      }),
  ],
]

describe.each(disguises)('an argument %s', (_, disguise) => {
  it.each(places)('is refused as %s', async (__, attempt) => {
    const refusal = await attempt(
      database.one.client({ tenantId: scene.a.tenantId }),
      disguise as Disguise,
      scene,
    ).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'TenancyError', code: expect.stringMatching(/^DH20[12]$/) })
  })

  it('would take the place of a filter that stands beside it', async () => {
    const where = Object.assign(disguise({ id: scene.b.packageId }) as object, {
      AND: [{ tenantId: scene.a.tenantId }],
    })
    expect(await database.none.configPackage.findMany({ where, select: { name: true } })).toEqual([
      { name: scene.b.secret },
    ])
  })
})

describe('what hull one does not know', () => {
  const scoping = {
    manifest,
    context: parseTenantContext({ tenantId: '018f0000-0000-7000-8000-00000000000a' }),
    questions: new Questions(),
    links: [],
  }

  it.each(['findRaw', 'aggregateRaw', 'constructor', 'findAnything'])(
    'is refused: operation %s',
    (operation) => {
      expect(() => scopeOperation(scoping, 'ConfigPackage', operation, {})).toThrow(
        expect.objectContaining({ code: 'DH201' }),
      )
    },
  )

  it.each(['Unknown', 'constructor', '__proto__'])('is refused: model %s', (model) => {
    expect(() => scopeOperation(scoping, model, 'findMany', {})).toThrow(
      expect.objectContaining({ code: 'DH201' }),
    )
  })

  it('is refused: a nested operation', async () => {
    const db = database.one.client({ tenantId: scene.a.tenantId })
    const data = { versions: { createEverywhere: {} } } as never
    await expect(db.configPackage.update({ where: { id: scene.a.packageId }, data })).rejects.toMatchObject({
      code: 'DH201',
    })
  })
})

describe('an array where Prisma expects an object', () => {
  it('is refused, and not taken for no filter at all', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    const where = [{ id: scene.b.packageId }] as never
    for (const attempt of [
      () => db.configPackage.findMany({ where }),
      () => db.featureFlag.deleteMany({ where }),
      () => db.featureFlag.updateMany({ where, data: { enabled: true } }),
      () => db.tenant.findMany({ where: { featureFlags: { some: where } } }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ name: 'PrismaClientValidationError' })
    }
    expect(await db.featureFlag.count()).toBe(1)
  })
})

describe('a document in a JSON field', () => {
  it('may look like anything', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    const content = { toJSON: 'a string', set: null, tenantId: scene.b.tenantId, nested: [{ where: {} }] }
    const { content: stored } = await db.configVersion.update({
      where: { id: scene.a.versionId },
      data: { content },
    })
    expect(stored).toEqual(content)
    const serialized = { toJSON: () => ({ serialized: true }) } as never
    expect(
      await db.configVersion.update({ where: { id: scene.a.versionId }, data: { content: serialized } }),
    ).toMatchObject({ content: { serialized: true } })
  })
})

describe('a unique look-up', () => {
  it.each(['one', 'two', 'both'] as const)('takes no operator behind hull %s, as in Prisma', async (hull) => {
    const db = database[hull].client({ tenantId: scene.a.tenantId })
    const operators = [
      { id: { not: scene.b.packageId } },
      { id: scene.a.packageId, tenantId_key: { tenantId: scene.a.tenantId, key: { startsWith: 'p' } } },
      { tenantId_key: { tenantId: scene.a.tenantId, key: 'package', tenant: { name: scene.a.secret } } },
      { tenantId_key: { tenantId: scene.a.tenantId } },
      { id: undefined },
      {},
    ]
    for (const where of operators) {
      const refused = { name: 'PrismaClientValidationError' }
      await expect(db.configPackage.findUnique({ where: where as never })).rejects.toMatchObject(refused)
      await expect(database.none.configPackage.findUnique({ where: where as never })).rejects.toMatchObject(
        refused,
      )
    }
  })

  it('takes a key with further conditions, and two keys at once', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    const { tenantId, packageId: id } = scene.a
    const key = { tenantId_key: { tenantId, key: 'package' } }
    const found = (where: object) =>
      db.configPackage.findUnique({ where: where as never, select: { id: true } })
    expect(await found({ id, ...key, tenantId_id: { tenantId, id } })).toEqual({ id })
    expect(await found({ id, name: scene.a.secret, AND: { key: 'package' } })).toEqual({ id })
    expect(await found({ id, name: 'another' })).toBeNull()
    expect(await found({ id, tenantId_id: { tenantId, id: scene.b.packageId } })).toBeNull()
  })
})

describe('a tenant client', () => {
  const inherited = [
    ...Object.getOwnPropertyNames(Object.prototype),
    ...Object.getOwnPropertyNames(Function.prototype),
  ]
  const internals = [
    '_engine',
    '_appliedParent',
    '_originalClient',
    '_request',
    '_createPrismaPromise',
    '$queryRawInternal',
  ]

  it('has nothing that it does not name: no inherited method, no internal of Prisma’s', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    await db.$transaction(async (tx) => {
      for (const object of [db, db.configPackage, tx, tx.configPackage]) {
        expect(Object.getPrototypeOf(object)).toBeNull()
        expect(Reflect.ownKeys(object)).toEqual([])
        for (const property of [...inherited.filter((name) => name !== 'name'), ...internals, 'findRaw']) {
          expect([property, Reflect.get(object, property)]).toEqual([property, undefined])
        }
        expect(() => Reflect.get(object, '$parent')).toThrow(expect.objectContaining({ code: 'DH204' }))
        expect(() => Reflect.set(object, 'findMany', () => [])).toThrow(
          expect.objectContaining({ code: 'DH204' }),
        )
      }
    })
  })

  it('would lead to the client that all tenants share by the least of them', () => {
    const extended = database.none.$extends({})
    expect(extended.valueOf()).toHaveProperty('$parent')
    expect(extended.configPackage).toHaveProperty('$parent')
  })
})
