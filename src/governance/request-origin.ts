/** Where a request came from, for the audit events of its changes. */
export interface RequestOrigin {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** What an audit event says of the request; only what is known. */
export function auditContextOf(
  { ip, userAgent }: RequestOrigin,
  requestId: string | undefined,
): Record<string, string> {
  return {
    ...(ip === undefined ? {} : { ip }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}
