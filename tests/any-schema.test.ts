import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClassifyOptions } from '../src/manifest/classification.ts'
import { classify } from '../src/manifest/classify.ts'
import { readSchema } from '../src/manifest/read-schema.ts'
import { type FlowEnd, faultsOf, gapsOf, proveProject } from './support/project-flow.ts'

/** A proof, while other test files keep the cores busy. */
const long = 300_000
const fixtures = join(import.meta.dirname, 'fixtures/traps')
const folders: string[] = []

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder with a schema of the fixtures, below the repository, where a client finds its runtime. */
function copyOf(fixture: string): { readonly folder: string; readonly schema: string } {
  const parent = join(import.meta.dirname, '../.doublehull')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'traps-'))
  folders.push(folder)
  cpSync(join(fixtures, fixture), join(folder, fixture), { recursive: true })
  return { folder, schema: join(folder, fixture) }
}

/** Takes out of a schema what mending it has put in. */
function breakSchema(path: string): void {
  const files = path.endsWith('.prisma')
    ? [path]
    : readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
  for (const file of files.filter((name) => name.endsWith('.prisma'))) {
    const lines = readFileSync(file, 'utf8').split('\n')
    const isMending = /^\/\/\/ @tenancy\.|\/\/ mended$/
    writeFileSync(file, lines.filter((line) => !isMending.test(line)).join('\n'))
  }
}

function classified(path: string, options: Omit<ClassifyOptions, 'files'>) {
  const { datamodel, files } = readSchema(path)
  return classify(datamodel, { ...options, files })
}

/** What is said of a schema as people write it, a sentence for each model. */
function refusalOf(fixture: string, options: Omit<ClassifyOptions, 'files'>): readonly string[] {
  const { schema } = copyOf(fixture)
  breakSchema(schema)
  try {
    classified(schema, options)
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string }
    expect(code).toBe('DH304')
    return message.split('\n').flatMap((line) => (line.startsWith('  - ') ? [line.slice(4)] : []))
  }
  return []
}

const firm = { tenantModel: 'Team', tenantFields: ['teamId'] }

describe('a schema with foreign keys, of several files and of two PostgreSQL schemas', () => {
  it('is refused as people write it, each trap with its model and its line', () => {
    expect(refusalOf('firm', firm)).toEqual([])
  })

  describe('that is mended', () => {
    let end: FlowEnd

    beforeAll(async () => {
      const { folder, schema } = copyOf('firm')
      end = await proveProject({
        folder,
        schema,
        client: join(folder, 'generated/prisma'),
        manifest: classified(schema, firm),
        moreSql: readFileSync(join(fixtures, 'firm.sql'), 'utf8'),
        policies: { adopt: true, compositeKeys: true },
      })
    }, long)

    it('names what is left to the team', () => {
      expect(end.findings.map(({ severity, kind, table }) => `${severity} ${kind} ${table}`)).toEqual([])
    })

    it('is verified without a fault', () => {
      expect(faultsOf(end.verified)).toEqual([])
    })

    it('is proven, but for what is told', () => {
      expect(gapsOf(end.report)).toEqual({})
    })
  })
})

const clinic = { tenantModel: 'Clinic', tenantFields: ['clinicId'] }

describe('a schema without foreign keys, whose rows lead to the system’s', () => {
  it('is refused as people write it', () => {
    expect(refusalOf('clinic.prisma', clinic)).toEqual([])
  })

  it('is verified and proven once it is mended', { timeout: long }, async () => {
    const { folder, schema } = copyOf('clinic.prisma')
    const manifest = classified(schema, clinic)
    const end = await proveProject({ folder, schema, client: join(folder, 'generated/prisma'), manifest })
    expect(manifest.tenantIdType).toBe('text')
    expect(faultsOf(end.verified)).toEqual([])
    expect(gapsOf(end.report)).toEqual({})
  })
})

const shop = { tenantModel: 'Shop', tenantFields: ['shopId'] }

describe('a schema with numbers as ids', () => {
  it('is refused as people write it', () => {
    expect(refusalOf('shop.prisma', shop)).toEqual([])
  })

  it('is verified, and proven but for a key without the tenant, once it is mended', {
    timeout: long,
  }, async () => {
    const { folder, schema } = copyOf('shop.prisma')
    const manifest = classified(schema, shop)
    const end = await proveProject({
      folder,
      schema,
      client: join(folder, 'generated/prisma'),
      manifest,
      policies: { compositeKeys: true },
    })
    expect(manifest.tenantIdType).toBe('int4')
    expect(faultsOf(end.verified)).toEqual([])
    expect(gapsOf(end.report)).toEqual({})
  })
})
