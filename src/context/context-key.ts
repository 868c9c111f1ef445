import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import { TenancyError } from '../errors.ts'

/** Where a process looks for the key that it signs contexts with. */
export const contextKeyVariable = 'DOUBLEHULL_CONTEXT_KEY'

const brand: unique symbol = Symbol('ContextKey')

/** A key that has been parsed. It holds its bytes in a form that no log prints. */
export interface ContextKey {
  /** What the database looks it up by: the first 8 hexadecimal digits of the key's sha256. */
  readonly id: string
  readonly secret: KeyObject
  readonly [brand]: true
}

const hex = /^(?:[0-9a-f]{2}){32,}$/i
const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/
const leastBytes = 32
/** Of 32 bytes at random, all but one in 10^40 have more different ones than this. */
const fewestDifferent = 8

/**
 * Parses a key that contexts are signed with.
 *
 * @param text 32 bytes or more, at random, as hexadecimal digits, base64 or base64url: `openssl rand -base64 32`
 * @param source what the text is called, for the error
 * @throws {TenancyError} `DH408` for another form, fewer bytes, or a key that nobody drew at random
 *
 * @example
 * ```ts
 * const key = parseContextKey(process.env['DOUBLEHULL_CONTEXT_KEY'] ?? '', 'DOUBLEHULL_CONTEXT_KEY')
 * ```
 */
export function parseContextKey(text: string, source: string): ContextKey {
  const bytes = bytesOf(text.trim())
  const fault =
    bytes === undefined
      ? 'is neither hexadecimal nor base64'
      : bytes.length < leastBytes
        ? `has fewer than ${leastBytes} bytes`
        : new Set(bytes).size < fewestDifferent
          ? 'was not drawn at random'
          : undefined
  if (bytes === undefined || fault !== undefined) {
    throw new TenancyError('DH408', `${source} ${fault}; make one with: openssl rand -base64 32`)
  }
  return {
    id: createHash('sha256').update(bytes).digest('hex').slice(0, 8),
    secret: createSecretKey(bytes),
    [brand]: true,
  }
}

/** What is hexadecimal is read as that, though it would be base64 too: both sides read it with this. */
function bytesOf(text: string): Buffer | undefined {
  if (hex.test(text)) return Buffer.from(text, 'hex')
  return base64.test(text) ? Buffer.from(text, 'base64') : undefined
}
