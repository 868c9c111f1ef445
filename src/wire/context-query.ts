import pg from 'pg'
import type { TenantContext } from '../context/tenant-context.ts'

/** A statement that travels ahead of a query, under the same Sync; its rows are not the query's. */
export interface Prelude {
  readonly text: string
  readonly values: readonly (string | null)[]
}

/**
 * The statement that sets the context for one transaction. It first reads what an earlier user of the
 * connection may have left behind: a local setting is gone with its transaction, so anything there was set
 * for the session.
 */
export function contextPrelude(context: TenantContext): Prelude {
  return {
    text: `select pg_catalog.current_setting('app.tenant_id', true), pg_catalog.set_config('app.tenant_id', $1, true), pg_catalog.set_config('app.user_id', $2, true)`,
    values: [context.tenantId, context.userId ?? ''],
  }
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
}

interface ProtocolQuery {
  prepare(connection: ProtocolConnection): void
  handleDataRow(message: { readonly fields: readonly unknown[] }): void
  handleCommandComplete(message: unknown, connection: ProtocolConnection): void
}

// the methods are node-postgres's own, unchanged since 2010, but missing from its published types
const protocolQuery = pg.Query.prototype as unknown as ProtocolQuery

/**
 * A query that takes its preludes with it: Parse, Bind, Execute of each prelude and then of the query, and
 * one Sync at the end. PostgreSQL treats all of it as one implicit transaction, so a context that is set
 * locally holds for exactly this query, and it costs one round trip.
 *
 * Invariant: the query never runs without its preludes. If one of them fails, PostgreSQL skips everything up
 * to the Sync. It always uses the extended protocol, in which stacked SQL is a syntax error (42601).
 *
 * What it does not do: keep the query itself from changing `app.tenant_id`. Only a signed context does.
 */
export class ContextQuery extends pg.Query {
  readonly #preludes: readonly Prelude[]
  #preludesLeft: number
  /** Set when the connection came with a tenant that an earlier user had set for the whole session. */
  contextWasLeftBehind = false

  constructor(config: pg.QueryConfig, preludes: readonly Prelude[], callback: QueryCallback) {
    super(config, config.values, callback as never)
    this.#preludes = preludes
    this.#preludesLeft = preludes.length
  }

  requiresPreparation(): boolean {
    return true
  }

  prepare(connection: ProtocolConnection): void {
    for (const { text, values } of this.#preludes) {
      connection.parse({ text, name: '', types: [] })
      connection.bind({ portal: '', statement: '', values })
      connection.execute({ portal: '', rows: 0 })
    }
    protocolQuery.prepare.call(this, connection)
  }

  handleDataRow(message: { readonly fields: readonly unknown[] }): void {
    if (this.#preludesLeft === 0) {
      protocolQuery.handleDataRow.call(this, message)
    } else if (message.fields[0] !== null && message.fields[0] !== '') {
      this.contextWasLeftBehind = true
    }
  }

  handleCommandComplete(message: unknown, connection: ProtocolConnection): void {
    if (this.#preludesLeft > 0) this.#preludesLeft--
    else protocolQuery.handleCommandComplete.call(this, message, connection)
  }
}

export type QueryCallback = (error: Error | null | undefined, result: pg.QueryArrayResult) => void
