import { createServer, type Server, Socket } from 'node:net'
import { withLogin } from '../../src/testing/index.ts'

/**
 * A TCP proxy before PostgreSQL that notes what the client sends, as the protocol's message bytes: `P` Parse,
 * `B` Bind, `D` Describe, `E` Execute, `S` Sync, `Q` a simple query.
 */
export class ProtocolTap {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #messages = ''

  constructor(server: Server) {
    this.#server = server
  }

  static async before(connectionString: string): Promise<{ tap: ProtocolTap; connectionString: string }> {
    const target = new URL(connectionString)
    const server = createServer()
    const tap = new ProtocolTap(server)
    server.on('connection', (client) => tap.#relay(client, Number(target.port || 5432), target.hostname))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the tap has no port')
    const url = new URL(withLogin(connectionString, {}))
    url.hostname = '127.0.0.1'
    url.port = String(address.port)
    return { tap, connectionString: url.href }
  }

  /** What was sent since the last call. */
  take(): string {
    const messages = this.#messages
    this.#messages = ''
    return messages
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #relay(client: Socket, port: number, host: string): void {
    const server = new Socket().connect(port, host)
    let pending = Buffer.alloc(0)
    // the start-up message has a length and no type
    let started = false
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
    }
    client.on('data', (chunk) => {
      server.write(chunk)
      pending = Buffer.concat([pending, chunk])
      for (;;) {
        const header = started ? 1 : 0
        if (pending.length < header + 4) return
        const length = header + pending.readUInt32BE(header)
        if (pending.length < length) return
        if (started) this.#messages += String.fromCharCode(pending[0] ?? 0)
        started = true
        pending = pending.subarray(length)
      }
    })
    server.on('data', (chunk) => client.write(chunk))
    client.on('end', () => server.end())
    server.on('end', () => client.end())
  }
}
