import { types } from 'node:util'
import type { Types } from '@prisma/client/runtime/client'
import type { TenantContext } from '../context/tenant-context.ts'
import { isTenantScope, type TenantScope, type WireScope, type WorkContext } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import { knownOperations } from '../extension/scope-operation.ts'
import { type AskedOperation, currentTicket, Ticket } from '../extension/ticket.ts'
import { isPrismaClient } from '../extension/user-extension.ts'
import type { ObservedWrites } from './observed-writes.ts'
import {
  type Beginner,
  type GuardTransaction,
  runTransaction,
  type SystemTransactionOptions,
  type TenantTransactionOptions,
  type TransactionOptions,
} from './run-transaction.ts'
import type {
  OpenTransaction,
  OperationClasses,
  Passage,
  PrismaOperation,
  RunWork,
  TenantOperation,
} from './tenant-operation.ts'

const unsafeMethods = ['$queryRawUnsafe', '$executeRawUnsafe'] as const

// What a tenant client has not: the doors to the unscoped client and to the engine that all tenants share. They
// are refused with an explanation; whatever else is not named below does not exist on a tenant client.
const hiddenMethods = [
  '$connect',
  '$disconnect',
  '$on',
  '$use',
  '$extends',
  '$parent',
  '$runCommandRaw',
] as const

type HiddenMethod<UnsafeRaw extends boolean> =
  | (typeof hiddenMethods)[number]
  | ([UnsafeRaw] extends [true] ? never : (typeof unsafeMethods)[number])

/**
 * A Prisma client, with all its models, types and extensions, that sees one tenant.
 *
 * @typeParam UnsafeRaw whether the tenancy has `allowUnsafeRaw`
 */
export type TenantClient<Client, UnsafeRaw extends boolean = false> = GuardedClient<
  Client,
  UnsafeRaw,
  TenantTransactionOptions
>

/** A Prisma client, with all its models and types and no extensions, that sees all tenants and is recorded. */
export type SystemClient<Client> = GuardedClient<Client, false, SystemTransactionOptions>

type GuardedClient<Client, UnsafeRaw extends boolean, Options> = Omit<
  Client,
  HiddenMethod<UnsafeRaw> | '$transaction'
> & {
  /** Runs an array of operations, one after the other, in one transaction. */
  $transaction<Operations extends Types.Public.PrismaPromise<unknown>[]>(
    operations: [...Operations],
    options?: Options,
  ): Promise<{ [At in keyof Operations]: Awaited<Operations[At]> }>
  /** Runs a callback in one transaction of the tenant; if it throws, all is rolled back. */
  $transaction<Result>(
    work: (tx: TenantTransactionClient<Client, UnsafeRaw>) => Promise<Result>,
    options?: Options,
  ): Promise<Result>
}

/**
 * What the callback of a tenant client's transaction gets: all that the client has. A transaction within it has
 * the time limits and the signal of the outer one.
 *
 * @typeParam Client the client, such as the generated `PrismaClient`
 *
 * @example
 * ```ts
 * async function publish(tx: TenantTransactionClient<PrismaClient>) { … }
 * await db.$transaction(publish)
 * ```
 */
export type TenantTransactionClient<Client, UnsafeRaw extends boolean = false> = Omit<
  Client,
  HiddenMethod<UnsafeRaw> | '$transaction'
> & {
  $transaction<Operations extends Types.Public.PrismaPromise<unknown>[]>(
    operations: [...Operations],
    options?: TransactionOptions,
  ): Promise<{ [At in keyof Operations]: Awaited<Operations[At]> }>
  $transaction<Result>(
    work: (tx: TenantTransactionClient<Client, UnsafeRaw>) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>
}

const hidden: ReadonlySet<string> = new Set(hiddenMethods)

/** The longest that a timer waits, in milliseconds. */
const longest = 2_147_483_647

/** What to do instead of what is hidden, where there is something. */
const insteadOf: ReadonlyMap<string, string> = new Map([
  ['$extends', 'give extensions of tenant clients to createTenancy, as extend'],
  ['$connect', 'the tenancy connects by itself'],
  ['$disconnect', 'call disconnect of the tenancy'],
  ['$queryRawUnsafe', 'write $queryRaw with parameters'],
  ['$executeRawUnsafe', 'write $executeRaw with parameters'],
])

const rawMethods: ReadonlySet<string> = new Set(['$queryRaw', '$executeRaw', '$queryRawTyped'])
const unsafeRawMethods: ReadonlySet<string> = new Set(unsafeMethods)

const operations: ReadonlySet<string> = new Set(knownOperations)

const contexts = new WeakMap<object, WorkContext>()
const transactionClients = new WeakSet<object>()

/** Clients without a context of their own, which ask as whoever's hook or method is running; with their tenancies. */
export const capturedClients = new WeakMap<object, Tenancy>()

/**
 * The context of a tenant client, or of a transaction client of one; of the client that an extension has captured,
 * the context of the operation whose hook, or of the client whose method, is running.
 *
 * @returns `undefined` for any other object
 *
 * @example
 * ```ts
 * await tx.auditEvent.create({ data: { action, actorId: contextOf(tx)?.userId } })
 * ```
 */
export function contextOf(client: object): TenantContext | undefined {
  const tenancy = capturedClients.get(client)
  const context = contexts.get(client) ?? (tenancy && servedTicket(tenancy)?.scope.context)
  return context?.tenantId === undefined ? undefined : context
}

/** Whether it is a system client, or a transaction client of one: nothing holds these to a tenant. */
export function isSystemClient(client: object): boolean {
  return contexts.has(client) && contextOf(client) === undefined
}

/** Whether it is what the callback of a tenant's or the system's transaction got. */
export function isTransactionClient(client: object): boolean {
  return transactionClients.has(client)
}

/** What no two tenancies share. */
type Tenancy = OperationClasses

/** What the clients of one tenancy share. */
export interface SharedParts {
  /** What such a client is called where it refuses something. */
  readonly what: 'a tenant client' | 'a system client'
  /** The names of the models by the names of their delegates. */
  readonly models: ReadonlyMap<string, string>
  readonly classes: OperationClasses
  /** How long a transaction waits for a connection unless told, in milliseconds. */
  readonly maxWait: number
  readonly run: RunWork
  /** `$queryRawUnsafe` and `$executeRawUnsafe` are reachable, as `$queryRaw` is. */
  readonly allowUnsafeRaw: boolean
}

/** What the clients of one tenancy that have the same extensions share. */
export interface ClientParts extends SharedParts {
  /** Prisma's client: with hull one in it, for tenants. */
  readonly client: object
  /** What the application's extensions add. */
  readonly added?: AddedParts
}

/** What extensions add to a tenant client. */
interface AddedParts {
  readonly client: ReadonlyMap<string, unknown>
  /** Members of the models, by the names of their delegates. */
  readonly models: ReadonlyMap<string, ReadonlyMap<string, unknown>>
  /** The extensions with hooks, for errors. */
  readonly suspects: string
  readonly observed: ObservedWrites
}

/**
 * Wraps an extended Prisma client so that a tenant's own doors are all there is: the models of the manifest,
 * `$transaction` and raw SQL with parameters. The proxies stand before empty objects and name what they show,
 * so no prototype, descriptor, inherited method or internal of Prisma's leads to the client. Every operation
 * belongs to `context`, wherever it is awaited. A system client is guarded in the same way: past the guard nothing
 * would be recorded.
 *
 * @param within the transaction that the client is of
 */
export function guardClient(parts: ClientParts, context: WorkContext, within?: OpenTransaction): object {
  const guarded = new ClientGuard(parts, context, within).self
  contexts.set(guarded, context)
  if (within) transactionClients.add(guarded)
  return guarded
}

/** An operation of a tenant client, or the call of a method that an extension has added to one. */
class TenantTicket extends Ticket {
  readonly tenancy: Tenancy
  readonly within: OpenTransaction | undefined

  constructor(
    tenancy: Tenancy,
    scope: TenantScope,
    within: OpenTransaction | undefined,
    asked: AskedOperation | undefined,
    parent: Ticket | undefined,
  ) {
    super(scope, asked, parent)
    this.tenancy = tenancy
    this.within = within
  }
}

/** The transaction that an operation with a ticket is in. */
export function transactionOf(ticket: Ticket): OpenTransaction | undefined {
  return ticket instanceof TenantTicket ? ticket.within : undefined
}

/** Whom a client that an extension has captured serves: the operation or the method of its tenancy that is running. */
export function servedTicket(tenancy: Tenancy): TenantTicket | undefined {
  const ticket = currentTicket()
  const serves = ticket instanceof TenantTicket && ticket.tenancy === tenancy && !ticket.isOver
  return serves ? ticket : undefined
}

type Method = (...args: unknown[]) => PrismaOperation

/** A proxy's handler: what is asked by a name is what `expose` gives, and nothing can be changed. */
export abstract class Guard implements ProxyHandler<object> {
  /** What it is called where it refuses something. */
  protected abstract get what(): string
  #self: object | undefined

  protected abstract expose(property: string): unknown

  /** The proxy. */
  get self(): object {
    this.#self ??= new Proxy(Object.create(null) as object, this)
    return this.#self
  }

  protected hides(property: string): boolean {
    return hidden.has(property)
  }

  get(_target: object, property: string | symbol): unknown {
    if (typeof property === 'symbol') return undefined
    if (!this.hides(property)) return this.expose(property)
    const instead = insteadOf.get(property)
    throw new TenancyError(
      'DH204',
      `${property} is not reachable from ${this.what}${instead === undefined ? '' : `; ${instead}`}`,
      { details: { operation: property } },
    )
  }

  has(_target: object, property: string | symbol): boolean {
    return typeof property === 'string' && !this.hides(property) && this.expose(property) !== undefined
  }

  set(): never {
    throw new TenancyError('DH204', `${this.what} cannot be changed`)
  }

  defineProperty(): never {
    return this.set()
  }

  setPrototypeOf(): never {
    return this.set()
  }
}

class ClientGuard extends Guard {
  readonly #parts: ClientParts
  readonly #context: WorkContext
  readonly #within: OpenTransaction | undefined
  readonly #passage: Passage | undefined
  // kept, so that a model's delegate stays the same object
  #members: Map<string, unknown> | undefined

  constructor(parts: ClientParts, context: WorkContext, within: OpenTransaction | undefined) {
    super()
    this.#parts = parts
    this.#context = context
    this.#within = within
    if (parts.added) {
      this.#passage = {
        issue: ({ scope, asked, parent, transaction }) =>
          new TenantTicket(parts.classes, scope, transaction, asked, parent),
        suspects: parts.added.suspects,
      }
    }
  }

  protected get what(): string {
    return this.#parts.what
  }

  protected override hides(property: string): boolean {
    return super.hides(property) || (unsafeRawMethods.has(property) && !this.#parts.allowUnsafeRaw)
  }

  protected expose(property: string): unknown {
    const known = this.#members?.get(property)
    if (known !== undefined) return known
    const member = this.#make(property)
    if (member !== undefined) {
      this.#members ??= new Map()
      this.#members.set(property, member)
    }
    return member
  }

  #make(property: string): unknown {
    const { models, added } = this.#parts
    const model = models.get(property)
    if (model !== undefined) {
      return new DelegateGuard(model, {
        fields: () => (Reflect.get(this.#parts.client, property) as { readonly fields: unknown }).fields,
        run: (name, args) => this.#operation(property, name, args, model),
        added: added?.models.get(property),
        call: (method, self, args) => this.#call(method, self, args),
        ofWhat: this.what,
      }).self
    }
    if (rawMethods.has(property) || unsafeRawMethods.has(property)) {
      return (...args: unknown[]) => this.#operation(undefined, property, args, undefined)
    }
    if (property === '$transaction') return this.#transaction()
    const member = added?.client.get(property)
    return typeof member === 'function' ? (...args: unknown[]) => this.#call(member, this.self, args) : member
  }

  #transaction(): (input: unknown, options?: TenantTransactionOptions) => Promise<unknown> {
    const { run, client, maxWait, added } = this.#parts
    const context = this.#context
    const observed = added?.observed
    const beginner: Beginner = {
      run,
      maxWait,
      client: this.#within?.client ?? client,
      context,
      ...(this.#within ? { outer: this.#within.life } : {}),
      ...(observed?.isUsed && context.tenantId !== undefined
        ? { finish: (notes, transaction) => observed.finish(notes, context, transaction) }
        : {}),
    }
    const guard: GuardTransaction = (transaction) => guardClient(this.#parts, context, transaction)
    return (input, options) => runTransaction(beginner, guard, input, options)
  }

  /** What is written and audited has to be kept, or not, together: such a write is a transaction of its own. */
  async #alone(operation: TenantOperation): Promise<unknown> {
    // a statement by itself has no such limit
    const results = (await this.#transaction()([operation], { timeout: longest })) as readonly unknown[]
    return results[0]
  }

  /** Calls a method that an extension has added; clients that the extension has captured serve this one then. */
  // oxlint-disable-next-line typescript/no-unsafe-function-type -- whatever the application wrote
  #call(method: Function, self: object, args: readonly unknown[]): unknown {
    const scope: WireScope = {
      context: this.#context,
      inTransaction: this.#within !== undefined,
      raw: false,
      ...(this.#within ? { life: this.#within.life } : {}),
    }
    // a system client has no extensions
    if (!isTenantScope(scope)) throw new TypeError('a method of an extension has no tenant')
    const { classes } = this.#parts
    const ticket = new TenantTicket(classes, scope, this.#within, undefined, currentTicket())
    let isUnderWay = false
    try {
      const result: unknown = ticket.enter(() => Reflect.apply(method, self, args) as unknown)
      isUnderWay = result instanceof Promise || types.isGeneratorObject(result)
      if (types.isGeneratorObject(result)) bindSteps(result, ticket)
      return result instanceof Promise ? settle(result, ticket) : assertGuarded(result)
    } finally {
      // what else it gave, such as an operation that is not awaited yet, needs no captured client any more
      if (!isUnderWay) ticket.end()
    }
  }

  #operation(
    delegate: string | undefined,
    operation: string,
    args: readonly unknown[],
    model: string | undefined,
  ): PromiseLike<unknown> {
    const { client, classes, run, added } = this.#parts
    // Always on the client that all share, whose delegates are there; those of a transaction Prisma makes anew for each.
    const make = (): PrismaOperation => {
      const receiver = delegate === undefined ? client : (Reflect.get(client, delegate) as object)
      return (Reflect.get(receiver, operation) as Method).apply(receiver, [...args])
    }
    const transaction = this.#within
    const passage = this.#passage
    const parent = currentTicket()
    return classes.create(make, {
      context: this.#context,
      operation,
      run,
      ...(model === undefined ? {} : { model }),
      ...(transaction ? { transaction } : {}),
      ...(parent ? { parent } : {}),
      ...(passage ? { passage } : {}),
      ...(model !== undefined && added?.observed.observes(model, operation, args[0])
        ? { alone: (own: TenantOperation) => this.#alone(own) }
        : {}),
    })
  }
}

/** @throws {TenancyError} `DH204` for a client that is none of this package's */
function assertGuarded(result: unknown): unknown {
  if (!isPrismaClient(result) || contexts.has(result)) return result
  throw new TenancyError('DH204', 'a method of an extension gave a client that leads past hull one')
}

async function settle(result: Promise<unknown>, ticket: Ticket): Promise<unknown> {
  try {
    return assertGuarded(await result)
  } finally {
    ticket.end()
  }
}

/** The body of a generator runs where its next step is asked for, which may be in another tenant's hook. */
function bindSteps(generator: object, ticket: Ticket): void {
  const endIfDone = (taken: unknown): unknown => {
    if ((taken as IteratorResult<unknown>).done) ticket.end()
    return taken
  }
  for (const name of ['next', 'return', 'throw'] as const) {
    const step = Reflect.get(generator, name) as (...args: unknown[]) => unknown
    const value = (...args: unknown[]): unknown => {
      const taken = ticket.enter(() => Reflect.apply(step, generator, args))
      return taken instanceof Promise ? taken.then(endIfDone) : endIfDone(taken)
    }
    Object.defineProperty(generator, name, { value, configurable: true, writable: true })
  }
}

interface DelegateParts {
  /** Prisma's references to the model's fields, with which a filter compares two of them. */
  readonly fields: () => unknown
  readonly run: (operation: string, args: readonly unknown[]) => PromiseLike<unknown>
  /** What extensions add, or put in the place of Prisma's own. */
  readonly added: ReadonlyMap<string, unknown> | undefined
  // oxlint-disable-next-line typescript/no-unsafe-function-type -- whatever the application wrote
  readonly call: (method: Function, self: object, args: readonly unknown[]) => unknown
  /** What the client is called. */
  readonly ofWhat: string
}

class DelegateGuard extends Guard {
  readonly #model: string
  readonly #parts: DelegateParts
  #methods: Map<string, unknown> | undefined

  constructor(model: string, parts: DelegateParts) {
    super()
    this.#model = model
    this.#parts = parts
  }

  protected get what(): string {
    return `a model of ${this.#parts.ofWhat}`
  }

  protected override hides(property: string): boolean {
    return super.hides(property) || unsafeRawMethods.has(property)
  }

  protected expose(property: string): unknown {
    if (property === 'name' || property === '$name') return this.#model
    const { fields, added, call, run } = this.#parts
    if (property === 'fields') return fields()
    const known = this.#methods?.get(property)
    if (known) return known
    const member = added?.get(property)
    if (member !== undefined && typeof member !== 'function') return member
    if (!member && !operations.has(property)) return undefined
    const method = member
      ? (...args: unknown[]): unknown => call(member, this.self, args)
      : (...args: unknown[]): unknown => run(property, args)
    this.#methods ??= new Map()
    this.#methods.set(property, method)
    return method
  }
}
