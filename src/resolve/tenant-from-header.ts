import { TenancyError } from '../errors.ts'
import { type TenantResolver, untrusted } from './tenant-resolver.ts'

/** Options of {@link tenantFromHeader}. */
export interface TenantFromHeaderOptions {
  /** The header that the gateway sets, such as `x-tenant-id`. */
  readonly name: string
}

/**
 * Takes the tenant's id from a header: **only for services behind a gateway that sets it and strips the client's
 * own**. Nothing is proven here; whoever can reach the service past the gateway is whichever tenant they say.
 *
 * A header that came twice is refused, for then the gateway has added its own to the client's.
 *
 * @throws {TenancyError} `DH113` for what is no name of a header
 *
 * @example
 * ```ts
 * const resolve = tenantFromHeader({ name: 'x-tenant-id' })
 * ```
 */
export function tenantFromHeader({ name }: TenantFromHeaderOptions): TenantResolver {
  if (!/^[a-z0-9-]+$/i.test(name)) {
    throw new TenancyError(
      'DH113',
      'tenantFromHeader: name must be the name of a header, such as x-tenant-id',
    )
  }
  const header = name.toLowerCase()
  return async (request) => {
    const value = request.header(header)
    if (value === undefined) return undefined
    if (value.includes(',')) throw untrusted('the header of the tenant came more than once')
    return { tenantId: value.trim() }
  }
}
