import type { Request, RequestHandler } from 'express'
import type { ContextRunner } from '../context/ambient-context.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { TenantResolver } from '../resolve/tenant-resolver.ts'
import { admit, type TenantAdapterOptions } from './admission.ts'
import { viewOfNodeRequest } from './node-request.ts'
import { bindResponseEvents } from './response-events.ts'

declare global {
  namespace Express {
    interface Request {
      /** Whose request it is, behind {@link tenantMiddleware}. */
      tenant?: TenantContext
    }
  }
}

/**
 * Middleware for Express 5: what comes behind it, error handlers and listeners of the response included, runs with the request's tenant, so that
 * `tenancy.client()` needs no argument there; `request.tenant` says whose it is. Middleware that hands requests to a
 * queue belongs before it: behind it, the handler would go on in whichever async context serves the queue. Where that
 * can't be, `tenancy.client(request.tenant)` is always right.
 *
 * A request without a tenant is answered with 401 and `DH111`, one for a tenant that it doesn't reach with 404 and
 * `DH112`, and with 503 and `DH114` where the issuer's keys can't be had.
 *
 * @example
 * ```ts
 * app.use('/api', express.json(), tenantMiddleware(tenancy, tenantFromJwt({ jwks, issuer, audience })))
 * app.get('/api/invoices', async (_, response) => {
 *   response.json(await tenancy.client().invoice.findMany())
 * })
 * ```
 */
export function tenantMiddleware(
  tenancy: ContextRunner,
  resolve: TenantResolver,
  { onRefusal }: TenantAdapterOptions<Request> = {},
): RequestHandler {
  return async (request, response, next) => {
    const view = viewOfNodeRequest(request)
    const admission = await admit(tenancy, resolve, view, onRefusal && ((error) => onRefusal(error, request)))
    if ('refusal' in admission) {
      const { status, headers, body } = admission.refusal
      response.status(status).set(headers).json(body)
      return
    }
    request.tenant = admission.context
    bindResponseEvents(tenancy, admission.context, response)
    tenancy.run(admission.context, () => next())
  }
}
