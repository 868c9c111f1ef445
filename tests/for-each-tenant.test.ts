import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type ForEachTenantProgress, isTenancyError, type Tenancy } from '../src/index.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin, type TemporaryLogin } from '../src/testing/index.ts'
import { plantTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()

let login: TemporaryLogin
let tenancy: Tenancy<PrismaClient>
let ids: readonly string[] = []
let actor = ''
const reason = 'a back-fill of all tenants'

beforeAll(async () => {
  login = await createTemporaryLogin(database.adminUrl, defaultRoleNames.system)
  tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString: database.appUrl,
    system: { connectionString: login.connectionString },
  })
  const tenants = await plantTenants(database, 7)
  ids = tenants.map(({ tenantId }) => tenantId).sort()
})
afterAll(async () => {
  await tenancy.disconnect()
  await login.drop()
})
beforeEach(() => {
  actor = `job-${randomUUID()}`
})

describe('forEachTenant', () => {
  it('meets each tenant once, in the order of keys, with a client that sees that tenant alone', async () => {
    const seen: string[] = []
    const result = await tenancy.forEachTenant(
      async (db, { tenantId }) => {
        seen.push(tenantId)
        const packages = await db.configPackage.findMany()
        expect(packages.map((row) => row.tenantId)).toEqual([tenantId])
        expect(tenancy.current()?.tenantId).toBe(tenantId)
        await db.featureFlag.updateMany({ data: { description: tenantId } })
      },
      { actor, reason, pageSize: 2 },
    )
    expect(seen).toEqual(ids)
    expect(result).toEqual({ done: 7, failed: [], last: ids.at(-1) })
    // seen by someone whom nothing holds: each wrote its own rows and no other's
    const { rows } = await database.admin.query<{ own: boolean }>(
      'select distinct description = tenant_id::text as own from governance.feature_flag',
    )
    expect(rows).toEqual([{ own: true }])
  })

  it('would reach all tenants at once without the hulls', async () => {
    expect(await database.none.configPackage.count()).toBe(7)
  })

  it('reads the tenants a page at a time, and has that recorded', async () => {
    await tenancy.forEachTenant(async () => {}, { actor, reason, pageSize: 3 })
    const { rows } = await database.admin.query<{ operation: string; reason: string }>(
      'select operation, reason from audit.system_work where actor = $1 and model = $2 order by created_at',
      [actor, 'Tenant'],
    )
    expect(rows.map(({ operation }) => operation)).toEqual([
      'count',
      ...Array.from({ length: 4 }, () => 'findMany'),
    ])
    expect(rows.every((row) => row.reason === reason)).toBe(true)
  })

  it('tells its progress, and resumes behind a tenant', async () => {
    const progress: ForEachTenantProgress[] = []
    await tenancy.forEachTenant(async () => {}, {
      actor,
      reason,
      after: ids[3] ?? '',
      onProgress: (step) => progress.push(step),
    })
    expect(progress).toEqual(
      ids
        .slice(4)
        .map((tenantId, index) => ({ tenantId, done: index + 1, failed: 0, total: 3, last: tenantId })),
    )
    const end = await tenancy.forEachTenant(async () => {}, { actor, reason, after: ids[6] ?? '' })
    expect(end).toEqual({ done: 0, failed: [], last: ids[6] })
  })

  it('stops at the first failure, says why, and goes on from there', async () => {
    const failure = new Error('the third')
    const seen: string[] = []
    let last: string | undefined
    const error = await tenancy
      .forEachTenant(
        async (_, { tenantId }) => {
          if (tenantId === ids[2]) throw failure
          seen.push(tenantId)
        },
        { actor, reason, onProgress: (step) => (last = step.last) },
      )
      .catch((cause: unknown) => cause)
    expect(isTenancyError(error, 'DH115')).toBe(true)
    expect(error).toMatchObject({ cause: failure })
    // ids of tenants belong to data and not to logs
    for (const id of ids) expect(String(error)).not.toContain(id)
    expect(seen).toEqual(ids.slice(0, 2))
    expect(last).toBe(ids[1])
    await tenancy.forEachTenant(async (_, { tenantId }) => void seen.push(tenantId), {
      actor,
      reason,
      ...(last !== undefined && { after: last }),
    })
    expect(seen).toEqual(ids)
  })

  it('goes on behind failures when told, and collects them', async () => {
    const result = await tenancy.forEachTenant(
      async (db, { tenantId }) => {
        // a write of another tenant is refused, here as everywhere
        const other = ids[0] ?? ''
        if (tenantId === ids[1]) await db.featureFlag.create({ data: { key: 'theirs', tenantId: other } })
        if (tenantId === ids[4]) throw new Error('the fifth')
      },
      { actor, reason, onError: 'continue' },
    )
    expect(result).toMatchObject({
      done: 5,
      failed: [
        { tenantId: ids[1], error: { code: 'DH202' } },
        { tenantId: ids[4], error: { message: 'the fifth' } },
      ],
      last: ids[6],
    })
  })

  it('works for several at once when told, and its last never passes one that is under way', async () => {
    const lasts: (string | undefined)[] = []
    const begun: string[] = []
    let release = () => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    const running = tenancy.forEachTenant(
      async (_, { tenantId }) => {
        begun.push(tenantId)
        if (tenantId === ids[0]) await slow
        // the first waits until the second of three lanes has served all others
        if (tenantId === ids[6]) release()
      },
      { actor, reason, concurrency: 3, pageSize: 2, onProgress: ({ last }) => lasts.push(last) },
    )
    expect(await running).toEqual({ done: 7, failed: [], last: ids[6] })
    expect(begun.toSorted()).toEqual(ids)
    expect(lasts.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => undefined))
    expect(lasts.at(-1)).toBe(ids[6])
  })

  it('ends before the next tenant when it is aborted', async () => {
    const controller = new AbortController()
    const seen: string[] = []
    const error = await tenancy
      .forEachTenant(
        async (_, { tenantId }) => {
          seen.push(tenantId)
          if (seen.length === 2) controller.abort(new Error('deployment'))
        },
        { actor, reason, signal: controller.signal },
      )
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'DH115', cause: { message: 'deployment' } })
    expect(seen).toEqual(ids.slice(0, 2))
  })

  it('says who works and why, and has a system login, or does not begin', async () => {
    const never = async () => expect.unreachable()
    await expect(tenancy.forEachTenant(never, { actor, reason: ' ' })).rejects.toMatchObject({
      code: 'DH109',
    })
    await expect(tenancy.forEachTenant(never, { actor, reason, concurrency: 0 })).rejects.toMatchObject({
      code: 'DH409',
    })
    await expect(database.both.forEachTenant(never, { actor, reason })).rejects.toMatchObject({
      code: 'DH409',
    })
  })
})
