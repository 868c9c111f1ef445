// The types of a prepared statement's parameters stay what they were when it was parsed. Where a migration has given
// a column another type, the comparison has no operator any more, which a statement that is parsed anew would have.
const mistypes: ReadonlySet<unknown> = new Set(['42725', '42804', '42846', '42883'])
const mistyped = new WeakSet<object>()

/** Notes that an error is that of a statement which an earlier exchange had prepared. */
export function noteReused(error: object): void {
  if ('code' in error && mistypes.has(error.code)) mistyped.add(error)
}

/** Whether an error says that a prepared statement does not fit the database any more. */
export function isOutdated(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, routine } = error as { readonly code?: unknown; readonly routine?: unknown }
  // its message depends on the server's language
  return (code === '0A000' && routine === 'RevalidateCachedQuery') || mistyped.has(error)
}

/** Whether an error says that a prepared statement is unknown or out of date. */
export function isUnprepared(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === '26000' || isOutdated(error)
}
