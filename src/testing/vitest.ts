import { type TestAPI, test } from 'vitest'
import { asTenant } from './as-tenant.ts'
import { createTenant } from './create-tenant.ts'
import { expectIsolated } from './expect-isolated.ts'
import type { TenantFixtures, TenantFixturesOptions } from './tenant-fixtures.ts'
import {
  type BundledClass,
  type ClientOf,
  createTestDatabases,
  type TestDatabases,
} from './test-databases.ts'

export type { TenantFixtures, TenantFixturesOptions } from './tenant-fixtures.ts'

/** What {@link tenantTest} is made with. */
export interface TenantTestOptions<
  Class extends object = BundledClass,
  Extended extends object = ClientOf<Class>,
> extends TenantFixturesOptions<Class, Extended> {
  /** Whether all tests of a file share a database, or each has one of its own; `file` unless told. */
  readonly scope?: 'file' | 'test'
}

/**
 * A `test` of vitest's whose tests have a database and two tenants. What a test doesn't take is not made.
 *
 * @param options the client and the manifest of one's own schema, as for `createTestDatabases`; nothing for the bundled one
 *
 * @example
 * ```ts
 * const test = tenantTest({ PrismaClient, manifest })
 *
 * test('an invoice stays with its tenant', async ({ tenantB, asTenant, expectIsolated }) => {
 *   const { id } = await asTenant(tenantB, (db) => db.invoice.create({ data: { number: '1' } }))
 *   await expectIsolated((db) => db.invoice.findUnique({ where: { id } }))
 * })
 * ```
 */
export function tenantTest<Class extends object = BundledClass, Extended extends object = ClientOf<Class>>(
  options: TenantTestOptions<Class, Extended> = {},
): TestAPI<TenantFixtures<ClientOf<Class>, Extended>> {
  const { scope = 'file', createTenant: newTenant = createTenant, ...rest } = options
  type Client = ClientOf<Class>
  interface Given extends TenantFixtures<Client, Extended> {
    readonly databases: TestDatabases<Client, Extended>
  }
  return test.extend<Given>({
    databases: [
      // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture depends on
      async ({}, use) => {
        const databases = await createTestDatabases<Class, Extended>(rest)
        try {
          await use(databases)
        } finally {
          await databases.close()
        }
      },
      { scope: 'file' },
    ],
    database: [
      async ({ databases }, use) => {
        const database = await databases.clone()
        try {
          await use(database)
        } finally {
          await database.drop()
        }
      },
      { scope },
    ],
    tenancy: async ({ database }, use) => use(database.tenancy),
    tenantA: async ({ database }, use) => use(await newTenant(database)),
    tenantB: async ({ database }, use) => use(await newTenant(database)),
    asTenant: async ({ database }, use) => use((tenant, work) => asTenant(database.tenancy, tenant, work)),
    expectIsolated: async ({ database, tenantA, tenantB }, use) =>
      use((operation, options) =>
        expectIsolated(database, operation, { tenant: tenantA, other: tenantB, ...options }),
      ),
  })
}
