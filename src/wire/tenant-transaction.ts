import type pg from 'pg'
import type { TenantContext } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import { type Companion, contextCompanion, contextReset } from './context-query.ts'
import { endsConnection, isMidTransaction, runQuery } from './run-query.ts'

const begin = /^begin$/i
const isolation = /^set transaction isolation level [a-z ]+$/i
const finish = /^(commit|rollback)$/i

const nothingHappened: pg.QueryArrayResult = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] }

/**
 * One tenant's transaction on a connection of its own, as Prisma's adapter drives it. BEGIN and the
 * isolation level are held back and leave together with the context and the first statement, under one
 * Sync: the isolation level must come before anything that takes a snapshot, and setting the context does.
 *
 * Invariant: the context is the one that the transaction was opened with, whoever sends the statements. They
 * are not asked for theirs: Prisma sends what many transactions have to say in one tick in the async context
 * of the first. That an operation of another tenant does not get here is the tenant client's care, which
 * knows both tenants when the operation is made. A statement that comes after the end is refused.
 */
export class TenantTransaction {
  readonly #client: pg.PoolClient
  readonly #context: TenantContext
  #heldBack: Companion[] | undefined
  #state: 'new' | 'open' | 'ended' = 'new'
  #mustDestroy = false

  constructor(client: pg.PoolClient, context: TenantContext) {
    this.#client = client
    this.#context = context
  }

  async query(config: pg.QueryConfig): Promise<pg.QueryArrayResult> {
    const { text } = config
    if (this.#state === 'ended') {
      // Prisma rolls back after a COMMIT that failed; PostgreSQL has done so already
      if (finish.test(text)) return nothingHappened
      throw new TenancyError(
        'DH105',
        'a query came after its transaction had ended; await every query inside it',
      )
    }
    if (this.#state === 'new') {
      if (begin.test(text)) {
        this.#heldBack = [{ text, values: [] }]
        return nothingHappened
      }
      if (this.#heldBack && isolation.test(text)) {
        this.#heldBack.push({ text, values: [] })
        return nothingHappened
      }
      if (finish.test(text)) {
        this.#state = 'ended'
        return nothingHappened
      }
    }
    // from here on nothing may follow: it would run after the COMMIT, in no transaction and no context
    if (finish.test(text)) this.#state = 'ended'
    return this.#send(config)
  }

  async #send(config: pg.QueryConfig): Promise<pg.QueryArrayResult> {
    const isFirst = this.#state === 'new'
    const before = isFirst ? [...(this.#heldBack ?? []), contextCompanion(this.#context)] : []
    if (isFirst) this.#state = 'open'
    // whether the transaction ran raw SQL is not known here; what it may have set goes with its end
    const after = finish.test(config.text) ? [contextReset] : []
    try {
      const outcome = await runQuery(this.#client, config, { before, after })
      if (outcome.contextWasLeftBehind) this.#mustDestroy = true
      this.#noticeEnd()
      return outcome.result
    } catch (error) {
      if (endsConnection(error)) this.#mustDestroy = true
      throw error
    }
  }

  /** Raw SQL may have ended the transaction; what comes after it would run in none, without a context. */
  #noticeEnd(): void {
    if (this.#state !== 'open' || isMidTransaction(this.#client)) return
    this.#state = 'ended'
    this.#mustDestroy = true
  }

  release(error?: Error | boolean): void {
    // by its own account and by the server's: the server's word on a statement that failed may still be on its way
    const unfinished = this.#state === 'open' || isMidTransaction(this.#client)
    this.#state = 'ended'
    this.#client.release(error || this.#mustDestroy || unfinished)
  }

  on(event: 'error', listener: (error: Error) => void): this {
    this.#client.on(event, listener)
    return this
  }

  removeListener(event: 'error', listener: (error: Error) => void): this {
    this.#client.removeListener(event, listener)
    return this
  }
}
