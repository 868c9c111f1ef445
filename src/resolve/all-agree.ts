import type { TenantContext } from '../context/tenant-context.ts'
import { isTenancyError, type TenancyError } from '../errors.ts'
import { parseResolved, type TenantResolver, unreached, untrusted } from './tenant-resolver.ts'

/**
 * Asks all of the resolvers, which must name the same tenant: a token of one tenant is then of no use on another's
 * subdomain. What only one of them knows, such as the user, is taken over; where several know it, the first counts,
 * and they must name the same user.
 *
 * A tenant that is not there and a tenant that is not the token's are refused alike (`DH112`), and only after every
 * resolver was asked and no credential was found wanting (`DH111`): who is nobody learns no names of tenants.
 *
 * @example
 * ```ts
 * const resolve = allAgree(tenantFromJwt({ ...verify }), tenantFromSubdomain({ domain, lookup }))
 * ```
 */
export function allAgree(
  ...resolvers: readonly [TenantResolver, TenantResolver, ...TenantResolver[]]
): TenantResolver {
  return async (request, tenantIdType) => {
    const found: TenantContext[] = []
    let missing: TenancyError | undefined
    for (const resolve of resolvers) {
      try {
        const context = await resolve(request, tenantIdType)
        if (context === undefined) throw untrusted('one of those that must agree names no tenant')
        found.push(parseResolved(context, tenantIdType))
      } catch (error) {
        if (!isTenancyError(error, 'DH112')) throw error
        missing = error
      }
    }
    if (missing) throw missing
    if (differ(found, 'tenantId')) throw unreached('those that must agree name different tenants')
    if (differ(found, 'userId')) throw untrusted('those that must agree name different users')
    // the first counts: it is laid over the others
    return found.reduceRight((merged, context) => ({ ...merged, ...known(context) }))
  }
}

/** A context without what it names and leaves undefined, as a resolver of the application's may. */
function known(context: TenantContext): TenantContext {
  return Object.fromEntries(
    Object.entries(context).filter(([, value]) => value !== undefined),
  ) as TenantContext
}

function differ(contexts: readonly TenantContext[], key: 'tenantId' | 'userId'): boolean {
  return new Set(contexts.map((context) => context[key]).filter((value) => value !== undefined)).size > 1
}
