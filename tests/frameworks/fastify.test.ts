import { Readable } from 'node:stream'
import createFastify from 'fastify'
import { expect, it } from 'vitest'
import { tenantPlugin } from '../../src/frameworks/fastify.ts'
import { tenantFromHeader } from '../../src/resolve/index.ts'
import { ForeignQueue } from '../support/frameworks/foreign-queue.ts'
import { describeFramework } from '../support/frameworks/framework-suite.ts'
import { PipelinedRequests } from '../support/frameworks/pipelined.ts'

describeFramework('Fastify', async ({ application, tenancy, resolve, onRefusal }) => {
  const queue = new ForeignQueue()
  let logged = ''
  const log = {
    write(line: string) {
      logged += line
    },
  }
  const fastify = createFastify({ logger: { level: 'trace', stream: log }, forceCloseConnections: true })
  fastify.setErrorHandler((error, _request, reply) => reply.code(500).send(application.failure(error)))
  fastify.get('/health', () => application.health())
  fastify.get('/health/mistaken', () => application.mistaken())
  await fastify.register(async (scope) => {
    await scope.register(tenantPlugin, { tenancy, resolve, onRefusal })
    scope.addHook('preParsing', (_request, _reply, _payload, done) => queue.push(done))
    // a limiter, the last before the handler
    scope.addHook('preHandler', (_request, _reply, done) => queue.push(done))
    scope.get('/packages', (request) => application.list(request.tenant))
    scope.post<{ Body: { key: string; name: string } }>('/packages', (request) =>
      application.create(request.body),
    )
    scope.get('/kept', (request) => application.kept(request.tenant))
    scope.get('/stream', (_, reply) => reply.send(Readable.from(application.stream())))
    scope.get('/failure', () => application.fail())
  })
  return {
    url: await fastify.listen({ port: 0, host: '127.0.0.1' }),
    log: () => logged,
    async close() {
      await fastify.close()
      queue.close()
    },
  }
})

it('has hooks and listeners of a response run with its own tenant, where requests are pipelined', async () => {
  const requests = new PipelinedRequests()
  const fastify = createFastify({ forceCloseConnections: true })
  await fastify.register(tenantPlugin, {
    tenancy: requests.tenancy,
    resolve: tenantFromHeader({ name: 'x-tenant' }),
  })
  fastify.addHook('onSend', async ({ tenant }) => requests.note('onSend', tenant))
  fastify.addHook('onResponse', async ({ tenant }) => requests.note('onResponse', tenant))
  fastify.get('/ended', ({ tenant }, reply) => {
    for (const event of ['finish', 'close']) reply.raw.on(event, () => requests.note(event, tenant))
    return requests.answer(tenant)
  })
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' })
  const { seen, due } = await requests.send(url, 8)
  expect(seen).toEqual(due)
  await fastify.close()
})
