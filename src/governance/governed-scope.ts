import { isTenancyError, TenancyError, type TenancyErrorCode } from '../errors.ts'
import type { BundledTenantClient, BundledTransaction } from '../tenancy/bundled.ts'
import { contextOf } from '../tenancy/tenant-client.ts'
import { governanceError } from './governance-error.ts'
import { type Actor, forbidden, type Permission, type PermissionPort, type Resource } from './permissions.ts'

/** Where a request came from, for the audit events of its changes. */
export interface RequestOrigin {
  readonly ip?: string
  readonly userAgent?: string
}

/** What a mutating call is, to whom it must be allowed, and what its denial is recorded as. */
export interface GovernedCall {
  /** As the database names it in the event of the change: `config.version.submit`. */
  readonly action: string
  readonly permission: Permission
  readonly resource: Resource
}

/** What is recorded where it was refused: attempts at what the rules forbid, and not mistakes. */
const denials: ReadonlySet<TenancyErrorCode> = new Set(['DH501', 'DH502', 'DH505', 'DH510'])

/** Runs the calls of the repositories: who acts, whether they may, in one transaction, with its audit context. */
export class GovernedScope {
  readonly #db: BundledTenantClient
  readonly #tx: BundledTransaction | undefined
  readonly #can: PermissionPort
  readonly #origin: RequestOrigin

  constructor(db: BundledTenantClient, can: PermissionPort, origin: RequestOrigin, tx?: BundledTransaction) {
    this.#db = db
    this.#can = can
    this.#origin = origin
    this.#tx = tx
  }

  /** The same, for the calls inside a transaction of the caller's. */
  within(tx: BundledTransaction): GovernedScope {
    return new GovernedScope(this.#db, this.#can, this.#origin, tx)
  }

  /** What reads go through: the caller's transaction, or the client. */
  get reader(): BundledTransaction {
    this.#context()
    return this.#tx ?? (this.#db as unknown as BundledTransaction)
  }

  /**
   * Runs a mutating call in one transaction; what the rules forbid is recorded as a denied attempt, in a transaction of
   * its own.
   *
   * @param options `timeout` of the transaction in milliseconds, where none of the caller's is open; Prisma's unless told
   * @throws {TenancyError} `DH101` without a tenant context, `DH509` without a user, `DH505` without the permission
   */
  async mutate<Result>(
    call: GovernedCall,
    work: (tx: BundledTransaction, actor: Actor) => Promise<Result>,
    options: { readonly timeout?: number } = {},
  ): Promise<Result> {
    const actor = this.actor()
    const run = async (tx: BundledTransaction) => {
      await tx.$executeRaw`select set_config('app.audit_context', ${JSON.stringify(this.auditContext())}, true)`
      if (!(await this.#can(actor, call.permission, call.resource, tx))) throw forbidden(call.permission)
      return work(tx, actor)
    }
    try {
      return this.#tx ? await run(this.#tx) : await this.#db.$transaction(run, options)
    } catch (cause) {
      const error = governanceError(cause)
      if (isTenancyError(error) && denials.has(error.code)) await this.#recordDenial(call, error)
      throw error
    }
  }

  /**
   * Who acts.
   *
   * @throws {TenancyError} `DH101` without a tenant context, `DH509` without a user
   */
  actor(): Actor {
    const { tenantId, userId, roles } = this.#context()
    if (userId === undefined) {
      throw new TenancyError('DH509', 'a governed change needs a user: make the tenant client with userId')
    }
    return { tenantId: String(tenantId), userId: String(userId), roles: roles ?? [] }
  }

  /** What the audit events of the call say of the request. */
  auditContext(): Record<string, string> {
    const { requestId } = this.#context()
    return { ...this.#origin, ...(requestId === undefined ? {} : { requestId }) }
  }

  #context() {
    const context = contextOf(this.#db)
    if (!context) {
      throw new TenancyError('DH101', 'the governed domain needs a tenant client, with a tenant context')
    }
    return context
  }

  async #recordDenial({ action, resource, permission }: GovernedCall, error: TenancyError): Promise<void> {
    const { from, to } = error.details
    await this.#db.auditEvent.create({
      data: {
        action,
        outcome: 'DENIED',
        actorId: this.actor().userId,
        targets: [{ type: resource.type, ...(resource.id ? { id: resource.id } : {}) }],
        context: this.auditContext(),
        metadata: {
          code: error.code,
          permission,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        },
      },
    })
  }
}
