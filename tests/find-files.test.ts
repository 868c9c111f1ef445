import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findMigrations, ownMigrations } from '../src/cli/find-migrations.ts'
import { findSchema } from '../src/cli/find-schema.ts'
import { findManifest } from '../src/cli/manifest-file.ts'
import { manifest } from '../src/generated/tenancy.ts'

const home = process.cwd()
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doublehull-find-'))
  process.chdir(folder)
})

afterEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true, force: true })
})

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}

const config = (settings: string) => `import path from 'node:path'
import { defineConfig } from 'prisma/config'
// schema: 'not/this.prisma'
export default defineConfig({ ${settings} })
`

describe('the schema', () => {
  it.each([
    [{ 'prisma.config.ts': config(`schema: './db/schema.prisma'`) }, 'db/schema.prisma'],
    [{ 'prisma.config.ts': config(`schema: path.join('db', "schema")`) }, 'db/schema'],
    [{ 'package.json': '{ "prisma": { "schema": "./db/a.prisma" } }' }, 'db/a.prisma'],
    [
      {
        'doublehull.json': '{ "schema": "app/schema.prisma" }',
        'prisma.config.ts': config(`schema: 'db'`),
      },
      'app/schema.prisma',
    ],
    [{ 'schema.prisma': '' }, 'schema.prisma'],
  ])('of %j is found', (files, found) => {
    write(files)
    expect(findSchema()).toBe(found)
  })

  it('that is nowhere is asked for', () => {
    expect(findSchema).toThrow(expect.objectContaining({ code: 'DH304' }))
  })
})

describe('the migrations', () => {
  it.each([
    [{}, 'prisma/migrations'],
    [{ 'prisma.config.ts': config(`migrations: { seed: 'x', path: 'db/history' }`) }, 'db/history'],
    [{ 'prisma.config.ts': config(`migrations: { path: path.join('db', 'history'), }`) }, 'db/history'],
    [{ 'package.json': '{ "prisma": { "schema": "db/a.prisma" } }', 'db/migrations/x': '' }, 'db/migrations'],
    [{ 'schema.prisma': '', 'migrations/x': '' }, 'migrations'],
  ])('of %j are found', (files, found) => {
    write(files)
    expect(findMigrations()).toBe(found)
  })

  it('of a project with a schema and none are never those of the package', () => {
    expect(ownMigrations()).toBeUndefined()
    write({ 'prisma/schema.prisma': '' })
    expect(ownMigrations).toThrow(expect.objectContaining({ code: 'DH401' }))
  })
})

describe('the manifest', () => {
  const schema = (output: string) => `datasource db {
  provider = "postgresql"
}
generator tenancy {
  provider    = "doublehull"
  output      = "${output}"
  tenantModel = "Team"
}
`

  it('is found where the generator’s block or doublehull.json has it written', () => {
    write({
      'prisma/schema.prisma': schema('../lib/tenancy'),
      'lib/tenancy/tenancy.json': JSON.stringify(manifest),
    })
    expect(findManifest(undefined).name).toBe('lib/tenancy/tenancy.json')
    write({ 'doublehull.json': '{ "output": "other" }', 'other/tenancy.json': JSON.stringify(manifest) })
    expect(findManifest(undefined).name).toBe('other/tenancy.json')
  })

  it('of a project with a schema of its own is never that of the package', () => {
    expect(findManifest(undefined).manifest).toBe(manifest)
    write({ 'prisma/schema.prisma': schema('../lib/tenancy') })
    expect(() => findManifest(undefined)).toThrow(expect.objectContaining({ code: 'DH304' }))
  })
})
