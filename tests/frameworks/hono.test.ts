import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { streamText } from 'hono/streaming'
import { type TenantVariables, tenantMiddleware } from '../../src/frameworks/hono.ts'
import { describeFramework, listen } from '../support/frameworks/framework-suite.ts'

describeFramework('Hono', ({ application, tenancy, resolve, onRefusal }) => {
  const app = new Hono<{ Variables: TenantVariables }>()
  app.get('/health', (c) => c.json(application.health()))
  app.get('/health/mistaken', async (c) => c.json(await application.mistaken()))
  app.use(tenantMiddleware(tenancy, resolve, { onRefusal }))
  app.get('/packages', async (c) => c.json(await application.list(c.get('tenant'))))
  app.post('/packages', async (c) => c.json(await application.create(await c.req.json())))
  app.get('/kept', async (c) => c.json(await application.kept(c.get('tenant'))))
  app.get('/stream', (c) =>
    streamText(c, async (body) => {
      for await (const part of application.stream()) await body.write(part)
    }),
  )
  app.get('/failure', () => application.fail())
  app.onError((error, c) => c.json(application.failure(error), 500))
  return listen(createAdaptorServer(app) as Server)
})
