import pg from 'pg'
import type { ContextSigner } from '../context/context-signature.ts'
import { currentTenantScope, type WireScope, type WorkContext } from '../context/wire-scope.ts'
import { TenancyError, tenancyIsClosed } from '../errors.ts'
import type { PoolStatistics } from '../telemetry/pool-statistics.ts'
import { type Admission, examineConnection, type ProtectedTable, type StartupChecks } from './admission.ts'
import type { Connection } from './connection.ts'
import { ConnectionPool, type ConnectionPoolOptions } from './connection-pool.ts'
import {
  begin,
  commit,
  contextOfExchange,
  contextReset,
  lookForPlanted,
  ownStatement,
  rollback,
} from './context-step.ts'
import { TenantTransaction } from './tenant-transaction.ts'

// Prisma's adapter asks for an instance of node-postgres's Pool, so this is one; but the connections are this
// package's own, and everything that the adapter calls is overridden.
const Pool = pg.Pool as unknown as new () => Pick<pg.Pool, 'on' | 'emit' | 'removeListener'>

export interface TenantPoolOptions extends ConnectionPoolOptions {
  /** Tables that row-level security must hold for the role of this pool; checked before the first use. */
  readonly protectedTables: readonly ProtectedTable[]
  /** Go on although row-level security does not hold the role or a table. */
  readonly allowRoleThatBypassesRowSecurity: boolean
  /** Signs the contexts, where the tenancy has a key. */
  readonly signer?: ContextSigner
  /** Sign although the database does not verify it. */
  readonly allowUnverifiedContext?: boolean
  /** What else is asked of the database before the first use; nothing unless told. */
  readonly startupChecks?: StartupChecks
}

/** The line in which the package's own questions wait, which belong to no tenant. */
const noTenant = ''

/**
 * The pool that Prisma's adapter is given. It has two doors, and both take the tenant with them:
 *
 * - `query`: one statement outside a transaction. The context and the statement go under one Sync.
 * - `connect`: a transaction. The context goes with BEGIN (see {@link TenantTransaction}).
 *
 * Invariant: nothing passes without a context. The scope is read in the first line of each door, before
 * anything is awaited: whoever frees a connection would hand it over in an async context of its own.
 */
export class TenantPool extends Pool {
  readonly #options: TenantPoolOptions
  readonly #connections: ConnectionPool
  #admission: Promise<Admission> | undefined
  #isAdmitted = false
  #ending: Promise<void> | undefined

  constructor(options: TenantPoolOptions) {
    super()
    this.#options = options
    this.#connections = new ConnectionPool(options)
  }

  statistics(): PoolStatistics {
    return this.#connections.statistics()
  }

  /**
   * Whom the pool logged in as, and whether row-level security holds that role. Asked once, or `afresh`.
   *
   * @throws {TenancyError} `DH302` or `DH303` when it does not and that was not allowed, `DH307` where the start-up
   *   checks find a way around it
   */
  admission({ afresh = false } = {}): Promise<Admission> {
    if (!this.#admission || afresh) {
      const admission = this.#examine()
      this.#admission = admission
      // a server that was down or a role that was wrong may have been mended by the next attempt
      admission.then(
        () => {
          this.#isAdmitted = true
        },
        () => {
          if (this.#admission === admission) this.#admission = undefined
          this.#isAdmitted = false
        },
      )
    }
    return this.#admission
  }

  async #examine(): Promise<Admission> {
    this.#assertOpen()
    return this.examine()
  }

  /** Asks the database whether the login may be used for what the pool is for. */
  protected examine(): Promise<Admission> {
    return examineConnection((config) => this.queryWithoutTenant(config), this.#options.protectedTables, {
      allowBypass: this.#options.allowRoleThatBypassesRowSecurity,
      signs: this.#options.signer !== undefined,
      allowUnverified: this.#options.allowUnverifiedContext ?? false,
      startupChecks: this.#options.startupChecks,
    })
  }

  /** Runs a statement of the package's own that touches no tenant's data, without a context. */
  async queryWithoutTenant(config: pg.QueryConfig): Promise<pg.QueryArrayResult> {
    const answer = await this.#connections.share(noTenant, { opening: [ownStatement], query: config })
    return answer.result
  }

  query(config: pg.QueryConfig): Promise<pg.QueryArrayResult> {
    const scope = this.#requireScope()
    // What is asked beside a transaction, by the code within it, must not wait behind what waits for that
    // transaction's locks.
    return scope.raw || scope.inTransaction ? this.#queryAlone(config, scope) : this.#query(config, scope)
  }

  connect(): Promise<TenantTransaction> {
    const scope = this.#requireScope()
    return this.#begin(scope)
  }

  /** Ends all connections behind the work that is under way, at the latest after `timeoutMillis`. */
  end(timeoutMillis?: number): Promise<void> {
    this.#ending ??= this.#connections.end(timeoutMillis)
    return this.#ending
  }

  async #query(config: pg.QueryConfig, { context }: WireScope): Promise<pg.QueryArrayResult> {
    if (!this.#isAdmitted) await this.admission()
    const answer = await this.#connections.share(lineOf(context), {
      ...contextOfExchange(context, this.#options.signer),
      query: config,
    })
    return answer.result
  }

  /**
   * On a connection of its own. SQL that the caller wrote may do to its session what it likes, and COPY swallows
   * what comes behind it; what it set for the session is taken away. That must come behind its end,
   * when what is deferred has run in the context, and under the same Sync: a pooler gives what comes after it
   * another server connection.
   */
  async #queryAlone(config: pg.QueryConfig, { context }: WireScope): Promise<pg.QueryArrayResult> {
    if (!this.#isAdmitted) await this.admission()
    const connection = await this.#connections.own(lineOf(context))
    let destroy = true
    try {
      const answer = await connection.ask({
        opening: [begin],
        ...contextOfExchange(context, this.#options.signer),
        query: config,
        closing: [commit, contextReset, lookForPlanted],
      })
      destroy = answer.contextWasLeftBehind || answer.hasPlanted || answer.status !== 'I'
      return answer.result
    } catch (error) {
      destroy = !(await rollBack(connection))
      throw error
    } finally {
      this.#connections.release(lineOf(context), connection, { destroy })
    }
  }

  async #begin(scope: WireScope): Promise<TenantTransaction> {
    if (!this.#isAdmitted) {
      const admission = this.admission()
      await (scope.signal ? orAborted(admission, scope.signal) : admission)
    }
    const line = lineOf(scope.context)
    const connection = await this.#connections.own(line, scope.signal)
    return new TenantTransaction(connection, scope, this.#options.signer, (options) =>
      this.#connections.release(line, connection, options),
    )
  }

  #assertOpen(): void {
    if (this.#ending) throw tenancyIsClosed()
  }

  #requireScope(): WireScope {
    this.#assertOpen()
    return this.requireScope()
  }

  /** The scope of whoever asks, where the pool is there for it. */
  protected requireScope(): WireScope {
    const scope = currentTenantScope()
    if (!scope) {
      throw new TenancyError(
        'DH101',
        'a query reached the database connection without a tenant context; make it with a tenant client',
      )
    }
    return scope
  }
}

/** The line in which work waits for its turn. */
function lineOf(context: WorkContext): string {
  return context.tenantId === undefined ? context.useId : context.tenantId
}

/** What the promise gives, or nothing when the signal comes first. */
async function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  let onAbort = (): void => {}
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Ends the transaction that a failed statement has left open, and says whether the connection is clean. */
async function rollBack(connection: Connection): Promise<boolean> {
  if (connection.isLost) return false
  try {
    const { hasPlanted } = await connection.ask({
      query: { ...rollback, values: [] },
      isControl: true,
      closing: [contextReset, lookForPlanted],
    })
    return connection.status === 'I' && !hasPlanted
  } catch {
    return false
  }
}
