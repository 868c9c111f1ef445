import {
  assertSameTenant,
  currentWireScope,
  isTenantScope,
  runInWireScope,
  type SessionNotes,
  type TenantScope,
  type WireScope,
  type WorkContext,
} from '../context/wire-scope.ts'
import { TenancyError, transactionIsOver } from '../errors.ts'
import type { AskedOperation, Ticket } from '../extension/ticket.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { ObservedOperation } from '../telemetry/telemetry.ts'
import type { LastNotes } from './last-notes.ts'

/** Makes Prisma's own promise of an operation, not yet started, on the client that all tenants share. */
export type MakeOperation = () => PrismaOperation

/** Prisma's lazy promise, and how it is told which transaction it runs in. */
export interface PrismaOperation extends PromiseLike<unknown> {
  requestTransaction(transaction: object): Promise<unknown>
}

/** What an operation is, and whose. */
export interface OperationOrigin {
  readonly context: WorkContext
  readonly operation: string
  readonly model?: string
  readonly run: RunWork
  /** The transaction whose client it was made on. */
  readonly transaction?: OpenTransaction
  /** The operation within whose hooks it was made. */
  readonly parent?: Ticket
  /** How it passes the application's extensions. */
  readonly passage?: Passage
  /** Runs it in a transaction of its own, where it is in none and has to be in one. */
  readonly alone?: (operation: TenantOperation) => Promise<unknown>
}

/** The way through the application's extensions. */
export interface Passage {
  readonly issue: (operation: TicketedOperation) => Ticket
  /** The extensions with hooks, for errors. */
  readonly suspects: string
}

/** An operation as it sets out through the extensions. */
interface TicketedOperation {
  readonly scope: TenantScope
  readonly asked: AskedOperation
  readonly parent: Ticket | undefined
  /** The transaction it runs in, which the operation of an array is told when the array is run. */
  readonly transaction: OpenTransaction | undefined
}

/** A transaction as its operations know it. */
export interface OpenTransaction {
  /** What Prisma knows it by. */
  readonly handle: object
  /** Prisma's client of the transaction, from which another one within it is begun. */
  readonly client: object
  readonly life: TransactionLife
}

/** Whether a transaction still takes operations, and what it notes of its connection. */
export interface TransactionLife {
  readonly isOver: boolean
  readonly session: SessionNotes
  readonly notes: LastNotes
}

/** @throws {TenancyError} `DH105` after the end of a transaction */
export function assertLives(life: TransactionLife | undefined): void {
  if (life?.isOver) throw transactionIsOver()
}

/** Runs a piece of work where it is counted and watched; `isPart` says that it is within a transaction. */
export type RunWork = <Result>(
  what: ObservedOperation,
  isPart: boolean,
  work: () => Promise<Result>,
) => Promise<Result>

// what only this package may do with an operation is no property of it, or of its class
/** Runs an operation once more, in a transaction of its tenant's: an array may be tried again. */
export let runOperationIn: (operation: TenantOperation, transaction: OpenTransaction) => Promise<unknown>
/** The operation that follows a relation of what another one finds. */
let followOperation: (
  operation: TenantOperation,
  relation: string,
  args: unknown,
) => [MakeOperation, OperationOrigin]

/**
 * An operation of a tenant client: lazy, as Prisma's own promises are, and the tenant's who made it; or one of a
 * system client, and the system's. It starts when it is awaited for the first time, wherever that is, in the scope of
 * its tenant; Prisma's own promise never leaves it, so it can't be started anywhere else.
 */
export class TenantOperation implements PromiseLike<unknown> {
  readonly #make: MakeOperation
  readonly #origin: OperationOrigin
  #result: Promise<unknown> | undefined

  constructor(make: MakeOperation, origin: OperationOrigin) {
    this.#make = make
    this.#origin = origin
  }

  get [Symbol.toStringTag](): 'PrismaPromise' {
    return 'PrismaPromise'
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a lazy promise is what Prisma's own operations are
  then<Fulfilled = unknown, Rejected = never>(
    onFulfilled?: ((value: unknown) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    const { transaction, alone } = this.#origin
    this.#result ??= alone && !transaction ? alone(this) : this.#start(transaction)
    return this.#result.then(onFulfilled, onRejected)
  }

  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<unknown> {
    return this.then(undefined, onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    return this.then().finally(onFinally)
  }

  #start(transaction: OpenTransaction | undefined): Promise<unknown> {
    const { context, operation, model, run, parent, passage } = this.#origin
    const ambient = currentWireScope()
    const inTransaction = (ambient?.inTransaction && !ambient.life?.isOver) ?? false
    const isPart = inTransaction || parent?.underWay !== undefined
    return run({ model, operation, tenantId: context.tenantId }, isPart, async () => {
      if (ambient && inTransaction) assertSameTenant(ambient, context)
      assertLives(transaction?.life)
      // wherever it is awaited, it is this transaction that it runs in
      if (model === undefined && transaction) {
        transaction.life.session.ranRaw = true
        await transaction.life.notes.write()
      }
      const scope: WireScope = {
        context,
        inTransaction,
        raw: model === undefined,
        // what a hook starts may outlive the transaction, and is in none then
        ...(inTransaction && ambient?.life ? { life: ambient.life } : {}),
      }
      const ask = (): PromiseLike<unknown> => {
        const made = this.#make()
        return transaction ? made.requestTransaction(transaction.handle) : made
      }
      const ticket = isTenantScope(scope)
        ? passage?.issue({ scope, asked: { operation, model }, parent, transaction })
        : undefined
      const result = await (ticket ? this.#pass(ticket, ask) : runInWireScope(scope, ask))
      if (ticket?.isAnswered ?? result !== undefined) {
        parent?.answerFor(context.tenantId, { operation, model })
        return result
      }
      // where one of several in a turn fails, Prisma answers the others with nothing and does not run them
      if (transaction && (ticket?.hasArrived ?? true)) throw notRun()
      if (ticket) throw notAnswered(this.#origin)
      return result
    })
  }

  /** Sends the operation through the application's extensions. */
  async #pass(ticket: Ticket, ask: () => PromiseLike<unknown>): Promise<unknown> {
    try {
      return await ticket.run(ask)
    } catch (error) {
      // as an answer would be, where callers share one
      throw ticket.isForeign(error) ? notAnswered(this.#origin) : error
    } finally {
      ticket.end()
    }
  }

  static {
    runOperationIn = (operation, transaction) => operation.#start(transaction)
    followOperation = (operation, relation, args) => {
      const make: MakeOperation = () => {
        const found = operation.#make() as unknown as Record<string, (args: unknown) => PrismaOperation>
        const follow = found[relation]
        if (follow) return follow(args)
        throw new TenancyError('DH201', `${relation} can't be followed from ${operation.#origin.operation}`)
      }
      return [make, operation.#origin]
    }
    hideClass(TenantOperation)
  }
}

function notRun(): TenancyError {
  return new TenancyError(
    'DH105',
    'the operation was not run, for another one of the same turn and transaction had failed',
  )
}

function notAnswered({ operation, model, passage }: OperationOrigin): TenancyError {
  const what = [operation, ...(model === undefined ? [] : [`on ${model}`])].join(' ')
  return new TenancyError(
    'DH211',
    `${what} was answered by an extension that had not asked hull one: ${passage?.suspects}; ` +
      'what comes from a cache, a replica or another client could be another tenant’s. ' +
      'Let the hook call query(args), or ask a tenant client for the same model',
    { details: { operation, ...(model === undefined ? {} : { model }) } },
  )
}

/** Whoever has an operation must not get at its class: it makes operations in any context, on any client. */
function hideClass(operationClass: typeof TenantOperation): void {
  Reflect.deleteProperty(operationClass.prototype, 'constructor')
}

type OperationClass = new (make: MakeOperation, origin: OperationOrigin) => TenantOperation

/** Operations whose result is one row, from which Prisma's fluent interface follows relations. */
const fluentOperations: ReadonlySet<string> = new Set([
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'create',
  'update',
  'upsert',
  'delete',
])

/**
 * The class of each model's operations on one row, with a method for each of its relations:
 * `db.configPackage.findUnique(…).versions()`.
 */
export class OperationClasses {
  readonly #classes = new Map<string, OperationClass>()

  constructor(manifest: Manifest) {
    for (const [name, model] of Object.entries(manifest.models)) {
      const Followable = class extends TenantOperation {}
      for (const [relation, { model: target }] of Object.entries(model.relations)) {
        const classes = this.#classes
        Object.defineProperty(Followable.prototype, relation, {
          // bound, as Prisma's own is
          get(this: TenantOperation) {
            return (args: unknown): TenantOperation => {
              const Class = classes.get(target) ?? TenantOperation
              return new Class(...followOperation(this, relation, args))
            }
          },
        })
      }
      hideClass(Followable)
      this.#classes.set(name, Followable)
    }
  }

  create(make: MakeOperation, origin: OperationOrigin): TenantOperation {
    const Class =
      origin.model !== undefined && fluentOperations.has(origin.operation)
        ? this.#classes.get(origin.model)
        : undefined
    return new (Class ?? TenantOperation)(make, origin)
  }
}
