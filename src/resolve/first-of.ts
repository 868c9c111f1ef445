import type { TenantResolver } from './tenant-resolver.ts'

/**
 * Asks resolvers one after the other, and the first that finds anything decides. What is there and can't be trusted
 * is refused and never passed over: a bad token is no reason to look at a header.
 *
 * @example
 * ```ts
 * const resolve = firstOf(tenantFromJwt({ ...verify }), tenantFromJwt({ ...verify, cookie: '__Host-session' }))
 * ```
 */
export function firstOf(...resolvers: readonly [TenantResolver, ...TenantResolver[]]): TenantResolver {
  return async (request, tenantIdType) => {
    for (const resolve of resolvers) {
      const found = await resolve(request, tenantIdType)
      if (found !== undefined) return found
    }
    return undefined
  }
}
