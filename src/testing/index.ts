export { type DatabaseServer, openDatabaseServer, withLogin } from '../embedded/database-server.ts'
export {
  EmbeddedPostgresError,
  type EmbeddedPostgresOptions,
  type EmbeddedServer,
  startEmbeddedPostgres,
} from '../embedded/embedded-postgres.ts'
export { createTemporaryLogin, type TemporaryLogin } from '../embedded/temporary-login.ts'
export { asTenant } from './as-tenant.ts'
export { createTenant } from './create-tenant.ts'
export { expectIsolated, type IsolationOptions, type IsolationProof } from './expect-isolated.ts'
export { IsolationError, type Leak, type Reach } from './isolation-error.ts'
export { keepTestServer } from './keep-test-server.ts'
export { plantTwoTenants, type TwoTenants } from './plant-two-tenants.ts'
export type { Hulls, TestDatabase, TestDatabaseUrls } from './test-database.ts'
export { createTestDatabases, type TestDatabases, type TestDatabasesOptions } from './test-databases.ts'
export type { TestTenant } from './test-tenant.ts'
export { createUnscopedTenancy } from './unscoped-tenancy.ts'
