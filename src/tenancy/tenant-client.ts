import type { Types } from '@prisma/client/runtime/client'
import type { TenantContext } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import { knownOperations } from '../extension/scope-operation.ts'
import {
  assertLives,
  runTransaction,
  type TenantTransactionOptions,
  type TransactionLife,
} from './run-transaction.ts'
import type { OperationClasses, RunWork } from './tenant-operation.ts'

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
export type TenantClient<Client> = Omit<Client, (typeof hiddenMethods)[number]> & {
  /** Prisma's own, with the time limits and the signal of {@link TenantTransactionOptions}. */
  $transaction<Operations extends Types.Public.PrismaPromise<unknown>[]>(
    operations: [...Operations],
    options: TenantTransactionOptions,
  ): Promise<{ [At in keyof Operations]: Awaited<Operations[At]> }>
  $transaction<Result>(
    work: (tx: TransactionOf<Client>) => Promise<Result>,
    options: TenantTransactionOptions,
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

const contexts = new WeakMap<object, TenantContext>()

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
  return contexts.get(client)
}

/** What the clients of one tenancy share. */
export interface ClientParts {
  /** The names of the models by the names of their delegates. */
  readonly models: ReadonlyMap<string, string>
  readonly classes: OperationClasses
  readonly run: RunWork
}

/**
 * Wraps an extended Prisma client so that a tenant's own doors are all there is: the models of the manifest,
 * `$transaction` and raw SQL with parameters. The proxies stand before empty objects and name what they show,
 * so no prototype, descriptor, inherited method or internal of Prisma's leads to the client. Every operation
 * belongs to `context`, wherever it is awaited.
 */
export function guardClient(
  parts: ClientParts,
  client: object,
  context: TenantContext,
  life?: TransactionLife,
): object {
  const guarded = new Proxy(Object.create(null) as object, new ClientGuard(parts, client, context, life))
  contexts.set(guarded, context)
  return guarded
}

type Method = (...args: unknown[]) => PromiseLike<unknown>

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
  protected readonly what = 'a tenant client'
  readonly #parts: ClientParts
  readonly #client: object
  readonly #context: TenantContext
  readonly #life: TransactionLife | undefined
  // kept, so that a model's delegate stays the same object
  #members: Map<string, unknown> | undefined

  constructor(parts: ClientParts, client: object, context: TenantContext, life: TransactionLife | undefined) {
    super()
    this.#life = life
    this.#parts = parts
    this.#client = client
    this.#context = context
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
        model,
        () => (Reflect.get(this.#client, property) as { readonly fields: unknown }).fields,
        (name, args) => this.#operation(property, name, args, model),
      )
      return new Proxy(Object.create(null) as object, guard)
    }
    if (rawMethods.has(property)) {
      return (...args: unknown[]) => this.#operation(undefined, property, args, undefined)
    }
    if (property !== '$transaction') return undefined
    const guard = (transaction: object, life: TransactionLife): object =>
      guardClient(this.#parts, transaction, this.#context, life)
    return (input: unknown, options?: TenantTransactionOptions) =>
      runTransaction(this.#parts.run, this.#client, this.#context, this.#life, guard, input, options)
  }

  #operation(
    delegate: string | undefined,
    operation: string,
    args: readonly unknown[],
    model: string | undefined,
  ): PromiseLike<unknown> {
    const make = (client: object): PromiseLike<unknown> => {
      if (client === this.#client) assertLives(this.#life)
      // wherever it is awaited, it is this transaction that it runs in
      if (model === undefined && this.#life) this.#life.session.ranRaw = true
      const receiver = (delegate === undefined ? client : Reflect.get(client, delegate)) as Record<
        string,
        Method
      >
      return (receiver[operation] as Method)(...args)
    }
    const { classes, run } = this.#parts
    const origin = { client: this.#client, context: this.#context, operation, run }
    return classes.create(make, model === undefined ? origin : { ...origin, model })
  }
}

class DelegateGuard extends Guard {
  protected readonly what = 'a model of a tenant client'
  readonly #model: string
  readonly #fields: () => unknown
  readonly #run: (operation: string, args: readonly unknown[]) => PromiseLike<unknown>
  readonly #methods = new Map<string, unknown>()

  /** @param fields Prisma's references to the model's fields, with which a filter compares two of them */
  constructor(
    model: string,
    fields: () => unknown,
    run: (operation: string, args: readonly unknown[]) => PromiseLike<unknown>,
  ) {
    super()
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
