import pg from 'pg'
import type { TenantContext } from '../context/tenant-context.ts'

/** A statement that travels with a query, under the same Sync; its rows are not the query's. */
export interface Companion {
  readonly text: string
  readonly values: readonly (string | null)[]
}

/**
 * The statement that sets the context for one transaction. It first reads what an earlier user of the
 * connection may have left behind: a local setting is gone with its transaction, so anything there was set
 * for the session.
 */
export function contextCompanion(context: TenantContext): Companion {
  return {
    text: `select pg_catalog.current_setting('app.tenant_id', true), pg_catalog.set_config('app.tenant_id', $1, true), pg_catalog.set_config('app.user_id', $2, true)`,
    values: [context.tenantId, context.userId ?? ''],
  }
}

/**
 * The statement that takes away a context that somebody's SQL set for the whole session. It goes behind raw SQL
 * and behind the end of a transaction; not before, for triggers that are deferred to the end need the context.
 * Destroying the connection would not be enough behind a pooler, which keeps the server's end of it for the next
 * client.
 */
export const contextReset: Companion = {
  text: `select pg_catalog.set_config('app.tenant_id', '', false), pg_catalog.set_config('app.user_id', '', false)`,
  values: [],
}

/** What node-postgres's query uses of its connection; its types don't describe it. */
interface ProtocolConnection {
  parse(message: { readonly text: string; readonly name: string; readonly types: readonly number[] }): void
  bind(message: {
    readonly portal: string
    readonly statement: string
    readonly values: readonly unknown[]
  }): void
  execute(message: { readonly portal: string; readonly rows: number }): void
  sync(): void
  sendCopyFail(message: string): void
}

interface ProtocolQuery {
  prepare(connection: ProtocolConnection): void
  handleDataRow(message: { readonly fields: readonly unknown[] }): void
  handleCommandComplete(message: unknown, connection: ProtocolConnection): void
}

// the methods are node-postgres's own, unchanged since 2010, but missing from its published types
const protocolQuery = pg.Query.prototype as unknown as ProtocolQuery

/** What goes with a query. */
export interface Companions {
  readonly before?: readonly Companion[]
  readonly after?: readonly Companion[]
}

/**
 * A query that takes its companions with it: Parse, Bind, Execute of each one before it, then of the query, then
 * of each one behind it, and one Sync at the end. PostgreSQL treats all of it as one implicit transaction, so a
 * context that is set locally holds for exactly this query, and it costs one round trip.
 *
 * Invariant: the query never runs without what goes before it, and nothing of it stays without what goes behind:
 * if any of them fails, PostgreSQL skips everything up to the Sync and undoes the rest. It always uses the
 * extended protocol, in which stacked SQL is a syntax error (42601).
 *
 * What it does not do: keep the query itself from changing `app.tenant_id`. Only a signed context does.
 */
export class ContextQuery extends pg.Query {
  readonly #before: readonly Companion[]
  readonly #after: readonly Companion[]
  #stage: 'before' | 'query' | 'after'
  #beforeLeft: number
  /** Set when the connection came with a tenant that an earlier user had set for the whole session. */
  contextWasLeftBehind = false

  constructor(config: pg.QueryConfig, { before = [], after = [] }: Companions, callback: QueryCallback) {
    super(config, config.values, callback as never)
    this.#before = before
    this.#after = after
    this.#beforeLeft = before.length
    this.#stage = before.length > 0 ? 'before' : 'query'
  }

  requiresPreparation(): boolean {
    return true
  }

  prepare(connection: ProtocolConnection): void {
    for (const companion of this.#before) send(connection, companion)
    // ends with _getRows
    protocolQuery.prepare.call(this, connection)
  }

  _getRows(connection: ProtocolConnection): void {
    connection.execute({ portal: '', rows: 0 })
    for (const companion of this.#after) send(connection, companion)
    connection.sync()
  }

  handleDataRow(message: { readonly fields: readonly unknown[] }): void {
    if (this.#stage === 'query') {
      protocolQuery.handleDataRow.call(this, message)
    } else if (this.#stage === 'before' && message.fields[0] !== null && message.fields[0] !== '') {
      this.contextWasLeftBehind = true
    }
  }

  handleCommandComplete(message: unknown, connection: ProtocolConnection): void {
    if (this.#stage === 'before') {
      this.#beforeLeft--
      if (this.#beforeLeft === 0) this.#stage = 'query'
    } else if (this.#stage === 'query') {
      this.#stage = 'after'
      protocolQuery.handleCommandComplete.call(this, message, connection)
    }
  }

  handleCopyInResponse(connection: ProtocolConnection): void {
    connection.sendCopyFail('COPY FROM STDIN has no source here')
    // while it waits for data the server ignores a Sync, the one that was sent included
    if (this.#after.length === 0) connection.sync()
  }

  handleEmptyQuery(): void {
    this.#stage = 'after'
  }
}

function send(connection: ProtocolConnection, { text, values }: Companion): void {
  connection.parse({ text, name: '', types: [] })
  connection.bind({ portal: '', statement: '', values })
  connection.execute({ portal: '', rows: 0 })
}

export type QueryCallback = (error: Error | null | undefined, result: pg.QueryArrayResult) => void
