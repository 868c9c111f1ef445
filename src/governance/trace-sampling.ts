import { createHash } from 'node:crypto'
import type { FinishedOutcome } from './trace.ts'

/** Which runs are kept. */
export interface TraceSampling {
  /** How many of them, from 0 to 1. */
  readonly rate: number
  /** Outcomes that are kept whatever the rate; `['FAILED']` unless told. */
  readonly always?: readonly FinishedOutcome[] | undefined
}

/**
 * Whether a run is among those that the rate keeps. The same key is always answered alike, in every process, so that
 * all runs of one request are kept or none is; a higher rate keeps what a lower one keeps.
 */
export function isSampled(key: string, rate: number): boolean {
  return createHash('sha256').update(key).digest().readUInt32BE(0) < rate * 2 ** 32
}
