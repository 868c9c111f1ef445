import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import {
  checkDatabaseHealth,
  createTenancy,
  createTenantClient,
  disconnect,
  setRLSTenantContext,
  withTenantContext,
} from '../src/index.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
beforeAll(async () => {
  scene = await plantTwoTenants(database)
})

const open = (connectionString: string) => createTenancy({ PrismaClient, manifest, connectionString })

describe('a login that row-level security does not hold', () => {
  it.each([
    ['a superuser', () => database.adminUrl],
    ['a role that may become the owner', () => database.ownerUrl],
  ])('is refused when it is %s', async (_, url) => {
    const tenancy = open(url())
    const refused = { name: 'TenancyError', code: 'DH302' }
    await expect(tenancy.client({ tenantId: scene.a.tenantId }).configPackage.count()).rejects.toMatchObject(
      refused,
    )
    await expect(
      tenancy.client({ tenantId: scene.a.tenantId }).$transaction(async (tx) => tx.configPackage.count()),
    ).rejects.toMatchObject(refused)
    expect(await tenancy.checkDatabaseHealth()).toMatchObject({ ok: false, problem: { code: 'DH302' } })
    await tenancy.disconnect()
  })

  it('may be allowed in so many words, and then raw SQL is refused', async () => {
    const db = database.one.client({ tenantId: scene.a.tenantId })
    expect(await db.configPackage.count()).toBe(1)
    await expect(db.$queryRaw`select 1`).rejects.toMatchObject({ code: 'DH205' })
    expect(await database.one.checkDatabaseHealth()).toMatchObject({ ok: true, rowSecurityHolds: false })
  })

  it('is refused when a table is unprotected', async () => {
    await database.admin.query('alter table governance.branding disable row level security')
    const tenancy = open(database.appUrl)
    await expect(tenancy.client({ tenantId: scene.a.tenantId }).configPackage.count()).rejects.toMatchObject({
      code: 'DH303',
    })
    await database.admin.query('alter table governance.branding enable row level security')
    // the refusal is not remembered
    expect(await tenancy.client({ tenantId: scene.a.tenantId }).configPackage.count()).toBe(1)
    await tenancy.disconnect()
  })

  it('is refused when a view of the schema asks as its owner, and admitted when it asks as who queries it', async () => {
    const { Branding } = manifest.models
    if (!Branding) throw new Error('the bundled schema has no Branding')
    await database.admin.query(`
      create view governance.branding_view as select * from governance.branding;
      alter view governance.branding_view owner to doublehull_owner;
      grant select on governance.branding_view to doublehull_app`)
    const readOnly = { isView: true, readOnly: true, commands: ['select'] } as const
    const tenancy = createTenancy({
      PrismaClient,
      manifest: {
        ...manifest,
        models: { ...manifest.models, Branding: { ...Branding, ...readOnly, table: 'branding_view' } },
      },
      connectionString: database.appUrl,
    })
    const count = () => tenancy.client({ tenantId: scene.a.tenantId }).configPackage.count()
    await expect(count()).rejects.toMatchObject({
      code: 'DH303',
      message: expect.stringContaining('governance.branding_view'),
    })
    await database.admin.query('alter view governance.branding_view set (security_invoker = true)')
    expect(await count()).toBe(1)
    await database.admin.query('drop view governance.branding_view')
    await tenancy.disconnect()
  })
})

describe('checkDatabaseHealth', () => {
  it('tells the role, the version and that row-level security holds', async () => {
    const health = await database.both.checkDatabaseHealth()
    expect(health).toMatchObject({ ok: true, rowSecurityHolds: true, connections: { waiting: 0 } })
    expect(health.latencyMillis).toBeGreaterThan(0)
  })

  it('answers and does not reject when the database is gone', async () => {
    const tenancy = open('postgresql://nobody:nothing@127.0.0.1:1/nowhere')
    const health = await tenancy.checkDatabaseHealth()
    expect(health).toMatchObject({ ok: false, problem: { code: 'ECONNREFUSED' } })
    expect(JSON.stringify(health)).not.toContain('nothing')
    await tenancy.disconnect()
  })
})

describe('the bundled client', () => {
  afterAll(() => disconnect())

  it('works from DATABASE_URL, and anew after a disconnect', async () => {
    process.env['DATABASE_URL'] = database.appUrl
    for (const _ of [1, 2]) {
      const db = createTenantClient({ tenantId: scene.a.tenantId })
      expect(await db.configPackage.findMany({ select: { name: true } })).toEqual([{ name: scene.a.secret }])
      expect(await checkDatabaseHealth()).toMatchObject({ ok: true })
      await disconnect()
    }
    process.env['DATABASE_URL'] = ''
    expect(() => createTenantClient({ tenantId: scene.a.tenantId })).toThrow(
      expect.objectContaining({ code: 'DH409' }),
    )
  })
})

describe('a tenant client', () => {
  const hidden = [
    '$parent',
    '$extends',
    '$on',
    '$connect',
    '$disconnect',
    '$queryRawUnsafe',
    '$executeRawUnsafe',
  ]

  it.each(hidden)('does not lead to %s', (property) => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    expect(() => Reflect.get(db, property)).toThrow(expect.objectContaining({ code: 'DH204' }))
    expect(property in db).toBe(false)
  })

  it('says what stands in the place of what it hides', () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    expect(() => Reflect.get(db, '$extends')).toThrow('give extensions of tenant clients to createTenancy')
    expect(() => Reflect.get(db, '$disconnect')).toThrow('call disconnect of the tenancy')
    expect(() => Reflect.get(db, '$queryRawUnsafe')).toThrow('write $queryRaw with parameters')
  })

  it('keeps its model delegates the same objects', () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    expect(db.configPackage).toBe(db.configPackage)
  })
})

describe('the tenant field', () => {
  it('is optional in every create, and filled in', async () => {
    for (const hull of ['one', 'two', 'both'] as const) {
      const db = database[hull].client({ tenantId: scene.a.tenantId })
      const flag = await db.featureFlag.create({ data: { key: `own-${hull}` } })
      const [returned] = await db.featureFlag.createManyAndReturn({ data: [{ key: `many-${hull}` }] })
      expect([flag.tenantId, returned?.tenantId]).toEqual([scene.a.tenantId, scene.a.tenantId])
    }
  })

  it('may be given when it is the context’s, and is refused by name but not by value when it is not', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    await db.featureFlag.create({ data: { key: 'given', tenantId: scene.a.tenantId } })
    const refusal = await db.featureFlag
      .create({ data: { key: 'other', tenantId: scene.b.tenantId } })
      .catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'TenancyError', code: 'DH202', details: { field: 'tenantId' } })
    expect(String(refusal)).not.toContain(scene.b.tenantId)
  })

  it('is placed in checked, unchecked and nested inputs alike', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    const made = await db.configPackage.create({
      data: {
        key: 'nested',
        name: 'nested',
        tenant: { connect: { id: scene.a.tenantId } },
        versions: {
          create: [{ number: 1, content: {} }],
          createMany: { data: [{ number: 2, content: {} }] },
        },
      },
      include: { versions: { include: { package: true }, orderBy: { number: 'asc' } } },
    })
    const checked = await db.configVersion.create({
      data: { number: 3, content: {}, package: { connect: { id: made.id } } },
    })
    const unchecked = await db.configVersion.create({ data: { number: 4, content: {}, packageId: made.id } })
    const rows = [
      made,
      ...made.versions,
      ...made.versions.map((version) => version.package),
      checked,
      unchecked,
    ]
    expect(new Set(rows.map((row) => row.tenantId))).toEqual(new Set([scene.a.tenantId]))
  })
})

describe('a new tenant', () => {
  it('is created inside its own context and nowhere else', async () => {
    for (const hull of ['one', 'two', 'both'] as const) {
      const tenantId = randomUUID()
      const db = database[hull].client({ tenantId })
      expect(await db.tenant.create({ data: { name: 'new' } })).toMatchObject({ id: tenantId })
      await expect(db.tenant.create({ data: { id: randomUUID(), name: 'another' } })).rejects.toMatchObject({
        code: hull === 'two' ? 'DH301' : 'DH202',
      })
    }
  })
})

describe('withTenantContext', () => {
  it('runs raw SQL in the tenant of a tenant client', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    const rows = await withTenantContext(
      db,
      scene.a.tenantId,
      (tx) =>
        tx.$queryRaw<{ name: string }[]>`select name from governance.config_package where key = 'package'`,
    )
    expect(rows).toEqual([{ name: scene.a.secret }])
  })

  it('refuses another tenant’s client', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    await expect(withTenantContext(db, scene.b.tenantId, async () => 1)).rejects.toMatchObject({
      code: 'DH103',
    })
  })

  it('refuses what is no tenant id before any SQL', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    await expect(withTenantContext(db, `' or true --`, async () => 1)).rejects.toMatchObject({
      code: 'DH102',
    })
    await expect(withTenantContext(db, '', async () => 1)).rejects.toMatchObject({ code: 'DH101' })
  })

  it('rolls back when its callback throws', async () => {
    const db = database.both.client({ tenantId: scene.a.tenantId })
    const thrown = new Error('no')
    await expect(
      withTenantContext(db, scene.a.tenantId, async (tx) => {
        await tx.featureFlag.create({ data: { key: 'thrown' } })
        throw thrown
      }),
    ).rejects.toBe(thrown)
    expect(await db.featureFlag.count({ where: { key: 'thrown' } })).toBe(0)
  })

  it('gives a plain client a tenant for one transaction', async () => {
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.appUrl, max: 1 }) })
    const names = (tenantId: string) =>
      withTenantContext(plain, tenantId, (tx) =>
        tx.configPackage.findMany({ where: { key: 'package' }, select: { name: true } }),
      )
    expect(await names(scene.a.tenantId)).toEqual([{ name: scene.a.secret }])
    expect(await names(scene.b.tenantId)).toEqual([{ name: scene.b.secret }])
    await expect(plain.configPackage.findMany()).rejects.toThrow('DH101')
    await plain.$disconnect()
  })
})

describe('setRLSTenantContext', () => {
  it('never changes the tenant of a transaction', async () => {
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.appUrl }) })
    await expect(
      plain.$transaction(async (tx) => {
        await setRLSTenantContext(tx, scene.a.tenantId)
        await setRLSTenantContext(tx, scene.a.tenantId)
        await setRLSTenantContext(tx, scene.b.tenantId)
      }),
    ).rejects.toMatchObject({ code: 'DH103' })
    await expect(
      database.both
        .client({ tenantId: scene.a.tenantId })
        .$transaction((tx) => setRLSTenantContext(tx, scene.b.tenantId)),
    ).rejects.toMatchObject({ code: 'DH103' })
    await plain.$disconnect()
  })

  it('refuses a client that is no transaction, where the setting would be lost', async () => {
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.appUrl }) })
    await expect(setRLSTenantContext(plain, scene.a.tenantId)).rejects.toMatchObject({ code: 'DH204' })
    await plain.$disconnect()
  })
})

describe('the manifest', () => {
  it('must describe the client it comes with', () => {
    const { KillSwitch: _, ...models } = manifest.models
    const { package: __, ...relations } = manifest.models.ConfigVersion.relations
    for (const stale of [
      models,
      { ...manifest.models, ConfigVersion: { ...manifest.models.ConfigVersion, relations } },
    ]) {
      expect(() =>
        createTenancy({
          PrismaClient,
          manifest: { ...manifest, models: stale },
          connectionString: database.appUrl,
        }),
      ).toThrow(expect.objectContaining({ code: 'DH208' }))
    }
  })
})
