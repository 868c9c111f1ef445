import pg from 'pg'
import { type Companions, ContextQuery } from './context-query.ts'

/** The outcome of a query, and whether its connection may be used again. */
export interface QueryOutcome {
  readonly result: pg.QueryArrayResult
  readonly contextWasLeftBehind: boolean
}

/** Sends a query with its companions on a connection that the caller holds. */
export function runQuery(
  client: pg.ClientBase,
  config: pg.QueryConfig,
  companions: Companions = {},
): Promise<QueryOutcome> {
  return new Promise((resolve, reject) => {
    const query = new ContextQuery(config, companions, (error, result) => {
      if (error) reject(error)
      else resolve({ result, contextWasLeftBehind: query.contextWasLeftBehind })
    })
    client.query(query)
  })
}

/**
 * Whether a connection must not be lent again: it is in the middle of a transaction that nobody will end.
 * `null` is a connection that has not run anything yet.
 */
export function isMidTransaction(client: pg.ClientBase): boolean {
  const status = client.getTransactionStatus()
  return status !== null && status !== 'I'
}

/**
 * Whether an error took the connection with it: it came from the socket and not from the server, or the
 * server said that it ends the session (classes 08 and 57P: a terminated backend, a shutdown).
 */
export function endsConnection(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true
  const { code = '', severity } = error
  return /^(08|57P)/.test(code) || severity === 'FATAL' || severity === 'PANIC'
}
