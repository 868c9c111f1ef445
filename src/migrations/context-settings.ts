import { type ContextKey, contextKeyVariable, parseContextKey } from '../context/context-key.ts'
import { TenancyError } from '../errors.ts'

/** Where the key that was signed with before is looked up, while it is being replaced. */
export const previousKeyVariable = `${contextKeyVariable}_PREVIOUS`

/** How {@link runMigrations} treats the signing of contexts. */
export interface ContextOptions {
  /** The key that contexts are signed with from now on. `DOUBLEHULL_CONTEXT_KEY` unless told; empty for none. */
  readonly key?: string
  /** Another one that is still believed. `DOUBLEHULL_CONTEXT_KEY_PREVIOUS` unless told; empty for none. */
  readonly previousKey?: string
  /** Switches signing off: forgets all keys, and believes contexts without a signature. Default `false`. */
  readonly unsigned?: boolean
}

/** {@link ContextOptions} that have been checked: the keys to have, `[]` for none, or `keep` as it is. */
export type ContextSettings = readonly ContextKey[] | 'keep'

/**
 * Checks what is asked for and completes it from the environment.
 *
 * @param environment where the keys are looked up; an empty variable counts as not set
 * @returns the keys, the one to sign with first; none where signing is switched off
 * @throws {TenancyError} `DH408` for a malformed key, a previous key without a present one, and a key together with
 *   `unsigned`
 *
 * @example
 * ```ts
 * const settings = parseContextOptions({ unsigned: true }, process.env)
 * ```
 */
export function parseContextOptions(
  { key, previousKey, unsigned = false }: ContextOptions,
  environment: Readonly<Record<string, string | undefined>>,
): ContextSettings {
  const text = key ?? environment[contextKeyVariable]
  const previousText = previousKey ?? environment[previousKeyVariable]
  if (unsigned) {
    if (!text && !previousText) return []
    throw new TenancyError(
      'DH408',
      `signing is to be switched off, but a key is set; take ${contextKeyVariable} and ${previousKeyVariable} out of the environment first`,
    )
  }
  if (!text) {
    if (!previousText) return 'keep'
    throw new TenancyError(
      'DH408',
      `${previousKeyVariable} is set without ${contextKeyVariable}; the key to sign with is missing`,
    )
  }
  const present = parseContextKey(text, key === undefined ? contextKeyVariable : 'context.key')
  if (!previousText) return [present]
  const previous = parseContextKey(
    previousText,
    previousKey === undefined ? previousKeyVariable : 'context.previousKey',
  )
  return present.secret.equals(previous.secret) ? [present] : [present, previous]
}
