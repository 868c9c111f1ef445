/**
 * A TCP proxy that holds everything back for a while, in each direction, as a longer wire would: first in, first
 * out, each piece on its own, however much is under way. Started by `delayed-proxy.ts` as a process of its own,
 * so that it neither waits for the work that is measured nor keeps it waiting.
 */
import { createServer, Socket } from 'node:net'

export interface ProxyTarget {
  readonly host: string
  readonly port: number
  /** Milliseconds that each direction takes. */
  readonly oneWay: number
}

/** A piece that is nearly due goes now: the next timer would come a whole millisecond later. */
const tolerance = 0.3

/** Passes on what one socket receives to the other, each piece `oneWay` milliseconds after it came. */
function relay(from: Socket, to: Socket, oneWay: number): void {
  const underWay: { readonly due: number; readonly piece: Buffer | 'end' }[] = []
  let timer: NodeJS.Timeout | undefined

  const accept = (piece: Buffer | 'end') => {
    underWay.push({ due: performance.now() + oneWay, piece })
    timer ??= setTimeout(deliver, oneWay)
  }
  const deliver = () => {
    timer = undefined
    const now = performance.now() + tolerance
    for (let first = underWay[0]; first && first.due <= now; first = underWay[0]) {
      underWay.shift()
      if (first.piece === 'end') to.end()
      else to.write(first.piece)
    }
    if (underWay[0]) timer = setTimeout(deliver, underWay[0].due - now)
  }
  from.on('data', accept)
  from.on('end', () => accept('end'))
  from.on('close', () => {
    // an end was passed on in its turn; what broke is broken at once
    if (!from.readableEnded) to.destroy()
  })
}

process.once('message', ({ host, port, oneWay }: ProxyTarget) => {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = new Socket({ allowHalfOpen: true })
    upstream.setNoDelay(true).connect(port, host)
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
    relay(client, upstream, oneWay)
    relay(upstream, client, oneWay)
  })
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
})

// Ctrl-C reaches this process too, and the one that started it still has something to do
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit())
