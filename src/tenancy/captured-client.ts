import { TenancyError } from '../errors.ts'
import { knownOperations } from '../extension/scope-operation.ts'
import { currentTicket } from '../extension/ticket.ts'
import { type ClientParts, capturedClients, Guard, guardClient, servedTicket } from './tenant-client.ts'
import type { OperationClasses } from './tenant-operation.ts'

/** What a client that an extension has captured is made of. */
export interface Captured {
  readonly parts: ClientParts
  /** What no two tenancies share, and what can be had before the extensions are complete. */
  readonly classes: OperationClasses
  /** Makes another one, with one extension more. */
  readonly extend: (definition: unknown) => object
}

/**
 * The client that the application extends, and that its extensions capture. It has no tenant of its own and no
 * door to the base client: what is asked of it is asked of the tenant client whose operation, or whose added method,
 * the caller runs in, and in its transaction. When that is over, it asks nothing more for it.
 *
 * What it does not protect: it takes the tenant from the async context. Where an extension has changed that, by a
 * queue that all tenants share, it is the tenant of that context, as long as that one's operation is under way.
 */
export function captureClient(captured: Captured): object {
  const client = new CapturedClient(captured).self
  capturedClients.set(client, captured.classes)
  return client
}

const passedOn: ReadonlySet<string> = new Set([
  '$transaction',
  '$queryRaw',
  '$queryRawTyped',
  '$executeRaw',
  '$queryRawUnsafe',
  '$executeRawUnsafe',
])

type Method = (...args: unknown[]) => unknown

class CapturedClient extends Guard {
  protected readonly what = 'a client that an extension has captured'
  readonly #captured: Captured

  constructor(captured: Captured) {
    super()
    this.#captured = captured
  }

  protected override hides(property: string): boolean {
    return property !== '$extends' && super.hides(property)
  }

  protected expose(property: string): unknown {
    const { parts, extend } = this.#captured
    if (property === '$extends') return extend
    // hooks are told the name of the model, and Prisma's client has its delegate by that name too
    const delegate = parts.models.has(property) ? property : nameOf(parts.models, property)
    if (delegate !== undefined) return new CapturedDelegate(parts, delegate).self
    const added = parts.added?.client.get(property)
    if (added !== undefined && typeof added !== 'function') return added
    if (added === undefined && !passedOn.has(property)) return undefined
    return (...args: unknown[]) => {
      const client = servedClient(parts)
      return Reflect.apply(Reflect.get(client, property) as Method, client, args)
    }
  }
}

class CapturedDelegate extends Guard {
  protected readonly what = 'a model of a client that an extension has captured'
  readonly #parts: ClientParts
  readonly #delegate: string

  constructor(parts: ClientParts, delegate: string) {
    super()
    this.#parts = parts
    this.#delegate = delegate
  }

  protected expose(property: string): unknown {
    const { client, models, added } = this.#parts
    if (property === 'name' || property === '$name') return models.get(this.#delegate)
    if (property === 'fields')
      return (Reflect.get(client, this.#delegate) as { readonly fields: unknown }).fields
    const member = added?.models.get(this.#delegate)?.get(property)
    if (member !== undefined && typeof member !== 'function') return member
    if (member === undefined && !knownOperations.includes(property)) return undefined
    return (...args: unknown[]) => {
      const delegate = Reflect.get(servedClient(this.#parts), this.#delegate) as object
      return Reflect.apply(Reflect.get(delegate, property) as Method, delegate, args)
    }
  }
}

function nameOf(models: ReadonlyMap<string, string>, model: string): string | undefined {
  for (const [delegate, name] of models) if (name === model) return delegate
  return undefined
}

/** @throws {TenancyError} `DH101` where no operation or method of the tenancy is under way */
function servedClient(parts: ClientParts): object {
  const ticket = servedTicket(parts.classes)
  if (ticket) return guardClient(parts, ticket.scope.context, ticket.within)
  throw new TenancyError(
    'DH101',
    currentTicket()?.isOver
      ? 'a client that an extension has captured was asked something when the operation or method that it served was over, ' +
          'as by a timer, a queue or work that nobody awaits; before that take a client that keeps its tenant: tenancy.client(contextOf(client))'
      : 'a client that an extension has captured was asked something of its own accord; it serves the operations of ' +
          'its own tenancy’s clients, within hooks and methods of extensions',
  )
}
