import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ProxyTarget } from './delayed-proxy-process.ts'

/** A longer wire to the server. */
export interface DelayedProxy {
  /** The same connection string, by the longer wire. */
  through(connectionString: string): string
  close(): Promise<void>
}

/**
 * Puts a proxy in front of a server that holds everything back in both directions.
 *
 * @param oneWay milliseconds that each direction takes at least; Node's timers add some tenths, so measure what
 *   the round trip really takes
 */
export async function startDelayedProxy(connectionString: string, oneWay: number): Promise<DelayedProxy> {
  const { hostname, port } = new URL(connectionString)
  const target: ProxyTarget = { host: hostname, port: Number(port || 5432), oneWay }
  const program = fileURLToPath(new URL('delayed-proxy-process.ts', import.meta.url))
  const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the delayed proxy ended with code ${code}`)))
  })
  failed.catch(() => {})
  child.send(target)
  const [address] = (await Promise.race([once(child, 'message'), failed])) as [AddressInfo]
  return {
    through(url) {
      const delayed = new URL(url)
      delayed.hostname = '127.0.0.1'
      delayed.port = String(address.port)
      return delayed.href
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
