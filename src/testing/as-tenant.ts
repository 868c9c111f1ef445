import type { Tenancy } from '../tenancy/create-tenancy.ts'
import type { TenantClient } from '../tenancy/tenant-client.ts'
import { contextOf, type TestTenant } from './test-tenant.ts'

/**
 * Works as a tenant: with a client of its own, and in its context, so that code under test which asks for
 * `tenancy.client()` without an argument gets the tenant's, too.
 *
 * @param tenant the tenant's id, or a context with a user in it
 * @returns what the work returns
 * @throws {TenancyError} `DH101` or `DH102` for a missing or malformed tenant
 *
 * @example
 * ```ts
 * expect(await asTenant(database.tenancy, tenantA, (db) => db.invoice.count())).toBe(3)
 * ```
 */
export async function asTenant<Client, UnsafeRaw extends boolean, Base, Result>(
  tenancy: Tenancy<Client, UnsafeRaw, Base>,
  tenant: TestTenant,
  work: (db: TenantClient<Client, UnsafeRaw>) => PromiseLike<Result> | Result,
): Promise<Result> {
  const context = contextOf(tenant)
  // awaited in the context: an operation of Prisma's begins when somebody waits for it
  return tenancy.run(context, async () => await work(tenancy.client(context)))
}
