import type pg from 'pg'
import utils from 'pg/lib/utils.js'

/**
 * What is used of node-postgres once a connection is open: its parser and serializer of the protocol's messages.
 * None of it is in its published types; all of it has been there, under these names, since its version 1.
 */
export interface Protocol {
  readonly stream: {
    cork(): void
    uncork(): void
    destroy(error?: Error): void
  }
  parse(message: { readonly text: string; readonly name: string; readonly types: readonly number[] }): void
  bind(message: {
    readonly portal: string
    readonly statement: string
    readonly values: readonly unknown[]
  }): void
  describe(message: { readonly type: 'P'; readonly name: string }): void
  execute(message: { readonly portal: string; readonly rows: number }): void
  close(message: { readonly type: 'S'; readonly name: string }): void
  sync(): void
  sendCopyFail(message: string): void
  ref(): void
  unref(): void
  removeAllListeners(event: string): void
  on<Event extends keyof ProtocolEvents>(
    event: Event,
    listener: (message: ProtocolEvents[Event]) => void,
  ): void
}

/** The messages of the server that an open connection gets, as node-postgres parses them. */
export interface ProtocolEvents {
  readonly parseComplete: unknown
  readonly rowDescription: { readonly fields: readonly pg.FieldDef[] }
  readonly noData: unknown
  readonly dataRow: { readonly fields: readonly (string | null)[] }
  readonly commandComplete: { readonly text: string }
  readonly emptyQuery: unknown
  readonly portalSuspended: unknown
  readonly copyInResponse: unknown
  readonly copyData: unknown
  readonly errorMessage: pg.DatabaseError
  readonly readyForQuery: { readonly status: TransactionStatus }
}

/** The server's word at the end of an exchange: idle, in a transaction, or in one that has failed. */
export type TransactionStatus = 'I' | 'T' | 'E'

/** What of an open client is needed beside its published types. */
export interface OpenClient {
  readonly connection: Protocol
  readonly processID: number | null
  readonly secretKey: number | null
  readonly host: string
  readonly port: number
}

/** How node-postgres writes a JavaScript value as the text of a parameter. */
export const prepareValue: (value: unknown) => string | Buffer | null = utils.prepareValue
