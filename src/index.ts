export type { ContextRunner } from './context/ambient-context.ts'
export type { SystemUseInput } from './context/system-use.ts'
export { parseTenantContext, type TenantContext, type TenantContextInput } from './context/tenant-context.ts'
export { parseTenantId, type TenantId, type TenantIdType } from './context/tenant-id.ts'
export {
  errorCodes,
  type InputIssue,
  isTenancyError,
  TenancyError,
  type TenancyErrorCode,
  type TenancyErrorDetails,
} from './errors.ts'
export type { Manifest, ModelManifest, RelationManifest, Scope } from './manifest/manifest.ts'
export {
  type BundledSystemClient,
  type BundledTenantClient,
  type BundledTransaction,
  bundledTenancy,
  checkDatabaseHealth,
  createSystemClient,
  createTenantClient,
  disconnect,
} from './tenancy/bundled.ts'
export {
  createTenancy,
  type ExtendedTenancyOptions,
  type PrismaClientClass,
  type Tenancy,
  type TenancyOptions,
} from './tenancy/create-tenancy.ts'
export type { DatabaseHealth } from './tenancy/database-health.ts'
export type {
  ForEachTenantOptions,
  ForEachTenantProgress,
  ForEachTenantResult,
  WorkedTenant,
} from './tenancy/for-each-tenant.ts'
export type {
  SystemTransactionOptions,
  TenantTransactionOptions,
  TransactionOptions,
} from './tenancy/run-transaction.ts'
export type { SystemOptions } from './tenancy/system-work.ts'
export {
  contextOf,
  type SystemClient,
  type TenantClient,
  type TenantTransactionClient,
} from './tenancy/tenant-client.ts'
export {
  setRLSTenantContext,
  type TransactionalClient,
  withTenantContext,
} from './tenancy/with-tenant-context.ts'
