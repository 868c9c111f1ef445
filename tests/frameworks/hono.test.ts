import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { streamText } from 'hono/streaming'
import { expect, it } from 'vitest'
import { type TenantVariables, tenantMiddleware } from '../../src/frameworks/hono.ts'
import {
  describeFramework,
  type FrameworkServer,
  listen,
  type ServerParts,
} from '../support/frameworks/framework-suite.ts'
import type { Planted } from '../support/test-database.ts'

describeFramework('Hono', serve, {
  more(_server, ask, scene) {
    it('reads a stream that is pulled with the client of its handler, and in no other tenant’s context', async () => {
      const tenants = Array.from({ length: 32 }, (_, at) => (at % 2 ? scene().a : scene().b))
      const bodies = await Promise.all(tenants.map(async (tenant) => (await ask('/pulled', tenant)).text()))
      for (const [at, body] of bodies.entries()) {
        const { secret, tenantId } = tenants[at] as Planted
        const lines = body.trim().split('\n')
        expect(lines).toHaveLength(3)
        for (const line of lines) expect([`${secret} null`, `${secret} ${tenantId}`]).toContain(line)
      }
    })
  },
})

function serve({ application, tenancy, resolve, onRefusal }: ServerParts): Promise<FrameworkServer> {
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
  app.get('/pulled', (c) => c.body(application.pulled()))
  app.get('/failure', () => application.fail())
  app.onError((error, c) => c.json(application.failure(error), 500))
  return listen(createAdaptorServer(app) as Server)
}
