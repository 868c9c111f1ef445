import type { TenantContext } from '../context/tenant-context.ts'
import { runInWireScope } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import type { OperationCall } from '../extension/operation-call.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import type { ObservedSchema, ObservedWrite, WriteObserver } from '../extension/write-observer.ts'
import { lockingSql } from '../wire/locking-sql.ts'
import type { OpenTransaction, PrismaOperation } from './tenant-operation.ts'

/** What the observer of a tenancy stands on. */
export interface ObserverGround {
  readonly schema: ObservedSchema
  /** Prisma's client without any extension. */
  readonly base: object
  /** Makes a client with hull one and without any extension, in a transaction. */
  readonly client: (context: TenantContext, transaction: OpenTransaction) => object
}

const writes: ReadonlySet<string> = new Set([
  'create',
  'createMany',
  'createManyAndReturn',
  'update',
  'updateMany',
  'updateManyAndReturn',
  'upsert',
  'delete',
  'deleteMany',
])

/** The observer of a tenancy's writes, once an extension has brought one. */
export class ObservedWrites {
  readonly #ground: ObserverGround
  #observer: WriteObserver | undefined

  constructor(ground: ObserverGround) {
    this.#ground = ground
  }

  /** @throws {TenancyError} `DH210` where there is one already: every write would be observed twice */
  use(make: (schema: ObservedSchema) => WriteObserver): void {
    if (this.#observer) {
      throw new TenancyError(
        'DH210',
        'two extensions observe the writes of one tenancy; give one auditExtension with the models of both',
      )
    }
    this.#observer = make(this.#ground.schema)
  }

  get isUsed(): boolean {
    return this.#observer !== undefined
  }

  /** Whether an operation is observed, and so has to be in a transaction. */
  observes(model: string, operation: string, args: unknown): boolean {
    return (writes.has(operation) && this.#observer?.observes(model, operation, args)) ?? false
  }

  /** Runs an operation, observed where it is to be. */
  run(
    call: OperationCall,
    context: TenantContext,
    transaction: OpenTransaction | undefined,
    send: (call: OperationCall) => Promise<unknown>,
  ): Promise<unknown> {
    const { model, operation, args } = call
    const observer = this.#observer
    if (!observer || model === undefined || !this.observes(model, operation, args)) return send(call)
    if (!transaction) {
      throw new TenancyError(
        'DH210',
        `a hook has made ${operation} on ${model} write what is audited, which it did not when it was asked; let the hook ask its captured client for that`,
        { details: { model, operation } },
      )
    }
    let isSent = false
    const write: ObservedWrite = {
      model,
      operation,
      args,
      context,
      client: this.#ground.client(context, transaction),
      lock: (name, keys) => this.#lock(name, keys, context, transaction),
      run: async (own) => {
        const result = await send({ ...call, args: own })
        isSent = true
        return result
      },
      sent: () => {
        isSent = true
      },
      note: (note) => transaction.life.notes.add(note),
    }
    return observer.around(write).catch((error: unknown) => {
      if (isSent) transaction.life.notes.fail(error)
      throw error
    })
  }

  async finish(
    notes: readonly unknown[],
    context: TenantContext,
    transaction: OpenTransaction,
  ): Promise<void> {
    await this.#observer?.finish(notes, this.#ground.client(context, transaction), context)
  }

  /** Locks rows that hull one has found, by their keys: the text is this package's, so hull one alone may run it. */
  async #lock(
    name: string,
    keys: readonly Readonly<Record<string, unknown>>[],
    context: TenantContext,
    transaction: OpenTransaction,
  ): Promise<void> {
    const { base, schema } = this.#ground
    const model = schema.manifest.models[name]
    const locking = model && lockingSql(model, keys, String(context.tenantId))
    if (!locking) return
    const { $queryRawUnsafe: query } = base as {
      readonly $queryRawUnsafe: (text: string, ...values: readonly unknown[]) => PrismaOperation
    }
    try {
      await runInWireScope({ context, inTransaction: true, raw: false }, () =>
        query.call(base, locking.text, ...locking.values).requestTransaction(transaction.handle),
      )
    } catch (error) {
      throw toTenancyError(error, { model: name, operation: 'lock' })
    }
  }
}
