import { createServer, type Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from './random.ts'

/** The fields of a row, as PostgreSQL writes them. */
export type Row = readonly (string | null)[]

/**
 * A TCP relay before PostgreSQL that can ask a question on connections which others have opened. No other
 * way shows from outside what a pooled connection still has in it: PostgreSQL shows a session's settings to
 * that session alone, and a tenancy's own queries bring their context with them.
 */
export class ConnectionRelay {
  readonly #server: Server
  readonly #connections = new Set<RelayedConnection>()
  /** How many connections were cut. */
  cuts = 0

  private constructor(server: Server) {
    this.#server = server
  }

  /** @returns the relay, and the connection string that leads through it */
  static async before(connectionString: string): Promise<{ relay: ConnectionRelay; url: string }> {
    const target = new URL(connectionString)
    const server = createServer()
    const relay = new ConnectionRelay(server)
    server.on('connection', (client) => {
      const backend = new Socket().connect(Number(target.port || 5432), target.hostname)
      const connection = new RelayedConnection(client, backend)
      relay.#connections.add(connection)
      backend.on('close', () => relay.#connections.delete(connection))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the relay has no port')
    const url = new URL(connectionString)
    url.hostname = '127.0.0.1'
    url.port = String(address.port)
    return { relay, url: url.href }
  }

  /**
   * The rows that all open connections answer, once none of them is in use.
   *
   * @throws Error when that takes longer than ten seconds
   */
  async askAll(sql: string): Promise<readonly Row[]> {
    for (const end = Date.now() + 10_000; ; await sleep(20)) {
      const connections = [...this.#connections]
      if (connections.every(({ isIdle }) => isIdle)) {
        return (await Promise.all(connections.map((connection) => connection.ask(sql)))).flat()
      }
      if (Date.now() > end) throw new Error('a connection is still in use')
    }
  }

  /**
   * Loses the next answer on one of the connections, and the connection with it, as a network does: what was asked
   * is done, and nobody hears of it. Three times of four it is one that waits for an answer.
   */
  cutOne(random: Random): void {
    const open = [...this.#connections]
    const busy = random.chance(3 / 4) ? open.filter(({ isIdle }) => !isIdle) : []
    const candidates = busy.length > 0 ? busy : open
    if (candidates.length === 0) return
    random.pick(candidates).onAnswer = (connection) => {
      connection.destroy()
      this.cuts++
    }
  }

  /** Leaves the connections alone that have had no answer since. */
  stopCutting(): void {
    for (const connection of this.#connections) connection.onAnswer = undefined
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** ReadyForQuery, not in a transaction: with it the server ends its answer to the last Sync or query. */
const readyAndIdle = Buffer.from('Z\0\0\0\x05I', 'latin1')

class RelayedConnection {
  readonly #client: Socket
  readonly #backend: Socket
  readonly #forward: (chunk: Buffer) => void
  /** The end of what the server has said since the client spoke. */
  #tail = Buffer.alloc(0)
  /** Called instead of handing the next answer on. */
  onAnswer: ((connection: RelayedConnection) => void) | undefined

  constructor(client: Socket, backend: Socket) {
    this.#client = client
    this.#backend = backend
    this.#forward = (chunk) => {
      if (this.onAnswer) {
        this.onAnswer(this)
        return
      }
      this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-readyAndIdle.length)
      client.write(chunk)
    }
    backend.on('data', this.#forward)
    client.on('data', (chunk) => {
      this.#tail = Buffer.alloc(0)
      backend.write(chunk)
    })
    for (const [socket, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      socket.setNoDelay()
      socket.on('error', () => socket.destroy())
      socket.on('end', () => other.end())
      socket.on('close', () => other.destroy())
    }
  }

  /** The server has answered all, and the client has not said that it leaves. */
  get isIdle(): boolean {
    return this.#tail.equals(readyAndIdle)
  }

  /** Sends a simple query and keeps the answer from the client, which has not asked. */
  async ask(sql: string): Promise<readonly Row[]> {
    this.#backend.off('data', this.#forward)
    try {
      const answer = readUntilReady(this.#backend)
      this.#backend.write(message('Q', Buffer.from(`${sql}\0`)))
      return await answer
    } finally {
      this.#backend.on('data', this.#forward)
    }
  }

  destroy(): void {
    this.#client.destroy()
    this.#backend.destroy()
  }
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.write(type, 'latin1')
  header.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}

/** The rows that come before ReadyForQuery; none where the connection is closed meanwhile. */
function readUntilReady(socket: Socket): Promise<readonly Row[]> {
  return new Promise((resolve) => {
    let pending = Buffer.alloc(0)
    const rows: Row[] = []
    const onData = (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 5 && pending.length > pending.readUInt32BE(1)) {
        const length = 1 + pending.readUInt32BE(1)
        const type = String.fromCharCode(pending[0] ?? 0)
        const body = pending.subarray(5, length)
        pending = pending.subarray(length)
        if (type === 'D') rows.push(fieldsOf(body))
        if (type !== 'Z') continue
        socket.off('data', onData)
        resolve(rows)
        return
      }
    }
    socket.on('data', onData)
    socket.once('close', () => resolve([]))
  })
}

function fieldsOf(dataRow: Buffer): Row {
  const fields: (string | null)[] = []
  let offset = 2
  for (let left = dataRow.readUInt16BE(0); left > 0; left--) {
    const length = dataRow.readInt32BE(offset)
    offset += 4
    fields.push(length < 0 ? null : dataRow.toString('utf8', offset, offset + length))
    offset += Math.max(length, 0)
  }
  return fields
}
