import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { buildPackage } from './support/built-package.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
let built = ''
let project = ''

beforeAll(() => {
  built = buildPackage('doublehull-testing')
  const parent = join(root, '.doublehull')
  mkdirSync(parent, { recursive: true })
  project = mkdtempSync(join(parent, 'project-'))
})
afterAll(() => {
  for (const folder of [built, project]) rmSync(folder, { recursive: true, force: true })
})

/** Runs a program of this version of Node in the project, and answers with all that it printed. */
function run(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  // what vitest tells its own children is none of theirs
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, VITEST: ___, ...environment } = process.env
  const env = { ...environment, DIRECT_URL: inject('adminUrl'), NO_COLOR: '1' }
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], { cwd: project, env }, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error ? -1 : 0,
        output: stdout + stderr,
      })
    })
  })
}

const testingUrl = () => join(built, 'dist/testing')

describe('a test of the built package', () => {
  it('runs under jest, and fails where it should', { timeout: 180_000 }, async () => {
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({
        type: 'module',
        jest: { testEnvironment: 'node', transform: {}, testTimeout: 60_000 },
      }),
    )
    writeFileSync(
      join(project, 'invoices.test.js'),
      `
      import { expect, test } from '@jest/globals'
      import { useTenantDatabase } from '${testingUrl()}/jest.js'

      const given = useTenantDatabase()

      test('is given two tenants, whose rows stay theirs', async () => {
        const data = { key: 'k', name: 'n' }
        const { id } = await given.asTenant(given.tenantB, (db) => db.configPackage.create({ data }))
        expect(await given.asTenant(given.tenantA, (db) => db.configPackage.count())).toBe(0)
        expect(await given.expectIsolated((db) => db.configPackage.findUnique({ where: { id } }))).toMatchObject({
          reached: { model: 'ConfigPackage' },
        })
      })

      test('has no victim', async () => {
        await given.expectIsolated((db) => db.featureFlag.count())
      })
      `,
    )
    const { code, output } = await run([
      '--experimental-vm-modules',
      join(root, 'node_modules/jest/bin/jest.js'),
    ])
    expect(output).toContain('✓ is given two tenants, whose rows stay theirs')
    expect(output).toContain('✕ has no victim')
    expect(output).toContain(
      'proves nothing: without hulls the operation reaches nothing of the other tenant',
    )
    expect(output).toContain('Tests:       1 failed, 1 passed, 2 total')
    expect(code).toBe(1)
  })

  it('runs under node --test, and fails where it should', { timeout: 180_000 }, async () => {
    writeFileSync(
      join(project, 'invoices.node.js'),
      `
      import assert from 'node:assert/strict'
      import { after, before, test } from 'node:test'
      import { asTenant, createTenant, createTestDatabases, expectIsolated } from '${testingUrl()}/index.js'

      let databases, database, tenant, other
      before(async () => {
        databases = await createTestDatabases()
        database = await databases.clone()
        tenant = await createTenant(database)
        other = await createTenant(database)
      })
      after(() => databases.close())

      test('rows stay their tenant’s', async () => {
        const data = { key: 'k', name: 'n' }
        const { id } = await asTenant(database.tenancy, other, (db) => db.configPackage.create({ data }))
        assert.equal(await asTenant(database.tenancy, tenant, (db) => db.configPackage.count()), 0)
        await expectIsolated(database, (db) => db.configPackage.delete({ where: { id } }), { tenant, other })
      })

      test('has no victim', async () => {
        await expectIsolated(database, (db) => db.featureFlag.count(), { tenant, other })
      })
      `,
    )
    const { code, output } = await run(['--test', '--test-reporter=tap', 'invoices.node.js'])
    expect(output).toMatch(/^ok 1 - rows stay their tenant/m)
    expect(output).toMatch(/^not ok 2 - has no victim/m)
    expect(output).toContain('proves nothing')
    expect(code).toBe(1)
  })
})
