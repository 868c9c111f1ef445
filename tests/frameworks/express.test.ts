import { createServer } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { expect, it } from 'vitest'
import { tenantMiddleware } from '../../src/frameworks/express.ts'
import { tenantFromHeader } from '../../src/resolve/index.ts'
import { describeFramework, listen } from '../support/frameworks/framework-suite.ts'
import { PipelinedRequests } from '../support/frameworks/pipelined.ts'

describeFramework('Express', ({ application, tenancy, resolve, onRefusal }) => {
  const app = express()
  app.get('/health', (_, response) => {
    response.json(application.health())
  })
  app.get('/health/mistaken', () => application.mistaken())
  app.use(tenantMiddleware(tenancy, resolve, { onRefusal }), express.json())
  app.get('/packages', async (request, response) => {
    response.json(await application.list(request.tenant))
  })
  app.post('/packages', async (request, response) => {
    response.status(201).json(await application.create(request.body as { key: string; name: string }))
  })
  app.get('/kept', async (request, response) => {
    response.json(await application.kept(request.tenant))
  })
  app.get('/stream', async (_, response) => {
    for await (const part of application.stream()) response.write(part)
    response.end()
  })
  app.get('/failure', () => application.fail())
  const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
    response.status(500).json(application.failure(error))
  }
  app.use(handleError)
  return listen(createServer(app))
})

it('has the listeners of a response run with its own tenant, where requests are pipelined', async () => {
  const requests = new PipelinedRequests()
  const app = express()
  app.use(tenantMiddleware(requests.tenancy, tenantFromHeader({ name: 'x-tenant' })))
  app.get('/ended', async ({ tenant }, response) => {
    for (const event of ['finish', 'close']) response.on(event, () => requests.note(event, tenant))
    response.send(await requests.answer(tenant))
  })
  const server = await listen(createServer(app))
  const { seen, due } = await requests.send(server.url, 4)
  expect(seen).toEqual(due)
  await server.close()
})
