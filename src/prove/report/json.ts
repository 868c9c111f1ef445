import type { ProofReport } from '../proof-report.ts'
import type { ProofFacts } from './proof-facts.ts'

/**
 * A proof as one JSON object: the report, and what it was made of.
 *
 * @example
 * ```ts
 * JSON.parse(jsonOf(report, facts)).verdict // 'proven'
 * ```
 */
export function jsonOf(report: ProofReport, facts: ProofFacts): string {
  const { models, leaks, unproven, verdict, hidden, seconds } = report
  return JSON.stringify({ models, leaks, unproven, verdict, hidden, seconds, ...facts }, null, 2)
}
