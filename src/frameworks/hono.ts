import type { Context, MiddlewareHandler } from 'hono'
import type { ContextRunner } from '../context/ambient-context.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { TenantResolver } from '../resolve/tenant-resolver.ts'
import { admit, type TenantAdapterOptions } from './admission.ts'

/** What {@link tenantMiddleware} puts into Hono's context: `c.get('tenant')`. */
export interface TenantVariables {
  /** Whose request it is. */
  readonly tenant: TenantContext
}

/**
 * Middleware for Hono 4 on Node: what comes behind it runs with the request's tenant, so that `tenancy.client()` needs
 * no argument there; `c.get('tenant')` says whose it is.
 *
 * A request without a tenant is answered with 401 and `DH111`, one for a tenant that it doesn't reach with 404 and
 * `DH112`, and with 503 and `DH114` where the issuer's keys can't be had.
 *
 * A stream that is read after the handler has returned, with `pull` or out of a generator, is read in nobody's context:
 * use the client that the handler has made. `stream` and `streamSSE` of `hono/streaming` begin within the handler.
 *
 * @example
 * ```ts
 * const app = new Hono().use('/api/*', tenantMiddleware(tenancy, tenantFromJwt({ jwks, issuer, audience })))
 * app.get('/api/invoices', async (c) => c.json(await tenancy.client().invoice.findMany()))
 * ```
 */
export function tenantMiddleware(
  tenancy: ContextRunner,
  resolve: TenantResolver,
  { onRefusal }: TenantAdapterOptions<Context> = {},
): MiddlewareHandler<{ Variables: TenantVariables }> {
  return async (c, next) => {
    const view = { header: (name: string) => c.req.header(name) }
    const admission = await admit(tenancy, resolve, view, onRefusal && ((error) => onRefusal(error, c)))
    if ('refusal' in admission) {
      const { status, headers, body } = admission.refusal
      return c.json(body, status, headers)
    }
    c.set('tenant', admission.context)
    await tenancy.run(admission.context, next)
  }
}
