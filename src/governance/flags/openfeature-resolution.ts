import { ErrorCode, type JsonValue, type ResolutionDetails } from '@openfeature/server-sdk'
import type { FlagType } from './flag-definition.ts'
import type { FlagEvaluation } from './flag-evaluation.ts'

/**
 * An evaluation in OpenFeature's form. That a flag is of the type that is asked for is checked here: the SDK trusts
 * its provider with that. Values of objects are frozen, for all who evaluate the flag share them.
 *
 * @param defaultValue the caller's, which counts where there is no value
 */
export function resolutionOf<Value extends JsonValue>(
  evaluation: FlagEvaluation,
  type: FlagType,
  defaultValue: Value,
): ResolutionDetails<Value> {
  const { flagKey, value, variant, reason, flagMetadata } = evaluation
  if (evaluation.errorCode === 'FLAG_NOT_FOUND') {
    return withoutValue(defaultValue, ErrorCode.FLAG_NOT_FOUND, `flag ${flagKey} not found`)
  }
  if (evaluation.errorCode !== undefined) {
    const message = evaluation.errorMessage ?? 'the flag could not be evaluated'
    return { ...withoutValue(defaultValue, ErrorCode[evaluation.errorCode], message), flagMetadata }
  }
  if (evaluation.type !== type) {
    const message = `flag ${flagKey} is of the type ${evaluation.type}, and not ${type}`
    return { ...withoutValue(defaultValue, ErrorCode.TYPE_MISMATCH, message), flagMetadata }
  }
  return {
    value: value as Value,
    reason,
    flagMetadata,
    ...(variant === undefined ? {} : { variant }),
  }
}

function withoutValue<Value>(
  value: Value,
  errorCode: ErrorCode,
  errorMessage: string,
): ResolutionDetails<Value> {
  return { value, reason: 'ERROR', errorCode, errorMessage }
}
