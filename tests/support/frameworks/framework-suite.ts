import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PrismaClient } from '../../../src/generated/prisma/client.ts'
import { manifest } from '../../../src/generated/tenancy.ts'
import { createTenancy, type Tenancy, type TenancyError } from '../../../src/index.ts'
import type { TenantResolver } from '../../../src/resolve/index.ts'
import { badTokens, signToken } from '../issuer.ts'
import { type Planted, plantTwoTenants, type TwoTenants, useTestDatabase } from '../test-database.ts'
import { Application, applicationResolver } from './application.ts'

/** What a framework's server is made of. */
export interface ServerParts {
  readonly application: Application
  readonly tenancy: Tenancy<PrismaClient>
  readonly resolve: TenantResolver
  readonly onRefusal: (error: TenancyError) => void
  /** For servers in a process of their own, which make the rest themselves. */
  readonly connectionString: string
  readonly keptTenantId: string
  readonly tenantIds: ReadonlyMap<string, string>
}

/** A server that listens. */
export interface FrameworkServer {
  readonly url: string
  /** What it has logged past the console, if anything. */
  log?(): string
  close(): Promise<void>
}

/** Listens on a free port of this machine. */
export async function listen(server: Server): Promise<FrameworkServer> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

interface Answer {
  readonly tenantId: string | null
  readonly seen?: string
  readonly names: readonly string[]
}

/** What is not as with the other frameworks. */
export interface Peculiarities {
  /** What is true of this framework alone. */
  readonly more?: (
    server: () => FrameworkServer,
    ask: (path: string, tenant: Planted) => Promise<Response>,
    scene: () => TwoTenants,
  ) => void
  /** Whether an application can answer in the framework's place when a handler has failed. */
  readonly handlesErrors?: boolean
  /** Whether the framework tells of a second `Host` header. */
  readonly seesRepeatedHosts?: boolean
}

/** What every framework's adapter is held to, over HTTP and on a database. */
export function describeFramework(
  name: string,
  start: (parts: ServerParts) => Promise<FrameworkServer>,
  { more, handlesErrors = true, seesRepeatedHosts = true }: Peculiarities = {},
): void {
  describe(name, () => {
    const database = useTestDatabase()
    let scene: TwoTenants
    let server: FrameworkServer
    const refusals: TenancyError[] = []

    const startOn = async (connectionString: string) => {
      const tenancy = createTenancy({ PrismaClient, manifest, connectionString })
      const keptTenantId = scene.b.tenantId
      const tenantIds = new Map([
        ['alder', scene.a.tenantId],
        ['birch', scene.b.tenantId],
      ])
      const started = await start({
        application: new Application(tenancy, keptTenantId),
        tenancy,
        resolve: applicationResolver(tenantIds),
        onRefusal: (error) => refusals.push(error),
        connectionString,
        keptTenantId,
        tenantIds,
      })
      return {
        ...started,
        log: () => started.log?.() ?? '',
        async close() {
          await started.close()
          await tenancy.disconnect()
        },
      }
    }
    beforeAll(async () => {
      scene = await plantTwoTenants(database)
      server = await startOn(database.appUrl)
    })
    afterAll(() => server?.close())

    async function ask(path: string, { tenantId }: Planted, init: RequestInit = {}): Promise<Response> {
      const token = await signToken({ tenant_id: tenantId })
      const headers = new Headers(init.headers)
      headers.set('authorization', `Bearer ${token}`)
      return await fetch(server.url + path, { ...init, headers })
    }
    more?.(
      () => server,
      ask,
      () => scene,
    )

    const answerOf = async (response: Response) => {
      expect(response.status).toBeLessThan(300)
      return (await response.json()) as Answer
    }
    /** The check that the control must not pass: a tenant is answered with its own rows and its own context. */
    const isOwn = (answer: Answer, { tenantId, secret }: Planted) =>
      answer.tenantId === tenantId &&
      answer.seen === tenantId &&
      answer.names.length > 0 &&
      answer.names.every((name) => name === secret)

    it('shows a tenant its own rows, and its context where handlers look for it', async () => {
      for (const tenant of [scene.a, scene.b]) {
        const { tenantId, secret } = tenant
        const answer = await answerOf(await ask('/packages', tenant))
        expect(answer).toEqual({ tenantId, seen: tenantId, names: [secret, secret] })
        expect(isOwn(answer, tenant)).toBe(true)
      }
    })

    it('mixes none of 64 concurrent requests of two tenants', async () => {
      const tenants = Array.from({ length: 64 }, (_, at) => (at % 3 ? scene.a : scene.b))
      const answers = await Promise.all(
        tenants.map(async (tenant) => answerOf(await ask('/packages', tenant))),
      )
      expect(answers.map((answer, at) => isOwn(answer, tenants[at] as Planted))).toEqual(
        tenants.map(() => true),
      )
    })

    it('is checked in a way that notices a client of another tenant', async () => {
      expect(isOwn(await answerOf(await ask('/kept', scene.a)), scene.a)).toBe(false)
      expect(isOwn(await answerOf(await ask('/kept', scene.b)), scene.b)).toBe(true)
    })

    it('keeps the tenant of a request whose body had to be read', async () => {
      const padding = 'x'.repeat(80_000)
      const tenants = Array.from({ length: 32 }, (_, at) => (at % 3 ? scene.a : scene.b))
      const answers = await Promise.all(
        tenants.map(async (tenant, at) => {
          const body = inPieces(JSON.stringify({ key: `posted-${at}`, name: 'posted', padding }))
          const headers = { 'content-type': 'application/json' }
          const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit
          return answerOf(await ask('/packages', tenant, init))
        }),
      )
      expect(answers).toEqual(tenants.map(({ tenantId }) => ({ tenantId, names: [tenantId] })))
      const { rows } = await database.admin.query<{ tenant_id: string; count: number }>(
        `select tenant_id, count(*)::int from governance.config_package where name = 'posted' group by 1`,
      )
      expect(new Map(rows.map(({ tenant_id, count }) => [tenant_id, count]))).toEqual(
        new Map([
          [scene.a.tenantId, tenants.filter((tenant) => tenant === scene.a).length],
          [scene.b.tenantId, tenants.filter((tenant) => tenant === scene.b).length],
        ]),
      )
    })

    it('keeps the tenant of a body that is streamed', async () => {
      const tenants = Array.from({ length: 16 }, (_, at) => (at % 2 ? scene.a : scene.b))
      const bodies = await Promise.all(tenants.map(async (tenant) => (await ask('/stream', tenant)).text()))
      expect(bodies).toEqual(tenants.map(({ secret }) => `${secret}\n`.repeat(3)))
    })

    it('leaves an error of a handler to the framework’s own error handling', async () => {
      const response = await ask('/failure', scene.a)
      expect(response.status).toBe(500)
      if (!handlesErrors) return
      expect(await response.json()).toEqual({
        handled: 'the handler has failed',
        tenantId: scene.a.tenantId,
      })
    })

    it('has no tenant on a route that is left out, whoever asks', async () => {
      for (const init of [{}, { headers: { authorization: 'Bearer nonsense' } }]) {
        const response = await fetch(`${server.url}/health`, init)
        expect([response.status, await response.json()]).toEqual([200, { tenantId: null }])
      }
      const mistaken = await ask('/health/mistaken', scene.a)
      expect(mistaken.status).toBe(500)
      expect(await mistaken.json()).toEqual({
        handled: expect.stringMatching(/^DH101: .*run\(context, work\)/),
        tenantId: null,
      })
    })

    it('answers every bad token alike, with 401, without SQL and without a word of the token', async () => {
      const connectionString = `${database.appUrl}?application_name=refused`
      const fresh = await startOn(connectionString)
      const log = captureLog()
      refusals.length = 0
      const connections = async () => {
        const { rows } = await database.admin.query(
          `select from pg_stat_activity where datname = current_database() and application_name = 'refused'`,
        )
        return rows.length
      }
      try {
        const tokens = [...(await badTokens(scene.a.tenantId)).values(), undefined]
        for (const method of ['GET', 'POST']) {
          for (const token of tokens) {
            const response = await fetch(`${fresh.url}/packages`, {
              method,
              ...(method === 'POST' ? { body: '{}' } : {}),
              headers: {
                'content-type': 'application/json',
                ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
              },
            })
            const text = await response.text()
            expect(response.status).toBe(401)
            expect(JSON.parse(text)).toEqual({
              code: 'DH111',
              message: 'the request names no tenant that can be trusted',
            })
            expect(response.headers.get('www-authenticate')).toBe('Bearer')
            const told = [text, ...[...response.headers].flat(), log.text(), fresh.log()].join('\n')
            for (const part of (token ?? '').split('.')) if (part !== '') expect(told).not.toContain(part)
            expect(told).not.toContain(scene.a.tenantId)
          }
        }
        expect(await connections()).toBe(0)
        // the control: a request that is let in does connect
        const token = await signToken({ tenant_id: scene.a.tenantId })
        const response = await fetch(`${fresh.url}/packages`, {
          headers: { authorization: `Bearer ${token}` },
        })
        expect(response.status).toBe(200)
        expect(await connections()).toBeGreaterThan(0)
      } finally {
        log.end()
        await fresh.close()
      }
    })

    it('lets in through the gateway who is sent to their own subdomain', async () => {
      const { a, b } = scene
      const gateway = (host: string, ...more: string[]) =>
        rawRequest(server.url, [`host: ${host}`, 'x-gateway: 1', ...more])
      const own = `x-tenant-id: ${a.tenantId}`
      const foreign = `x-tenant-id: ${b.tenantId}`
      const { status, body } = await gateway('ALDER.example.com:80', own)
      expect(status).toBe(200)
      expect(body).toContain(a.secret)
      const missing = await gateway('cedar.example.com', own)
      expect(missing).toMatchObject({ status: 404, body: expect.stringContaining('DH112') })
      const another = await gateway('birch.example.com', own)
      expect(another).toEqual(missing)
      expect(await gateway('alder.example.com')).toMatchObject({ status: 401 })
      expect(await gateway('alder.example.com', 'x-tenant-id: alder')).toMatchObject({ status: 401 })
      expect(await gateway('127.0.0.1', own)).toMatchObject({ status: 401 })
      // whatever order they come in
      for (const headers of [
        [own, foreign],
        [foreign, own],
        [own, own],
      ]) {
        expect(await gateway('alder.example.com', ...headers)).toMatchObject({ status: 401 })
      }
      const forwarded = await gateway('birch.example.com', own, 'x-forwarded-host: alder.example.com')
      expect(forwarded).toMatchObject({ status: 404 })
      if (!seesRepeatedHosts) return
      const twice = await gateway('alder.example.com', 'host: birch.example.com', own)
      expect([400, 401]).toContain(twice.status)
    })
  })
}

/**
 * A body that comes later than the headers, and bit by bit: its events are then of the connection's async context, and
 * not of the request's.
 */
function inPieces(text: string): ReadableStream<Uint8Array> {
  const third = Math.ceil(text.length / 3)
  return ReadableStream.from(
    (async function* () {
      for (let at = 0; at < text.length; at += third) {
        await pause(20)
        yield new TextEncoder().encode(text.slice(at, at + third))
      }
    })(),
  )
}

/** Sends a request as it is written, with headers that `fetch` would not send. */
async function rawRequest(
  url: string,
  headers: readonly string[],
): Promise<{ readonly status: number; readonly body: string }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(['GET /packages HTTP/1.1', ...headers, 'connection: close', '', ''].join('\r\n'))
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk)
  return {
    status: Number(text.split(' ')[1]),
    body: text.slice(text.indexOf('\r\n\r\n')),
  }
}

/** What is printed from now on, on the console or past it. */
function captureLog(): { text(): string; end(): void } {
  const printed: string[] = []
  const print = (...args: unknown[]) => {
    printed.push(args.map(String).join(' '))
    return true
  }
  const spies = [
    ...(['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(print),
    ),
    vi.spyOn(process.stdout, 'write').mockImplementation(print),
    vi.spyOn(process.stderr, 'write').mockImplementation(print),
  ]
  return {
    text: () => printed.join('\n'),
    end() {
      for (const spy of spies) spy.mockRestore()
    },
  }
}
