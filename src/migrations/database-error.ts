/**
 * What may be told of an error that PostgreSQL raised. Invariant: no value of a row enters a message.
 * PostgreSQL quotes values in its details and, where data is read or converted, in its primary messages too;
 * the original stays reachable as `cause`, for a debugger and not for a log.
 */
import { DatabaseError } from 'pg'

/** The SQLSTATE of an error, or `undefined` when PostgreSQL did not raise it. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined
}

/**
 * Whether the session is gone: the error is no answer of PostgreSQL, or its last one.
 * Classes 08 (connection), 57P01 to 57P05 (shutdown, crash, idle session).
 */
export function isConnectionLost(error: unknown): boolean {
  const sqlState = sqlStateOf(error)
  return sqlState === undefined || sqlState.startsWith('08') || sqlState.startsWith('57P')
}

/**
 * Classes whose primary message names objects, never values: 0A feature not supported, 0L grantor,
 * 23 integrity constraint, 25 transaction state, 28 login, 2B and 2D dependencies and termination, 3D and 3F
 * catalog and schema names, 42 syntax and access rules, 53 resources, 55 object state.
 */
const classesWithoutValues = new Set(['0A', '0L', '23', '25', '28', '2B', '2D', '3D', '3F', '42', '53', '55'])

/**
 * An error of PostgreSQL in words that hold no value: severity, SQLSTATE, and the primary message or, where
 * that could quote a value, the names of the objects.
 *
 * @example
 * ```ts
 * describeDatabaseError(error) // 'ERROR 42P01: relation "orders" does not exist'
 * ```
 */
export function describeDatabaseError(error: unknown): string {
  if (!(error instanceof DatabaseError)) return 'no answer from PostgreSQL'
  const sqlState = error.code ?? '?????'
  // with a context, a function or a COPY raised it, and may have put anything into the message
  const safe = error.where === undefined && classesWithoutValues.has(sqlState.slice(0, 2))
  const objects = [
    ['schema', error.schema],
    ['table', error.table],
    ['column', error.column],
    ['type', error.dataType],
    ['constraint', error.constraint],
  ].flatMap(([kind, name]) => (name === undefined ? [] : [`${kind} ${name}`]))
  const what = safe ? error.message : objects.join(', ')
  return `${error.severity ?? 'ERROR'} ${sqlState}${what === '' ? '' : `: ${what}`}`
}

/**
 * The line of a text at which an error of its query lies, counted from 1.
 *
 * @param sql the whole text of the query that failed
 */
export function errorLine(error: unknown, sql: string): number | undefined {
  if (!(error instanceof DatabaseError) || error.position === undefined) return undefined
  // PostgreSQL counts characters from 1, JavaScript counts UTF-16 units
  const before = Array.from(sql)
    .slice(0, Number(error.position) - 1)
    .join('')
  return before.split('\n').length
}
