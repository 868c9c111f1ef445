export { type DatabaseServer, openDatabaseServer, withLogin } from './database-server.ts'
export {
  EmbeddedPostgresError,
  type EmbeddedPostgresOptions,
  type EmbeddedServer,
  startEmbeddedPostgres,
} from './embedded-postgres.ts'
export { createTemporaryLogin, type TemporaryLogin } from './temporary-login.ts'
export { createUnscopedTenancy } from './unscoped-tenancy.ts'
