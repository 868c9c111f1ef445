/**
 * What a proof says: the report that the terminal, the JSON, the JUnit file and the page are printed from.
 */
import type { Hull } from './attack.ts'

/** Why an operation on a model counts as it does, behind one choice of hulls. A cell is these three. */
export interface CellProof {
  /** Prisma's name of an operation, or `sql.<command>` for plain SQL. */
  readonly operation: string
  readonly hull: Hull
  /** `proven`: attacks that succeed without any hull were made, and none got through. */
  readonly verdict: 'proven' | 'leak' | 'unproven'
  /** How many attacks were made. */
  readonly attacks: number
}

/** One attack that got through, or that proves nothing. */
export interface ProofFinding {
  readonly kind: 'leak' | 'unproven'
  readonly model: string
  readonly operation: string
  readonly hull: Hull
  /** What was tried, in words. */
  readonly form: string
  /** What it reached, or why it proves nothing. */
  readonly reason: string
  /** The arguments as JavaScript, or the statement, which make it again. Of rows that the proof planted itself. */
  readonly call: string
  /** The statements that PostgreSQL got, with $1 for values; none where it got none. */
  readonly sql: readonly string[]
}

/** A key by which a tenant can learn that another tenant's row exists. */
export interface KeyOracle {
  readonly model: string
  readonly kind: 'uniqueKey' | 'foreignKey'
  readonly columns: readonly string[]
  /** The choices of hulls behind which it tells. */
  readonly tells: readonly Hull[]
}

export interface ModelProof {
  readonly name: string
  readonly scope: string
  /** How many cells it has. */
  readonly cells: number
  readonly leaks: number
  /** A reason for each cell, or group of cells, that nothing is known of. */
  readonly unproven: readonly string[]
  /** `listed`: every tenant reads all its rows, as its scope says; never called proven. */
  readonly verdict: 'proven' | 'leaks' | 'unproven' | 'listed'
  readonly details: readonly CellProof[]
  readonly findings: readonly ProofFinding[]
  readonly oracles: readonly KeyOracle[]
}

export interface ProofReport {
  readonly models: readonly ModelProof[]
  readonly leaks: number
  readonly unproven: number
  readonly verdict: 'proven' | 'leaks' | 'unproven'
  /** Tables and columns that Prisma's client hides, which no attack reaches through it. */
  readonly hidden: readonly string[]
  readonly seconds: number
}
