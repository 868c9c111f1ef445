import { afterAll, beforeAll, beforeEach } from '@jest/globals'
import { asTenant } from './as-tenant.ts'
import { createTenant } from './create-tenant.ts'
import { expectIsolated } from './expect-isolated.ts'
import type { TenantFixtures, TenantFixturesOptions } from './tenant-fixtures.ts'
import type { TestDatabase } from './test-database.ts'
import {
  type BundledClass,
  type ClientOf,
  createTestDatabases,
  type TestDatabases,
} from './test-databases.ts'

export type { TenantFixtures, TenantFixturesOptions } from './tenant-fixtures.ts'

/** How long the hooks may take, in milliseconds: the first of all makes the server and migrates the template. */
const hookTimeout = 120_000

/**
 * Gives the tests of a jest file, or of a `describe`, a database, and each of them two tenants of its own. The members
 * are there when a hook or a test runs, and not when the file is read: don't destructure what it returns.
 *
 * @param options the client and the manifest of one's own schema, as for `createTestDatabases`; nothing for the bundled one
 *
 * @example
 * ```ts
 * const given = useTenantDatabase({ PrismaClient, manifest })
 *
 * test('an invoice stays with its tenant', async () => {
 *   const { id } = await given.asTenant(given.tenantB, (db) => db.invoice.create({ data: { number: '1' } }))
 *   await given.expectIsolated((db) => db.invoice.findUnique({ where: { id } }))
 * })
 * ```
 */
export function useTenantDatabase<
  Class extends object = BundledClass,
  Extended extends object = ClientOf<Class>,
>(options: TenantFixturesOptions<Class, Extended> = {}): TenantFixtures<ClientOf<Class>, Extended> {
  const { createTenant: newTenant = createTenant, ...rest } = options
  type Client = ClientOf<Class>
  let databases: TestDatabases<Client, Extended> | undefined
  let database: TestDatabase<Client, Extended> | undefined
  let tenants: { readonly a: string; readonly b: string } | undefined

  beforeAll(async () => {
    databases = await createTestDatabases<Class, Extended>(rest)
    database = await databases.clone()
  }, hookTimeout)
  beforeEach(async () => {
    const open = given(database)
    tenants = { a: await newTenant(open), b: await newTenant(open) }
  })
  afterAll(async () => {
    await databases?.close()
  }, hookTimeout)

  return {
    get database() {
      return given(database)
    },
    get tenancy() {
      return given(database).tenancy
    },
    get tenantA() {
      return given(tenants).a
    },
    get tenantB() {
      return given(tenants).b
    },
    asTenant: (tenant, work) => asTenant(given(database).tenancy, tenant, work),
    expectIsolated: (operation, isolation) => {
      const { a, b } = given(tenants)
      return expectIsolated(given(database), operation, { tenant: a, other: b, ...isolation })
    },
  }
}

function given<Part>(part: Part | undefined): Part {
  if (part !== undefined) return part
  throw new Error(
    'what useTenantDatabase gives is there when a hook or a test runs, and not when the file is read',
  )
}
