/** The public surface of `doublehull/prove`: the attacks of `doublehull prove`, as a function. */
export type { CellProof, KeyOracle, ModelProof, ProofFinding, ProofReport } from './proof-report.ts'
export { type ProveEvent, type ProveOptions, proveDatabase } from './prove-database.ts'
export type { MissingSeed, SeedHook } from './seed-hook.ts'
