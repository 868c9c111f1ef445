/**
 * Where a request came from, for the audit events of its changes. The request says so itself: what is too long is cut
 * off, and what PostgreSQL can't keep is replaced, so that no request escapes the record by what it says of itself.
 */
export interface RequestOrigin {
  readonly ip?: string
  readonly userAgent?: string
}

/** Of each thing that a request says of itself, so many characters are recorded. */
const longest = 500

/** What of it an audit event holds: jsonb keeps neither the character 0 nor half of a surrogate pair. */
export function recordable(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => [
      name,
      text.slice(0, longest).replace(/[\0\p{Surrogate}]/gu, '\ufffd'),
    ]),
  )
}
