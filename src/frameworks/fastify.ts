import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ContextRunner } from '../context/ambient-context.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { TenantResolver } from '../resolve/tenant-resolver.ts'
import { admit, type TenantAdapterOptions } from './admission.ts'
import { viewOfNodeRequest } from './node-request.ts'
import { bindResponseEvents } from './response-events.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose request it is, behind `tenantPlugin`; `null` where the plugin is not registered. */
    tenant: TenantContext | null
  }
}

/** Options of {@link tenantPlugin}. */
export interface TenantPluginOptions extends TenantAdapterOptions<FastifyRequest> {
  readonly tenancy: ContextRunner
  readonly resolve: TenantResolver
}

/**
 * A plugin for Fastify 5: hooks, handlers and error handlers of the scope that it is registered in run with the
 * request's tenant, so that `tenancy.client()` needs no argument there; `request.tenant` says whose it is.
 *
 * A request without a tenant is answered with 401 and `DH111`, one for a tenant that it doesn't reach with 404 and
 * `DH112`, and with 503 and `DH114` where the issuer's keys can't be had. For routes that are nobody's, register it in
 * a scope of those that are somebody's. Await the registration: a handler of a route that was added before it runs
 * wherever the last hook has left it, which behind a queue of all requests may be another one's context.
 *
 * @example
 * ```ts
 * await fastify.register(tenantPlugin, { tenancy, resolve: tenantFromJwt({ jwks, issuer, audience }) })
 * fastify.get('/invoices', () => tenancy.client().invoice.findMany())
 * ```
 */
export function tenantPlugin(
  fastify: FastifyInstance,
  { tenancy, resolve, onRefusal }: TenantPluginOptions,
  done: () => void,
): void {
  fastify.decorateRequest('tenant', null)
  fastify.addHook('onRequest', (request, reply, done) => {
    // Fastify's own headers, which hooks may have replaced
    const view = viewOfNodeRequest({ headers: request.headers, rawHeaders: request.raw.rawHeaders })
    admit(tenancy, resolve, view, onRefusal && ((error) => onRefusal(error, request))).then(
      (admission) => {
        if ('refusal' in admission) {
          const { status, headers, body } = admission.refusal
          void reply.code(status).headers(headers).send(body)
          return
        }
        request.tenant = admission.context
        bindResponseEvents(tenancy, admission.context, reply.raw)
        tenancy.run(admission.context, done)
      },
      (error: Error) => done(error),
    )
  })
  const enter = ({ tenant }: FastifyRequest, done: () => void): void => {
    if (tenant) tenancy.run(tenant, done)
    else done()
  }
  // Another plugin's hook, and what reads the body, may go on in a queue's or a stream's async context.
  fastify.addHook('preValidation', (request, _reply, done) => enter(request, done))
  fastify.addHook('preHandler', (request, _reply, done) => enter(request, done))
  // hooks that were added later run later, and the last of them may leave the context too
  fastify.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = function handleAsTenant(request, reply) {
      const handle = (): unknown => Reflect.apply(handler, this, [request, reply])
      return request.tenant ? tenancy.run(request.tenant, handle) : handle()
    }
  })
  // what happens at the end of a request may be told in the context of its connection, or of another request
  fastify.addHook('onSend', (request, _reply, _payload, done) => enter(request, done))
  fastify.addHook('onError', (request, _reply, _error, done) => enter(request, done))
  fastify.addHook('onTimeout', (request, _reply, done) => enter(request, done))
  fastify.addHook('onRequestAbort', (request, done) => enter(request, done))
  done()
}

// What the package fastify-plugin does: hooks and decorator are of the scope that the plugin is registered in.
Object.assign(tenantPlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'doublehull',
  [Symbol.for('plugin-meta')]: { name: 'doublehull', fastify: '5.x' },
})
