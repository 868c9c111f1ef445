export { type AuditExtensionOptions, auditExtension } from './audit/audit-extension.ts'
export type { DataEvent } from './audit/audited-writes.ts'
export { createGovernance, type Governance, type GovernanceOptions } from './create-governance.ts'
export type { RequestOrigin } from './governed-scope.ts'
export {
  type Actor,
  canByMembership,
  type Permission,
  type PermissionPort,
  permissions,
  type Resource,
} from './permissions.ts'
