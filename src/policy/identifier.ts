/**
 * The only file that quotes. Invariant: what comes out names exactly what went in, whatever the text and
 * whatever the settings of the session that reads it. It does not protect against naming the wrong object.
 */
import { TenancyError } from '../errors.ts'

/** Bytes that PostgreSQL keeps of a name (`NAMEDATALEN - 1`). It cuts longer ones off with a mere notice. */
const maximumBytes = 63

/**
 * Quotes a name of a schema, table, column, role or policy.
 *
 * @param name the name as the catalog has it, 1 to 63 bytes of UTF-8
 * @returns the name in double quotes
 * @throws {TenancyError} `DH304` when PostgreSQL could not hold the name as it is
 *
 * @example
 * ```ts
 * quoteIdentifier('Order') // "Order"
 * ```
 */
export function quoteIdentifier(name: string): string {
  const fault = identifierFault(name)
  if (fault !== undefined) throw new TenancyError('DH304', `a database object's name ${fault}`)
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * What keeps PostgreSQL from holding a name as it is: the end of a sentence that begins with the name's
 * purpose, or `undefined` for a good name.
 */
export function identifierFault(name: string): string | undefined {
  if (name === '') return 'is empty'
  const fault = textFault(name)
  if (fault !== undefined) return fault
  // two names that differ only behind the 63rd byte would be one object
  return Buffer.byteLength(name) > maximumBytes ? `is longer than ${maximumBytes} bytes` : undefined
}

/**
 * A name out of longer parts, cut off at PostgreSQL's 63 bytes before its ending, as Prisma does, and never inside a
 * character.
 */
export function fittedName(plain: string, ending: string): string {
  let text = plain
  while (Buffer.byteLength(text + ending) > maximumBytes) text = Array.from(text).slice(0, -1).join('')
  return text + ending
}

/**
 * Quotes a text for the few places where SQL takes no parameter, such as `alter role … password`.
 *
 * @param text any text that PostgreSQL can store
 * @returns the text as a string constant that reads the same whatever `standard_conforming_strings` says
 * @throws {TenancyError} `DH304` when PostgreSQL could not hold the text as it is
 *
 * @example
 * ```ts
 * quoteLiteral("it's") // 'it''s'
 * ```
 */
export function quoteLiteral(text: string): string {
  const fault = textFault(text)
  if (fault !== undefined) throw new TenancyError('DH304', `a text constant ${fault}`)
  const quoted = `'${text.replaceAll("'", "''")}'`
  // a backslash means itself or an escape, depending on the session; in an E string always an escape
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/**
 * Quotes a name together with its schema, so that no `search_path` decides which object is meant.
 *
 * @throws {TenancyError} `DH304` as {@link quoteIdentifier}
 *
 * @example
 * ```ts
 * qualified('governance', 'packages') // "governance"."packages"
 * ```
 */
export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

function textFault(text: string): string | undefined {
  // PostgreSQL reads a text up to its first NUL, whatever follows
  if (text.includes('\0')) return 'contains a NUL character'
  // half of a surrogate pair has no UTF-8: it would arrive as U+FFFD, which is another text
  return /\p{Surrogate}/u.test(text) ? 'contains half of a surrogate pair' : undefined
}
