import type { EventEmitter } from 'node:events'
import type { ContextRunner } from '../context/ambient-context.ts'
import type { TenantContext } from '../context/tenant-context.ts'

/**
 * Has the listeners of a response run with its own tenant. Where requests are pipelined on one connection, the end of
 * one response sends the next, so Node tells of that one's end in the async context of the first.
 */
export function bindResponseEvents(
  tenancy: ContextRunner,
  context: TenantContext,
  response: EventEmitter,
): void {
  const { emit } = response
  response.emit = (...event: Parameters<typeof emit>) =>
    tenancy.run(context, () => Reflect.apply(emit, response, event))
}
