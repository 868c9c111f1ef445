/** What JSON can carry, without numbers that JavaScript writes with an exponent. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined }

/**
 * JSON as PostgreSQL writes a `jsonb`: keys by their length and then by their bytes, blanks behind commas and colons.
 * Hashes are over this text, so a row that is loaded has the hash that the database would have computed.
 */
export function jsonbText(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(jsonbText).join(', ')}]`
  const keys = Object.keys(value).filter((key) => value[key] !== undefined)
  keys.sort(byLengthAndBytes)
  return `{${keys.map((key) => `${JSON.stringify(key)}: ${jsonbText(value[key] ?? null)}`).join(', ')}}`
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value)
}

function byLengthAndBytes(a: string, b: string): number {
  const [first, second] = [Buffer.byteLength(a), Buffer.byteLength(b)]
  if (first !== second) return first - second
  // code units are in the order of bytes where both are ASCII
  if (first === a.length && second === b.length) return a < b ? -1 : Number(a > b)
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
