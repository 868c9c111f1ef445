import type { TenantContext } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import { assertSameTenant, currentWireScope, runInWireScope } from '../wire/wire-scope.ts'

/** What a tenant client has not: the doors to the unscoped client and to the engine that all tenants share. */
type Hidden =
  | '$connect'
  | '$disconnect'
  | '$on'
  | '$use'
  | '$extends'
  | '$parent'
  | '$queryRawUnsafe'
  | '$executeRawUnsafe'

/** A Prisma client, with all its models and types, that sees one tenant. */
export type TenantClient<Client> = Omit<Client, Hidden>

const hidden: ReadonlySet<string> = new Set<Hidden>([
  '$connect',
  '$disconnect',
  '$on',
  '$use',
  '$extends',
  '$parent',
  '$queryRawUnsafe',
  '$executeRawUnsafe',
])

const contexts = new WeakMap<object, TenantContext>()

/** The context of a tenant client, or of a transaction client of one; `undefined` for any other object. */
export function contextOf(client: object): TenantContext | undefined {
  return contexts.get(client)
}

type Transaction = (input: unknown, options?: unknown) => Promise<unknown>

/**
 * Wraps an extended Prisma client so that nothing but the tenant's own doors can be reached. The proxies stand
 * before empty objects and not before Prisma's: no prototype, descriptor or constructor leads there.
 */
export function guardClient(client: object, context: TenantContext): object {
  const transaction: Transaction = (input, options) => runTransaction(client, context, input, options)
  const delegates = new Map<string, object>()
  const guarded = guard(client, 'a tenant client', hidden, (property, value) => {
    if (property === '$transaction') return transaction
    if (typeof value === 'function') return value.bind(client)
    if (typeof value !== 'object' || value === null) return value
    // a model's delegate, kept so that it stays the same object
    const known = delegates.get(property)
    if (known) return known
    const delegate = guard(value, 'a model of a tenant client', hidden, (_, member) => member)
    delegates.set(property, delegate)
    return delegate
  })
  contexts.set(guarded, context)
  return guarded
}

function guard(
  target: object,
  what: string,
  out: ReadonlySet<string>,
  expose: (property: string, value: unknown) => unknown,
): object {
  const refuseChange = (): never => {
    throw new TenancyError('DH204', `${what} cannot be changed`)
  }
  return new Proxy(Object.create(null) as object, {
    get(_, property) {
      if (typeof property === 'symbol' || property === 'constructor' || property.startsWith('_'))
        return undefined
      if (out.has(property)) {
        throw new TenancyError('DH204', `${property} is not reachable from ${what}`, {
          details: { operation: property },
        })
      }
      return expose(property, Reflect.get(target, property))
    },
    has: (_, property) =>
      typeof property === 'string' && !out.has(property) && !property.startsWith('_') && property in target,
    set: refuseChange,
    defineProperty: refuseChange,
    setPrototypeOf: refuseChange,
  })
}

async function runTransaction(
  client: object,
  context: TenantContext,
  input: unknown,
  options: unknown,
): Promise<unknown> {
  const ambient = currentWireScope()
  if (ambient?.inTransaction) assertSameTenant(ambient, context)
  const { $transaction } = client as { readonly $transaction: Transaction }
  const work = Array.isArray(input)
    ? (tx: object) => runInOrder(tx, input)
    : typeof input === 'function'
      ? (tx: object): unknown => input(guardClient(tx, context))
      : input
  try {
    return await runInWireScope({ context, inTransaction: true }, () =>
      $transaction.call(client, work, options),
    )
  } catch (error) {
    throw toTenancyError(error, { operation: '$transaction' })
  }
}

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
async function runInOrder(tx: object, operations: readonly unknown[]): Promise<readonly unknown[]> {
  const lazy = operations.map((operation) => {
    if (isLazyOperation(operation)) return operation
    throw new TypeError(
      'every element of the array given to $transaction must be an operation that was not awaited yet',
    )
  })
  const transaction = await transactionOf(tx)
  const results: unknown[] = []
  for (const operation of lazy) results.push(await operation.requestTransaction(transaction))
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
