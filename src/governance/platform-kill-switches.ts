import { TenancyError } from '../errors.ts'
import type { BundledSystemClient } from '../tenancy/bundled.ts'
import { isSystemClient } from '../tenancy/tenant-client.ts'
import { governanceError } from './governance-error.ts'
import { type EngageInput, engageSchema, type ReleaseInput, releaseSchema } from './kill-switch.ts'
import { parseInput } from './parse-input.ts'

/** The kill switches of the platform: of the scope `GLOBAL`, for every tenant. */
export interface PlatformKillSwitches {
  /**
   * Engages a global switch, and returns when no effect that it stops can commit any more, of any tenant. Where it is
   * engaged already, the later expiry stands.
   *
   * @param input as for a tenant's, without `scope`
   * @throws {TenancyError} `DH506` for input that is not valid; `DH108` where effects that had asked before were not
   *   over after `waitMillis`: nothing is engaged then
   */
  engage(input: Omit<EngageInput, 'scope'>): Promise<{ readonly changed: boolean }>
  /**
   * Releases a global switch.
   *
   * @throws {TenancyError} as {@link PlatformKillSwitches.engage}
   */
  release(input: Omit<ReleaseInput, 'scope'>): Promise<{ readonly changed: boolean }>
}

/**
 * The kill switches of the platform, over a system client. Who turned one, and why, stands in `audit.system_work`, as
 * of everything that a system client does; no tenant's audit trail has it.
 *
 * @param system a client of `tenancy.system()` or `createSystemClient()`
 * @throws {TenancyError} `DH204` for any other client
 *
 * @example
 * ```ts
 * const system = createSystemClient({ actor: 'on-call', reason: 'mails are sent twice' })
 * await createPlatformKillSwitches(system).engage({ resource: 'mail', reason: 'mails are sent twice' })
 * ```
 */
export function createPlatformKillSwitches(system: BundledSystemClient): PlatformKillSwitches {
  if (!isSystemClient(system)) {
    throw new TenancyError('DH204', 'a global kill switch is turned with a system client alone')
  }
  const turn = async (
    waitMillis: number,
    write: (tx: Parameters<Parameters<BundledSystemClient['$transaction']>[0]>[0]) => PromiseLike<number>,
  ) => {
    try {
      const count = await system.$transaction(
        async (tx) => {
          await tx.$executeRaw`select set_config('lock_timeout', ${`${waitMillis}ms`}, true)`
          return write(tx)
        },
        { timeout: waitMillis + 10_000 },
      )
      return { changed: count > 0 }
    } catch (error) {
      throw governanceError(error)
    }
  }
  return {
    async engage(input) {
      const given = parseInput('killSwitches.engage', engageSchema, { ...input, scope: 'GLOBAL' })
      const { resource = '', reason, expiresAt = null, expiresInMillis = null, waitMillis } = given
      return turn(
        waitMillis,
        (tx) => tx.$executeRaw`
          insert into governance.kill_switch as s (id, tenant_id, scope, resource, engaged, reason, expires_at, updated_at)
          values (gen_random_uuid(), null, 'GLOBAL', ${resource}, true, ${reason},
                  coalesce(${expiresAt}::timestamptz,
                           clock_timestamp() + ${expiresInMillis}::float8 * interval '1 millisecond'),
                  now())
          on conflict (scope, resource) where tenant_id is null do update
             set engaged = true, reason = excluded.reason, expires_at = excluded.expires_at, updated_at = now()
           where not s.engaged or s.expires_at <= clock_timestamp()
              or s.expires_at < coalesce(excluded.expires_at, 'infinity')`,
      )
    },
    async release(input) {
      const given = parseInput('killSwitches.release', releaseSchema, { ...input, scope: 'GLOBAL' })
      const { resource = '', reason, waitMillis } = given
      return turn(
        waitMillis,
        (tx) => tx.$executeRaw`
          update governance.kill_switch
             set engaged = false, reason = ${reason}, updated_at = now()
           where tenant_id is null and resource = ${resource} and engaged`,
      )
    },
  }
}
