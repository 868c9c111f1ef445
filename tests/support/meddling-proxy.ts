import { createServer, type Server, Socket } from 'node:net'
import { withLogin } from '../../src/testing/index.ts'

/** The bytes of one answer of the server, up to and with its ReadyForQuery. */
type Response = Buffer

export interface MeddlingOptions {
  /** Give every client a process id of the proxy's own, as poolers do. */
  readonly ownProcessIds?: boolean
}

/**
 * A TCP proxy before PostgreSQL that meddles with what the server says: it swaps or drops whole answers, as a
 * broken pooler would, and it can be out of reach.
 */
export class MeddlingProxy {
  readonly connectionString: string
  readonly #server: Server
  readonly #port: number
  readonly #target: URL
  readonly #options: MeddlingOptions
  readonly #sockets = new Set<Socket>()
  #swap = false
  #drop = false
  #held: (() => void)[] | undefined

  private constructor(server: Server, port: number, connectionString: string, options: MeddlingOptions) {
    const url = new URL(withLogin(connectionString, {}))
    url.hostname = '127.0.0.1'
    url.port = String(port)
    this.connectionString = url.href
    this.#server = server
    this.#port = port
    this.#target = new URL(connectionString)
    this.#options = options
    server.on('connection', (client) => this.#relay(client))
  }

  static async before(connectionString: string, options: MeddlingOptions = {}): Promise<MeddlingProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    return new MeddlingProxy(server, address.port, connectionString, options)
  }

  /** Of a connection's next two answers, the second comes first. */
  swapNextTwo(): void {
    this.#swap = true
  }

  /** The next answer never comes. */
  dropNext(): void {
    this.#drop = true
  }

  /** Keeps everything back that the server says, until it is let go. */
  hold(): void {
    this.#held = []
  }

  letGo(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const say of held) say()
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#sockets.size / 2
  }

  /** Hangs up on everybody and accepts nobody any more. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Accepts again, where it did before. */
  reopen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', () => resolve()))
  }

  #relay(client: Socket): void {
    const server = new Socket().connect(Number(this.#target.port || 5432), this.#target.hostname)
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    let pending = Buffer.alloc(0)
    let response: Buffer[] = []
    let held: Response | undefined
    client.on('data', (chunk) => server.write(chunk))
    const onAnswer = (chunk: Buffer): void => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 5 && pending.length > pending.readUInt32BE(1)) {
        const length = 1 + pending.readUInt32BE(1)
        const message = Buffer.from(pending.subarray(0, length))
        pending = pending.subarray(length)
        const type = String.fromCharCode(message[0] ?? 0)
        if (type === 'K' && this.#options.ownProcessIds) message.writeInt32BE(1 + message.readInt32BE(5), 5)
        response.push(message)
        // before it is ready for the first time the server talks about the log-in, and waits for replies; a notification
        // is no part of an answer
        if (type !== 'Z' && type !== 'R' && type !== 'A') continue
        const whole = Buffer.concat(response)
        response = []
        if (type !== 'Z') client.write(whole)
        else if (this.#drop) this.#drop = false
        else if (this.#swap) {
          this.#swap = false
          held = whole
        } else {
          client.write(whole)
          if (held) client.write(held)
          held = undefined
        }
      }
    }
    server.on('data', (chunk: Buffer) => {
      if (this.#held) this.#held.push(() => onAnswer(chunk))
      else onAnswer(chunk)
    })
  }
}
