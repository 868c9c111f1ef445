export {
  type AcceptedFinding,
  applyBaseline,
  type Baseline,
  type BaselineEntry,
  type BaselineOutcome,
  parseBaseline,
} from './baseline.ts'
export { type Check, loadChecks } from './check.ts'
export type { Finding, Level } from './finding.ts'
export { junitOf } from './junit.ts'
export { sarifOf } from './sarif.ts'
export { type VerifyOptions, type VerifyProgress, type VerifyReport, verifyDatabase } from './verify.ts'
