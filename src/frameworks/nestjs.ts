import type { ServerResponse } from 'node:http'
import {
  createParamDecorator,
  type DynamicModule,
  type ExecutionContext,
  HttpException,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
} from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { ContextRunner } from '../context/ambient-context.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import type { TenantResolver } from '../resolve/tenant-resolver.ts'
import { admit, type Refusal, type TenantAdapterOptions } from './admission.ts'
import { type NodeRequest, viewOfNodeRequest } from './node-request.ts'
import { bindResponseEvents } from './response-events.ts'

/** Options of {@link TenantModule.forRoot}. */
export interface TenantModuleOptions extends TenantAdapterOptions<NodeRequest> {
  readonly tenancy: ContextRunner
  readonly resolve: TenantResolver
  /** Routes that are nobody's, such as `health`, in Nest's own patterns; none unless told. */
  readonly exclude?: readonly string[]
}

const optionsToken = Symbol('doublehull.TenantModuleOptions')

// by Node's request, which Express's is and Fastify's has
const contexts = new WeakMap<object, TenantContext>()

/**
 * A module for NestJS 11, on Express and on Fastify: guards, interceptors, pipes, handlers, exception filters and
 * listeners of the response of HTTP routes run with the request's tenant, so that `tenancy.client()` needs no argument there.
 *
 * On Fastify, Nest runs no middleware for the root (`GET /`) where `setGlobalPrefix` excludes that: a handler there has
 * no tenant, and must not take it that somebody was let in. `tenancy.client()` and {@link CurrentTenant} refuse there.
 *
 * A request that names no tenant is refused with an `HttpException` of status 401 and `DH111`, one for a tenant that
 * it doesn't reach with 404 and `DH112`, and with 503 and `DH114` where the issuer's keys can't be had; the
 * `TenancyError` is its cause.
 *
 * @example
 * ```ts
 * \@Module({ imports: [TenantModule.forRoot({ tenancy, resolve, exclude: ['health'] })], controllers: [Invoices] })
 * export class AppModule {}
 *
 * \@Controller('invoices')
 * export class Invoices {
 *   \@Get() list(\@CurrentTenant() tenant: TenantContext) {
 *     return tenancy.client().invoice.findMany()
 *   }
 * }
 * ```
 */
export class TenantModule implements NestModule {
  readonly #options: TenantModuleOptions
  readonly #host: HttpAdapterHost

  constructor(options: TenantModuleOptions, host: HttpAdapterHost) {
    this.#options = options
    this.#host = host
  }

  static forRoot(options: TenantModuleOptions): DynamicModule {
    return { module: TenantModule, providers: [{ provide: optionsToken, useValue: options }] }
  }

  configure(consumer: MiddlewareConsumer): void {
    const { tenancy, exclude = [] } = this.#options
    consumer
      .apply((request: NodeRequest, response: ServerResponse, next: () => void) =>
        this.#enter(request, response, next),
      )
      .exclude(...exclude)
      .forRoutes('{*path}')
    const { httpAdapter } = this.#host
    if (httpAdapter.getType() !== 'fastify') return
    // A hook of Fastify's, and what reads the body, may go on in a queue's or a stream's async context.
    httpAdapter.getInstance<FastifyHooks>().addHook('preValidation', ({ raw }, _reply, done) => {
      const context = contexts.get(raw)
      if (context) tenancy.run(context, done)
      else done()
    })
  }

  async #enter(request: NodeRequest, response: ServerResponse, next: () => void): Promise<void> {
    const { tenancy, resolve, onRefusal } = this.#options
    const view = viewOfNodeRequest(request)
    const admission = await admit(tenancy, resolve, view, onRefusal && ((error) => onRefusal(error, request)))
    if ('refusal' in admission) {
      for (const [name, value] of Object.entries(admission.refusal.headers)) response.setHeader(name, value)
      throw httpExceptionOf(admission.refusal)
    }
    contexts.set(request, admission.context)
    bindResponseEvents(tenancy, admission.context, response)
    tenancy.run(admission.context, () => next())
  }
}

// decorators as the functions that they are
Module({})(TenantModule)
Inject(optionsToken)(TenantModule, undefined, 0)
Inject(HttpAdapterHost)(TenantModule, undefined, 1)

/**
 * The {@link TenantContext} of the request, as a parameter of a handler. On a route that {@link TenantModule} leaves
 * out there is none: a `TenancyError` with `DH101`, and so 500.
 *
 * @example
 * ```ts
 * \@Get() list(\@CurrentTenant() { userId }: TenantContext) {}
 * ```
 */
export const CurrentTenant = createParamDecorator((_: unknown, host: ExecutionContext): TenantContext => {
  const request = host.switchToHttp().getRequest<{ readonly raw?: object }>()
  const context = contexts.get(request.raw ?? request)
  if (context) return context
  throw new TenancyError('DH101', '@CurrentTenant() is used on a route that TenantModule does not serve')
})

function httpExceptionOf({ body, status, error }: Refusal): HttpException {
  return new HttpException(body, status, { cause: error })
}

/** Fastify's instance, as far as it is used here. */
interface FastifyHooks {
  addHook(
    name: 'preValidation',
    hook: (request: { readonly raw: object }, reply: unknown, done: () => void) => void,
  ): void
}
