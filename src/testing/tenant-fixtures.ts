import type { Tenancy } from '../tenancy/create-tenancy.ts'
import type { TenantClient } from '../tenancy/tenant-client.ts'
import type { IsolationOptions, IsolationProof } from './expect-isolated.ts'
import type { TestDatabase } from './test-database.ts'
import type { BundledClass, ClientOf, TestDatabasesOptions } from './test-databases.ts'
import type { TestTenant } from './test-tenant.ts'

/** What the fixtures of a test framework are made with, beside the options of `createTestDatabases`. */
export interface TenantFixturesOptions<
  Class extends object = BundledClass,
  Extended extends object = ClientOf<Class>,
> extends TestDatabasesOptions<Class, Extended> {
  /**
   * Creates a tenant and returns its id: where the function of that name can't make one up, or where each should have
   * something.
   */
  readonly createTenant?: (database: TestDatabase<ClientOf<Class>, Extended>) => PromiseLike<string>
}

/** What a test is given. */
export interface TenantFixtures<Client extends object, Extended extends object = Client> {
  readonly database: TestDatabase<Client, Extended>
  /** The database's, with both hulls. */
  readonly tenancy: Tenancy<Extended, false, Client>
  /** The id of a tenant that this test alone has. */
  readonly tenantA: string
  /** The id of another one. */
  readonly tenantB: string
  /** As the function of that name, with this tenancy. */
  readonly asTenant: <Result>(
    tenant: TestTenant,
    work: (db: TenantClient<Extended>) => PromiseLike<Result> | Result,
  ) => Promise<Result>
  /** As the function of that name, in this database: as tenant A against tenant B unless told. */
  readonly expectIsolated: (
    operation: (client: TenantClient<Extended>) => PromiseLike<unknown>,
    options?: Partial<IsolationOptions>,
  ) => Promise<IsolationProof>
}
