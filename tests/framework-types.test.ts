import type { RequestHandler } from 'express'
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import type { NextRequest } from 'next/server.js'
import { describe, expectTypeOf, it } from 'vitest'
import type { tenantMiddleware as expressMiddleware } from '../src/frameworks/express.ts'
import type { TenantPluginOptions, tenantPlugin } from '../src/frameworks/fastify.ts'
import { tenantMiddleware } from '../src/frameworks/hono.ts'
import type { CurrentTenant } from '../src/frameworks/nestjs.ts'
import { withTenant } from '../src/frameworks/next.ts'
import type { PrismaClient } from '../src/generated/prisma/client.ts'
import type { Tenancy, TenantClient, TenantContext } from '../src/index.ts'
import { tenantFromHeader, tenantFromJwt } from '../src/resolve/index.ts'

// Compiled by `npm run check`; at run time nothing is called.
declare const tenancy: Tenancy<PrismaClient>
const resolve = tenantFromHeader({ name: 'x-tenant-id' })

describe('types of adapters', () => {
  it('a client of the ambient context is the tenancy’s own', () => {
    const made = () => tenancy.client()
    expectTypeOf(made).returns.toEqualTypeOf<TenantClient<PrismaClient>>()
    const result = () => tenancy.run({ tenantId: '' }, async () => tenancy.client().configPackage.count())
    expectTypeOf(result).returns.toEqualTypeOf<Promise<number>>()
    // @ts-expect-error a context without a tenant
    const _missing = () => tenancy.run({}, () => 1)
  })

  it('Express has the context on its requests', () => {
    expectTypeOf<typeof expressMiddleware>().returns.toEqualTypeOf<RequestHandler>()
    expectTypeOf<Express.Request['tenant']>().toEqualTypeOf<TenantContext | undefined>()
  })

  it('Fastify has the context on its requests', () => {
    expectTypeOf<typeof tenantPlugin>().toExtend<FastifyPluginCallback<TenantPluginOptions>>()
    expectTypeOf<FastifyRequest['tenant']>().toEqualTypeOf<TenantContext | null>()
  })

  it('Hono has the context in its variables', () => {
    const _app = () =>
      new Hono().use(tenantMiddleware(tenancy, resolve)).get('/', (c) => {
        expectTypeOf(c.get('tenant')).toEqualTypeOf<TenantContext>()
        return c.text('')
      })
  })

  it('a route handler of Next.js has the context beside what Next gives it', () => {
    interface Params {
      readonly params: Promise<{ id: string }>
    }
    type ByNext = (request: NextRequest, context: Params) => Promise<Response>
    const route = () =>
      withTenant(
        tenancy,
        resolve,
      )<NextRequest, Params>(async (request, { params, tenant }) => {
        expectTypeOf(request.nextUrl.pathname).toEqualTypeOf<string>()
        expectTypeOf(await params).toEqualTypeOf<{ id: string }>()
        expectTypeOf(tenant).toEqualTypeOf<TenantContext>()
        return new Response()
      })
    expectTypeOf(route).returns.toExtend<ByNext>()
    const plain = () => withTenant(tenancy, resolve)(() => new Response())
    expectTypeOf(plain).returns.toExtend<ByNext>()
  })

  it('NestJS has a decorator of parameters', () => {
    expectTypeOf<ReturnType<typeof CurrentTenant>>().toEqualTypeOf<ParameterDecorator>()
  })

  it('a token is verified with a key or with a key set, by an issuer and for an audience', () => {
    const named = { issuer: 'i', audience: 'a' }
    // @ts-expect-error neither
    const _neither = () => tenantFromJwt(named)
    // @ts-expect-error both
    const _both = () => tenantFromJwt({ ...named, key: new Uint8Array(), jwks: '' })
    // @ts-expect-error for anybody
    const _anybody = () => tenantFromJwt({ jwks: '', issuer: 'i' })
    // @ts-expect-error by anybody
    const _by = () => tenantFromJwt({ jwks: '', audience: 'a' })
  })
})
