export { type DatabaseServer, openDatabaseServer, withLogin } from '../embedded/database-server.ts'
export {
  EmbeddedPostgresError,
  type EmbeddedPostgresOptions,
  type EmbeddedServer,
  startEmbeddedPostgres,
} from '../embedded/embedded-postgres.ts'
export { createTemporaryLogin, type TemporaryLogin } from '../embedded/temporary-login.ts'
export { createUnscopedTenancy } from './unscoped-tenancy.ts'
