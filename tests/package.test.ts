import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Check, loadChecks } from '../src/catalog/index.ts'
import { buildPackage } from './support/built-package.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
let built = ''

interface PackageJson {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageJson

function exportOf(name: string): string {
  const entry = manifest.exports[name]
  return typeof entry === 'object' ? entry.default.replace(/^\.\//, '') : ''
}

beforeAll(() => {
  built = buildPackage('doublehull-package')
})
afterAll(() => rmSync(built, { recursive: true, force: true }))

describe('the built package', () => {
  const entries = Object.entries(manifest.exports).flatMap(([name, entry]) =>
    typeof entry === 'string' ? [] : [[name, entry] as const],
  )

  it.each(entries)('loads %s and describes its types', async (name, entry) => {
    const loading = import(pathToFileURL(join(built, entry.default)).href) as Promise<object>
    // a test of jest's own loads that one
    if (name === './testing/jest') await expect(loading).rejects.toThrow('@jest/globals')
    else expect(Object.keys(await loading)).not.toEqual([])
    expect(readFileSync(join(built, entry.types), 'utf8')).toContain('export')
  })

  it.each([
    ['./express', 'tenantMiddleware'],
    ['./fastify', 'tenantPlugin'],
    ['./hono', 'tenantMiddleware'],
    ['./next', 'withTenant'],
    ['./nestjs', 'TenantModule'],
    ['./resolve', 'tenantFromJwt'],
  ])('has %s, which works without the other frameworks', async (entry, name) => {
    const file = join(built, exportOf(entry))
    const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
    expect(module[name]).toBeTypeOf('function')
    // NestJS alone has decorators, which are there at run time
    const imported = [...readFileSync(file, 'utf8').matchAll(/ from '([^.'][^']*)'/g)].map(([, from]) => from)
    expect(imported).toEqual(entry === './nestjs' ? ['@nestjs/common', '@nestjs/core'] : [])
  })

  it('asks for no framework', () => {
    const frameworks = [
      '@jest/globals',
      '@nestjs/common',
      '@nestjs/core',
      'express',
      'fastify',
      'hono',
      'next',
      'vitest',
    ]
    expect(Object.keys(manifest.peerDependencies)).toEqual(expect.arrayContaining(frameworks))
    for (const framework of frameworks) {
      expect(manifest.peerDependenciesMeta[framework]).toEqual({ optional: true })
      expect(manifest.dependencies).not.toHaveProperty([framework])
    }
  })

  it('runs its command', () => {
    const bin = join(built, manifest.bin['doublehull'] ?? '')
    expect(execFileSync(process.execPath, [bin, '--version'], { encoding: 'utf8' }).trim()).toBe(
      manifest.version,
    )
    expect(execFileSync(process.execPath, [bin, '--help'], { encoding: 'utf8' })).toContain('migrate')
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('has the SQL of each check, as a file to read and in the code, which is bundled without files', async () => {
    const files = readdirSync(join(built, 'dist/catalog/checks')).sort()
    expect(files).toEqual(readdirSync(join(root, 'src/catalog/checks')).sort())
    expect(files).toHaveLength(loadChecks().length)
    expect(readFileSync(join(built, 'dist/catalog/sql-files.js'), 'utf8')).not.toContain('node:fs')
    const module = (await import(pathToFileURL(join(built, exportOf('./verify'))).href)) as {
      loadChecks: typeof loadChecks
    }
    const described = (checks: readonly Check[]) =>
      checks.map(({ judge, ...check }) => ({ ...check, isJudged: judge !== undefined }))
    expect(described(module.loadChecks())).toEqual(described(loadChecks()))
  })

  it('verifies a database from where it is installed', () => {
    const bin = join(built, manifest.bin['doublehull'] ?? '')
    // in this folder there is a schema of the project, so the manifest is named
    const args = ['verify', '--json', '--manifest', join(root, 'src/generated/tenancy.json')]
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
      cwd: built,
      encoding: 'utf8',
      env: { ...process.env, DATABASE_URL: inject('adminUrl'), DIRECT_URL: '' },
    })
    // the server's own database has none of the tables
    expect(status, stderr).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      checks: loadChecks().length,
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'DH320', object: 'table tenancy.tenant' }),
      ]),
    })
  })

  it('compiles in a project that checks its libraries', () => {
    const uses = Object.keys(manifest.exports)
      .filter((name) => name !== './package.json')
      .map((name) => `export * as ${name.replace(/\W/g, '_')} from './${exportOf(name)}'`)
    writeFileSync(join(built, 'use.ts'), uses.join('\n'))
    const options = [
      '--strict',
      '--skipLibCheck',
      'false',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--noEmit',
    ]
    execFileSync(join(root, 'node_modules/typescript/bin/tsc'), [...options, '--ignoreConfig', 'use.ts'], {
      cwd: built,
    })
  })

  it('packs the code, the migrations and the schema', () => {
    const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
    })
    const [{ files }] = JSON.parse(listing) as [{ files: { path: string }[] }]
    const packed = files.map(({ path }) => path)
    expect(packed).toContain('prisma/migrations/20261121000400_row_level_security/migration.sql')
    expect(packed).toContain('prisma/schema/main.prisma')
    // which `doublehull verify --format sarif` reads
    for (const { code } of loadChecks()) expect(packed).toContain(`docs/checks/${code}.md`)
    expect(packed.filter((path) => path.startsWith('src/') || path.startsWith('tests/'))).toEqual([])
    // `dist` is packed too, which `prepack` builds
    expect(manifest.scripts['prepack']).toBe('npm run build')
  })

  it('has no way to switch hull one off but the one for proofs', async () => {
    const main = (await import(pathToFileURL(join(built, 'dist/index.js')).href)) as object
    expect(Object.keys(main).filter((name) => /unscoped|assemble/i.test(name))).toEqual([])
  })
})
