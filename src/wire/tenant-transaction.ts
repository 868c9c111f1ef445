import type pg from 'pg'
import type { ContextSigner } from '../context/context-signature.ts'
import type { WireScope } from '../context/wire-scope.ts'
import { TenancyError, transactionIsOver } from '../errors.ts'
import type { Connection } from './connection.ts'
import { contextOfExchange, contextReset, lookForPlanted, type Step } from './context-step.ts'
import type { ExchangePlan } from './exchange.ts'
import { isOutdated, isUnprepared } from './unprepared.ts'

const beginning = /^begin$/i
const isolation = /^set transaction isolation level [a-z ]+$/i
const finish = /^(commit|rollback)$/i
const commits = /^commit$/i
const control = /^(commit|rollback|savepoint|release)\b/i

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
  readonly #connection: Connection
  readonly #scope: WireScope
  readonly #signer: ContextSigner | undefined
  readonly #giveBack: (options: { readonly destroy: boolean; readonly outdated: boolean }) => void
  #heldBack: Step[] | undefined
  #state: 'new' | 'open' | 'ended' = 'new'
  #mustDestroy = false
  #isOutdated = false
  #isReleased = false
  /** The server has no transaction any more, or never began it. */
  #isGone = false
  #last: Promise<unknown> = Promise.resolve()

  /**
   * @param signer where the tenancy has a key
   * @param giveBack what becomes of the connection when the transaction is released
   */
  constructor(
    connection: Connection,
    scope: WireScope,
    signer: ContextSigner | undefined,
    giveBack: (options: { readonly destroy: boolean; readonly outdated: boolean }) => void,
  ) {
    this.#connection = connection
    this.#scope = scope
    this.#signer = signer
    this.#giveBack = giveBack
    scope.signal?.addEventListener('abort', this.#onAbort)
  }

  /** Statements go one after the other: what follows a COPY without a source would be swallowed by it. */
  query(config: pg.QueryConfig): Promise<pg.QueryArrayResult> {
    const { text } = config
    if (this.#state === 'ended') {
      // Prisma rolls back after a COMMIT that failed; PostgreSQL has done so already
      return finish.test(text) ? Promise.resolve(nothingHappened) : Promise.reject(transactionIsOver())
    }
    if (this.#state === 'new') {
      if (beginning.test(text)) {
        this.#heldBack = [{ text, values: [] }]
        return Promise.resolve(nothingHappened)
      }
      if (this.#heldBack && isolation.test(text)) {
        this.#heldBack.push({ text, values: [] })
        return Promise.resolve(nothingHappened)
      }
      if (finish.test(text)) {
        this.#state = 'ended'
        return Promise.resolve(nothingHappened)
      }
    }
    const isFirst = this.#state === 'new'
    // from here on nothing may follow a COMMIT: it would run in no transaction and no context
    this.#state = finish.test(text) ? 'ended' : 'open'
    const plan: ExchangePlan = {
      query: config,
      ...(isFirst
        ? { opening: this.#heldBack ?? [], ...contextOfExchange(this.#scope.context, this.#signer) }
        : {}),
      ...(control.test(text) ? { isControl: true } : {}),
      // what raw SQL may have left goes with the end
      ...(finish.test(text) && this.#scope.session?.ranRaw
        ? { closing: [contextReset, lookForPlanted] }
        : {}),
    }
    const answer = this.#last.then(() => this.#send(plan))
    this.#last = answer.catch(() => {})
    return answer
  }

  async #send(plan: ExchangePlan): Promise<pg.QueryArrayResult> {
    const isFinish = finish.test(plan.query.text)
    if ((this.#isGone || this.#scope.signal?.aborted) && !isFinish) throw transactionIsOver()
    try {
      const answer = await this.#connection.ask(plan)
      if (answer.contextWasLeftBehind || answer.hasPlanted) this.#mustDestroy = true
      if (!isFinish) this.#noticeEnd()
      // PostgreSQL's answer to a COMMIT after a statement that failed; Prisma would call that done
      if (answer.result.command === 'ROLLBACK' && commits.test(plan.query.text)) throw notKept()
      return answer.result
    } catch (error) {
      // the next attempt at this transaction finds a connection that knows what it has prepared
      if (isUnprepared(error)) this.#mustDestroy = true
      // what looks for planted statements was skipped
      if (isFinish) this.#mustDestroy ||= this.#scope.session?.ranRaw ?? false
      else this.#noticeEnd()
      if (isOutdated(error)) this.#isOutdated = true
      throw error
    }
  }

  /** Raw SQL may have ended the transaction; what comes after it would run in none, without a context. */
  #noticeEnd(): void {
    if (this.#connection.status !== 'I') return
    this.#isGone = true
    this.#state = 'ended'
    this.#mustDestroy = true
  }

  readonly #onAbort = (): void => {
    if (this.#connection.load === 0) return
    // the request to cancel may come too late, and would then stop what the next user asks
    this.#mustDestroy = true
    this.#connection.cancel()
  }

  release(error?: Error | boolean): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#scope.signal?.removeEventListener('abort', this.#onAbort)
    const unfinished = this.#state === 'open' || this.#connection.load > 0 || this.#connection.status !== 'I'
    this.#state = 'ended'
    this.#giveBack({
      destroy: Boolean(error) || this.#mustDestroy || unfinished,
      outdated: this.#isOutdated,
    })
  }

  // Prisma's adapter listens for the loss of a connection; a query that is under way is told, and the next one
  on(): this {
    return this
  }

  removeListener(): this {
    return this
  }
}

function notKept(): TenancyError {
  return new TenancyError(
    'DH105',
    'a statement of the transaction had failed, so PostgreSQL kept nothing of it; let the error end the callback',
  )
}
