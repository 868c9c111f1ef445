import type { TenantContext } from '../context/tenant-context.ts'
import { assertSameTenant, currentWireScope, runInWireScope } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import { knownOperations } from '../extension/scope-operation.ts'

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
export type TenantClient<Client> = Omit<Client, (typeof hiddenMethods)[number]>

const rawMethods: ReadonlySet<string> = new Set(['$queryRaw', '$executeRaw', '$queryRawTyped'])

const delegateMembers: ReadonlySet<string> = new Set([...knownOperations, 'fields', 'name'])

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

type Transaction = (input: unknown, options?: unknown) => Promise<unknown>

/**
 * Wraps an extended Prisma client so that a tenant's own doors are all there is: the models of the manifest,
 * `$transaction` and raw SQL with parameters. The proxies stand before empty objects and name what they show,
 * so no prototype, descriptor, inherited method or internal of Prisma's leads to the client.
 *
 * @param delegates the client's names of the models
 */
export function guardClient(client: object, context: TenantContext, delegates: ReadonlySet<string>): object {
  const transaction: Transaction = (input, options) =>
    runTransaction(client, context, delegates, input, options)
  // kept, so that a model's delegate stays the same object
  const guardedDelegates = new Map<string, object>()
  const guarded = guard('a tenant client', (property) => {
    if (property === '$transaction') return transaction
    if (rawMethods.has(property)) return (Reflect.get(client, property) as Method).bind(client)
    if (!delegates.has(property)) return undefined
    const delegate = guardedDelegates.get(property) ?? guardDelegate(Reflect.get(client, property) as object)
    guardedDelegates.set(property, delegate)
    return delegate
  })
  contexts.set(guarded, context)
  return guarded
}

type Method = (...args: unknown[]) => unknown

function guardDelegate(delegate: object): object {
  return guard('a model of a tenant client', (property) =>
    delegateMembers.has(property) ? (Reflect.get(delegate, property) as unknown) : undefined,
  )
}

/** An object that has what `expose` gives and nothing else. */
function guard(what: string, expose: (property: string) => unknown): object {
  const refuseChange = (): never => {
    throw new TenancyError('DH204', `${what} cannot be changed`)
  }
  return new Proxy(Object.create(null) as object, {
    get(_, property) {
      if (typeof property === 'symbol') return undefined
      if (!hidden.has(property)) return expose(property)
      throw new TenancyError('DH204', `${property} is not reachable from ${what}`, {
        details: { operation: property },
      })
    },
    has: (_, property) =>
      typeof property === 'string' && !hidden.has(property) && expose(property) !== undefined,
    set: refuseChange,
    defineProperty: refuseChange,
    setPrototypeOf: refuseChange,
  })
}

async function runTransaction(
  client: object,
  context: TenantContext,
  delegates: ReadonlySet<string>,
  input: unknown,
  options: unknown,
): Promise<unknown> {
  const ambient = currentWireScope()
  if (ambient?.inTransaction) assertSameTenant(ambient, context)
  const { $transaction } = client as { readonly $transaction: Transaction }
  const started = { count: 0 }
  const work = Array.isArray(input)
    ? (tx: object) => runInOrder(tx, input, started)
    : typeof input === 'function'
      ? (tx: object): unknown => input(guardClient(tx, context, delegates))
      : input
  try {
    return await runInWireScope({ context, inTransaction: true, raw: false, started }, () =>
      $transaction.call(
        client,
        work,
        Array.isArray(input) ? { ...arrayDefaults, ...(options as object) } : options,
      ),
    )
  } catch (error) {
    throw toTenancyError(error, { operation: '$transaction' })
  }
}

// Prisma lets an array wait for a connection as long as its pool does, and an interactive transaction 2 seconds.
const arrayDefaults = { maxWait: 5_000 }

/** Prisma's lazy promise, and how it is told which transaction it runs in. */
interface LazyOperation {
  readonly [Symbol.toStringTag]: 'PrismaPromise'
  requestTransaction(transaction: object): Promise<unknown>
}

/**
 * The array form of `$transaction`, one operation after the other in an interactive transaction. Prisma would
 * begin it itself in a later tick, with all the other arrays of that tick and in the async context of whoever
 * came first: one tenant's operations would run as another.
 */
async function runInOrder(
  tx: object,
  operations: readonly unknown[],
  started: { readonly count: number },
): Promise<readonly unknown[]> {
  const lazy = operations.map((operation) => {
    if (isLazyOperation(operation)) return operation
    throw new TypeError(
      'every element of the array given to $transaction must be an operation that was not awaited yet',
    )
  })
  const transaction = await transactionOf(tx)
  const results: unknown[] = []
  for (const operation of lazy) {
    const before = started.count
    results.push(await operation.requestTransaction(transaction))
    // Prisma answers for an operation that has run before with what it was answered then: a transaction that is
    // tried again would succeed and write nothing
    if (started.count === before) {
      throw new TenancyError(
        'DH105',
        'an operation in the array given to $transaction has run before; make it anew for each transaction',
      )
    }
  }
  return results
}

function isLazyOperation(value: unknown): value is LazyOperation {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Partial<LazyOperation>)[Symbol.toStringTag] === 'PrismaPromise'
  )
}

/** Prisma's handle on an interactive transaction, which its client gives to each promise that it makes. */
async function transactionOf(tx: object): Promise<object> {
  const { _createPrismaPromise: create } = tx as {
    readonly _createPrismaPromise?: (
      callback: (transaction?: object) => Promise<unknown>,
    ) => PromiseLike<unknown>
  }
  const transaction = await create?.(async (handle) => handle)
  if (typeof transaction === 'object' && transaction !== null && 'id' in transaction) return transaction
  throw new TenancyError(
    'DH208',
    'this version of Prisma does not name its transactions; it is not supported',
  )
}
