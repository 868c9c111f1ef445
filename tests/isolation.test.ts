import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { BundledTenantClient } from '../src/index.ts'
import {
  type Planted,
  plantTwoTenants,
  type TestDatabase,
  type TwoTenants,
  useTestDatabase,
} from './support/test-database.ts'

/** An attempt of tenant A on tenant B. It succeeds if A sees B's secret or if `marked` finds a mark. */
interface Attack {
  readonly title: string
  attempt(client: BundledTenantClient, scene: TwoTenants): Promise<unknown>
  /** SQL that counts the marks of a success; `$1` is B's tenant, `$2` B's package. */
  readonly marked?: string
}

const stolen = 'stolen'
const newVersion = { number: 7, content: { mark: stolen } }
const versionsOfB = `from governance.config_version where package_id = $2 and content ->> 'mark' = '${stolen}'`
const packageOfB = `from governance.config_package where id = $2 and name = '${stolen}'`
const packageGone = 'where not exists (select from governance.config_package where id = $2)'
const flagOfB = `from governance.feature_flag where tenant_id = $1 and key = '${stolen}'`

/** A flag of A's whose key B has not, so that it could be B's as well. */
async function ownFlag(db: BundledTenantClient, a: Planted): Promise<{ readonly id: string }> {
  const { id } = await db.featureFlag.create({ data: { key: stolen, tenantId: a.tenantId } })
  return { id }
}

const attacks: readonly Attack[] = [
  // reads
  { title: 'findMany', attempt: (db) => db.configPackage.findMany() },
  {
    title: 'findUnique by id',
    attempt: (db, { b }) => db.configPackage.findUnique({ where: { id: b.packageId } }),
  },
  {
    title: 'findUnique by a compound key',
    attempt: (db, { b }) =>
      db.configPackage.findUnique({ where: { tenantId_key: { tenantId: b.tenantId, key: 'package' } } }),
  },
  {
    title: 'findUniqueOrThrow',
    attempt: (db, { b }) => db.configPackage.findUniqueOrThrow({ where: { id: b.packageId } }),
  },
  {
    title: 'findFirst with the other tenant in the filter',
    attempt: (db, { b }) => db.configPackage.findFirst({ where: { tenantId: b.tenantId } }),
  },
  {
    title: 'findFirstOrThrow through OR',
    attempt: (db, { b }) =>
      db.configPackage.findFirstOrThrow({ where: { OR: [{ id: b.packageId }, { name: b.secret }] } }),
  },
  {
    title: 'findMany with an undefined tenant',
    attempt: (db) => db.configPackage.findMany({ where: { tenantId: undefined as never } }),
  },
  {
    title: 'findMany with an empty NOT',
    attempt: (db, { a }) => db.configPackage.findMany({ where: { NOT: { tenantId: a.tenantId } } }),
  },
  {
    title: 'include of a list from the tenant model',
    attempt: (db) => db.tenant.findMany({ include: { configPackages: true } }),
  },
  {
    title: 'include two levels deep',
    attempt: (db) => db.tenant.findMany({ include: { configPackages: { include: { versions: true } } } }),
  },
  {
    title: 'select through a to-one relation',
    attempt: (db, { b }) =>
      db.configVersion.findMany({
        where: { id: b.versionId },
        select: { package: { select: { name: true } } },
      }),
  },
  {
    title: 'fluent relation',
    attempt: (db, { b }) => db.configVersion.findUnique({ where: { id: b.versionId } }).package(),
  },
  { title: 'the people of the other tenant', attempt: (db) => db.user.findMany() },
  {
    title: 'a person through their memberships',
    attempt: (db, { b }) => db.user.findUnique({ where: { id: b.userId }, include: { memberships: true } }),
  },
  {
    title: 'groupBy',
    attempt: (db) => db.configPackage.groupBy({ by: ['name'], _count: true }),
  },
  {
    title: 'aggregate',
    attempt: (db, { b }) => db.configPackage.aggregate({ where: { id: b.packageId }, _max: { name: true } }),
  },
  {
    title: 'relation filter as an oracle',
    attempt: async (db, { b }) =>
      (await db.tenant.count({ where: { configPackages: { some: { name: b.secret } } } })) > 0 && b.secret,
  },
  {
    title: 'count as an oracle',
    attempt: async (db, { b }) =>
      (await db.configPackage.count({ where: { name: b.secret } })) > 0 && b.secret,
  },
  {
    title: 'cursor on the other tenant’s row',
    attempt: (db, { b }) => db.configPackage.findMany({ cursor: { id: b.packageId }, take: 1 }),
  },
  {
    title: 'raw SQL',
    attempt: (db) => db.$queryRaw`select name from governance.config_package`,
  },
  // writes
  {
    title: 'update',
    attempt: (db, { b }) => db.configPackage.update({ where: { id: b.packageId }, data: { name: stolen } }),
    marked: packageOfB,
  },
  {
    title: 'updateMany',
    attempt: (db) => db.configPackage.updateMany({ data: { name: stolen } }),
    marked: packageOfB,
  },
  {
    title: 'updateManyAndReturn',
    attempt: (db) => db.configPackage.updateManyAndReturn({ data: { name: stolen } }),
    marked: packageOfB,
  },
  {
    title: 'upsert of the other tenant’s row',
    attempt: (db, { b }) =>
      db.configPackage.upsert({
        where: { id: b.packageId },
        create: { key: 'upserted', name: 'created' },
        update: { name: stolen },
      }),
    marked: packageOfB,
  },
  {
    title: 'delete',
    attempt: async (db, { b }) => {
      await db.configVersion.deleteMany({ where: { packageId: b.packageId } })
      await db.configPackage.delete({ where: { id: b.packageId } })
    },
    marked: packageGone,
  },
  {
    title: 'deleteMany',
    attempt: async (db) => {
      await db.configVersion.deleteMany()
      await db.configPackage.deleteMany()
    },
    marked: packageGone,
  },
  {
    title: 'create with the other tenant’s id',
    attempt: (db, { b }) => db.featureFlag.create({ data: { key: stolen, tenantId: b.tenantId } }),
    marked: flagOfB,
  },
  {
    title: 'create with the other tenant connected',
    attempt: (db, { b }) =>
      db.featureFlag.create({ data: { key: stolen, tenant: { connect: { id: b.tenantId } } } }),
    marked: flagOfB,
  },
  {
    title: 'createMany with the other tenant’s id',
    attempt: (db, { b }) => db.featureFlag.createMany({ data: [{ key: stolen, tenantId: b.tenantId }] }),
    marked: flagOfB,
  },
  {
    title: 'createManyAndReturn with the other tenant’s id',
    attempt: (db, { b }) =>
      db.featureFlag.createManyAndReturn({ data: [{ key: stolen, tenantId: b.tenantId }] }),
    marked: flagOfB,
  },
  {
    title: 'create under the other tenant’s parent by key',
    attempt: (db, { b }) =>
      db.configVersion.create({ data: { ...newVersion, packageId: b.packageId, tenantId: b.tenantId } }),
    marked: versionsOfB,
  },
  {
    title: 'create under the other tenant’s parent by connect',
    attempt: (db, { b }) =>
      db.configVersion.create({ data: { ...newVersion, package: { connect: { id: b.packageId } } } }),
    marked: versionsOfB,
  },
  {
    title: 'nested create inside the other tenant’s row',
    attempt: (db, { b }) =>
      db.configPackage.update({ where: { id: b.packageId }, data: { versions: { create: newVersion } } }),
    marked: versionsOfB,
  },
  {
    title: 'connectOrCreate of the other tenant’s parent',
    attempt: (db, { b }) =>
      db.configVersion.create({
        data: {
          ...newVersion,
          package: {
            connectOrCreate: { where: { id: b.packageId }, create: { key: 'own', name: 'own' } },
          },
        },
      }),
    marked: versionsOfB,
  },
  {
    title: 'nested createMany with the other tenant’s id',
    attempt: (db, { b }) =>
      db.tenant.update({
        where: { id: b.tenantId },
        data: { featureFlags: { createMany: { data: [{ key: stolen }] } } },
      }),
    marked: flagOfB,
  },
  {
    title: 'nested update through the tenant model',
    attempt: (db, { b }) =>
      db.tenant.update({
        where: { id: b.tenantId },
        data: { configPackages: { update: { where: { id: b.packageId }, data: { name: stolen } } } },
      }),
    marked: packageOfB,
  },
  {
    title: 'nested updateMany through the tenant model',
    attempt: (db, { b }) =>
      db.tenant.update({
        where: { id: b.tenantId },
        data: { configPackages: { updateMany: { where: {}, data: { name: stolen } } } },
      }),
    marked: packageOfB,
  },
  {
    title: 'nested update through a to-one relation',
    attempt: (db, { b }) =>
      db.configVersion.update({
        where: { id: b.versionId },
        data: { package: { update: { name: stolen } } },
      }),
    marked: packageOfB,
  },
  {
    title: 'moving a row by its tenant field',
    attempt: async (db, { a, b }) =>
      db.featureFlag.update({ where: await ownFlag(db, a), data: { tenantId: b.tenantId } }),
    marked: flagOfB,
  },
  {
    title: 'moving a row by updateMany',
    attempt: async (db, { a, b }) =>
      db.featureFlag.updateMany({ where: await ownFlag(db, a), data: { tenantId: b.tenantId } }),
    marked: flagOfB,
  },
  {
    title: 'moving a row by connecting the other tenant',
    attempt: async (db, { a, b }) =>
      db.featureFlag.update({
        where: await ownFlag(db, a),
        data: { tenant: { connect: { id: b.tenantId } } },
      }),
    marked: flagOfB,
  },
  {
    title: 'moving a row into the other tenant’s list',
    attempt: async (db, { a, b }) => {
      const flag = await ownFlag(db, a)
      await db.tenant.update({
        where: { id: b.tenantId },
        data: { featureFlags: { connect: flag } },
      })
    },
    marked: flagOfB,
  },
  {
    title: 'switching for all tenants',
    attempt: (db) =>
      db.killSwitch.create({
        data: { tenantId: null, resource: randomUUID(), reason: stolen, scope: 'GLOBAL' },
      }),
    marked: `from governance.kill_switch where tenant_id is null and reason = '${stolen}'`,
  },
  {
    title: 'membership for the other tenant’s person',
    attempt: (db, { a, b }) => db.membership.create({ data: { tenantId: a.tenantId, userId: b.userId } }),
    marked: `from tenancy.membership m join tenancy.membership mb on mb.user_id = m.user_id and mb.tenant_id = $1 where m.tenant_id <> $1`,
  },
  {
    title: 'renaming the other tenant',
    attempt: (db, { b }) => db.tenant.update({ where: { id: b.tenantId }, data: { name: stolen } }),
    marked: `from tenancy.tenant where id = $1 and name = '${stolen}'`,
  },
  {
    title: 'writing into the other tenant’s audit log',
    attempt: (db, { b }) => db.auditEvent.create({ data: { action: stolen, tenantId: b.tenantId } }),
    marked: `from audit.audit_event where tenant_id = $1 and action = '${stolen}'`,
  },
  {
    title: 'a write within a transaction',
    attempt: (db, { b }) =>
      db.$transaction(async (tx) => {
        await tx.configPackage.updateMany({ where: { id: b.packageId }, data: { name: stolen } })
      }),
    marked: packageOfB,
  },
  {
    title: 'a write within an array transaction',
    attempt: (db, { b }) =>
      db.$transaction([
        db.configPackage.updateMany({ where: { id: b.packageId }, data: { name: stolen } }),
        db.configPackage.count(),
      ]),
    marked: packageOfB,
  },
]

const database = useTestDatabase()

describe.each(attacks)('$title', (attack) => {
  it.each(['one', 'two', 'both'] as const)(
    'of tenant A does not reach tenant B behind hull %s',
    async (hull) => {
      const scene = await plantTwoTenants(database)
      const client = database[hull].client({ tenantId: scene.a.tenantId })
      expect(await succeeds(attack, client, scene, database)).toBe(false)
    },
  )

  it('reaches tenant B without a hull', async () => {
    const scene = await plantTwoTenants(database)
    expect(await succeeds(attack, database.none, scene, database)).toBe(true)
  })
})

async function succeeds(
  attack: Attack,
  client: BundledTenantClient,
  scene: TwoTenants,
  { admin }: TestDatabase,
): Promise<boolean> {
  const answer = await attack.attempt(client, scene).catch((error: unknown) => String(error))
  if (inspect(answer, { depth: null, maxArrayLength: null }).includes(scene.b.secret)) return true
  if (!attack.marked) return false
  const { b } = scene
  const { rows } = await admin.query<{ count: number }>(
    `with scene as (select $1::uuid, $2::uuid) select count(*)::int as count ${attack.marked}`,
    [b.tenantId, b.packageId],
  )
  return (rows[0]?.count ?? 0) > 0
}
