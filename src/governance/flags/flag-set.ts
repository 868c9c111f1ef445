import type { JsonValue } from '../json-content.ts'
import { type ContextTest, compileCondition } from './compile-condition.ts'
import { compileRollout, type ShareOf } from './compile-rollout.ts'
import {
  type FlagDefinition,
  type FlagRollout,
  type FlagServe,
  longestPrerequisites,
  readFlagDefinition,
} from './flag-definition.ts'
import type { EvaluationContext, FlagErrorCode, FlagEvaluation, FlagReason } from './flag-evaluation.ts'

/** A flag as it is stored. */
export interface StoredFlag {
  readonly id: string
  readonly key: string
  readonly type: string
  readonly enabled: boolean
  readonly variants: unknown
  readonly defaultVariant: string
  readonly offVariant: string
  readonly prerequisites: unknown
  readonly targeting: unknown
  readonly lockVersion: number
  readonly archivedAt: Date | null
}

/** What the flags of one tenant were at one time, ready to be evaluated: nothing of it changes any more. */
export interface FlagSet {
  readonly tenantId: string
  /** By their keys; none is archived. */
  readonly flags: ReadonlyMap<string, CompiledFlag>
}

/** One flag, ready to be evaluated. */
interface CompiledFlag {
  readonly id: string
  readonly lockVersion: number
  /** `known` is what the same evaluation has found of other flags already. */
  evaluate(context: EvaluationContext, known?: Map<string, FlagEvaluation>): FlagEvaluation
}

/**
 * Compiles the flags of one tenant once, so that their evaluation needs no parsing, no input and no output. A flag whose
 * stored definition is not valid, or whose prerequisites lead back to it, answers `PARSE_ERROR`, and the others are as
 * they should be.
 *
 * @param stored those that are archived are left out
 */
export function compileFlagSet(tenantId: string, stored: readonly StoredFlag[]): FlagSet {
  const flags = new Map<string, CompiledFlag>()
  const definitions = new Map<string, FlagDefinition>()
  const present = stored.filter(({ archivedAt }) => archivedAt === null)
  for (const flag of present) {
    const definition = definitionOf(flag)
    if (definition) definitions.set(flag.key, definition)
  }
  const unusable = unusableOf(definitions)
  for (const flag of present) {
    const definition = definitions.get(flag.key)
    const compiled =
      definition && !unusable.has(flag.key)
        ? compile(tenantId, flag, definition, (key) => flags.get(key))
        : failing(
            flag,
            'PARSE_ERROR',
            'the stored definition of the flag, or of one that it needs, is not valid',
          )
    flags.set(flag.key, compiled)
  }
  return Object.freeze({ tenantId, flags })
}

/** The result of a flag that is not there. */
export function missingFlag(flagKey: string): FlagEvaluation {
  return failure(flagKey, {}, 'FLAG_NOT_FOUND', 'there is no such flag')
}

/** A result without a value. */
export function failure(
  flagKey: string,
  flagMetadata: FlagEvaluation['flagMetadata'],
  errorCode: FlagErrorCode,
  errorMessage: string,
): FlagEvaluation {
  return Object.freeze({
    flagKey,
    reason: 'ERROR',
    flagMetadata: Object.freeze(flagMetadata),
    errorCode,
    errorMessage,
  })
}

function definitionOf(flag: StoredFlag): FlagDefinition | undefined {
  const { key, type, enabled, variants, defaultVariant, offVariant, prerequisites, targeting } = flag
  return readFlagDefinition({
    key,
    type,
    enabled,
    variants,
    defaultVariant,
    offVariant,
    prerequisites,
    targeting,
  })
}

/** Those whose prerequisites are missing, lead in a circle, or form too long a chain; and those that need them. */
function unusableOf(definitions: ReadonlyMap<string, FlagDefinition>): ReadonlySet<string> {
  const needs = (key: string): readonly string[] =>
    definitions.get(key)?.prerequisites.map(({ flag }) => flag) ?? []
  const good = new Set<string>()
  // as many rounds as a chain may be long: whatever is not good after them stands on a circle, or on nothing
  for (let round = 0; round <= longestPrerequisites; round++) {
    const before = good.size
    const grown = [...definitions.keys()].filter(
      (key) => !good.has(key) && needs(key).every((need) => good.has(need)),
    )
    for (const key of grown) good.add(key)
    if (good.size === before) break
  }
  return new Set([...definitions.keys()].filter((key) => !good.has(key)))
}

function failing(flag: StoredFlag, errorCode: FlagErrorCode, message: string): CompiledFlag {
  const result = failure(flag.key, metadataOf(flag), errorCode, message)
  return { id: flag.id, lockVersion: flag.lockVersion, evaluate: () => result }
}

function compile(
  tenantId: string,
  flag: StoredFlag,
  definition: FlagDefinition,
  find: (key: string) => CompiledFlag | undefined,
): CompiledFlag {
  const { key, type } = definition
  const metadata = metadataOf(flag)
  const values = new Map(Object.entries(definition.variants).map(([name, value]) => [name, frozen(value)]))
  // results are made once: an evaluation only chooses among them
  const resultOf = (variant: string, reason: FlagReason, more: Record<string, string> = {}): FlagEvaluation =>
    Object.freeze({
      flagKey: key,
      value: values.get(variant) ?? null,
      variant,
      type,
      reason,
      flagMetadata: Object.freeze({ ...metadata, ...more }),
    })
  const failures = new Map(
    (['TARGETING_KEY_MISSING', 'INVALID_CONTEXT', 'PARSE_ERROR'] as const).map((code) => [
      code as FlagErrorCode,
      failure(key, metadata, code, messageOf(code)),
    ]),
  )
  const server = (served: FlagServe | FlagRollout, reason: FlagReason, more: Record<string, string> = {}) => {
    if ('variant' in served) {
      const result = resultOf(served.variant, reason, more)
      return () => result
    }
    const share: ShareOf = compileRollout(tenantId, key, served)
    const results = served.rollout.map(({ variant }) => resultOf(variant, 'SPLIT', more))
    return (context: EvaluationContext): FlagEvaluation => {
      const at = share(context)
      const result = typeof at === 'number' ? results[at] : failures.get(at)
      return result ?? failure(key, metadata, 'GENERAL', 'the share of the context is not known')
    }
  }

  if (!definition.enabled) {
    const result = resultOf(definition.offVariant, 'DISABLED')
    return { id: flag.id, lockVersion: flag.lockVersion, evaluate: () => result }
  }
  const rules = (definition.targeting?.rules ?? []).map((rule, at) => ({
    tests: rule.if.map(compileCondition),
    serve: server(rule.serve, 'TARGETING_MATCH', { rule: rule.name ?? String(at) }),
  }))
  const otherwise = server(
    definition.targeting?.default ?? { variant: definition.defaultVariant },
    rules.length === 0 ? 'STATIC' : 'DEFAULT',
  )
  const prerequisites = definition.prerequisites.map((needed) => ({
    key: needed.flag,
    variants: new Set(needed.variants),
    unmet: resultOf(definition.offVariant, 'DISABLED', { prerequisite: needed.flag }),
  }))

  return {
    id: flag.id,
    lockVersion: flag.lockVersion,
    evaluate(context, known = new Map()) {
      for (const { key: needed, variants, unmet } of prerequisites) {
        // what several flags need is evaluated once, or a lattice of them would take for ever
        const result = known.get(needed) ?? find(needed)?.evaluate(context, known) ?? missingFlag(needed)
        known.set(needed, result)
        if (result.errorCode !== undefined) {
          return failure(key, metadata, result.errorCode, `the prerequisite ${needed} could not be evaluated`)
        }
        if (result.variant === undefined || !variants.has(result.variant)) return unmet
      }
      for (const { tests, serve } of rules) if (allHold(tests, context)) return serve(context)
      return otherwise(context)
    },
  }
}

function allHold(tests: readonly ContextTest[], context: EvaluationContext): boolean {
  for (const test of tests) if (!test(context)) return false
  return true
}

function metadataOf({ id, lockVersion }: StoredFlag) {
  return { flagId: id, lockVersion }
}

function messageOf(code: FlagErrorCode): string {
  if (code === 'TARGETING_KEY_MISSING') return 'the rollout needs a targetingKey in the context'
  if (code === 'INVALID_CONTEXT') {
    return 'the attribute that the rollout goes by is missing in the context, or neither a text nor a number'
  }
  return 'the weights of the rollout leave a gap'
}

/** A copy that nobody changes, all the way down. */
function frozen(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozen))
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([name, item = null]) => [name, frozen(item)])),
  )
}
