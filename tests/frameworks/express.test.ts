import { createServer } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { tenantMiddleware } from '../../src/frameworks/express.ts'
import { describeFramework, listen } from '../support/frameworks/framework-suite.ts'

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
