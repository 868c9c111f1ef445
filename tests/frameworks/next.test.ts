import { execFile, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import {
  describeFramework,
  type FrameworkServer,
  type ServerParts,
} from '../support/frameworks/framework-suite.ts'
import { issuer, signToken } from '../support/issuer.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const project = join(root, '.doublehull', `next-${randomBytes(4).toString('hex')}`)
const next = join(root, 'node_modules/next/dist/bin/next')
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' as const }

// a project as an application's is, with the built package in its node_modules; Turbopack bundles it
beforeAll(async () => {
  const installed = join(project, 'node_modules/doublehull')
  await cp(join(root, 'tests/fixtures/next'), project, { recursive: true })
  await mkdir(installed, { recursive: true })
  await cp(join(root, 'package.json'), join(installed, 'package.json'))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(installed, 'dist')], { cwd: root })
  await run(process.execPath, ['scripts/copy-sql.mjs', join(installed, 'dist')], { cwd: root })
  await run(process.execPath, [next, 'build'], { cwd: project, env: environment })
}, 300_000)
afterAll(() => rm(project, { recursive: true, force: true }))

describeFramework('Next.js', serve, {
  handlesErrors: false,
  // Node has forgotten the second one before Next makes its request
  seesRepeatedHosts: false,
  more(server) {
    it('tells Next’s own error handling of an error, and the log of a refusal', async () => {
      const token = await signToken({ tenant_id: randomUUID() })
      await fetch(`${server().url}/failure`, { headers: { authorization: `Bearer ${token}` } })
      await fetch(`${server().url}/packages`)
      await vi.waitFor(() => {
        expect(server().log?.()).toContain('onRequestError: the handler has failed')
        expect(server().log?.()).toContain('DH111: the request names no tenant that can be trusted')
      })
    })
  },
})

async function serve({ connectionString, keptTenantId, tenantIds }: ServerParts): Promise<FrameworkServer> {
  const parts = {
    connectionString,
    keptTenantId,
    tenantIds: Object.fromEntries(tenantIds),
    publicKey: issuer.publicKey.export({ type: 'spki', format: 'pem' }),
    issuer: issuer.name,
    audience: issuer.audience,
  }
  const server = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: project,
    env: { ...environment, TEST_PARTS: JSON.stringify(parts) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text
        const found = /Local:\s+(http:\S+)[^]*Ready/.exec(log)?.[1]
        if (found) resolve(found)
      })
    }
    server.once('exit', () => reject(new Error(`next start has ended: ${log}`)))
  })
  return {
    url,
    log: () => log,
    async close() {
      const ended = once(server, 'exit')
      server.kill()
      await ended
    },
  }
}
