import type { JsonValue } from '../json-content.ts'
import type { FlagType } from './flag-definition.ts'

/** Whom a flag is evaluated for: attributes by name, which rules read along dotted paths. */
export interface EvaluationContext {
  /** Who or what is put into the shares of a rollout: the id of a user or of a device, as a rule. */
  readonly targetingKey?: string | undefined
  readonly [attribute: string]: unknown
}

/**
 * Why a value was served, in OpenFeature's words: `STATIC` without a rule, `TARGETING_MATCH` by a rule, `SPLIT` by a
 * rollout, `DEFAULT` where no rule matched, `DISABLED` where the flag is off or a prerequisite is not met, `STALE`
 * where changes may have been missed (the reason it would be else is in the metadata), `ERROR` with an error code.
 */
export type FlagReason = 'STATIC' | 'TARGETING_MATCH' | 'SPLIT' | 'DEFAULT' | 'DISABLED' | 'STALE' | 'ERROR'

/**
 * Why none was, in OpenFeature's words: there is no such flag; its definition, or one that it needs, is not valid; a
 * rollout needs a targeting key, or another attribute, that the context has not; anything else.
 */
export type FlagErrorCode =
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'GENERAL'

/** What a flag is for somebody. Frozen, as is all in it. */
export interface FlagEvaluation {
  readonly flagKey: string
  /** None where there is an error code: the caller's own default counts then. */
  readonly value?: JsonValue
  /** The name of the variant that the value is of. */
  readonly variant?: string
  /** What the value is; none where the flag was not found or not read. */
  readonly type?: FlagType
  readonly reason: FlagReason
  /**
   * `flagId` and `lockVersion` say which state of the flag it was; `rule` which rule matched; `prerequisite` which one
   * was not met; `staleReason` what the reason would be if it were not `STALE`.
   */
  readonly flagMetadata: Readonly<Record<string, string | number | boolean>>
  readonly errorCode?: FlagErrorCode
  /** Names attributes and flags, and no value. */
  readonly errorMessage?: string
}
