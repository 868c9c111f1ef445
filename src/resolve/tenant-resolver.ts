import { parseTenantContext, type TenantContext, type TenantContextInput } from '../context/tenant-context.ts'
import type { TenantIdType } from '../context/tenant-id.ts'
import { isTenancyError, TenancyError } from '../errors.ts'

/** A request, as far as a resolver sees it. Each adapter makes one of its framework's. */
export interface TenantRequest {
  /**
   * The value of a header, `undefined` where the request has none of the name. One that came more than once is
   * joined with a comma (`cookie` with a semicolon), so that a resolver can refuse it.
   *
   * @param name in lower case
   */
  header(name: string): string | undefined
}

/**
 * Finds out whose request it is: a context out of what the request proves, or `undefined` where it holds nothing of
 * what the resolver looks for. What is there and can't be trusted is refused with `DH111`, and a tenant that is not
 * there with `DH112`.
 *
 * It is also told the type of the tenants' ids, which a resolver that compares what others have found hands on to them.
 *
 * @example
 * ```ts
 * const fromSession: TenantResolver = async (request) => {
 *   const session = await sessions.find(request.header('x-session') ?? '')
 *   return session && { tenantId: session.tenantId, userId: session.userId }
 * }
 * ```
 */
export type TenantResolver = (
  request: TenantRequest,
  tenantIdType?: TenantIdType,
) => Promise<TenantContextInput | undefined>

/**
 * Asks a resolver for the context of a request: what every adapter does before it runs a handler.
 *
 * @param tenantIdType the type of the tenants' ids, which a tenancy says of itself; `uuid` unless told
 * @throws {TenancyError} `DH111` when the request names no tenant, or not in a way that can be trusted; what else the
 *   resolver throws, such as `DH112`
 *
 * @example
 * ```ts
 * const view = { header: (name) => request.headers.get(name) ?? undefined }
 * const context = await resolveTenant(resolve, view, tenancy.tenantIdType)
 * await tenancy.run(context, () => handle(request))
 * ```
 */
export async function resolveTenant(
  resolve: TenantResolver,
  request: TenantRequest,
  tenantIdType?: TenantIdType,
): Promise<TenantContext> {
  const found = await resolve(request, tenantIdType)
  if (found === undefined) throw untrusted('nothing in the request names a tenant')
  return parseResolved(found, tenantIdType)
}

/** Parses what a resolver found: a malformed tenant id is the request's fault, and not the application's. */
export function parseResolved(found: TenantContextInput, type: TenantIdType | undefined): TenantContext {
  try {
    return parseTenantContext(found, type)
  } catch (error) {
    if (isTenancyError(error)) {
      throw untrusted(
        `what was found is missing or malformed at: ${error.details.field ?? 'tenantId'}`,
        error,
      )
    }
    throw error
  }
}

/**
 * `DH111`. The message is the same for everybody, because it is sent to whoever asks; why it was refused is its cause.
 *
 * @param reason of a piece of code, without any value out of the request
 */
export function untrusted(reason: string, cause?: unknown): TenancyError {
  return new TenancyError('DH111', 'the request names no tenant that can be trusted', {
    cause: new Error(reason, cause === undefined ? undefined : { cause }),
  })
}

/** `DH112`: a tenant that is not there, and one that is another's, word for word the same. */
export function unreached(reason: string): TenancyError {
  return new TenancyError('DH112', 'the request names a tenant that it does not reach', {
    cause: new Error(reason),
  })
}
