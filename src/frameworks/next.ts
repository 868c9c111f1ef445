import type { ContextRunner } from '../context/ambient-context.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { TenantResolver } from '../resolve/tenant-resolver.ts'
import { admit, type TenantAdapterOptions } from './admission.ts'

/** A route handler of Next.js, or of whatever else speaks `Request` and `Response`. */
export type RouteHandler<Incoming extends Request, RouteContext> = (
  request: Incoming,
  context: RouteContext,
) => Promise<Response>

/** What the handler gets beside the request: Next's own, such as `params`, and whose request it is. */
export type TenantRouteContext<RouteContext> = RouteContext & { readonly tenant: TenantContext }

/**
 * Wraps route handlers of Next.js (App Router, Node runtime): they run with the request's tenant, so that
 * `tenancy.client()` needs no argument there; `tenant` of their second argument says whose it is.
 *
 * A request without a tenant is answered with 401 and `DH111`, one for a tenant that it doesn't reach with 404 and
 * `DH112`, and with 503 and `DH114` where the issuer's keys can't be had.
 *
 * What Next caches is cached for every tenant: within `'use cache'` and `unstable_cache` pass the tenant's id as an
 * argument. A stream that is read after the handler has returned, with `pull` or out of a generator, is read in
 * nobody's context: use the client that the handler has made.
 *
 * @example
 * ```ts
 * // app/invoices/route.ts
 * const forTenant = withTenant(tenancy, tenantFromJwt({ jwks, issuer, audience }))
 * export const GET = forTenant(async () => Response.json(await tenancy.client().invoice.findMany()))
 * ```
 */
export function withTenant(
  tenancy: ContextRunner,
  resolve: TenantResolver,
  { onRefusal }: TenantAdapterOptions<Request> = {},
) {
  return <Incoming extends Request = Request, RouteContext extends object = object>(
    handler: (request: Incoming, context: TenantRouteContext<RouteContext>) => Response | Promise<Response>,
  ): RouteHandler<Incoming, RouteContext> =>
    async (request, context) => {
      const view = { header: (name: string) => request.headers.get(name) ?? undefined }
      const admission = await admit(
        tenancy,
        resolve,
        view,
        onRefusal && ((error) => onRefusal(error, request)),
      )
      if ('refusal' in admission) {
        const { status, headers, body } = admission.refusal
        return Response.json(body, { status, headers })
      }
      const { context: tenant } = admission
      return await tenancy.run(tenant, () => handler(request, { ...context, tenant }))
    }
}
