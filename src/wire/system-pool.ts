import type { SystemUse } from '../context/system-use.ts'
import { currentWireScope, type WireScope } from '../context/wire-scope.ts'
import { TenancyError, tenancyIsClosed } from '../errors.ts'
import { type Admission, examineSystemConnection } from './admission.ts'
import { ConnectionPool } from './connection-pool.ts'
import { TenantPool, type TenantPoolOptions } from './tenant-pool.ts'

export type SystemPoolOptions = Omit<
  TenantPoolOptions,
  | 'allowRoleThatBypassesRowSecurity'
  | 'maxConcurrentPerTenant'
  | 'startupChecks'
  | 'signer'
  | 'allowUnverifiedContext'
>

/** Where work across tenants is recorded; `prisma/migrations` creates it. */
const record = { schema: 'audit', table: 'system_work' }

// who was logged in, and when, says the database
const insert = `insert into audit.system_work (use_id, actor, reason, model, operation) values ($1, $2, $3, $4, $5)`

/**
 * The pool of the role that works across tenants. The wire is the tenants' own, with one Sync for each statement and
 * the extended protocol only; but no context goes with it, and it passes nothing but a use of the system.
 *
 * What is recorded goes over a connection of its own: it is committed before the work begins, stays where the work is
 * rolled back, and does not wait for a connection that its own transaction has.
 */
export class SystemPool extends TenantPool {
  readonly #options: SystemPoolOptions
  readonly #records: ConnectionPool
  #ending: Promise<void> | undefined

  constructor(options: SystemPoolOptions) {
    super({ ...options, allowRoleThatBypassesRowSecurity: false })
    this.#options = options
    this.#records = new ConnectionPool({ ...options, maxConnections: 1 })
  }

  /**
   * Records an operation that is about to run. It must not be run where this fails.
   *
   * @throws {TenancyError} `DH302` or `DH303` for a login that is not the system's, `DH110` when the database refuses
   *   the record, `DH106` or `DH107` when it can't be reached or not in time
   */
  async record(
    { useId, actor, reason }: SystemUse,
    { model, operation }: { readonly model?: string | undefined; readonly operation: string },
  ): Promise<void> {
    await this.admission()
    if (this.#ending) throw tenancyIsClosed()
    const values = [useId, actor, reason, model ?? null, operation]
    try {
      await this.#records.share(useId, { query: { text: insert, values } })
    } catch (error) {
      if (error instanceof TenancyError) throw error
      throw new TenancyError(
        'DH110',
        `${operation} was not run, for it could not be recorded in ${record.schema}.${record.table}`,
        { details: { operation, ...(model === undefined ? {} : { model }) }, cause: error },
      )
    }
  }

  override end(timeoutMillis?: number): Promise<void> {
    this.#ending ??= Promise.all([super.end(timeoutMillis), this.#records.end(timeoutMillis)]).then(() => {})
    return this.#ending
  }

  protected override examine(): Promise<Admission> {
    return examineSystemConnection(
      (config) => this.queryWithoutTenant(config),
      this.#options.protectedTables,
      record,
    )
  }

  protected override requireScope(): WireScope {
    const scope = currentWireScope()
    if (scope && scope.context.tenantId === undefined) return scope
    throw new TenancyError('DH109', 'a query reached the connection of the system without a use of it')
  }
}
