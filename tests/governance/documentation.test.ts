import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import { createTemporaryLogin, type TemporaryLogin } from '../../src/testing/index.ts'
import { buildPackage } from '../support/built-package.ts'
import { useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()
let built = ''
let system: TemporaryLogin

beforeAll(async () => {
  built = buildPackage('doublehull-documentation')
  system = await createTemporaryLogin(database.adminUrl, defaultRoleNames.system)
})
afterAll(async () => {
  await system.drop()
  rmSync(built, { recursive: true, force: true })
})

describe('the first ten minutes of docs/governance', () => {
  it('run as they are written, and answer what they say', () => {
    const page = readFileSync(new URL('../../docs/governance/README.md', import.meta.url), 'utf8')
    const files = [...page.matchAll(/```ts\n\/\/ (\S+\.ts)\n(.*?)```/gs)]
    expect(files.map(([, name]) => name)).toEqual(['sign-up.ts', 'govern.ts'])
    mkdirSync(join(built, 'project'))
    for (const [, name = '', code = ''] of files) writeFileSync(join(built, 'project', name), code)

    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'project/govern.ts'], {
      cwd: built,
      encoding: 'utf8',
      env: {
        ...process.env,
        DATABASE_URL: database.appUrl,
        SYSTEM_DATABASE_URL: system.connectionString,
      },
    })
    expect(stderr).toBe('')
    expect(stdout.trim().split('\n')).toEqual([
      '~ /perMinute: 100 → 300',
      '{ perMinute: 100 }',
      "[ 'ROLLBACK 1', 'ACTIVATE 2', 'ACTIVATE 1' ]",
      'true 11',
    ])
  })
})
