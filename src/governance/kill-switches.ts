import { isTenancyError, TenancyError, type TenancyErrorCode } from '../errors.ts'
import type { BundledTransaction } from '../tenancy/bundled.ts'
import { contextOf, isTransactionClient } from '../tenancy/tenant-client.ts'
import { checkedInput } from './checked-input.ts'
import { governanceError } from './governance-error.ts'
import type { GovernedScope } from './governed-scope.ts'
import {
  type EngageInput,
  engageSchema,
  type KillSwitch,
  type KillSwitchTarget,
  type ReleaseInput,
  releaseSchema,
  resourceSchema,
} from './kill-switch.ts'
import type { Permission } from './permissions.ts'

/** What a call that turned a kill switch did. */
export interface TurnedKillSwitch extends KillSwitch {
  /** False where it stood so already. */
  readonly changed: boolean
}

/** Whether something is stopped. */
export interface KillSwitchState {
  readonly engaged: boolean
  /** By which switches. Where they could not be read, by one with the reason `unreadable`. */
  readonly by: readonly Omit<KillSwitch, 'engaged'>[]
  /** Why they could not be read. */
  readonly cause?: unknown
}

/**
 * The kill switches of a tenant, and those of the platform, which it can see and not turn.
 *
 * What holds: once a switch is engaged, no effect that asked {@link KillSwitches.assertNotEngaged} in its transaction
 * commits any more, in any isolation level. Whoever engages waits for the effects that have asked already; effects that
 * ask meanwhile wait behind, and are refused. What does not: an effect that leaves the database, such as a mail, is
 * held only as long as it is done before its transaction commits.
 *
 * Locks are taken in one order: the gate of all tenants, the tenant's gate, rows, the audit chain. Two transactions
 * that both ask and then both turn a switch can't both have it: one of them fails as a deadlock (P2034), so turn
 * switches in transactions of their own. An effect must not open a second transaction that asks while the first is
 * open: whoever engages in between waits for the first one, and the second waits behind.
 */
export interface KillSwitches {
  /**
   * Engages a switch, and returns when no effect that it stops can commit any more. Where it is engaged already
   * nothing changes, but that the later expiry stands; the call is recorded all the same.
   *
   * @param input `scope` and `resource`, `reason`, and when it ends: `expiresAt` or `expiresInMillis`
   * @returns the switch as it stands
   * @throws {TenancyError} `DH505` for a global switch, which is the platform's, and without the permission
   *   `kill-switch:engage`; `DH506` for input that is not valid; `DH108` where effects that had asked before were not
   *   over after `waitMillis`: nothing is engaged then
   *
   * @example
   * ```ts
   * await governance.killSwitches.engage({ scope: 'RESOURCE', resource: 'mail', reason: 'duplicate mails' })
   * ```
   */
  engage(input: EngageInput): Promise<TurnedKillSwitch>

  /**
   * Releases a switch. Where it is not engaged nothing changes; the call is recorded all the same.
   *
   * @param input `scope` and `resource`, and `reason`
   * @returns the switch as it stands
   * @throws {TenancyError} as {@link KillSwitches.engage}, with the permission `kill-switch:release`
   *
   * @example
   * ```ts
   * await governance.killSwitches.release({ scope: 'RESOURCE', resource: 'mail', reason: 'fixed' })
   * ```
   */
  release(input: ReleaseInput): Promise<TurnedKillSwitch>

  /**
   * Whether something is stopped now: for screens, and for work that no transaction holds. A moment later it may be
   * otherwise; an effect asks {@link KillSwitches.assertNotEngaged}.
   *
   * @param what `resource`: what is asked about; without it, only what stops everything counts
   * @returns `engaged` with the switches; where they could not be read, it is true
   * @throws {TenancyError} `DH101` to `DH103` where the context is missing or wrong
   *
   * @example
   * ```ts
   * const { engaged, by } = await governance.killSwitches.isEngaged({ resource: 'mail' })
   * ```
   */
  isEngaged(what?: { readonly resource?: string | undefined }): Promise<KillSwitchState>

  /**
   * All switches of the tenant and of the platform, engaged or not.
   *
   * @example
   * ```ts
   * const engaged = (await governance.killSwitches.list()).filter((killSwitch) => killSwitch.engaged)
   * ```
   */
  list(): Promise<readonly KillSwitch[]>

  /**
   * Lets an effect go on only where nothing stops it, and keeps it so until the effect's transaction ends.
   *
   * @param tx what the callback of `$transaction` got, of a client of the same tenant
   * @param what `resource`: what the effect is; without it, only what stops everything counts
   * @throws {TenancyError} `DH508` where it is stopped, and where that could not be found out, with the `cause`;
   *   `DH204` outside of a transaction; `DH101` to `DH103` where the context is missing or wrong. What must be tried
   *   again as a whole, a write conflict in REPEATABLE READ or a deadlock, comes as Prisma's P2034
   *
   * @example
   * ```ts
   * await db.$transaction(async (tx) => {
   *   await governance.killSwitches.assertNotEngaged(tx, { resource: 'mail' })
   *   await tx.executionTrace.create({ data })
   * })
   * ```
   */
  assertNotEngaged(tx: BundledTransaction, what?: { readonly resource?: string | undefined }): Promise<void>
}

export function killSwitchesOf(scope: GovernedScope): KillSwitches {
  return new TenantKillSwitches(scope)
}

/** Errors of the context are the caller's, and say nothing of a switch. */
const contextErrors: ReadonlySet<TenancyErrorCode> = new Set(['DH101', 'DH102', 'DH103'])

interface Row {
  readonly id: string
  readonly scope: KillSwitch['scope']
  readonly resource: string
  readonly engaged: boolean
  readonly reason: string | null
  readonly actorId: string | null
  readonly engagedAt: Date | null
  readonly expiresAt: Date | null
}

class TenantKillSwitches implements KillSwitches {
  readonly #scope: GovernedScope

  constructor(scope: GovernedScope) {
    this.#scope = scope
  }

  async engage(input: EngageInput): Promise<TurnedKillSwitch> {
    const {
      scope,
      resource = '',
      reason,
      ...given
    } = checkedInput('killSwitches.engage', engageSchema, input)
    return this.#turn({ ...given, scope, resource, reason, verb: 'engage' }, (tx) => {
      const { expiresAt = null, expiresInMillis = null } = given
      // what is in force is changed only where this one lasts longer
      return tx.$queryRaw<Row[]>`
        insert into governance.kill_switch as s (id, scope, resource, engaged, reason, expires_at, updated_at)
        values (gen_random_uuid(), ${scope}::governance.kill_switch_scope, ${resource}, true, ${reason},
                coalesce(${expiresAt}::timestamptz,
                         clock_timestamp() + ${expiresInMillis}::float8 * interval '1 millisecond'),
                now())
        on conflict (tenant_id, scope, resource) do update
           set engaged = true, reason = excluded.reason, expires_at = excluded.expires_at, updated_at = now()
         where not s.engaged or s.expires_at <= clock_timestamp()
            or s.expires_at < coalesce(excluded.expires_at, 'infinity')
        returning s.id, s.scope::text, s.resource, true as engaged, s.reason, s.actor_id as "actorId",
                  s.engaged_at as "engagedAt", s.expires_at as "expiresAt"`
    })
  }

  async release(input: ReleaseInput): Promise<TurnedKillSwitch> {
    const { resource = '', ...given } = checkedInput('killSwitches.release', releaseSchema, input)
    return this.#turn(
      { ...given, resource, verb: 'release' },
      (tx) => tx.$queryRaw<Row[]>`
        update governance.kill_switch s
           set engaged = false, reason = ${given.reason}, updated_at = now()
         where s.tenant_id = (select tenancy.require_tenant_id()) and s.resource = ${resource} and s.engaged
        returning s.id, s.scope::text, s.resource, false as engaged, s.reason, s.actor_id as "actorId",
                  s.engaged_at as "engagedAt", s.expires_at as "expiresAt"`,
    )
  }

  async isEngaged(what: { readonly resource?: string } = {}): Promise<KillSwitchState> {
    const { resource = '' } = checkedInput('killSwitches.isEngaged', resourceSchema, what)
    try {
      const rows = await readSwitches(this.#scope.reader)
      const by = rows
        .filter((row) => row.engaged && (row.resource === '' || row.resource === resource))
        .map((row) => {
          const { engaged: _, ...state } = stateOf(row)
          return state
        })
      return { engaged: by.length > 0, by }
    } catch (error) {
      const cause = governanceError(error)
      if (isTenancyError(cause) && contextErrors.has(cause.code)) throw cause
      const unknown = { resource: null, actorId: null, engagedAt: null, expiresAt: null }
      return { engaged: true, by: [{ scope: 'GLOBAL', reason: 'unreadable', ...unknown }], cause }
    }
  }

  async list(): Promise<readonly KillSwitch[]> {
    try {
      return (await readSwitches(this.#scope.reader)).map(stateOf)
    } catch (error) {
      throw governanceError(error)
    }
  }

  async assertNotEngaged(tx: BundledTransaction, what: { readonly resource?: string } = {}): Promise<void> {
    const { resource = '' } = checkedInput('killSwitches.assertNotEngaged', resourceSchema, what)
    if (!isTransactionClient(tx)) {
      throw new TenancyError(
        'DH204',
        'assertNotEngaged needs what the callback of $transaction got; outside of one, a switch could be engaged before the effect',
      )
    }
    if (contextOf(tx)?.tenantId !== contextOf(this.#scope.reader)?.tenantId) {
      throw new TenancyError(
        'DH103',
        'the transaction of the effect is not of the tenant of these kill switches',
      )
    }
    try {
      await tx.$executeRaw`select governance.assert_not_engaged(${resource})`
    } catch (error) {
      const cause = governanceError(error)
      if (isConflict(cause)) throw cause
      if (isTenancyError(cause) && (cause.code === 'DH508' || contextErrors.has(cause.code))) throw cause
      throw new TenancyError(
        'DH508',
        'the kill switches could not be read, so all count as engaged; the cause says why',
        { cause },
      )
    }
  }

  async #turn(
    {
      verb,
      scope,
      resource,
      reason,
      waitMillis,
    }: KillSwitchTarget & {
      readonly verb: 'engage' | 'release'
      readonly resource: string
      readonly reason: string
      readonly waitMillis: number
    },
    write: (tx: BundledTransaction) => PromiseLike<readonly Row[]>,
  ): Promise<TurnedKillSwitch> {
    const permission: Permission = `kill-switch:${verb}`
    const action = `kill_switch.${verb}`
    return this.#scope.mutate(
      { action, permission, resource: { type: 'kill-switch' } },
      async (tx, actor) => {
        if (scope === 'GLOBAL') {
          throw new TenancyError(
            'DH505',
            'a global kill switch is the platform’s: turn it with createPlatformKillSwitches',
            { details: { permission } },
          )
        }
        const [written] = await waitingFor(tx, waitMillis, () => write(tx))
        if (written) return { ...stateOf(written), changed: true }
        // the statement has closed the gate, so nobody turns it meanwhile
        const found = (await readSwitches(tx)).find((row) => row.scope === scope && row.resource === resource)
        const state = found ? stateOf(found) : neverTurned(scope, resource)
        await tx.auditEvent.create({
          data: {
            action,
            actorId: actor.userId,
            targets: [{ type: 'kill-switch', ...(found ? { id: found.id } : {}) }],
            context: this.#scope.auditContext(),
            metadata: {
              changed: false,
              stage: state.engaged ? 'ENGAGED' : 'RELEASED',
              scope,
              ...(resource === '' ? {} : { resource }),
              reason,
            },
          },
        })
        return { ...state, changed: false }
      },
      { timeout: waitMillis + 10_000 },
    )
  }
}

/** Its own switches and the platform's; hull one does not read raw SQL, so the statement says whose, as the policies do. */
function readSwitches(tx: BundledTransaction): PromiseLike<readonly Row[]> {
  return tx.$queryRaw<Row[]>`
    select s.id, s.scope::text, s.resource, s.reason, s.actor_id as "actorId", s.engaged_at as "engagedAt",
           s.expires_at as "expiresAt",
           s.engaged and (s.expires_at is null or s.expires_at > clock_timestamp()) as engaged
      from governance.kill_switch s
     where s.tenant_id is null or s.tenant_id = (select tenancy.require_tenant_id())
     order by s.tenant_id nulls first, s.resource`
}

function stateOf({ scope, resource, engaged, reason, actorId, engagedAt, expiresAt }: Row): KillSwitch {
  return { scope, resource: resource || null, engaged, reason, actorId, engagedAt, expiresAt }
}

function neverTurned(scope: KillSwitch['scope'], resource: string): KillSwitch {
  const nothing = { reason: null, actorId: null, engagedAt: null, expiresAt: null }
  return { scope, resource: resource || null, engaged: false, ...nothing }
}

/** Runs a statement that waits for locks so long and no longer; what the transaction does then waits as before. */
async function waitingFor<Result>(
  tx: BundledTransaction,
  waitMillis: number,
  work: () => PromiseLike<Result>,
): Promise<Result> {
  const [before] = await tx.$queryRaw<{ readonly limit: string }[]>`
    select current_setting('lock_timeout') as "limit", set_config('lock_timeout', ${`${waitMillis}ms`}, true)`
  const result = await work()
  await tx.$executeRaw`select set_config('lock_timeout', ${before?.limit ?? '0'}, true)`
  return result
}

/** Prisma's code for a serialization failure or a deadlock: another attempt may not meet it. */
function isConflict(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'P2034'
}
