/**
 * Where a request came from, for the audit events of its changes. The request says so itself: what is too long is cut
 * off, and what PostgreSQL can't keep is replaced, so that no request escapes the record by what it says of itself.
 */
export interface RequestOrigin {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** Of each thing that a request says of itself, so many characters are recorded. */
const longest = 500

/** What an audit event says of the request; only what is known, and only what can be recorded. */
export function auditContextOf(
  { ip, userAgent }: RequestOrigin,
  requestId: string | undefined,
): Record<string, string> {
  return {
    ...(ip === undefined ? {} : { ip: recordable(ip) }),
    ...(userAgent === undefined ? {} : { userAgent: recordable(userAgent) }),
    ...(requestId === undefined ? {} : { requestId: recordable(requestId) }),
  }
}

// jsonb keeps neither the character 0 nor half of a surrogate pair
function recordable(text: string): string {
  return text.slice(0, longest).replace(/[\0\p{Surrogate}]/gu, '\ufffd')
}
