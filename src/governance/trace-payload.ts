/** JSON as Prisma takes it, and never null at the top: nothing is stored then. */
export type TracePayload = string | number | boolean | object

/** The most that one payload takes, as PostgreSQL writes it: 16 KiB. The database refuses more. */
const maxBytes = 16_384
const maxDepth = 100
/** How much of what was too large is kept, in characters. */
const keptStart = 1_000

/**
 * What of a payload is stored. A trace never fails the work that it tells of: what is too large, too deep or no JSON
 * becomes a marker, and what PostgreSQL can't store in a text, NUL or half of a surrogate pair, becomes U+FFFD.
 *
 * @returns a copy, or undefined where there is nothing to store
 */
export function boundedPayload(payload: unknown): TracePayload | undefined {
  let json: string | undefined
  try {
    json = JSON.stringify(payload, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  } catch {
    // it refers to itself, or a toJSON of its own failed
    return { $unserializable: true }
  }
  if (json === undefined || json === 'null') return undefined
  const text = storable(json)
  if (isTooLarge(text)) return marker(json)
  return JSON.parse(text) as TracePayload
}

/** What stands for a payload that is left out. */
function marker(json: string): TracePayload {
  return {
    $truncated: true,
    bytes: Buffer.byteLength(json),
    start: json.slice(0, keptStart).replace(/\p{Surrogate}/gu, '\uFFFD'),
  }
}

// JSON.stringify writes a whole surrogate pair as it is, and half of one as an escape
function storable(json: string): string {
  return json.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g, (escape) =>
    escape.length === 6 && /^\\u(?:0000|d)/.test(escape) ? '\uFFFD' : escape,
  )
}

/** PostgreSQL puts a space behind each colon and comma, and writes numbers without an exponent. */
function isTooLarge(json: string): boolean {
  let bytes = Buffer.byteLength(json)
  let depth = 0
  if (bytes > maxBytes) return true
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|[[\]{},:]/g)) {
    if (token === ',' || token === ':') bytes += 1
    else if (token === '[' || token === '{') depth += 1
    else if (token === ']' || token === '}') depth -= 1
    else if (!token.startsWith('"')) bytes += Math.abs(Number(token.split('e')[1] ?? 0)) + 3
    if (bytes > maxBytes || depth > maxDepth) return true
  }
  return false
}
