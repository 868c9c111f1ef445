import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClassifyOptions } from '../src/manifest/classification.ts'
import { classify } from '../src/manifest/classify.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
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
    const key = '/// @tenancy.key(teamId)'
    const [system, global] = ['/// @tenancy.system', '/// @tenancy.global']
    expect(refusalOf('firm', firm)).toEqual([
      'Pointer: several required parents have a tenant (board, lane, card); choose one; write /// @tenancy.through(board) or /// @tenancy.through(lane) or /// @tenancy.through(card)',
      `Partner: refers to Team by referredById; is that its owner? if it is not, /// @tenancy.not(referredById) says so; write /// @tenancy.through(board) or /// @tenancy.key(referredById) or ${system} or ${global}`,
      `User: nothing leads to a tenant; add a tenant field; write /// @tenancy.member(memberships) or ${system} or ${global}`,
      `Session: nothing leads to a tenant; add a tenant field; write ${system} or ${global}`,
      `Ticket: "teamId" is nullable; make it required, or say whose the rows without a tenant are; write ${key} or /// @tenancy.shared`,
      `Template: "teamId" is nullable; make it required, or say whose the rows without a tenant are; write ${key} or /// @tenancy.shared`,
      `Hen: nothing leads to a tenant; add a tenant field; its required parents form a circle (Hen, Egg, Hen); write ${system} or ${global}`,
      `Egg: nothing leads to a tenant; add a tenant field; its required parents form a circle (Egg, Hen, Egg); write ${system} or ${global}`,
      `Note: "teamId" has no relation to Team; add one, or say what it holds; write ${key} or ${system} or ${global} with /// @tenancy.not(teamId)`,
      `Address: only "document" leads to a tenant, and its key is in Document: a row of Address is there before the row that owns it; add a tenant field; write ${system} or ${global}`,
      `Article: "teamId" has no relation to Team; add one, or say what it holds; write ${key} or ${system} or ${global} with /// @tenancy.not(teamId)`,
    ])
  })

  describe('that is mended', () => {
    let end: FlowEnd
    let manifest: Manifest

    beforeAll(async () => {
      const { folder, schema } = copyOf('firm')
      manifest = classified(schema, firm)
      end = await proveProject({
        folder,
        schema,
        client: join(folder, 'generated/prisma'),
        manifest,
        moreSql: readFileSync(join(fixtures, 'firm.sql'), 'utf8'),
        policies: { adopt: true, compositeKeys: true },
      })
    }, long)

    it('has what was there told, and nothing that must be done first', () => {
      const told = end.findings.filter(({ kind }) => kind !== 'schemaLine')
      expect(told.map(({ severity, kind, table }) => `${severity} ${kind} ${table}`)).toEqual([
        'notice hiddenTable articles',
        'notice adoptedPolicy notes',
        'notice hiddenTable legacy_rows',
        'offer denormalise pointers',
        'offer denormalise remarks',
      ])
    })

    it('is verified without a fault but keys that cannot carry the tenant', () => {
      expect(faultsOf(end.verified)).toEqual([
        'DH376 foreign key hens_egg_id_fkey on crm.hens',
        'DH376 foreign key pointers_board_id_fkey on crm.pointers',
        'DH376 foreign key pointers_lane_id_fkey on crm.pointers',
      ])
    })

    it('is proven, but for what is told', () => {
      expect(gapsOf(end.report)).toEqual({
        Article: [
          'createMany behind one, createManyAndReturn behind one, upsert behind one, create behind one, createMany behind two and 7 more: every row needs article_search, which Prisma’s client does not know',
        ],
      })
      const models = Object.keys(manifest.models).length + manifest.joinTables.length
      expect(end.report.models).toHaveLength(models)
    })
  })
})

const clinic = { tenantModel: 'Clinic', tenantFields: ['clinicId'] }

describe('a schema without foreign keys, whose rows lead to the system’s', () => {
  it('is refused as people write it', () => {
    expect(refusalOf('clinic.prisma', clinic)).toEqual([
      'Event: nothing leads to a tenant; add a tenant field; write /// @tenancy.system or /// @tenancy.global',
      'Reply: nothing leads to a tenant; add a tenant field; write /// @tenancy.system or /// @tenancy.global',
      'Invoice: "clinicId" has no relation to Clinic; add one, or say what it holds; write /// @tenancy.key(clinicId) or /// @tenancy.system or /// @tenancy.global with /// @tenancy.not(clinicId)',
    ])
  })

  it('is verified and proven once it is mended', { timeout: long }, async () => {
    const { folder, schema } = copyOf('clinic.prisma')
    const manifest = classified(schema, clinic)
    const end = await proveProject({ folder, schema, client: join(folder, 'generated/prisma'), manifest })
    expect(manifest.tenantIdType).toBe('text')
    expect(faultsOf(end.verified)).toEqual([])
    expect(end.report).toMatchObject({ leaks: 0, verdict: 'proven' })
    expect(gapsOf(end.report)).toEqual({})
  })
})

const shop = { tenantModel: 'Shop', tenantFields: ['shopId'] }

describe('a schema with numbers as ids', () => {
  it('is refused as people write it', () => {
    expect(refusalOf('shop.prisma', shop)).toEqual([
      'OrderLine: several required parents have a tenant (order, product); choose one; write /// @tenancy.through(order) or /// @tenancy.through(product)',
    ])
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
    expect(faultsOf(end.verified)).toEqual([
      'DH376 foreign key "OrderLine_productId_fkey" on public."OrderLine"',
    ])
    expect(gapsOf(end.report)).toEqual({
      Product: [
        'the unique key (slug) answers otherwise for another tenant’s value than for a new one: let the tenant be part of it (DH333)',
      ],
    })
  })
})
