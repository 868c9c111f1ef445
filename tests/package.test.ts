import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
// below the repository, so that the built files find their dependencies
const built = join(root, 'node_modules/.cache/doublehull-package')

interface PackageJson {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageJson

beforeAll(() => {
  rmSync(built, { recursive: true, force: true })
  mkdirSync(built, { recursive: true })
  const tsc = join(root, 'node_modules/.bin/tsc')
  execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(built, 'dist')], { cwd: root })
  copyFileSync(join(root, 'package.json'), join(built, 'package.json'))
})
afterAll(() => rmSync(built, { recursive: true, force: true }))

describe('the built package', () => {
  const entries = Object.entries(manifest.exports).flatMap(([name, entry]) =>
    typeof entry === 'string' ? [] : [[name, entry] as const],
  )

  it.each(entries)('loads %s and describes its types', async (_, entry) => {
    const module = (await import(pathToFileURL(join(built, entry.default)).href)) as object
    expect(Object.keys(module)).not.toEqual([])
    expect(readFileSync(join(built, entry.types), 'utf8')).toContain('export')
  })

  it('runs its command', () => {
    const bin = join(built, manifest.bin['doublehull'] ?? '')
    expect(execFileSync(process.execPath, [bin, '--version'], { encoding: 'utf8' }).trim()).toBe(
      manifest.version,
    )
    expect(execFileSync(process.execPath, [bin, '--help'], { encoding: 'utf8' })).toContain('migrate')
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('has no way to switch hull one off but the one for proofs', async () => {
    const main = (await import(pathToFileURL(join(built, 'dist/index.js')).href)) as object
    expect(Object.keys(main).filter((name) => /unscoped|assemble/i.test(name))).toEqual([])
  })
})
