import pg from 'pg'
import { TenancyError } from '../errors.ts'
import { type Answer, Exchange, type ExchangePlan } from './exchange.ts'
import type { OpenClient, Protocol, ProtocolEvents, TransactionStatus } from './node-postgres.ts'
import { StatementCache } from './statement-cache.ts'

export interface ConnectionOptions {
  /** How node-postgres opens it. */
  readonly client: pg.ClientConfig
  /**
   * Most statements to keep prepared. Unless told, 100 on a connection to PostgreSQL itself, and none through a
   * pooler, which may give each transaction another server connection.
   */
  readonly statementCacheSize?: number
  /**
   * Most exchanges that may be under way at once. Unless told, 16 on a connection to PostgreSQL itself, and 1
   * through a pooler.
   */
  readonly pipelineDepth?: number
}

/**
 * An open connection. node-postgres opens it, logs in and speaks the protocol; what is asked over it is an
 * {@link Exchange}, and several may be under way: each ends with a Sync, so an error stays with its own, and the
 * answers come in the order of the questions.
 *
 * Invariant: an exchange is settled when the server is ready for the next, errors too, so that
 * {@link Connection.status} is then the server's last word. When the connection is lost, everything that was
 * under way fails with `DH106`, and nothing else does.
 */
export class Connection {
  pipelineDepth = 1
  /** What the server said at the end of the last exchange. */
  status: TransactionStatus = 'I'
  /** Nothing more can be asked. */
  isLost = false
  /** The next user must not get it. */
  mustRetire = false
  /** When it last had nothing to do, by `performance.now()`. */
  idleSince = performance.now()
  readonly #client: pg.Client
  readonly #protocol: Protocol
  readonly #options: ConnectionOptions
  #statements = new StatementCache(0)
  readonly #underWay: Exchange[] = []
  /** Since when the first of them is the next to be answered. */
  #dueSince = 0
  #isOwned = false
  #isCorked = false
  #isGone = false
  #fatal: unknown
  #onLost: () => void = () => {}

  private constructor(client: pg.Client, options: ConnectionOptions) {
    this.#client = client
    this.#options = options
    this.#protocol = (client as unknown as OpenClient).connection
    this.#listen()
  }

  /** @throws what node-postgres throws where the server can't be reached or refuses the login */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const client = new pg.Client(options.client)
    // until the connection is listened to, an error without a listener would end the process
    client.on('error', () => {})
    await client.connect()
    const connection = new Connection(client, options)
    const { connectionTimeoutMillis } = options.client
    const timer = connectionTimeoutMillis
      ? setTimeout(() => connection.destroy(), connectionTimeoutMillis)
      : undefined
    try {
      await connection.#lookForPooler()
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
    return connection
  }

  /**
   * A pooler that hands out server connections has process ids of its own: the id that came with the log-in is
   * then not the one that the server has.
   */
  async #lookForPooler(): Promise<void> {
    const { processID } = this.#client as unknown as OpenClient
    const { result } = await this.ask({ query: { text: 'select pg_catalog.pg_backend_pid()', values: [] } })
    const isPooled = Number(result.rows[0]?.[0]) !== processID
    this.#statements = new StatementCache(this.#options.statementCacheSize ?? (isPooled ? 0 : 100))
    this.pipelineDepth = this.#options.pipelineDepth ?? (isPooled ? 1 : 16)
  }

  /** How many exchanges are under way. */
  get load(): number {
    return this.#underWay.length
  }

  /** For how long an exchange has been the next to be answered, in milliseconds; 0 for none. */
  get waitedFor(): number {
    return this.#underWay.length > 0 ? performance.now() - this.#dueSince : 0
  }

  /**
   * Whether a transaction has it for itself. It then keeps the process alive, as one that waits for an answer does;
   * one that does nothing keeps nothing alive.
   */
  get isOwned(): boolean {
    return this.#isOwned
  }

  set isOwned(isOwned: boolean) {
    this.#isOwned = isOwned
    this.#keepAlive()
  }

  #keepAlive(): void {
    if (this.#isOwned || this.#underWay.length > 0) this.#protocol.ref()
    else this.#protocol.unref()
  }

  set onLost(listener: () => void) {
    this.#onLost = listener
  }

  /**
   * Sends a query with what goes with it.
   *
   * @throws {TenancyError} `DH106` when the connection is lost before the answer comes
   */
  ask(plan: ExchangePlan): Promise<Answer> {
    if (this.isLost) return Promise.reject(lost(this.#fatal))
    const exchange = new Exchange(plan)
    this.#underWay.push(exchange)
    if (this.#underWay.length === 1) {
      this.#dueSince = performance.now()
      this.#keepAlive()
    }
    this.#cork()
    exchange.send(this.#protocol, this.#statements)
    return exchange.answer
  }

  /** What is asked in one turn of the event loop leaves in one packet. */
  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#protocol.stream.cork()
    process.nextTick(() => {
      this.#isCorked = false
      this.#protocol.stream.uncork()
    })
  }

  /** Forgets what is prepared: it has turned out not to be on the server. */
  forgetStatements(): void {
    this.#statements.clear()
  }

  /** Asks the server, over another connection, to stop what it is doing on this one. */
  cancel(): void {
    const { host, port, processID, secretKey } = this.#client as unknown as OpenClient
    if (this.isLost || processID === null || secretKey === null) return
    cancelRequest({ ...this.#options.client, host, port }, processID, secretKey)
  }

  /** Takes leave of the server. Only where nothing is under way. */
  close(): void {
    if (this.isLost) return
    this.isLost = true
    this.#client.end().catch(() => {})
  }

  /** Ends the connection at once; what is under way fails. */
  destroy(): void {
    this.#protocol.stream.destroy()
    this.#lose(undefined)
  }

  #listen(): void {
    const head = (): Exchange | undefined => this.#underWay[0]
    const listeners: { [Event in keyof ProtocolEvents]: (message: ProtocolEvents[Event]) => void } = {
      parseComplete: () => head()?.onParseComplete(),
      rowDescription: ({ fields }) => head()?.onRowDescription(fields),
      noData: () => head()?.onRowDescription([]),
      dataRow: ({ fields }) => head()?.onDataRow(fields),
      commandComplete: ({ text }) => head()?.onCommandComplete(text),
      emptyQuery: () => head()?.onEmptyQuery(),
      portalSuspended: () => {},
      copyInResponse: () => head()?.onCopyIn(this.#protocol),
      copyData: () => {},
      errorMessage: (error) => this.#onErrorMessage(error),
      readyForQuery: ({ status }) => this.#onReadyForQuery(status),
    }
    for (const event of Object.keys(listeners) as (keyof ProtocolEvents)[]) {
      this.#protocol.removeAllListeners(event)
      this.#protocol.on(event, listeners[event] as (message: unknown) => void)
    }
    this.#client.removeAllListeners('error').on('error', (error) => this.#lose(error))
    this.#client.removeAllListeners('end').on('end', () => this.#lose(undefined))
  }

  #onErrorMessage(error: pg.DatabaseError): void {
    const { code = '', severity } = error
    // a terminated backend, a shutdown: the server hangs up next. Class 08 alone says nothing: a parameter that is
    // missing has it, and a foreign server that is out of reach
    if (code.startsWith('57P') || severity === 'FATAL' || severity === 'PANIC') {
      this.#fatal = error
      this.isLost = true
    } else this.#underWay[0]?.onError(error)
  }

  #onReadyForQuery(status: TransactionStatus): void {
    this.status = status
    const settled = this.#underWay.shift()
    this.#dueSince = performance.now()
    if (this.#underWay.length === 0) {
      this.idleSince = this.#dueSince
      this.#keepAlive()
    }
    if (!settled?.onReadyForQuery(status)) this.destroy()
  }

  #lose(error: unknown): void {
    if (this.#isGone) return
    this.#isGone = true
    this.isLost = true
    this.#fatal ??= error
    for (const exchange of this.#underWay.splice(0)) exchange.fail(lost(this.#fatal))
    this.#onLost()
  }
}

function lost(cause: unknown): TenancyError {
  return new TenancyError(
    'DH106',
    'the connection was lost before the answer came; try again, but know that a write may have been done',
    cause === undefined ? {} : { cause },
  )
}

/** node-postgres's connection before anybody logs in; its published types name it and no more. */
interface RawConnection {
  connect(port: number | string, host: string): void
  requestSsl(): void
  cancel(processID: number, secretKey: number): void
  once(event: 'connect' | 'sslconnect' | 'end', listener: () => void): void
  on(event: 'error', listener: () => void): void
}

/**
 * Sends a CancelRequest. Whether it comes in time is not known, and the server does not answer it.
 *
 * @see {@link https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS}
 */
function cancelRequest(
  config: pg.ClientConfig & { readonly host: string; readonly port: number },
  processID: number,
  secretKey: number,
): void {
  const { connection, ssl } = new pg.Client(config) as unknown as {
    readonly connection: RawConnection
    readonly ssl: unknown
  }
  const { host, port } = config
  connection.on('error', () => {})
  connection.once('connect', () => (ssl ? connection.requestSsl() : connection.cancel(processID, secretKey)))
  connection.once('sslconnect', () => connection.cancel(processID, secretKey))
  connection.connect(host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : port, host)
}
