/**
 * Whether an operation failed because its connection was lost, or because it met another in a deadlock, in any of the ways that Prisma, node-postgres,
 * Node, PostgreSQL and PgBouncer have of saying so. Such an operation is neither right nor wrong: nobody
 * promised it an answer. Anything else that fails is a finding.
 */
export function isInterruption(error: unknown): boolean {
  return everythingSaidBy(error).some((word) => lostConnection.test(word))
}

const lostConnection = new RegExp(
  [
    // the package's own words for it; DH106 is also an answer that was not the operation's, and that is a finding
    '^DH106: the connection was lost',
    '^DH106: no connection to the server could be opened',
    // and for an operation beside it, in the same turn of a transaction
    '^DH105: the operation was not run',
    // SQLSTATEs: connection exceptions; terminated by an administrator, crash, not yet accepting
    '^08...$',
    '^57P0[123]$',
    // Prisma: server unreachable, connection closed
    '^P1001$',
    '^P1017$',
    '^(ECONNRESET|ECONNREFUSED|EPIPE)$',
    // node-postgres, of a connection that ended under it
    'Connection terminated',
    'not queryable',
    // two transactions that changed a flag and a package in opposite orders, of which PostgreSQL ended one
    '^P2034$',
    // PgBouncer, of a server connection that ended under it
    'server conn crashed',
    'server_login_retry|server login has been failing',
  ].join('|'),
)

/** Codes and messages of an error, of what it came from, and of what Prisma keeps of its driver's. */
function everythingSaidBy(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []
  const { code, message, originalCode, originalMessage, kind, cause, meta, driverAdapterError } =
    error as Record<string, unknown>
  const own = [code, message, originalCode, originalMessage, kind].filter((word) => typeof word === 'string')
  return [...own, ...[cause, meta, driverAdapterError].flatMap((part) => everythingSaidBy(part, depth + 1))]
}
