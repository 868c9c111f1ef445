export { createGovernance, type Governance, type GovernanceOptions } from './create-governance.ts'
export type { RequestOrigin } from './governed-scope.ts'
export type {
  EngageInput,
  KillSwitch,
  KillSwitchScope,
  KillSwitchTarget,
  ReleaseInput,
} from './kill-switch.ts'
export type { KillSwitches, KillSwitchState, TurnedKillSwitch } from './kill-switches.ts'
export {
  type Actor,
  canByMembership,
  type Permission,
  type PermissionPort,
  permissions,
  type Resource,
} from './permissions.ts'
export { createPlatformKillSwitches, type PlatformKillSwitches } from './platform-kill-switches.ts'
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
export type { TracePage, Traces } from './traces.ts'
