// oxlint-disable vitest/no-standalone-expect -- `test` is that of tenantTest, which the rule does not know
import { randomUUID } from 'node:crypto'
import { describe, expect, inject } from 'vitest'
import type { PrismaClient } from '../src/generated/prisma/client.ts'
import {
  asTenant,
  expectIsolated,
  type IsolationError,
  plantTwoTenants,
  type TestDatabase,
  withLogin,
} from '../src/testing/index.ts'
import { tenantTest } from '../src/testing/vitest.ts'

const test = tenantTest({
  server: { url: (database) => withLogin(inject('adminUrl'), database === undefined ? {} : { database }) },
})

/** A package of a tenant's, and its id. */
async function packageOf(database: TestDatabase<PrismaClient>, tenantId: string, key = 'k'): Promise<string> {
  const { id } = await asTenant(database.tenancy, tenantId, (db) =>
    db.configPackage.create({ data: { key, name: `name of ${key}` } }),
  )
  return id
}

async function failureOf(work: Promise<unknown>): Promise<IsolationError> {
  return work.then(
    () => expect.fail('it should have failed'),
    (error: IsolationError) => error,
  )
}

/** The database with a hull that has a hole in it: a tenancy without hull one, or a login that hull two lets pass. */
function withHole(
  database: TestDatabase<PrismaClient>,
  hull: 'one' | 'two' | 'both',
  instead: 'none' | 'one' | 'two',
): TestDatabase<PrismaClient> {
  return new Proxy(database, {
    get: (target, key) =>
      key === 'behind'
        ? (choice: 'one' | 'two' | 'both' | 'none') => target.behind(choice === hull ? instead : choice)
        : Reflect.get(target, key),
  })
}

describe('a tenant test', () => {
  test('has two tenants, each of which sees itself alone', async ({ tenantA, tenantB, asTenant }) => {
    expect(await asTenant(tenantA, (db) => db.tenant.findMany({ select: { id: true } }))).toEqual([
      { id: tenantA },
    ])
    expect(await asTenant(tenantB, (db) => db.tenant.findMany({ select: { id: true } }))).toEqual([
      { id: tenantB },
    ])
  })

  test('has tenants that no other test has', async ({ database, tenantA, tenantB }) => {
    expect(tenantA).not.toBe(tenantB)
    // those of the test above are still there
    expect(await database.query('select id from tenancy.tenant')).toHaveLength(4)
  })

  test('works in the context of the tenant, also where nobody hands a client on', async ({
    tenancy,
    tenantA,
    asTenant,
  }) => {
    const name = () => tenancy.client().tenant.findFirstOrThrow({ select: { id: true } })
    expect(await asTenant(tenantA, () => name())).toEqual({ id: tenantA })
  })
})

describe('expectIsolated', () => {
  test('passes for what the hulls hold, and says what it reaches without them', async ({
    database,
    tenantB,
    expectIsolated,
  }) => {
    const id = await packageOf(database, tenantB)
    expect(await expectIsolated((db) => db.configPackage.findMany({ where: { id } }))).toEqual({
      reached: { how: 'answer', model: 'ConfigPackage', path: '[0]' },
      held: ['one', 'two', 'both'],
    })
    expect(await expectIsolated((db) => db.configPackage.count())).toMatchObject({
      reached: { how: 'answer' },
    })
  })

  test('passes for writes that the hulls hold, and leaves the rows as they were', async ({
    database,
    tenantA,
    tenantB,
    expectIsolated,
  }) => {
    const id = await packageOf(database, tenantB)
    const own = await packageOf(database, tenantA)
    const rows = await database.query('select * from governance.config_package order by id')
    const reached = async (operation: Parameters<typeof expectIsolated>[0]) =>
      (await expectIsolated(operation)).reached
    // the audit event of the change, which is found before the row itself
    const changed = { how: 'rows', model: 'AuditEvent' }
    expect(await reached((db) => db.configPackage.update({ where: { id }, data: { name: 'x' } }))).toEqual(
      changed,
    )
    expect(await reached((db) => db.configPackage.deleteMany())).toEqual(changed)
    // of its own row, beside the other's
    expect(
      await reached((db) =>
        db.configPackage.updateMany({ where: { id: { in: [id, own] } }, data: { name: 'x' } }),
      ),
    ).toEqual(changed)
    expect(
      await reached((db) =>
        db.configPackage.create({ data: { tenantId: tenantB, key: 'planted', name: 'x' } }),
      ),
    ).toEqual(changed)
    expect(await database.query('select * from governance.config_package order by id')).toEqual(rows)
  })

  test('passes for what the keys hold, though new keys and the time of day differ in each answer', async ({
    database,
    tenantB,
    expectIsolated,
  }) => {
    await packageOf(database, tenantB, 'seen')
    await expectIsolated(async (db) => [
      await db.configPackage.create({ data: { key: randomUUID(), name: 'n' } }),
      await db.configPackage.findMany({ where: { key: 'seen' } }),
    ])
  })

  test('passes for raw SQL, which hull one refuses and hull two holds', async ({
    database,
    tenantB,
    expectIsolated,
  }) => {
    const id = await packageOf(database, tenantB)
    await expectIsolated(
      (db) => db.$queryRaw`select id, name from governance.config_package where id = ${id}::uuid`,
    )
  })

  test.for([
    ['one', 'none', 'behind hull one alone'],
    ['two', 'none', 'behind hull two alone'],
    ['both', 'none', 'behind both hulls'],
  ] as const)(
    'fails for a read that gets through hull %s',
    async ([hull, instead, where], { database, tenantA, tenantB }) => {
      const id = await packageOf(database, tenantB)
      const error = await failureOf(
        expectIsolated(
          withHole(database, hull, instead),
          (db) => db.configPackage.findMany({ where: { id } }),
          { tenant: tenantA, other: tenantB },
        ),
      )
      expect(error).toMatchObject({
        name: 'IsolationError',
        reason: 'leak',
        leaks: [{ hulls: hull, how: 'answer', model: 'ConfigPackage', path: '[0]' }],
      })
      expect(error.message).toContain(`${where} the answer has a row of ConfigPackage`)
      // neither a key nor another value
      expect(error.message).not.toContain(id)
      expect(error.message).not.toContain('name of')
    },
  )

  test('fails for a number that counts another’s rows, and for a write, and restores what was written', async ({
    database,
    tenantA,
    tenantB,
  }) => {
    await packageOf(database, tenantB)
    const open = withHole(database, 'two', 'none')
    const tenants = { tenant: tenantA, other: tenantB }
    expect(await failureOf(expectIsolated(open, (db) => db.configPackage.count(), tenants))).toMatchObject({
      leaks: [{ hulls: 'two', how: 'answer' }],
    })
    const rows = await database.query('select * from governance.config_package order by id')
    expect(
      await failureOf(expectIsolated(open, (db) => db.configPackage.deleteMany(), tenants)),
    ).toMatchObject({
      leaks: [{ hulls: 'two', how: 'rows', model: 'AuditEvent' }],
    })
    expect(await database.query('select * from governance.config_package order by id')).toEqual(rows)
  })

  test('fails for a key that tells of another’s row, which no hull can hold', async ({
    database,
    tenantB,
    expectIsolated,
  }) => {
    await database.query(
      "create unique index known_once on governance.config_package (key) where key = 'taken'",
    )
    try {
      await packageOf(database, tenantB, 'taken')
      const error = await failureOf(
        expectIsolated((db) => db.configPackage.create({ data: { key: 'taken', name: 'x' } })),
      )
      expect(error.leaks.map(({ hulls, how }) => [hulls, how])).toEqual([
        ['one', 'answer'],
        ['two', 'answer'],
        ['both', 'answer'],
      ])
    } finally {
      await database.query('drop index governance.known_once')
    }
  })

  test('says that an operation without a victim proves nothing', async ({
    database,
    tenantA,
    tenantB,
    expectIsolated,
  }) => {
    const own = await packageOf(database, tenantA)
    await packageOf(database, tenantB)
    const provesNothing = async (work: Promise<unknown>) => {
      const error = await failureOf(work)
      expect(error).toMatchObject({ name: 'IsolationError', reason: 'proves nothing', leaks: [] })
      return error.message
    }
    expect(
      await provesNothing(expectIsolated((db) => db.configPackage.findMany({ where: { id: own } }))),
    ).toContain('without hulls the operation reaches nothing of the other tenant')
    expect(
      await provesNothing(
        expectIsolated((db) => db.configPackage.findUniqueOrThrow({ where: { id: randomUUID() } })),
      ),
    ).toContain('(it fails with PrismaClientKnownRequestError P2025)')
    expect(
      await provesNothing(
        expectIsolated(async (db) => {
          await db.configPackage.findMany()
        }),
      ),
    ).toContain('(it answers nothing)')
    expect(
      await provesNothing(expectIsolated((db) => db.configPackage.count(), { other: randomUUID() })),
    ).toContain('no Tenant with the id of the other')
    // A’s own rows are not what another is to be reached by
    expect(
      await provesNothing(
        expectIsolated((db) => db.configPackage.count(), { tenant: tenantB, other: tenantB }),
      ),
    ).toContain('reaches nothing')
  })

  test('says that a client which reads nothing proves nothing', async ({ database, tenantA, tenantB }) => {
    await packageOf(database, tenantB)
    const dead = new Proxy(database, {
      get: (target, key) =>
        key === 'behind'
          ? (choice: 'one' | 'two' | 'both' | 'none') =>
              choice === 'two'
                ? { client: () => target.tenancy.client({ tenantId: randomUUID() }) }
                : target.behind(choice)
          : Reflect.get(target, key),
    })
    expect(
      await failureOf(
        expectIsolated(dead, (db) => db.configPackage.count(), { tenant: tenantA, other: tenantB }),
      ),
    ).toMatchObject({
      reason: 'proves nothing',
      message: expect.stringContaining('behind hull two alone the tenant does not even read its own Tenant'),
    })
  })
})

describe('two planted tenants', () => {
  test('have rows of every model that tenants have, and are isolated in all of them', async ({
    database,
  }) => {
    const { tenantA, tenantB, row, unplanted } = await plantTwoTenants(database)
    expect([...unplanted]).toEqual([])
    expect(row('ConfigPackage', 'b')['tenantId']).toBe(tenantB)
    const id = String(row('FeatureFlag', 'b')['id'])
    await expectIsolated(database, (db) => db.featureFlag.delete({ where: { id } }), {
      tenant: tenantA,
      other: tenantB,
    })
    expect(() => row('Nothing', 'a')).toThrow('DH309')
  })
})
