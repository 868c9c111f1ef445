import { TenancyError } from '../errors.ts'
import { ComputedFields } from '../extension/computed-fields.ts'
import {
  type Observe,
  type TenantExtensionOptions,
  tenantExtension,
  ticketExtension,
} from '../extension/tenant-extension.ts'
import { readUserExtension, type UserExtension } from '../extension/user-extension.ts'
import { observerOf } from '../extension/write-observer.ts'
import { captureClient } from './captured-client.ts'
import { ObservedWrites } from './observed-writes.ts'
import { type ClientParts, guardClient, type SharedParts, transactionOf } from './tenant-client.ts'

/** Prisma's own method that every client has. */
interface Extensible {
  $extends(extension: object): Extensible
}

/** What a client is extended from. */
export interface ExtensionBase {
  /** Prisma's client without any extension. */
  readonly base: Extensible
  readonly shared: SharedParts
  readonly hullOne: Omit<TenantExtensionOptions, 'computed'>
}

/** Prisma's client with hull one, and nothing else. */
export function withHullOne({ base, shared, hullOne }: ExtensionBase): ClientParts {
  return { ...shared, client: base.$extends(tenantExtension(hullOne)) }
}

/**
 * Prisma's client with the application's extensions and, last and so innermost, hull one. The application gets a
 * client of this package's to extend, which collects what it is given: see {@link captureClient}.
 *
 * @param extend what the application wrote: gets a client and returns it extended
 * @throws {TenancyError} `DH210` for an extension that could open hull one
 */
export function extendClient(ground: ExtensionBase, extend: (client: never) => unknown): ClientParts {
  const { base, shared, hullOne } = ground
  const plain = withHullOne(ground)
  const observed = new ObservedWrites({
    base,
    schema: { manifest: hullOne.manifest, globalOmit: hullOne.globalOmit ?? {} },
    client: (context, transaction) => guardClient(plain, context, transaction),
  })
  const from: ObservedBase = { base, shared, hullOne, observed }
  const links = new WeakMap<object, ChainLink>()
  const capture = (link: ChainLink): object => {
    const client = captureClient({
      classes: from.shared.classes,
      get parts() {
        return link.parts
      },
      extend: (definition) => {
        if (typeof definition !== 'function') return capture(link.append(definition))
        const extended: unknown = (definition as (client: object) => unknown)(client)
        return assertOwn(extended, `extension ${link.position + 1}, a function,`)
      },
    })
    links.set(client, link)
    return client
  }
  const assertOwn = (client: unknown, what: string): object => {
    if (typeof client === 'object' && client !== null && links.has(client)) return client
    throw new TenancyError(
      'DH210',
      `${what} returned something else than the client it was given, extended; hull one would not be in it. Return client.$extends(…), and no promise of it`,
    )
  }
  const extended = assertOwn(extend(capture(new ChainLink(from, [])) as never), 'extend')
  const link = links.get(extended)
  if (!link) throw new TypeError('a client without a chain')
  return link.parts
}

interface ObservedBase extends ExtensionBase {
  readonly observed: ObservedWrites
}

/** A client's extensions so far. */
class ChainLink {
  readonly #from: ObservedBase
  readonly #extensions: readonly UserExtension[]
  #parts: ClientParts | undefined

  constructor(from: ObservedBase, extensions: readonly UserExtension[]) {
    this.#from = from
    this.#extensions = extensions
  }

  get position(): number {
    return this.#extensions.length
  }

  append(definition: unknown): ChainLink {
    const { base, shared, hullOne, observed } = this.#from
    const makeObserver = observerOf(definition)
    if (makeObserver) {
      observed.use(makeObserver)
      return this
    }
    const ground = { base, models: shared.models, manifest: hullOne.manifest }
    const extension = readUserExtension(definition, this.position + 1, ground)
    return new ChainLink(this.#from, [...this.#extensions, extension])
  }

  get parts(): ClientParts {
    this.#parts ??= this.#assemble()
    return this.#parts
  }

  #assemble(): ClientParts {
    const { base, shared, hullOne, observed } = this.#from
    const extensions = this.#extensions
    const computed = new ComputedFields(hullOne.manifest, extensions, hullOne.globalOmit)
    let client = base.$extends(ticketExtension)
    for (const { definition } of extensions) client = client.$extends(definition)
    const observe: Observe = (call, ticket, send) =>
      observed.run(call, ticket.scope.context, transactionOf(ticket), send)
    const suspects = extensions.filter(({ definition }) => definition.query).map(({ label }) => label)
    return {
      ...shared,
      client: client.$extends(tenantExtension({ ...hullOne, computed, observe })),
      added: {
        client: new Map(extensions.flatMap((extension) => Object.entries(extension.client))),
        models: new Map(
          [...shared.models.keys()].map((delegate) => [delegate, addedTo(delegate, extensions)] as const),
        ),
        suspects: suspects.join(', '),
        observed,
      },
    }
  }
}

/** As in Prisma, a later extension wins, and within one the model over all models. */
function addedTo(delegate: string, extensions: readonly UserExtension[]): ReadonlyMap<string, unknown> {
  return new Map(
    extensions.flatMap(({ model }) =>
      ['$allModels', delegate].flatMap((key) => Object.entries(model[key] ?? {})),
    ),
  )
}
