import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DMMF } from '@prisma/generator-helper'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTenancyError, type TenancyError } from '../src/errors.ts'
import { classify } from '../src/manifest/classify.ts'
import { type Manifest, type Scope, staysInside } from '../src/manifest/manifest.ts'
import { renderManifest } from '../src/manifest/manifest-files.ts'
import { readProject } from '../src/manifest/project.ts'
import { schemaFiles } from '../src/manifest/read-schema.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { type PrismaRun, runPrisma } from './fixtures/prisma-cli.ts'

/** What `prisma generate` made of a schema. */
interface Generated {
  readonly folder: string
  readonly run: PrismaRun
  /** What Prisma tells its generators of the schema. */
  readonly datamodel: DMMF.Datamodel
}

let workshop: string
let good: Generated
let wrong: Generated
let tenantless: Generated
let manifest: Manifest

beforeAll(async () => {
  workshop = mkdtempSync(join(tmpdir(), 'doublehull-classify-'))
  ;[good, wrong, tenantless] = await Promise.all([
    generate('good'),
    generate('wrong'),
    generate('tenantless'),
  ])
  manifest = (
    (await import(pathToFileURL(join(good.folder, 'generated/tenancy.ts')).href)) as { manifest: Manifest }
  ).manifest
})
afterAll(() => rmSync(workshop, { recursive: true, force: true }))

async function generate(fixture: string): Promise<Generated> {
  const folder = join(workshop, fixture)
  mkdirSync(folder)
  cpSync(join(import.meta.dirname, 'fixtures/classify', `${fixture}.prisma`), join(folder, 'schema.prisma'))
  const run = await runPrisma(folder, 'generate', '--no-hints')
  const dump = join(folder, 'dmmf.json')
  const datamodel = existsSync(dump)
    ? (JSON.parse(readFileSync(dump, 'utf8')) as DMMF.Datamodel)
    : { models: [], enums: [], types: [], indexes: [] }
  return { folder, run, datamodel }
}

describe('prisma generate with a good schema', () => {
  it('ends well and names what it wrote', () => {
    expect(good.run).toMatchObject({ code: 0 })
    expect(good.run.output).toContain('Generated tenancy manifest to ./generated')
  })

  it('tells which models are global, and what is hidden from the client', () => {
    expect(good.run.output).toContain(
      'tenancy: 15 models: 1 root, 5 direct, 4 through, 2 shared, 1 member, 2 global',
    )
    expect(good.run.output).toContain('  global, every tenant reads every row: Carrier, Tag')
    expect(good.run.output).toContain(
      '  hidden from the client, and in the database all the same: Carrier.area (Unsupported), Attic (@@ignore)',
    )
    expect(manifest.hidden).toEqual([
      { kind: 'unsupportedField', model: 'Carrier', schema: 'shop', table: 'Carrier', column: 'area' },
      { kind: 'ignoredModel', model: 'Attic', schema: 'crm', table: 'attic' },
    ])
  })

  it('writes beside the manifest which schema and client it is of', () => {
    expect(readProject(join(good.folder, 'generated/tenancy.json'))).toEqual({
      manifest,
      schema: join(good.folder, 'schema.prisma'),
      client: undefined,
    })
  })

  it.each<readonly [string, Scope]>([
    ['Company', { kind: 'root', field: 'id' }],
    ['Account', { kind: 'direct', field: 'companyId' }],
    ['Order', { kind: 'direct', field: 'ownerId' }],
    ['Ledger', { kind: 'direct', field: 'book' }],
    ['Event', { kind: 'direct', field: 'tenant' }],
    ['Setting', { kind: 'shared', field: 'companyId' }],
    ['Brochure', { kind: 'shared', field: 'publisher' }],
    ['Line', { kind: 'through', relation: 'order' }],
    ['Shipment', { kind: 'through', relation: 'line' }],
    ['Scan', { kind: 'through', relation: 'shipment' }],
    ['Contact', { kind: 'through', relation: 'account' }],
    ['Person', { kind: 'member', relation: 'seats' }],
    ['Seat', { kind: 'direct', field: 'companyId' }],
    ['Carrier', { kind: 'global' }],
    ['Tag', { kind: 'global' }],
  ])('gives %s its scope', (model, scope) => {
    expect(manifest.models[model]?.scope).toEqual(scope)
  })

  it('knows every model of the schema and no other', () => {
    expect(Object.keys(manifest.models)).toEqual(good.datamodel.models.map(({ name }) => name).sort())
  })

  it('makes global models, members and the links to them read-only', () => {
    const readOnly = Object.entries(manifest.models).filter(([, model]) => model.readOnly)
    expect(readOnly.map(([name]) => name)).toEqual(['Carrier', 'Person', 'Seat', 'Tag'])
  })

  it('calls tables, schemas and columns as the database does', () => {
    expect(manifest.models['Account']).toMatchObject({
      schema: 'crm',
      table: 'accounts',
      columns: { id: 'id', companyId: 'company_id', email: 'email', level: 'level', number: 'number' },
    })
    expect(manifest.models['Order']).toMatchObject({ schema: 'shop', table: 'Order' })
  })

  it('calls keys as the where of Prisma does', () => {
    expect(manifest.models['Account']).toMatchObject({
      primaryKey: ['id'],
      uniqueFields: ['id', 'email'],
      compoundUniques: { companyId_id: ['companyId', 'id'], numbered: ['companyId', 'number'] },
    })
    expect(manifest.models['Order']).toMatchObject({
      primaryKey: ['ownerId', 'number'],
      uniqueFields: [],
      compoundUniques: { ownerId_number: ['ownerId', 'number'] },
    })
    expect(manifest.models['Line']?.compoundUniques).toEqual({ place: ['seller', 'orderNumber', 'position'] })
  })

  it('pairs the ends of a self relation', () => {
    expect(manifest.models['Order']?.relations).toMatchObject({
      parent: { model: 'Order', list: false, fields: ['ownerId', 'parentId'], inverse: 'parts' },
      parts: { model: 'Order', list: true, fields: [], inverse: 'parent' },
    })
    expect(manifest.models['Account']?.relations['friends']?.inverse).toBe('friendOf')
  })

  it('knows the table of each implicit many-to-many relation, those of one name in two schemas too', () => {
    expect(manifest.joinTables).toEqual([
      { schema: 'crm', table: '_ContactToTag', a: 'Contact', b: 'Tag' },
      { schema: 'crm', table: '_friends', a: 'Account', b: 'Account' },
      { schema: 'crm', table: '_tags', a: 'Account', b: 'Tag' },
      { schema: 'shop', table: '_tags', a: 'Carrier', b: 'Event' },
    ])
  })

  it('gives policies to every table that Prisma makes', () => {
    const tables = policiesOf(manifest, defaultRoleNames)
    expect(tables).toHaveLength(good.datamodel.models.length + 4)
    for (const { policies } of tables) {
      expect(policies.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^tenant_guard_[0-9a-f]{8}$/),
          expect.stringMatching(/^tenant_select_[0-9a-f]{8}$/),
        ]),
      )
    }
  })

  it.each([
    ['Account', 'company', true],
    ['Company', 'accounts', true],
    ['Order', 'account', true],
    ['Order', 'parent', true],
    ['Order', 'parts', true],
    ['Order', 'resellerOf', false],
    ['Company', 'resold', false],
    ['Shipment', 'carrier', true],
    ['Carrier', 'shipments', false],
    ['Line', 'order', true],
    ['Order', 'lines', true],
    ['Scan', 'contact', false],
    ['Contact', 'scans', false],
    ['Account', 'friends', false],
    ['Seat', 'person', true],
    ['Person', 'seats', false],
  ])('tells of %s.%s whether it stays inside by its key: %s', (model, relation, inside) => {
    expect(staysInside(manifest, model, relation)).toBe(inside)
  })
})

/** Each mistake of `wrong.prisma` and the part of the message that settles it. */
const mistakes: readonly (readonly [string, string])[] = [
  [
    'WithoutRelation',
    '"tenantId" has no relation to Tenant; add one, or say what it holds; write /// @tenancy.key(tenantId) or /// @tenancy.system or /// @tenancy.global with /// @tenancy.not(tenantId)',
  ],
  [
    'NullableKey',
    '"tenantId" is nullable; make it required, or say whose the rows without a tenant are; write /// @tenancy.key(tenantId) or /// @tenancy.shared',
  ],
  ['SharedRequired', '@tenancy.shared, but "tenantId" is required'],
  [
    'TwoTenantFields',
    'several tenant fields (tenantId, organisationId); choose one; write /// @tenancy.key(tenantId) or /// @tenancy.key(organisationId)',
  ],
  [
    'OtherwiseNamed',
    'refers to Tenant by customerId; is that its owner? if it is not, /// @tenancy.not(customerId) says so; write /// @tenancy.key(customerId)',
  ],
  ['SeveralParents', 'choose one; write /// @tenancy.through(first) or /// @tenancy.through(second)'],
  ['NullablePath', 'only a nullable relation (parent) leads to a tenant; make it required'],
  [
    'NoPath',
    'nothing leads to a tenant; add a tenant field; write /// @tenancy.system or /// @tenancy.global',
  ],
  ['UnknownDirective', '"@tenancy.globl" is no directive; known are'],
  ['DirectiveWithoutField', '"@tenancy.key" is no directive; known are'],
  ['DirectiveOnField', '"@tenancy.global" stands at the field "word"; write it above the model'],
  ['Contradicting', 'its @tenancy directives contradict; keep one of them'],
  ['TwoKeys', 'its @tenancy directives contradict; keep one of them'],
  ['KeyOfNothing', '@tenancy.key(missing) names no column of the model'],
  ['KeyOfList', '"tenants" is a list'],
  ['ThroughNullable', '@tenancy.through(parent) must name a required relation whose key is here'],
  ['ThroughList', '@tenancy.through(parents) must name a required relation whose key is here'],
  ['ThroughNothing', '"missing" is no relation of ThroughNothing'],
  ['ThroughGlobal', '@tenancy.through(dictionary) does not lead to a tenant'],
  ['MemberOfNothing', '@tenancy.member(links) must lead to a model with a tenant field'],
  ['MemberOfGlobal', '@tenancy.member(dictionary) must name a list of memberships'],
  ['CircleOne', 'its @tenancy.through parents form a circle'],
  ['CircleTwo', 'its @tenancy.through parents form a circle'],
]

describe('prisma generate with mistakes in the schema', () => {
  it('fails with DH304 and writes nothing', () => {
    expect(wrong.run.code).not.toBe(0)
    expect(wrong.run.output.match(/DH304/g)).toHaveLength(1)
    expect(existsSync(join(wrong.folder, 'generated'))).toBe(false)
  })

  it.each(mistakes)('names %s and what to write', (model, advice) => {
    const lines = wrong.run.output.split('\n').filter((line) => line.startsWith(`  - ${model}: `))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(advice)
  })

  it('reports each mistake once and nobody else’s', () => {
    const lines = wrong.run.output.split('\n').filter((line) => line.startsWith('  - '))
    const named = new Set(lines.map((line) => line.slice(4).split(':')[0]))
    expect(lines).toHaveLength(mistakes.length)
    expect(named).toEqual(new Set(mistakes.map(([model]) => model)))
  })

  it('says what to write where no tenant model is named', () => {
    expect(tenantless.run.code).not.toBe(0)
    expect(tenantless.run.output).toContain(
      'DH304: generator tenancy does not name the tenant; write tenantModel = "Tenant"',
    )
    expect(existsSync(join(tenantless.folder, 'generated'))).toBe(false)
  })
})

describe('a schema in several files with a doublehull.json', () => {
  it('is classified by both, where the generator block says so, and without other generators', async () => {
    const folder = join(workshop, 'several')
    mkdirSync(join(folder, 'schema/models'), { recursive: true })
    writeFileSync(
      join(folder, 'schema/base.prisma'),
      `generator client {
  provider = "prisma-client"
  output   = "../client"
}

generator tenancy {
  provider    = "doublehull"
  output      = "../generated"
  tenantModel = "Company"
  config      = "../settings/tenancy.json"
}

datasource db {
  provider = "postgresql"
}
`,
    )
    writeFileSync(
      join(folder, 'schema/models/company.prisma'),
      `model Company {
  id   Int    @id
  name String
}

model Country {
  code String @id
}
`,
    )
    mkdirSync(join(folder, 'settings'))
    writeFileSync(join(folder, 'settings/tenancy.json'), '{ "models": { "Country": ["global"] } }')
    const run = await runPrisma(
      folder,
      'generate',
      '--no-hints',
      '--schema',
      'schema',
      '--generator',
      'tenancy',
    )
    expect(run).toMatchObject({ code: 0 })
    const project = readProject(join(folder, 'generated/tenancy.json'))
    expect(project).toMatchObject({
      schema: join(folder, 'schema'),
      client: { provider: 'prisma-client', path: join(folder, 'client') },
      manifest: { tenantIdType: 'int4', models: { Country: { scope: { kind: 'global' } } } },
    })
  })
})

describe('classify', () => {
  const options = { tenantModel: 'Company', tenantFields: ['companyId', 'ownerId'] }

  /** The good schema with other comments above some models. */
  function withComments(comments: Readonly<Record<string, string>>): DMMF.Datamodel {
    const models = good.datamodel.models.map((model) => {
      const documentation = comments[model.name]
      return documentation === undefined ? model : { ...model, documentation }
    })
    return { ...good.datamodel, models }
  }

  function fieldOf(model: string, name: string): DMMF.Field {
    const found = good.datamodel.models
      .find((candidate) => candidate.name === model)
      ?.fields.find((field) => field.name === name)
    if (!found) throw new Error(`the fixture has no ${model}.${name}`)
    return found
  }

  /** The lines of the refusal. */
  function problemsOf(comments: Readonly<Record<string, string>>, other = options): readonly string[] {
    try {
      classify(withComments(comments), other)
    } catch (error) {
      expect(isTenancyError(error, 'DH304')).toBe(true)
      return (error as TenancyError).message.split('\n').filter((line) => line.startsWith('  - '))
    }
    return []
  }

  it('gives the same manifest as the CLI, whatever the order of the models', () => {
    const files = schemaFiles(join(good.folder, 'schema.prisma'))
    const reversed = { ...good.datamodel, models: good.datamodel.models.toReversed() }
    expect(classify(reversed, { ...options, files })).toEqual(manifest)
    const written = readFileSync(join(good.folder, 'generated/tenancy.ts'), 'utf8')
    expect(renderManifest(classify(reversed, { ...options, files }))).toBe(written)
  })

  it('refuses a tenant model that the schema has not', () => {
    expect(problemsOf({}, { ...options, tenantModel: 'company' })).toEqual([
      '  - tenantModel = "company" names no model of the schema; did you mean "Company"?',
    ])
  })

  it('refuses a tenant model without an id of one field', () => {
    expect(problemsOf({}, { ...options, tenantModel: 'Order' })).toContain(
      '  - Order: the tenant model needs an @id of one field',
    )
  })

  it('refuses a directive above the tenant model', () => {
    expect(problemsOf({ Company: '@tenancy.global' })).toEqual([
      '  - Company: the tenant model has its scope already; remove the @tenancy directive',
    ])
  })

  it('reads directives between lines of prose, and no prose as a directive', () => {
    const comment = 'Words that tenants share, see @tenancy.global.\n  @tenancy.global  \nMore words.'
    expect(problemsOf({ Tag: comment })).toEqual([])
    expect(problemsOf({ Tag: 'Words that tenants share, see @tenancy.global.' })).toMatchObject([
      expect.stringContaining('Tag: nothing leads to a tenant'),
    ])
  })

  it.each([
    '@tenancy',
    '@tenancy.global()',
    '@tenancy.global(x)',
    '@tenancy.key()',
    '@tenancy.key(a, b)',
    '@tenancy.key(a) because',
    '@tenancy.Global',
    '@tenancy.shared.global',
    '@tenancy.global;',
    '@tenancy.allow',
    '@tenancy.allow(truncate)',
    '@tenancy.allow(select, select)',
    '@tenancy.appendOnly(id)',
  ])('refuses "%s" above a model', (comment) => {
    expect(problemsOf({ Tag: comment })).toMatchObject([
      expect.stringContaining(`"${comment}" is no directive`),
    ])
  })

  it.each([
    '@tenancy.global\n@tenancy.key(id)',
    '@tenancy.global\n@tenancy.member(accounts)',
    '@tenancy.shared\n@tenancy.through(x)',
    '@tenancy.key(id)\n@tenancy.key(other)',
    '@tenancy.global\n@tenancy.global',
  ])('refuses the contradiction "%s"', (comment) => {
    expect(problemsOf({ Tag: comment })).toEqual([
      '  - Tag: its @tenancy directives contradict; keep one of them',
    ])
  })

  it('never takes the nearer of two required parents that have a tenant, and offers it first', () => {
    expect(problemsOf({ Scan: '' })).toEqual([
      '  - Scan: several required parents have a tenant (contact, shipment); choose one; write /// @tenancy.through(contact) or /// @tenancy.through(shipment)',
    ])
  })

  it('takes no parent for a choice that has its own tenant from the child', () => {
    const toScan = { ...fieldOf('Scan', 'contact'), name: 'latest', type: 'Scan', relationName: 'latest' }
    const models = good.datamodel.models.map((model) => {
      if (model.name === 'Contact') return { ...model, fields: [toScan, ...model.fields] }
      if (model.name !== 'Scan') return model
      return {
        ...model,
        documentation: '',
        fields: model.fields.filter((field) => field.name !== 'shipment'),
      }
    })
    const scopes = classify({ ...good.datamodel, models }, options).models
    expect(scopes['Scan']?.scope).toEqual({ kind: 'through', relation: 'contact' })
    expect(scopes['Contact']?.scope).toEqual({ kind: 'through', relation: 'account' })
  })

  it('lets a member be seen through a model with a tenant field only', () => {
    expect(problemsOf({ Carrier: '@tenancy.member(shipments)' })).toEqual([
      '  - Carrier: @tenancy.member(shipments) must lead to a model with a tenant field',
    ])
  })

  it('offers memberships to a model that nothing but such a list leads to', () => {
    expect(problemsOf({ Person: '' })).toEqual([
      '  - Person: nothing leads to a tenant; add a tenant field; write /// @tenancy.member(seats) or /// @tenancy.system or /// @tenancy.global',
    ])
  })

  it('takes a model with a tenant field as global only where it says so of the field too', () => {
    expect(problemsOf({ Seat: '@tenancy.global', Person: '@tenancy.global' })).toEqual([
      '  - Seat: @tenancy.global stands against "companyId", which says whose the row is; keep one of them, or confirm that it is not the owner\'s; write /// @tenancy.key(companyId) or /// @tenancy.global with /// @tenancy.not(companyId)',
    ])
    const comments = { Seat: '@tenancy.global\n@tenancy.not(companyId)', Person: '@tenancy.global' }
    const { models } = classify(withComments(comments), options)
    expect(models['Seat']).toMatchObject({ scope: { kind: 'global' }, readOnly: true })
  })

  it('lets tenants do with a model what its scope makes possible', () => {
    const { models } = classify(good.datamodel, options)
    expect(models['Company']?.commands).toEqual(['select', 'insert', 'update'])
    expect(models['Account']).toMatchObject({
      commands: ['select', 'insert', 'update', 'delete'],
      readOnly: false,
      appendOnly: false,
    })
    for (const name of ['Person', 'Seat', 'Tag', 'Carrier']) {
      expect(models[name]).toMatchObject({ commands: ['select'], readOnly: true })
    }
  })

  it.each<readonly [string, object]>([
    ['@tenancy.appendOnly', { commands: ['select', 'insert'], appendOnly: true, readOnly: false }],
    ['@tenancy.allow(select)', { commands: ['select'], appendOnly: false, readOnly: true }],
    ['@tenancy.allow( update,select )', { commands: ['select', 'update'], appendOnly: false }],
    [
      '@tenancy.appendOnly\n@tenancy.allow(select)',
      { commands: ['select'], appendOnly: true, readOnly: true },
    ],
  ])('lets them do less where the model says %s', (comment, expected) => {
    const { models } = classify(withComments({ Account: comment }), options)
    expect(models['Account']).toMatchObject({ ...expected, scope: { kind: 'direct' } })
    const table = policiesOf(classify(withComments({ Account: comment }), options), defaultRoleNames).find(
      (one) => one.table === 'accounts',
    )
    expect(
      table?.policies.flatMap(({ command, roles }) => (roles.includes('doublehull_app') ? command : [])),
    ).toEqual(['all', ...(expected as { commands: string[] }).commands])
    expect(table?.systemCommands).toEqual(
      comment.includes('appendOnly') ? ['select', 'insert'] : ['select', 'insert', 'update', 'delete'],
    )
  })

  it.each([
    ['Account', '@tenancy.allow(insert)', '@tenancy.allow lacks select, which writing needs too; add it'],
    [
      'Person',
      '@tenancy.member(seats)\n@tenancy.allow(select, update)',
      '@tenancy.allow(update) is more than a tenant can do with its rows; leave it out',
    ],
    [
      'Company',
      '@tenancy.allow(select, delete)',
      '@tenancy.allow(delete) is more than a tenant can do with its rows; leave it out',
    ],
    [
      'Account',
      '@tenancy.appendOnly\n@tenancy.allow(select, update)',
      '@tenancy.allow(update) is more than a tenant can do with its rows; leave it out',
    ],
    [
      'Account',
      '@tenancy.allow(select)\n@tenancy.allow(select, insert)',
      'has several @tenancy.allow; write one',
    ],
  ])('refuses, above %s, "%s"', (model, comment, message) => {
    expect(problemsOf({ [model]: comment })).toEqual([`  - ${model}: ${message}`])
  })

  it('reports all mistakes at once', () => {
    expect(problemsOf({ Setting: '', Brochure: '', Tag: '', Ledger: '', Event: '' })).toHaveLength(5)
  })
})
