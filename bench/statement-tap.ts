import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'

/**
 * A TCP proxy before PostgreSQL that reads which statements a client has executed: each Execute message, by the
 * text of the Parse before it, and each simple query. It counts what is sent and not what the server notes, so
 * statements that only set the context can be told from the others.
 */
export class StatementTap {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #executed: string[] = []
  #roundTrips = 0

  private constructor(server: Server) {
    this.#server = server
  }

  /** @returns the tap, and the connection strings by way of it; all must name the same server */
  static async before<Key extends string>(
    urls: Readonly<Record<Key, string>>,
  ): Promise<{ readonly tap: StatementTap; readonly urls: Readonly<Record<Key, string>> }> {
    const entries = Object.entries<string>(urls)
    const target = new URL(entries[0]?.[1] ?? '')
    const server = createServer({ noDelay: true })
    const tap = new StatementTap(server)
    server.on('connection', (client) => tap.#relay(client, Number(target.port || 5432), target.hostname))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const tapped = entries.map(([key, value]) => {
      const url = new URL(value)
      url.hostname = '127.0.0.1'
      url.port = String((server.address() as AddressInfo).port)
      return [key, url.href]
    })
    return { tap, urls: Object.fromEntries(tapped) as Record<Key, string> }
  }

  /** The text of the statements that were executed since the last call, in order. */
  take(): readonly string[] {
    const executed = this.#executed
    this.#executed = []
    return executed
  }

  /** How many times since the last call a client has waited for an answer: each Sync, and each simple query. */
  takeRoundTrips(): number {
    const roundTrips = this.#roundTrips
    this.#roundTrips = 0
    return roundTrips
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #relay(client: Socket, port: number, host: string): void {
    const server = new Socket().setNoDelay(true).connect(port, host)
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
    }
    const read = frontendReader({
      executed: (text) => this.#executed.push(text),
      awaited: () => this.#roundTrips++,
    })
    client.on('data', (chunk) => {
      read(chunk)
      server.write(chunk)
    })
    server.on('data', (chunk) => client.write(chunk))
    client.on('end', () => server.end())
    server.on('end', () => client.end())
  }
}

interface FrontendEvents {
  /** With the text of a statement. */
  executed(text: string): void
  awaited(): void
}

/** Follows one connection's messages to the server. */
function frontendReader({ executed, awaited }: FrontendEvents): (chunk: Buffer) => void {
  const statements = new Map<string, string>()
  const portals = new Map<string, string>()
  let pending: Buffer = Buffer.alloc(0)
  // the start-up message has a length and no type
  let started = false

  const readMessage = (type: string, body: Buffer) => {
    const [first = '', second = ''] = body.toString('utf8').split('\0', 2)
    if (type === 'P') statements.set(first, second)
    else if (type === 'B') portals.set(first, statements.get(second) ?? '')
    else if (type === 'E') executed(portals.get(first) ?? '')
    else if (type === 'Q') executed(first)
    if (type === 'S' || type === 'Q') awaited()
  }
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    for (;;) {
      const header = started ? 1 : 0
      if (pending.length < header + 4) return
      const length = header + pending.readUInt32BE(header)
      if (pending.length < length) return
      if (started) readMessage(String.fromCharCode(pending[0] ?? 0), pending.subarray(5, length))
      started = true
      pending = pending.subarray(length)
    }
  }
}
