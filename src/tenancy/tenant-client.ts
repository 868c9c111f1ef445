import type { Types } from '@prisma/client/runtime/client'
import type { TenantContext } from '../context/tenant-context.ts'
import type { WorkContext } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import { knownOperations } from '../extension/scope-operation.ts'
import {
  type GuardTransaction,
  runTransaction,
  type SystemTransactionOptions,
  type TenantTransactionOptions,
} from './run-transaction.ts'
import type { OpenTransaction, OperationClasses, PrismaOperation, RunWork } from './tenant-operation.ts'

// What a tenant client has not: the doors to the unscoped client and to the engine that all tenants share. They
// are refused with an explanation; whatever else is not named below does not exist on a tenant client.
const hiddenMethods = [
  '$connect',
  '$disconnect',
  '$on',
  '$use',
  '$extends',
  '$parent',
  '$queryRawUnsafe',
  '$executeRawUnsafe',
  '$runCommandRaw',
] as const

const hidden: ReadonlySet<string> = new Set(hiddenMethods)

/** A Prisma client, with all its models and types, that sees one tenant. */
export type TenantClient<Client> = GuardedClient<Client, TenantTransactionOptions>

/** A Prisma client, with all its models and types, that sees all tenants and is recorded. */
export type SystemClient<Client> = GuardedClient<Client, SystemTransactionOptions>

type GuardedClient<Client, Options> = Omit<Client, (typeof hiddenMethods)[number]> & {
  /** Prisma's own, with further options: a signal, and the time limits of a tenant client. */
  $transaction<Operations extends Types.Public.PrismaPromise<unknown>[]>(
    operations: [...Operations],
    options: Options,
  ): Promise<{ [At in keyof Operations]: Awaited<Operations[At]> }>
  $transaction<Result>(
    work: (tx: TransactionOf<Client>) => Promise<Result>,
    options: Options,
  ): Promise<Result>
}

/** What the callback of a transaction of a client gets. */
type TransactionOf<Client> = Client extends {
  // oxlint-disable-next-line typescript/no-explicit-any -- matched, never used
  $transaction(work: (tx: infer Tx) => any, options?: any): any
}
  ? Tx
  : never

const rawMethods: ReadonlySet<string> = new Set(['$queryRaw', '$executeRaw', '$queryRawTyped'])

const operations: ReadonlySet<string> = new Set(knownOperations)

const contexts = new WeakMap<object, WorkContext>()

/**
 * The context of a tenant client, or of a transaction client of one.
 *
 * @returns `undefined` for any other object
 *
 * @example
 * ```ts
 * await tx.auditEvent.create({ data: { action, actorId: contextOf(tx)?.userId } })
 * ```
 */
export function contextOf(client: object): TenantContext | undefined {
  const context = contexts.get(client)
  return context?.tenantId === undefined ? undefined : context
}

/** Whether it is a system client, or a transaction client of one: nothing holds these to a tenant. */
export function isSystemClient(client: object): boolean {
  return contexts.has(client) && contextOf(client) === undefined
}

/** What the clients of one tenancy share. */
export interface ClientParts {
  /** What such a client is called where it refuses something. */
  readonly what: 'a tenant client' | 'a system client'
  /** Prisma's client: with hull one in it, for tenants. */
  readonly client: object
  /** The names of the models by the names of their delegates. */
  readonly models: ReadonlyMap<string, string>
  readonly classes: OperationClasses
  /** How long a transaction waits for a connection unless told, in milliseconds. */
  readonly maxWait: number
  readonly run: RunWork
}

/** Where the operations of a tenant client run, if not each on its own. */
interface Within extends OpenTransaction {
  /** Prisma's client of the transaction, from which another one within it is begun. */
  readonly client: object
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
export function guardClient(parts: ClientParts, context: WorkContext, within?: Within): object {
  const guarded = new Proxy(Object.create(null) as object, new ClientGuard(parts, context, within))
  contexts.set(guarded, context)
  return guarded
}

type Method = (...args: unknown[]) => PrismaOperation

/** A proxy's handler: what is asked by a name is what `expose` gives, and nothing can be changed. */
abstract class Guard implements ProxyHandler<object> {
  protected abstract readonly what: string

  protected abstract expose(property: string): unknown

  get(_target: object, property: string | symbol): unknown {
    if (typeof property === 'symbol') return undefined
    if (!hidden.has(property)) return this.expose(property)
    throw new TenancyError('DH204', `${property} is not reachable from ${this.what}`, {
      details: { operation: property },
    })
  }

  has(_target: object, property: string | symbol): boolean {
    return typeof property === 'string' && !hidden.has(property) && this.expose(property) !== undefined
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
  protected readonly what: string
  readonly #parts: ClientParts
  readonly #context: WorkContext
  readonly #within: Within | undefined
  // kept, so that a model's delegate stays the same object
  #members: Map<string, unknown> | undefined

  constructor(parts: ClientParts, context: WorkContext, within: Within | undefined) {
    super()
    this.what = parts.what
    this.#parts = parts
    this.#context = context
    this.#within = within
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
    const model = this.#parts.models.get(property)
    if (model !== undefined) {
      const guard = new DelegateGuard(
        this.what,
        model,
        () => (Reflect.get(this.#parts.client, property) as { readonly fields: unknown }).fields,
        (name, args) => this.#operation(property, name, args, model),
      )
      return new Proxy(Object.create(null) as object, guard)
    }
    if (rawMethods.has(property)) {
      return (...args: unknown[]) => this.#operation(undefined, property, args, undefined)
    }
    if (property !== '$transaction') return undefined
    const { run, client, maxWait } = this.#parts
    const beginner = {
      run,
      maxWait,
      client: this.#within?.client ?? client,
      context: this.#context,
      ...(this.#within ? { outer: this.#within.life } : {}),
    }
    const guard: GuardTransaction = (tx, transaction) =>
      guardClient(this.#parts, this.#context, { ...transaction, client: tx })
    return (input: unknown, options?: TenantTransactionOptions) =>
      runTransaction(beginner, guard, input, options)
  }

  #operation(
    delegate: string | undefined,
    operation: string,
    args: readonly unknown[],
    model: string | undefined,
  ): PromiseLike<unknown> {
    const { client, classes, run } = this.#parts
    // Always on the client that all share, whose delegates are there; those of a transaction Prisma makes anew for each.
    const make = (): PrismaOperation => {
      const receiver = delegate === undefined ? client : (Reflect.get(client, delegate) as object)
      return (Reflect.get(receiver, operation) as Method).apply(receiver, [...args])
    }
    const transaction = this.#within
    return classes.create(make, {
      context: this.#context,
      operation,
      run,
      ...(model === undefined ? {} : { model }),
      ...(transaction ? { transaction } : {}),
    })
  }
}

class DelegateGuard extends Guard {
  protected readonly what: string
  readonly #model: string
  readonly #fields: () => unknown
  readonly #run: (operation: string, args: readonly unknown[]) => PromiseLike<unknown>
  readonly #methods = new Map<string, unknown>()

  /** @param fields Prisma's references to the model's fields, with which a filter compares two of them */
  constructor(
    client: string,
    model: string,
    fields: () => unknown,
    run: (operation: string, args: readonly unknown[]) => PromiseLike<unknown>,
  ) {
    super()
    this.what = `a model of ${client}`
    this.#model = model
    this.#fields = fields
    this.#run = run
  }

  protected expose(property: string): unknown {
    if (property === 'name') return this.#model
    if (property === 'fields') return this.#fields()
    if (!operations.has(property)) return undefined
    const known = this.#methods.get(property)
    if (known) return known
    const method = (...args: unknown[]): PromiseLike<unknown> => this.#run(property, args)
    this.#methods.set(property, method)
    return method
  }
}
