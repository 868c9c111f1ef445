import pg from 'pg'
import { currentWireScope, type WireScope } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import { type Admission, examineConnection } from './admission.ts'
import { contextCompanion, contextReset } from './context-query.ts'
import { endsConnection, isMidTransaction, runQuery } from './run-query.ts'
import { TenantTransaction } from './tenant-transaction.ts'

// node-postgres overloads both doors nine times; Prisma's adapter calls one form of each. It asks for an
// instance of its Pool, so this is one.
const Pool = pg.Pool as unknown as new (options: pg.PoolConfig) => Omit<pg.Pool, 'query' | 'connect'>

export interface TenantPoolOptions extends pg.PoolConfig {
  /** Tables that row-level security must hold for the role of this pool; checked before the first use. */
  readonly protectedTables: readonly { readonly schema: string; readonly table: string }[]
  /** Go on although row-level security does not hold the role or a table. */
  readonly allowRoleThatBypassesRowSecurity: boolean
}

/**
 * The pool that Prisma's adapter is given. It has two doors, and both take the tenant with them:
 *
 * - `query`: one statement outside a transaction. The context and the statement go under one Sync.
 * - `connect`: a transaction. The context goes with BEGIN (see {@link TenantTransaction}).
 *
 * Invariant: nothing passes without a context. The scope is read in the first line of each door, before
 * anything is awaited: node-postgres hands a free connection to a waiting caller in the async context of
 * whoever released it. A connection that was left in a transaction, or with a context set for the whole
 * session, is destroyed when it comes back.
 */
export class TenantPool extends Pool {
  readonly #options: TenantPoolOptions
  #admission: Promise<Admission> | undefined

  constructor(options: TenantPoolOptions) {
    super(options)
    this.#options = options
  }

  /**
   * Whom the pool logged in as, and whether row-level security holds that role. Asked once, or `afresh`.
   *
   * @throws {TenancyError} `DH302` or `DH303` when it does not and that was not allowed
   */
  admission({ afresh = false } = {}): Promise<Admission> {
    if (!this.#admission || afresh) {
      const admission = this.#examine()
      this.#admission = admission
      // a server that was down or a role that was wrong may have been mended by the next attempt
      admission.catch(() => {
        if (this.#admission === admission) this.#admission = undefined
      })
    }
    return this.#admission
  }

  async #examine(): Promise<Admission> {
    this.#assertOpen()
    return this.#withConnection((client) =>
      examineConnection(
        async (config) => (await runQuery(client, config)).result,
        this.#options.protectedTables,
        this.#options.allowRoleThatBypassesRowSecurity,
      ),
    )
  }

  /** Runs a statement of the package's own that touches no tenant's data, without a context. */
  async queryWithoutTenant(config: pg.QueryConfig): Promise<pg.QueryArrayResult> {
    return this.#withConnection(async (client) => (await runQuery(client, config)).result)
  }

  query(config: pg.QueryConfig): Promise<pg.QueryArrayResult> {
    const scope = this.#requireScope()
    return this.#query(config, scope)
  }

  connect(): Promise<TenantTransaction> {
    const scope = this.#requireScope()
    return this.#begin(scope)
  }

  async #query(config: pg.QueryConfig, { context, raw }: WireScope): Promise<pg.QueryArrayResult> {
    await this.admission()
    return this.#withConnection(async (client, destroy) => {
      const outcome = await runQuery(client, config, { before: [contextCompanion(context)] })
      if (outcome.contextWasLeftBehind) destroy()
      // Only raw SQL can set a context for the session. The reset has a Sync of its own, for what is deferred to
      // the end of the transaction runs at the first one; what was answered stays so if it fails.
      if (raw) await runQuery(client, { text: contextReset.text }).catch(destroy)
      return outcome.result
    })
  }

  async #begin(scope: WireScope): Promise<TenantTransaction> {
    await this.admission()
    return new TenantTransaction(await this.#checkOut(), scope.context)
  }

  async #withConnection<Result>(
    work: (client: pg.PoolClient, destroy: () => void) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.#checkOut()
    let mustDestroy = false
    // a connection that is lost while it is lent emits an error that nobody else listens to; its queries
    // are rejected all the same
    const onLost = () => {
      mustDestroy = true
    }
    client.on('error', onLost)
    try {
      return await work(client, onLost)
    } catch (error) {
      mustDestroy ||= endsConnection(error)
      throw error
    } finally {
      client.removeListener('error', onLost)
      client.release(mustDestroy || isMidTransaction(client))
    }
  }

  /** node-postgres's own `connect`, which this class hides. */
  #checkOut(): Promise<pg.PoolClient> {
    const connect = pg.Pool.prototype.connect as () => Promise<pg.PoolClient>
    return connect.call(this)
  }

  #assertOpen(): void {
    if (this.ending) throw new TenancyError('DH104', 'the tenancy is disconnected; create another one')
  }

  #requireScope(): WireScope {
    this.#assertOpen()
    const scope = currentWireScope()
    if (!scope) {
      throw new TenancyError(
        'DH101',
        'a query reached the database connection without a tenant context; make it with a tenant client',
      )
    }
    return scope
  }
}
