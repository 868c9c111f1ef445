import { AsyncLocalStorage } from 'node:async_hooks'
import { runInWireScope, type TenantScope } from '../context/wire-scope.ts'

/** Operations whose answer has no rows, and no computed fields. */
export const numberOperations: ReadonlySet<string> = new Set([
  'count',
  'aggregate',
  'groupBy',
  'createMany',
  'updateMany',
  'deleteMany',
  '$executeRaw',
  '$executeRawUnsafe',
])

/** What an operation asks for. */
export interface AskedOperation {
  readonly operation: string
  /** None for raw SQL. */
  readonly model?: string | undefined
}

/**
 * One operation of a tenant on its way through the extensions that the application gave. It goes with Prisma's own
 * parameters of the operation, from hook to hook, for the async context can't be relied on there: a hook may put
 * its work into a queue, and what comes out of a queue runs in the context of whoever was before it.
 */
export class Ticket {
  readonly scope: TenantScope
  readonly #asked: AskedOperation | undefined
  #parent: Ticket | undefined
  #isOver = false
  #hasArrived = false
  #isAnswered = false

  /**
   * @param asked none for a method that an extension has added, which may answer as it likes
   * @param parent the operation within whose hooks this one was made
   */
  constructor(scope: TenantScope, asked: AskedOperation | undefined, parent: Ticket | undefined) {
    this.scope = scope
    this.#asked = asked
    this.#parent = parent?.underWay
  }

  /** The operation has settled: whatever it has left behind, in a timer or a queue, asks nothing in its name. */
  end(): void {
    this.#isOver = true
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** This one, or the nearest one around it, that is not over yet. */
  get underWay(): Ticket | undefined {
    return this.#isOver ? this.#outer : this
  }

  /** The nearest one around this one that is not over; those that are, are let go. */
  get #outer(): Ticket | undefined {
    while (this.#parent?.isOver) this.#parent = this.#parent.#parent
    return this.#parent
  }

  /** Hull one has got the operation. */
  get hasArrived(): boolean {
    return this.#hasArrived
  }

  /**
   * Hull one has answered the operation, or another one of its tenant and model that was made within it: a soft delete
   * updates the row. One of another model, as an audit log writes it, is no answer to what was asked, and neither is
   * a number where rows were: a cache that asks for its version has those rows from somewhere else.
   */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  arrive(): void {
    this.#hasArrived = true
  }

  answer(): void {
    if (this.#asked) this.answerFor(this.scope.context.tenantId, this.#asked)
  }

  /** Takes note of the answer to an operation that was made within this one. */
  answerFor(tenantId: string | undefined, answered: AskedOperation): void {
    let asking = this.underWay
    while (asking && asking.scope.context.tenantId === tenantId) {
      if (asking.#asked && isAnswerTo(asking.#asked, answered)) asking.#isAnswered = true
      asking = asking.#outer
    }
  }

  /** Takes note of what hull one has refused the operation with. */
  fail(error: unknown): void {
    if (typeof error !== 'object' || error === null) return
    const tenants = failures.get(error) ?? new Set()
    failures.set(error, tenants.add(this.scope.context.tenantId))
  }

  /** Whether an error is of other tenants' operations alone: it may quote what they asked. */
  isForeign(error: unknown): boolean {
    const tenants = typeof error === 'object' && error !== null ? failures.get(error) : undefined
    return tenants !== undefined && !tenants.has(this.scope.context.tenantId)
  }

  /** Runs `work` in the scope of the operation, wherever the caller runs. */
  run<Result>(work: () => PromiseLike<Result>): Promise<Result> {
    return storage.run(this, () => runInWireScope(this.scope, work))
  }

  /** Runs a function for the operation, which may also return at once. */
  enter<Result>(work: () => Result): Result {
    return storage.run(this, work)
  }
}

const failures = new WeakMap<object, Set<string>>()

function isAnswerTo(asked: AskedOperation, answered: AskedOperation): boolean {
  if (asked.model !== answered.model) return false
  return numberOperations.has(asked.operation) || !numberOperations.has(answered.operation)
}

const storage = new AsyncLocalStorage<Ticket | undefined>()

/** The operation whose hook, or the call of a tenant client whose own method, the caller runs in. */
export function currentTicket(): Ticket | undefined {
  return storage.getStore()
}

/** Runs a function for no operation, wherever the caller runs. */
export function withoutTicket<Result>(work: () => Result): Result {
  return storage.run(undefined, work)
}

const key = Symbol('ticket')

/** Puts a ticket into Prisma's parameters of an operation; whoever copies them takes it along. */
export function attachTicket(params: object, ticket: Ticket): void {
  Object.defineProperty(params, key, { value: ticket, enumerable: true, configurable: true })
}

export function ticketOf(params: object | undefined): Ticket | undefined {
  const ticket: unknown = params && Reflect.get(params, key)
  return ticket instanceof Ticket ? ticket : undefined
}
