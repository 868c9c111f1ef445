import { skip } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { type BundledTenantClient, createTenancy, type Tenancy } from '../src/index.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let overwriting: Tenancy<PrismaClient>
beforeAll(() => {
  overwriting = createTenancy({
    PrismaClient,
    manifest,
    connectionString: database.ownerUrl,
    allowRoleThatBypassesRowSecurity: true,
    onMismatch: 'overwrite',
  })
})
afterAll(() => overwriting.disconnect())

type Write = (db: BundledTenantClient, tenantId: never, scene: TwoTenants) => Promise<unknown>

/** Every place where data names a tenant; each writes rows whose key or description is `mark`. */
const places: readonly (readonly [string, Write])[] = [
  ['create', (db, tenantId) => db.featureFlag.create({ data: { key: 'mark', tenantId } })],
  ['createMany', (db, tenantId) => db.featureFlag.createMany({ data: [{ key: 'mark', tenantId }] })],
  [
    'createManyAndReturn',
    (db, tenantId) => db.featureFlag.createManyAndReturn({ data: { key: 'mark', tenantId } }),
  ],
  [
    'update',
    (db, tenantId, { a }) =>
      db.featureFlag.update({ where: { id: a.flagId }, data: { description: 'mark', tenantId } }),
  ],
  [
    'update with set',
    (db, tenantId, { a }) =>
      db.featureFlag.update({
        where: { id: a.flagId },
        data: { description: 'mark', tenantId: { set: tenantId } },
      }),
  ],
  ['updateMany', (db, tenantId) => db.featureFlag.updateMany({ data: { description: 'mark', tenantId } })],
  [
    'updateManyAndReturn',
    (db, tenantId) => db.featureFlag.updateManyAndReturn({ data: { description: 'mark', tenantId } }),
  ],
  [
    'the create of an upsert',
    (db, tenantId, { b }) =>
      db.featureFlag.upsert({ where: { id: b.flagId }, create: { key: 'mark', tenantId }, update: {} }),
  ],
  [
    'the update of an upsert',
    (db, tenantId, { a }) =>
      db.featureFlag.upsert({
        where: { id: a.flagId },
        create: { key: 'made' },
        update: { description: 'mark', tenantId },
      }),
  ],
  [
    'a nested create',
    (db, tenantId, { a }) =>
      db.tenant.update({
        where: { id: a.tenantId },
        data: { featureFlags: { create: { key: 'mark', tenantId } as never } },
      }),
  ],
  [
    'a nested update',
    (db, tenantId, { a }) =>
      db.tenant.update({
        where: { id: a.tenantId },
        data: {
          featureFlags: {
            update: { where: { id: a.flagId }, data: { description: 'mark', tenantId } as never },
          },
        },
      }),
  ],
  [
    'a nested updateMany',
    (db, tenantId, { a }) =>
      db.tenant.update({
        where: { id: a.tenantId },
        data: {
          featureFlags: { updateMany: { where: {}, data: { description: 'mark', tenantId } as never } },
        },
      }),
  ],
  [
    'a nested upsert',
    (db, tenantId, { a, b }) =>
      db.tenant.update({
        where: { id: a.tenantId },
        data: {
          featureFlags: {
            upsert: {
              where: { id: b.flagId },
              create: { key: 'mark', tenantId } as never,
              update: {},
            },
          },
        },
      }),
  ],
]

async function marks(tenantId: string): Promise<number> {
  const { rows } = await database.admin.query<{ count: number }>(
    `select count(*)::int as count from governance.feature_flag where tenant_id = $1 and 'mark' in (key, description)`,
    [tenantId],
  )
  return rows[0]?.count ?? 0
}

describe.each(places)('the tenant field in %s', (_, write) => {
  it.each(['one', 'both'] as const)('may be given, as it is or in capitals, behind hull %s', async (hull) => {
    for (const spelled of [(id: string) => id, (id: string) => id.toUpperCase()]) {
      const scene = await plantTwoTenants(database)
      const db = database[hull].client({ tenantId: scene.a.tenantId })
      await write(db, spelled(scene.a.tenantId) as never, scene)
      expect(await marks(scene.a.tenantId)).toBe(1)
    }
  })

  it.each(['one', 'both'] as const)('may be left open, behind hull %s', async (hull) => {
    for (const open of [undefined, skip]) {
      const scene = await plantTwoTenants(database)
      const db = database[hull].client({ tenantId: scene.a.tenantId })
      const done = await write(db, open as never, scene).catch((error: unknown) => error)
      // `skip` is Prisma's only with a preview feature; without it nothing may be written at all
      if (done instanceof Error) expect(done.name).toBe('PrismaClientValidationError')
      else expect(await marks(scene.a.tenantId)).toBe(1)
      expect(await marks(scene.b.tenantId)).toBe(0)
    }
  })

  it.each(['one', 'both'] as const)('is refused with another tenant in it, behind hull %s', async (hull) => {
    const scene = await plantTwoTenants(database)
    const db = database[hull].client({ tenantId: scene.a.tenantId })
    const refusal = await write(db, scene.b.tenantId as never, scene).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'TenancyError', code: 'DH202' })
    expect((refusal as Error).message).not.toContain(scene.b.tenantId)
    expect((await marks(scene.a.tenantId)) + (await marks(scene.b.tenantId))).toBe(0)
  })

  it('is overwritten where that is asked for', async () => {
    const scene = await plantTwoTenants(database)
    await write(overwriting.client({ tenantId: scene.a.tenantId }), scene.b.tenantId as never, scene)
    expect(await marks(scene.a.tenantId)).toBe(1)
    expect(await marks(scene.b.tenantId)).toBe(0)
  })
})

describe('createTenancy refuses', () => {
  const options = { PrismaClient, manifest, connectionString: 'postgresql://nobody@127.0.0.1:1/none' }
  const refused: readonly (readonly [string, object])[] = [
    ['an unknown onMismatch', { onMismatch: 'overwite' }],
    ['an omit of a relation', { prismaOptions: { omit: { tenant: { featureFlags: false } } } }],
    ['an omit of counts', { prismaOptions: { omit: { tenant: { _count: false } } } }],
  ]

  it.each(refused)('%s', (_, wrong) => {
    expect(() => createTenancy({ ...options, ...wrong })).toThrow(expect.objectContaining({ code: 'DH409' }))
  })

  it('no omit of columns', async () => {
    const omitting = { ...options, prismaOptions: { omit: { tenant: { name: true } } } }
    await createTenancy(omitting).disconnect()
  })
})

describe('a filter on the tenant field', () => {
  const open: readonly (readonly [string, object])[] = [
    ['undefined', { tenantId: undefined }],
    ['in undefined', { tenantId: { in: undefined } }],
    ['equals undefined', { tenantId: { equals: undefined } }],
    ['not undefined', { tenantId: { not: undefined } }],
    ['an empty condition', { tenantId: {} }],
    ['an OR of nothing', { AND: [{ OR: [] }] }],
    ['a NOT of nothing', { NOT: {} }],
    ['a tenant of nothing', { tenant: { is: undefined } }],
  ]

  it.each(open)('of %s means no filter to Prisma, and the tenant’s own rows here', async (_, where) => {
    const { a, b } = await plantTwoTenants(database)
    const ids = { id: { in: [a.flagId, b.flagId] } }
    expect(await database.none.featureFlag.count({ where: { AND: [where, ids] } })).toBe(2)
    for (const hull of ['one', 'two', 'both'] as const) {
      const db = database[hull].client({ tenantId: a.tenantId })
      expect(await db.featureFlag.count({ where })).toBe(1)
      expect(await db.featureFlag.updateManyAndReturn({ where, data: { description: 'x' } })).toMatchObject([
        { id: a.flagId },
      ])
      expect(await db.tenant.findMany({ where: { featureFlags: { some: where } } })).toHaveLength(1)
      expect(await db.featureFlag.deleteMany({ where: { AND: [where, ids] } })).toEqual({ count: 1 })
      await db.featureFlag.create({ data: { id: a.flagId, key: 'flag' } })
    }
    const { rowCount } = await database.admin.query(
      `select from governance.feature_flag where id = $1 and description <> 'x'`,
      [b.flagId],
    )
    expect(rowCount).toBe(1)
  })
})
