import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { vi } from 'vitest'
import { AmbientContext, type ContextRunner } from '../../../src/context/ambient-context.ts'
import { parseTenantContext, type TenantContext } from '../../../src/context/tenant-context.ts'

const first = '00000000-0000-4000-8000-00000000000a'
const second = '00000000-0000-4000-8000-00000000000b'

/**
 * Two tenants' requests on one connection, where the first is answered last: the end of its response sends the other
 * one, in its async context.
 */
export class PipelinedRequests {
  readonly tenancy: ContextRunner
  readonly #events = new EventEmitter()
  readonly #seen: string[] = []
  readonly #due: string[] = []

  constructor() {
    const ambient = new AmbientContext()
    this.tenancy = {
      tenantIdType: 'uuid',
      run: (context, work) => ambient.run(parseTenantContext(context), work),
      current: () => ambient.current(),
    }
  }

  /** What both handlers wait for before they answer. */
  async answer(tenant: TenantContext | null | undefined): Promise<string> {
    if (tenant?.tenantId === first) await once(this.#events, 'second')
    else setImmediate(() => this.#events.emit('second'))
    return 'answered'
  }

  /** What is called at the end of a response. */
  note(event: string, tenant: TenantContext | null | undefined): void {
    this.#seen.push(`${event} of ${tenant?.tenantId} as ${this.tenancy.current()?.tenantId}`)
    this.#due.push(`${event} of ${tenant?.tenantId} as ${tenant?.tenantId}`)
  }

  /** Sends both; resolves when so many events are noted: as whose they were, and as whose they should have been. */
  async send(url: string, count: number): Promise<{ seen: readonly string[]; due: readonly string[] }> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.write(
      [first, second]
        .map((tenantId) => `GET /ended HTTP/1.1\r\nhost: x\r\nx-tenant: ${tenantId}\r\n\r\n`)
        .join(''),
    )
    await vi.waitUntil(() => this.#seen.length >= count)
    socket.destroy()
    return { seen: this.#seen, due: this.#due }
  }
}
