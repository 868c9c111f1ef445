export type {
  AuditEventRecord,
  AuditEvents,
  AuditPage,
  AuditRecordInput,
  AuditTarget,
} from './audit/audit-events.ts'
export { type AuditExtensionOptions, auditExtension } from './audit/audit-extension.ts'
export type { ExportFormat } from './audit/audit-lines.ts'
export type { DataEvent } from './audit/audited-writes.ts'
export type { BreakReason, ChainHead, ChainReport } from './audit/chain-verifier.ts'
export type { Checkpoint, CheckpointKey, PublicKeys } from './audit/checkpoint.ts'
export type { AuditFilters } from './audit/read-events.ts'
export { type VerifyExportOptions, verifyAuditExport } from './audit/verify-audit-export.ts'
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
