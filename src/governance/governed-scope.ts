import { setTimeout } from 'node:timers/promises'
import { isTenancyError, TenancyError, type TenancyErrorCode } from '../errors.ts'
import type { BundledTenantClient, BundledTransaction } from '../tenancy/bundled.ts'
import { contextOf } from '../tenancy/tenant-client.ts'
import { governanceError, messageOf } from './governance-error.ts'
import { type Actor, forbidden, type Permission, type PermissionPort, type Resource } from './permissions.ts'
import { auditContextOf, type RequestOrigin } from './request-origin.ts'

/** What a mutating call is, to whom it must be allowed, and what its denial is recorded as. */
export interface GovernedCall {
  /** As the database names it in the event of the change: `config.version.submit`. */
  readonly action: string
  /** Or what decides which one it is, where that depends on whose work the resource is; in the call's transaction. */
  readonly permission: Permission | ((tx: BundledTransaction, actor: Actor) => Promise<Permission>)
  readonly resource: Resource
}

/** What is recorded where it was refused: attempts at what the rules forbid, and not mistakes. */
const denials: ReadonlySet<TenancyErrorCode> = new Set(['DH501', 'DH502', 'DH505', 'DH510'])

/** How long a denial inside a caller's transaction waits for its record, in milliseconds. */
const recordingMillis = 1_000

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

  /**
   * The same, for the calls inside a transaction of the caller's.
   *
   * @throws {TenancyError} `DH103` for a transaction of another tenant or user: their changes would be asked of one user
   *   and be another's
   */
  within(tx: BundledTransaction): GovernedScope {
    const [own, other] = [this.#context(), contextOf(tx)]
    if (other?.tenantId !== own.tenantId || other.userId !== own.userId) {
      throw new TenancyError('DH103', 'the transaction is not one of the tenant and the user of this client')
    }
    return new GovernedScope(this.#db, this.#can, this.#origin, tx)
  }

  /** What reads go through: the caller's transaction, or the client. */
  get reader(): BundledTransaction {
    this.#context()
    return this.#tx ?? this.#db
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
    let permission: Permission | undefined
    const run = async (tx: BundledTransaction) => {
      const context = this.auditContext()
      // a transaction of one's own begins without any; the caller's may still have that of another call
      if (this.#tx || Object.keys(context).length > 0) {
        await tx.$executeRaw`select set_config('app.audit_context', ${JSON.stringify(context)}, true)`
      }
      permission = typeof call.permission === 'string' ? call.permission : await call.permission(tx, actor)
      // a port without types may answer with anything, and only a yes is one
      const answer: unknown = await this.#can(actor, permission, call.resource, tx)
      if (answer !== true) throw forbidden(permission)
      return work(tx, actor)
    }
    try {
      return this.#tx ? await run(this.#tx) : await this.#db.$transaction(run, options)
    } catch (cause) {
      const error = governanceError(cause)
      if (!isTenancyError(error) || !denials.has(error.code)) throw error
      throw await this.#recorded(error, call, permission)
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
    return auditContextOf(this.#origin, this.#context().requestId)
  }

  #context() {
    const context = contextOf(this.#db)
    if (!context) {
      throw new TenancyError('DH101', 'the governed domain needs a tenant client, with a tenant context')
    }
    return context
  }

  /**
   * The refusal, once its attempt is on record: by the client itself, because the transaction that it was in is rolled
   * back, or is the caller's to roll back. What that one holds may be what the record waits for; it is written when the
   * caller's transaction is over then, and the caller is not kept from ending it.
   */
  async #recorded(
    error: TenancyError,
    call: GovernedCall,
    permission: Permission | undefined,
  ): Promise<TenancyError> {
    const recording = this.#recordDenial(call, error, permission).then(
      () => error,
      (cause: unknown) =>
        new TenancyError(error.code, `${messageOf(error)}; and that it was tried could not be recorded`, {
          details: error.details,
          cause,
        }),
    )
    if (!this.#tx) return recording
    const late = new AbortController()
    const patience = setTimeout(recordingMillis, error, { signal: late.signal, ref: false }).catch(
      () => error,
    )
    try {
      return await Promise.race([recording, patience])
    } finally {
      late.abort()
    }
  }

  async #recordDenial(
    { action, resource }: GovernedCall,
    { code, details: { from, to } }: TenancyError,
    permission: Permission | undefined,
  ): Promise<void> {
    await this.#db.auditEvent.create({
      data: {
        action,
        outcome: 'DENIED',
        actorId: this.actor().userId,
        targets: [{ type: resource.type, ...(resource.id ? { id: resource.id } : {}) }],
        context: this.auditContext(),
        metadata: {
          code,
          ...(permission === undefined ? {} : { permission }),
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        },
      },
    })
  }
}
