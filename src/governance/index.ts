export type { Approval, ApprovalStatus, ApprovalVote } from './approval-record.ts'
export type { Approvals, PendingListOptions } from './approvals.ts'
export type {
  AuditEventRecord,
  AuditEvents,
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
export type {
  Branding,
  BrandingRepository,
  DraftExpectation,
  PublishOptions,
} from './branding/branding.ts'
export {
  type BrandingTokens,
  type BrandingTokensInput,
  type ContrastPairInput,
  parseBrandingTokens,
  type Token,
  type TokenGroupInput,
  type TokenInput,
} from './branding/branding-tokens.ts'
export type { SrgbColor } from './branding/color.ts'
export { type ContrastResult, contrastOf } from './branding/contrast.ts'
export { type CssVariablesOptions, toCssVariables } from './branding/css-variables.ts'
export { type DesignTokens, toDesignTokens } from './branding/design-tokens.ts'
export type { Dimension, Shadow, TokenType, TokenValue, Typography } from './branding/token-value.ts'
export { applyContentDiff, type ContentChange, diffContent, formatDiff } from './content-diff.ts'
export type { ContentSchemas } from './content-rules.ts'
export { createGovernance, type Governance, type GovernanceOptions } from './create-governance.ts'
export { evaluateFlag } from './flags/evaluate-flag.ts'
export type {
  FlagCondition,
  FlagDefinition,
  FlagInput,
  FlagPrerequisite,
  FlagRollout,
  FlagRule,
  FlagServe,
  FlagTargeting,
  FlagType,
} from './flags/flag-definition.ts'
export { parseFlagDefinition } from './flags/flag-definition.ts'
export type { EvaluationContext, FlagErrorCode, FlagEvaluation, FlagReason } from './flags/flag-evaluation.ts'
export { compileFlagSet, type FlagSet, type StoredFlag } from './flags/flag-set.ts'
export {
  type FlagSnapshot,
  type FlagSnapshotEvents,
  type FlagSnapshotOptions,
  type FlagSnapshotState,
  openFlagSnapshot,
} from './flags/flag-snapshot.ts'
export type { Flag, FlagPatch, Flags } from './flags/flags.ts'
export type { JsonValue } from './json-content.ts'
export type {
  EngageInput,
  KillSwitch,
  KillSwitchScope,
  KillSwitchTarget,
  ReleaseInput,
} from './kill-switch.ts'
export type { KillSwitches, KillSwitchState, TurnedKillSwitch } from './kill-switches.ts'
export type { ConfigPackage, NewPackage, PackageListOptions, Packages } from './packages.ts'
export type { Page } from './page.ts'
export {
  type Actor,
  canByMembership,
  type Permission,
  type PermissionPort,
  permissions,
  type Resource,
} from './permissions.ts'
export { createPlatformKillSwitches, type PlatformKillSwitches } from './platform-kill-switches.ts'
export type { RequestOrigin } from './request-origin.ts'
export type {
  FinishedOutcome,
  FinishTraceInput,
  ListTracesInput,
  StartTraceInput,
  Trace,
  TraceOutcome,
  TraceStep,
  TraceStepInput,
  TraceSummary,
} from './trace.ts'
export type { TraceRun } from './trace-run.ts'
export type { TraceSampling } from './trace-sampling.ts'
export type { Traces } from './traces.ts'
export type { ConfigVersion, ConfigVersionSummary, VersionStatus } from './version-record.ts'
export type { DraftContent, HistoryEntry, HistoryOptions, VersionListOptions, Versions } from './versions.ts'
