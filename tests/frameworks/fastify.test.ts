import { Readable } from 'node:stream'
import createFastify from 'fastify'
import { tenantPlugin } from '../../src/frameworks/fastify.ts'
import { describeFramework } from '../support/frameworks/framework-suite.ts'

describeFramework('Fastify', async ({ application, tenancy, resolve, onRefusal }) => {
  let logged = ''
  const log = {
    write(line: string) {
      logged += line
    },
  }
  const fastify = createFastify({ logger: { level: 'trace', stream: log }, forceCloseConnections: true })
  fastify.setErrorHandler((error, _request, reply) => reply.code(500).send(application.failure(error)))
  await fastify.register(tenantPlugin, { tenancy, resolve, onRefusal })
  fastify.get('/packages', (request) => application.list(request.tenant))
  fastify.post<{ Body: { key: string; name: string } }>('/packages', (request) =>
    application.create(request.body),
  )
  fastify.get('/kept', (request) => application.kept(request.tenant))
  fastify.get('/stream', (_, reply) => reply.send(Readable.from(application.stream())))
  fastify.get('/failure', () => application.fail())
  return {
    url: await fastify.listen({ port: 0, host: '127.0.0.1' }),
    log: () => logged,
    close: () => fastify.close(),
  }
})
