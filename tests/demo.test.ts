import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { attackHull } from '../scripts/demo/attacks.ts'
import type { Hull } from '../scripts/demo/hulls.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy } from '../src/index.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const database = useTestDatabase()

async function demo(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', ...args], {
    cwd: root,
    env: { ...process.env, DIRECT_URL: '', DATABASE_URL: database.adminUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? -1))),
  ])
  return { code, stdout, stderr }
}

const names = [
  'read',
  'write',
  'move',
  'connect',
  'raw SQL',
  'no context',
  'forged id',
  'same-tick findUnique',
  'rolled-back transaction',
  'stacked SQL',
]

describe('the demo', () => {
  it('prints one JSON object: ten attacks, each blocked by each hull alone and by both', async () => {
    const { code, stdout } = await demo('--json')
    expect(JSON.parse(stdout)).toEqual({
      tenants: 2,
      attacks: ['one', 'two', 'both'].flatMap((hull) => names.map((name) => ({ name, hull, blocked: true }))),
      leaks: 0,
    })
    expect(code).toBe(0)
  })

  it('reports every attack as a leak, and fails, when both hulls are off', async () => {
    const { code, stdout } = await demo('--json', '--sabotage')
    expect(JSON.parse(stdout)).toEqual({
      tenants: 2,
      attacks: names.map((name) => ({ name, hull: 'none', blocked: false })),
      leaks: 10,
    })
    expect(code).toBe(1)
  })

  it('does not take a client that cannot work for one that was refused', async () => {
    const dead = createTenancy({
      PrismaClient,
      manifest,
      connectionString: 'postgresql://nobody@127.0.0.1:1/none',
    })
    const hull: Hull = {
      name: 'one',
      client: (tenantId) => dead.client({ tenantId }),
      clientWithoutContext: () => dead.client(undefined as never),
      packageNamesOf: async () => [],
      close: () => dead.disconnect(),
    }
    const { a, b } = await plantTwoTenants(database)
    await expect(attackHull(hull, database.admin, [a.tenantId, b.tenantId])).rejects.toMatchObject({
      code: 'P1001',
    })
    await hull.close()
  })

  it('prints plain text into a pipe', async () => {
    const { code, stdout } = await demo()
    expect(code).toBe(0)
    expect(stdout).toContain('Nothing got through.')
    for (const action of [
      'config.version.activate',
      'config.version.rollback',
      'config.approval.approve',
      'flag.update',
      'kill_switch.engage',
      'branding.publish',
    ]) {
      expect(stdout).toContain(action)
    }
    expect(stdout).toMatch(/config\.approval\.approve \(denied\)/)
    expect(stdout.match(/and verified/g)).toHaveLength(2)
    expect(stdout).not.toContain('\u001B')
  })

  it('explains itself, and says what is wrong with an unknown option', async () => {
    expect(await demo('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--sabotage') })
    expect(await demo('--nonsense')).toMatchObject({ code: 2, stderr: expect.stringContaining('--nonsense') })
  })
})
