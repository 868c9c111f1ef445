import { randomUUID } from 'node:crypto'
import type { Planted } from '../test-database.ts'
import type { Caller, OwnRow } from './caller.ts'
import { type Effect, type Operation, operation, verifyNumber, verifyOwn } from './operation.ts'

/** A change of a tenant's data: of one of the caller's own rows, or a new one. */
export function planWrite(caller: Caller, tenant: Planted): Operation {
  const own = caller.random.chance(0.5) ? caller.takeRow(tenant) : undefined
  return own
    ? caller.random.pick([update, upsert, updateMany, remove])(caller, own)
    : caller.random.pick([create, create, createByUpsert, createNested, insertRaw, raiseCounter])(
        caller,
        tenant,
      )
}

/** A change of all that the tenant sees of a table, which names no row and no tenant. */
export function planSweep({ random, soak: { findings } }: Caller, tenant: Planted): Operation {
  const { secret } = tenant
  if (random.chance(0.5)) {
    const what = 'updateMany without where'
    return operation({
      what,
      tenant,
      make: (db) => db.configPackage.updateMany({ data: { description: secret } }),
      verify: (answer) => verifyNumber(findings, what, 1, answer.count),
    })
  }
  const what = '$executeRaw without where'
  return operation({
    what,
    tenant,
    make: (db) => db.$executeRaw`update governance.config_package set description = ${secret}`,
    verify: (rows) => verifyNumber(findings, what, 1, rows),
  })
}

/** A change of another tenant's row, which is not found. */
export function planTrespass(caller: Caller, tenant: Planted): Operation {
  const { flagId: id } = caller.otherTenant(tenant)
  const description = caller.newMark(tenant)
  const verify = () => undefined
  return caller.random.chance(0.5)
    ? operation({
        what: 'update of another tenant’s row',
        tenant,
        make: (db) => db.featureFlag.update({ where: { id }, data: { description } }),
        verify,
      })
    : operation({
        what: 'delete of another tenant’s row',
        tenant,
        make: (db) => db.featureFlag.delete({ where: { id } }),
        verify,
      })
}

function create(caller: Caller, tenant: Planted): Operation {
  const row = newRow(caller, tenant)
  return answersFlag('create', caller, tenant, creation(row), (db) =>
    db.featureFlag.create({ data: { id: row.id, key: row.key, description: row.mark } }),
  )
}

function createByUpsert(caller: Caller, tenant: Planted): Operation {
  const row = newRow(caller, tenant)
  return answersFlag('upsert of a new row', caller, tenant, creation(row), (db) =>
    db.featureFlag.upsert({
      where: { tenantId_key: { tenantId: tenant.tenantId, key: row.key } },
      create: { id: row.id, key: row.key, description: row.mark },
      update: { description: 'another row had this key' },
    }),
  )
}

function insertRaw(caller: Caller, tenant: Planted): Operation {
  const row = newRow(caller, tenant)
  const what = '$executeRaw'
  return operation({
    what,
    tenant,
    effect: creation(row),
    make: (db) => db.$executeRaw`
      insert into governance.feature_flag (id, key, description, updated_at)
      values (${row.id}::uuid, ${row.key}, ${row.mark}, now())`,
    verify: (rows) => verifyNumber(caller.soak.findings, what, 1, rows),
  })
}

/** Prisma makes a transaction of its own of a nested write. */
function createNested(caller: Caller, tenant: Planted): Operation {
  const newWrite = () => ({ id: randomUUID(), tenant, before: undefined, after: caller.newMark(tenant) })
  const trace = newWrite()
  const steps = [newWrite(), newWrite()]
  const what = 'create with nested rows'
  return operation({
    what,
    tenant,
    effect: { writes: [trace, ...steps] },
    make: (db) =>
      db.executionTrace.create({
        data: {
          id: trace.id,
          requestId: trace.after,
          version: { connect: { id: tenant.versionId } },
          steps: { create: steps.map(({ id, after }, seq) => ({ id, name: after, seq })) },
        },
      }),
    verify: (row) => verifyOwn(caller.soak.findings, { what, tenant }, [{ ...row, mark: row.requestId }]),
  })
}

/** All callers of a tenant write this row, so all that is known of it is how often. */
function raiseCounter({ soak: { findings } }: Caller, tenant: Planted): Operation {
  const what = 'update of a counter'
  return operation({
    what,
    tenant,
    effect: { writes: [], counts: true },
    make: (db) =>
      db.configPackage.update({
        where: { id: tenant.packageId },
        data: { lastVersionNumber: { increment: 1 } },
      }),
    verify: (row) => verifyOwn(findings, { what, tenant }, [{ ...row, mark: row.name }]),
  })
}

function update(caller: Caller, found: OwnRow): Operation {
  const leaves = remark(caller, found)
  return answersFlag('update', caller, found.tenant, alteration(found, leaves), (db) =>
    db.featureFlag.update({ where: { id: found.id }, data: { description: leaves.mark } }),
  )
}

function upsert(caller: Caller, found: OwnRow): Operation {
  const leaves = remark(caller, found)
  const { tenant, key } = found
  return answersFlag('upsert of an old row', caller, tenant, alteration(found, leaves), (db) =>
    db.featureFlag.upsert({
      where: { tenantId_key: { tenantId: tenant.tenantId, key } },
      create: { key, description: 'no row had this key' },
      update: { description: leaves.mark },
    }),
  )
}

/** Names another tenant's row too, which stays as it is. */
function updateMany(caller: Caller, found: OwnRow): Operation {
  const leaves = remark(caller, found)
  const ids = [found.id, caller.otherTenant(found.tenant).flagId]
  const what = 'updateMany'
  return operation({
    what,
    tenant: found.tenant,
    effect: alteration(found, leaves),
    make: (db) =>
      db.featureFlag.updateMany({ where: { id: { in: ids } }, data: { description: leaves.mark } }),
    verify: (answer) => verifyNumber(caller.soak.findings, what, 1, answer.count),
  })
}

function remove(caller: Caller, found: OwnRow): Operation {
  const { id, tenant, mark } = found
  const effect = { writes: [{ id, tenant, before: mark, after: undefined }], found }
  return answersFlag('delete', caller, tenant, effect, (db) => db.featureFlag.delete({ where: { id } }))
}

type MakeFlag = Parameters<
  typeof operation<{ id: string; tenantId: string; description: string | null }>
>[0]['make']

function answersFlag(
  what: string,
  { soak: { findings } }: Caller,
  tenant: Planted,
  effect: Effect,
  make: MakeFlag,
): Operation {
  return operation({
    what,
    tenant,
    effect,
    make,
    verify: (row) => verifyOwn(findings, { what, tenant }, [{ ...row, mark: row.description }]),
  })
}

function newRow(caller: Caller, tenant: Planted): OwnRow {
  return { id: randomUUID(), tenant, key: caller.newKey(tenant), mark: caller.newMark(tenant) }
}

function remark(caller: Caller, row: OwnRow): OwnRow {
  return { ...row, mark: caller.newMark(row.tenant) }
}

function creation(row: OwnRow): Effect {
  const { id, tenant, mark } = row
  return { writes: [{ id, tenant, before: undefined, after: mark }], leaves: row }
}

function alteration(found: OwnRow, leaves: OwnRow): Effect {
  const { id, tenant, mark } = found
  return { writes: [{ id, tenant, before: mark, after: leaves.mark }], found, leaves }
}
