import type { EvaluationContext, FlagEvaluation } from './flag-evaluation.ts'
import { type FlagSet, failure, missingFlag } from './flag-set.ts'

/**
 * What a flag is for a context. It is pure and synchronous: it reads what {@link compileFlagSet} has made, and nothing
 * else; the same flags, key and context always give the same answer. It never throws: what goes wrong is an error
 * code, and the caller's own default counts.
 *
 * @param flags the flags of one tenant
 * @param key an archived flag is not found
 * @param context attributes of whoever it is evaluated for
 *
 * @example
 * ```ts
 * const flags = compileFlagSet(tenantId, await db.featureFlag.findMany())
 * const { value } = evaluateFlag(flags, 'new-checkout', { targetingKey: userId, plan: 'beta' })
 * ```
 */
export function evaluateFlag(flags: FlagSet, key: string, context: EvaluationContext = {}): FlagEvaluation {
  const flag = flags.flags.get(key)
  if (!flag) return missingFlag(key)
  if (typeof context !== 'object' || context === null) {
    return failure(key, {}, 'INVALID_CONTEXT', 'the evaluation context must be an object')
  }
  try {
    return flag.evaluate(context)
  } catch {
    // an attribute may be a getter, or a proxy, of the caller's
    return failure(key, {}, 'GENERAL', 'an attribute of the context could not be read')
  }
}
