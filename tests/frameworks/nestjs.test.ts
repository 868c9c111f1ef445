import 'reflect-metadata'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  Get,
  HttpException,
  Post,
  Res,
  StreamableFile,
} from '@nestjs/common'
import { BaseExceptionFilter, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { expect, it } from 'vitest'
import { CurrentTenant, TenantModule } from '../../src/frameworks/nestjs.ts'
import type { TenantContext } from '../../src/index.ts'
import { tenantFromHeader } from '../../src/resolve/index.ts'
import { ForeignQueue } from '../support/frameworks/foreign-queue.ts'
import {
  describeFramework,
  type FrameworkServer,
  type ServerParts,
} from '../support/frameworks/framework-suite.ts'
import { PipelinedRequests } from '../support/frameworks/pipelined.ts'

describeFramework('NestJS on Express', (parts) => serve(parts, new ExpressAdapter()), { more: showsNoTenant })

describeFramework(
  'NestJS on Fastify',
  async (parts) => {
    const adapter = new FastifyAdapter({ forceCloseConnections: true })
    const queue = new ForeignQueue()
    adapter.getInstance().addHook('preParsing', (_request, _reply, _payload, done) => queue.push(done))
    const server = await serve(parts, adapter)
    return {
      ...server,
      async close() {
        await server.close()
        queue.close()
      },
    }
  },
  { more: showsNoTenant },
)

it.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter({ forceCloseConnections: true })],
] as const)(
  'has the listeners of a response run with its own tenant on %s, where requests are pipelined',
  async (_, adapterOf) => {
    const requests = new PipelinedRequests()
    class Ended {
      answer(tenant: TenantContext, response: { readonly raw?: ServerResponse } & ServerResponse) {
        for (const event of ['finish', 'close']) {
          ;(response.raw ?? response).on(event, () => requests.note(event, tenant))
        }
        return requests.answer(tenant)
      }
    }
    Controller()(Ended)
    route(Ended, 'answer', [Get('ended')], CurrentTenant(), Res({ passthrough: true }))
    class App {
      readonly name = 'app'
    }
    const resolve = tenantFromHeader({ name: 'x-tenant' })
    const tenants = TenantModule.forRoot({ tenancy: requests.tenancy, resolve })
    const root = { module: App, imports: [tenants], controllers: [Ended] }
    const app = await NestFactory.create(root, adapterOf(), { logger: false, forceCloseConnections: true })
    await app.listen(0, '127.0.0.1')
    const { seen, due } = await requests.send(await app.getUrl(), 4)
    expect(seen).toEqual(due)
    await app.close()
  },
)

function showsNoTenant(server: () => FrameworkServer): void {
  it('refuses to show the tenant of a route that is left out', async () => {
    const response = await fetch(`${server().url}/health/shown`)
    expect([response.status, await response.json()]).toEqual([
      500,
      { handled: expect.stringMatching(/^DH101: @CurrentTenant/), tenantId: null },
    ])
  })
}

/** Decorators are applied as the functions that they are: the compiler of this repository only erases types. */
async function serve(
  { application, tenancy, resolve, onRefusal }: ServerParts,
  adapter: ExpressAdapter | FastifyAdapter,
): Promise<FrameworkServer> {
  class Packages {
    list(tenant: TenantContext) {
      return application.list(tenant)
    }
    create(body: { key: string; name: string }) {
      return application.create(body)
    }
    kept(tenant: TenantContext) {
      return application.kept(tenant)
    }
    stream() {
      return new StreamableFile(Readable.from(application.stream(), { objectMode: false }))
    }
    fail() {
      return application.fail()
    }
  }
  route(Packages, 'list', [Get('packages')], CurrentTenant())
  route(Packages, 'create', [Post('packages')], Body())
  route(Packages, 'kept', [Get('kept')], CurrentTenant())
  route(Packages, 'stream', [Get('stream')])
  route(Packages, 'fail', [Get('failure')])
  Controller()(Packages)

  /** Routes that are nobody's. */
  class Health {
    read() {
      return application.health()
    }
    mistaken() {
      return application.mistaken()
    }
    shown(tenant: TenantContext) {
      return tenant
    }
  }
  route(Health, 'read', [Get('health')])
  route(Health, 'mistaken', [Get('health/mistaken')])
  route(Health, 'shown', [Get('health/shown')], CurrentTenant())
  Controller()(Health)

  class Failures extends BaseExceptionFilter {
    override catch(error: unknown, host: ArgumentsHost) {
      if (error instanceof HttpException) return super.catch(error, host)
      adapter.reply(host.switchToHttp().getResponse(), application.failure(error), 500)
    }
  }
  Catch()(Failures)

  /** The module that the others are imported into. */
  class Root {
    readonly name = 'root'
  }
  const tenants = TenantModule.forRoot({ tenancy, resolve, onRefusal, exclude: ['health', 'health/*path'] })
  const root = { module: Root, imports: [tenants], controllers: [Packages, Health] }
  const app = await NestFactory.create(root, adapter, { logger: ['error', 'warn', 'fatal'] })
  app.useGlobalFilters(new Failures(adapter))
  await app.listen(0, '127.0.0.1')
  return { url: await app.getUrl(), close: () => app.close() }
}

type Class = new (...args: never[]) => object

function route(
  controller: Class,
  method: string,
  decorators: readonly MethodDecorator[],
  ...parameters: readonly ParameterDecorator[]
): void {
  const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, method)
  if (!descriptor) throw new Error(`the controller has no ${method}`)
  for (const decorate of decorators) decorate(controller.prototype as object, method, descriptor)
  parameters.forEach((decorate, at) => decorate(controller.prototype as object, method, at))
}
