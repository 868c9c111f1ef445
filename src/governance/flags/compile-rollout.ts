import { readerOf } from './compile-condition.ts'
import { type FlagRollout, wholeWeight } from './flag-definition.ts'
import type { EvaluationContext, FlagErrorCode } from './flag-evaluation.ts'
import { murmur3 } from './murmur3.ts'

/** Into which share a context falls, by its place in the rollout; or why that cannot be said. */
export type ShareOf = (context: EvaluationContext) => number | FlagErrorCode

/** What is between a tenant and a flag, and between a flag and a value, in the hash; no tenant and no flag has it. */
const separator = ':'

/**
 * Turns a rollout into a function. The same tenant, flag and value of the attribute always fall into the same place of
 * the range, whatever the weights are; another flag, or another tenant, has places of its own.
 */
export function compileRollout(tenantId: string, flagKey: string, { rollout, by }: FlagRollout): ShareOf {
  const path = by ?? 'targetingKey'
  const missing = path === 'targetingKey' ? 'TARGETING_KEY_MISSING' : 'INVALID_CONTEXT'
  const read = readerOf(path)
  const prefix = `${tenantId}${separator}${flagKey}${separator}`
  let sum = 0
  const ends = rollout.map(({ weight }) => {
    sum += weight
    return sum
  })
  return (context) => {
    const value = read(context)
    if (value === undefined || value === null || value === '') return missing
    if (typeof value !== 'string' && !Number.isFinite(value)) return 'INVALID_CONTEXT'
    const place = Math.floor((murmur3(`${prefix}${value as string | number}`) * wholeWeight) / 2 ** 32)
    for (let at = 0; at < ends.length; at++) if (place < (ends[at] ?? 0)) return at
    return 'PARSE_ERROR'
  }
}
