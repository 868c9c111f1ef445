import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Classification, ClassifyOptions, ModelClassification } from '../src/manifest/classification.ts'
import { classify, outcomeOf } from '../src/manifest/classify.ts'
import { classifyModels } from '../src/manifest/classify-models.ts'
import { classifyNotices } from '../src/manifest/classify-notices.ts'
import type { Scope } from '../src/manifest/manifest.ts'
import { readSchema } from '../src/manifest/read-schema.ts'
import { largeSchema } from './support/large-schema.ts'

/** A schema as real ones are, each model named after what is the matter with it. */
const traps = `generator client {
  provider        = "prisma-client-js"
  previewFeatures = ["views"]
}

datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
  schemas  = ["crm", "public"]
}

model Team {
  id        String @id @default(cuid())
  slug      String @unique
  billingId String?

  projects   Project[]
  decoys     Decoy[]
  twoKeys    TwoKeys[]      @relation("buyer")
  sold       TwoKeys[]      @relation("seller")
  nullables  NullableKey[]
  pathed     NullablePath[]
  bySlug     BySlug[]
  supporters Supporter[]
  confirmed  Confirmed[]
  liars      Liar[]
  users      User[]

  @@schema("public")
}

model Project {
  id     String @id
  teamId String
  team   Team   @relation(fields: [teamId], references: [id])

  tasks     Task[]
  deep      Deep[]
  nullables NullablePath[]
  optional  OnlyNullable[]
  decoys    DecoyWithParent[]
  liars     Liar[]

  @@schema("public")
}

model Task {
  id        String  @id
  projectId String
  project   Project @relation(fields: [projectId], references: [id])

  deep  Deep[]
  badge Badge?

  @@schema("public")
}

/// three ways to the tenant, of which the first written is the longest
model Deep {
  id        String  @id
  taskId    String
  projectId String
  task      Task    @relation(fields: [taskId], references: [id])
  project   Project @relation(fields: [projectId], references: [id])

  @@schema("public")
}

model Decoy {
  id           String @id
  referredById String
  referredBy   Team   @relation(fields: [referredById], references: [id])

  @@schema("public")
}

model DecoyWithParent {
  id        String  @id
  projectId String
  teamID    String
  project   Project @relation(fields: [projectId], references: [id])

  @@schema("public")
}

model TwoKeys {
  id       String @id
  buyerId  String
  sellerId String
  buyer    Team   @relation("buyer", fields: [buyerId], references: [id])
  seller   Team   @relation("seller", fields: [sellerId], references: [id])

  @@schema("public")
}

model SoftKey {
  id     String @id
  teamId String

  @@schema("public")
}

model SoftParent {
  id        String @id
  projectId String

  @@schema("public")
}

model NearMiss {
  id      String @id
  team_id String

  @@schema("public")
}

model NearWord {
  id   String @id
  team String

  @@schema("public")
}

model Misspelt {
  id      String @id
  tearnId String
  teemId  String

  @@schema("public")
}

model Subscription {
  id         String @id
  customerId String

  @@index([customerId])
  @@schema("public")
}

model SharedDocument {
  id      String   @id
  teamIds String[]

  @@schema("public")
}

/// the table between has no model
model User {
  id    String @id
  teams Team[]

  accounts Account[]

  @@schema("public")
}

model Account {
  id     String @id
  userId String
  user   User   @relation(fields: [userId], references: [id])

  @@schema("public")
}

/// its child owns the key
model Profile {
  id    String @id
  badge Badge?

  @@schema("public")
}

model Badge {
  id        String  @id
  taskId    String  @unique
  profileId String  @unique
  task      Task    @relation(fields: [taskId], references: [id])
  profile   Profile @relation(fields: [profileId], references: [id])

  @@schema("public")
}

model NullableKey {
  id     String  @id
  teamId String?
  team   Team?   @relation(fields: [teamId], references: [id])

  children NullableChild[]

  @@schema("public")
}

model NullableChild {
  id       String      @id
  parentId String
  parent   NullableKey @relation(fields: [parentId], references: [id])

  @@schema("public")
}

model NullablePath {
  id        String  @id
  teamId    String?
  projectId String
  team      Team?   @relation(fields: [teamId], references: [id])
  project   Project @relation(fields: [projectId], references: [id])

  @@schema("public")
}

model OnlyNullable {
  id        String   @id
  projectId String?
  project   Project? @relation(fields: [projectId], references: [id])

  @@schema("public")
}

model Comment {
  id              String @id
  commentableType String
  commentableId   String

  @@schema("public")
}

model Chicken {
  id    String @id
  eggId String @unique
  egg   Egg    @relation("hatched", fields: [eggId], references: [id])
  eggs  Egg[]  @relation("laid")

  @@schema("public")
}

model Egg {
  id        String   @id
  chickenId String
  chicken   Chicken  @relation("laid", fields: [chickenId], references: [id])
  hatched   Chicken? @relation("hatched")

  @@schema("public")
}

model BySlug {
  id       String @id
  teamSlug String
  team     Team   @relation(fields: [teamSlug], references: [slug])

  @@schema("public")
}

/// @tenancy.global
model Country {
  id     String @id
  cities City[]

  @@schema("public")
}

model City {
  id        String  @id
  countryId String
  country   Country @relation(fields: [countryId], references: [id])

  @@schema("public")
}

/// @tenancy.through(project)
model Liar {
  id        String  @id
  projectId String
  teamId    String
  project   Project @relation(fields: [projectId], references: [id])
  team      Team    @relation(fields: [teamId], references: [id])

  @@schema("public")
}

/// @tenancy.key(teamId)
model WrongType {
  id     String @id
  teamId Int

  @@schema("public")
}

/// @tenancy.global
/// @tenancy.not(teamId)
model Confirmed {
  id     String @id
  teamId String
  team   Team   @relation(fields: [teamId], references: [id])

  @@schema("public")
}

/// @tenancy.not(supportedId)
/// @tenancy.system
model Supporter {
  id          String @id
  supportedId String
  supported   Team   @relation(fields: [supportedId], references: [id])

  @@schema("public")
}

/// no id; what names its rows is found among its unique keys. Its name and one of its fields are words of SQL
/// @tenancy.key(teamId)
model Select {
  teamId String
  order  Int     @map("group by")
  note   String?
  search Unsupported("tsvector")?
  old    String? @ignore

  @@unique([teamId, note])
  @@unique([teamId, order])
  @@map("user \\"table\\"")
  @@schema("crm")
}

view Summary {
  teamId String
  total  Int

  @@map("team_summary")
  @@schema("crm")
}

model Legacy {
  id     String @id
  teamId String

  @@map("legacy_rows") // for "nobody" }
  @@ignore
  @@schema("crm")
}
`

let workshop: string

beforeAll(() => {
  workshop = mkdtempSync(join(tmpdir(), 'doublehull-classification-'))
})
afterAll(() => rmSync(workshop, { recursive: true, force: true }))

/** A schema and the options that classify it. */
function read(
  text: string,
  options: Partial<ClassifyOptions> = {},
): { readonly datamodel: ReturnType<typeof readSchema>['datamodel']; readonly options: ClassifyOptions } {
  const path = join(mkdtempSync(join(workshop, 'schema-')), 'schema.prisma')
  writeFileSync(path, text)
  const { datamodel, files } = readSchema(path)
  return { datamodel, options: { tenantModel: 'Team', tenantFields: ['teamId'], files, ...options } }
}

function classified(text: string, options: Partial<ClassifyOptions> = {}): Classification {
  const schema = read(text, options)
  return classifyModels(schema.datamodel, schema.options)
}

function modelOf({ models }: Classification, name: string): ModelClassification {
  const found = models.find(({ model }) => model === name)
  if (!found) throw new Error(`the schema has no ${name}`)
  return found
}

const system = '/// @tenancy.system'
const global = '/// @tenancy.global'

/** What is said of each trap, and the lines to choose from. */
const told: readonly (readonly [model: string, why: string, suggestions: readonly string[]])[] = [
  [
    'Deep',
    'several required parents have a tenant (project, task)',
    ['/// @tenancy.through(project)', '/// @tenancy.through(task)'],
  ],
  [
    'Decoy',
    'refers to Team by referredById; is that its owner?',
    ['/// @tenancy.key(referredById)', system, global],
  ],
  [
    'DecoyWithParent',
    '"teamID" is named almost like the tenant field (teamId), and has no relation to Team',
    [
      '/// @tenancy.key(teamID)',
      '/// @tenancy.through(project)\n/// @tenancy.not(teamID)',
      system,
      `${global}\n/// @tenancy.not(teamID)`,
    ],
  ],
  [
    'TwoKeys',
    'refers to Team by buyerId, sellerId',
    ['/// @tenancy.key(buyerId)', '/// @tenancy.key(sellerId)', system, global],
  ],
  [
    'SoftKey',
    '"teamId" has no relation to Team',
    ['/// @tenancy.key(teamId)', system, `${global}\n/// @tenancy.not(teamId)`],
  ],
  ['SoftParent', '"projectId" looks like the key of Project, whose rows are tenants', [system, global]],
  [
    'NearMiss',
    '"team_id" is named almost like the tenant field',
    ['/// @tenancy.key(team_id)', system, `${global}\n/// @tenancy.not(team_id)`],
  ],
  ['NearWord', '"team" is named almost like the tenant field', ['/// @tenancy.key(team)', system, global]],
  [
    'Misspelt',
    '"teemId" is named almost like the tenant field',
    ['/// @tenancy.key(teemId)', system, global],
  ],
  ['Subscription', 'has columns that look like keys without a relation: customerId', [system, global]],
  ['SharedDocument', '"teamIds" names several tenants; a row belongs to one', [system, global]],
  ['User', '"teams" lists several tenants, and a row belongs to one', [system, global]],
  ['Account', 'nothing leads to a tenant', [system, global]],
  ['Profile', 'only "badge" leads to a tenant, and its key is in Badge', [system, global]],
  ['NullableKey', '"teamId" is nullable', ['/// @tenancy.key(teamId)', '/// @tenancy.shared']],
  [
    'NullablePath',
    '"teamId" is nullable',
    [
      '/// @tenancy.through(project)\n/// @tenancy.not(teamId)',
      '/// @tenancy.key(teamId)',
      '/// @tenancy.shared',
    ],
  ],
  ['OnlyNullable', 'only a nullable relation (project) leads to a tenant', [system, global]],
  ['Comment', '"commentableId" with "commentableType" names a row of any model', [system, global]],
  ['Chicken', 'its required parents form a circle (Chicken, Egg, Chicken)', [system, global]],
  ['Egg', 'its required parents form a circle (Egg, Chicken, Egg)', [system, global]],
  ['BySlug', 'refers to Team by teamSlug', ['/// @tenancy.through(team)', system, global]],
  ['City', 'its parent "country" is global: no tenant owns it', [system, global]],
  [
    'Liar',
    '@tenancy.through(project) stands against "teamId"',
    ['/// @tenancy.key(teamId)', '/// @tenancy.through(project)\n/// @tenancy.not(teamId)'],
  ],
  ['WrongType', '"teamId" is Int, but Team.id is String; give both the same type', []],
]

describe('a schema with traps', () => {
  let found: Classification

  beforeAll(() => {
    found = classified(traps)
  })

  it.each(told)('says of %s: %s', (model, why, suggestions) => {
    expect(modelOf(found, model)).toMatchObject({ scope: undefined, severity: 'problem', suggestions })
    expect(modelOf(found, model).why).toContain(why)
  })

  it('says nothing of the others', () => {
    const problems = found.models.filter(({ severity }) => severity === 'problem')
    expect(problems.map(({ model }) => model).sort()).toEqual(told.map(([model]) => model).sort())
  })

  it('lets a model wait for its parent, so that one doubt is told once', () => {
    expect(modelOf(found, 'NullableChild')).toMatchObject({ severity: 'waiting', suggestions: [] })
  })

  it.each<readonly [string, Scope]>([
    ['Team', { kind: 'root', field: 'id' }],
    ['Project', { kind: 'direct', field: 'teamId' }],
    ['Task', { kind: 'through', relation: 'project' }],
    ['Badge', { kind: 'through', relation: 'task' }],
    ['Confirmed', { kind: 'global' }],
    ['Supporter', { kind: 'system' }],
    ['Select', { kind: 'direct', field: 'teamId' }],
    ['Summary', { kind: 'direct', field: 'teamId' }],
  ])('gives %s its scope', (model, scope) => {
    expect(modelOf(found, model)).toMatchObject({ scope, severity: 'settled' })
  })

  it('is a manifest once each model in doubt has one of its lines', () => {
    const models = Object.fromEntries(
      told.flatMap(([model, , [first]]) =>
        first ? [[model, first.split('\n').map((line) => line.replace('/// @tenancy.', ''))]] : [],
      ),
    )
    const schema = read(traps, { models: { ...models, WrongType: ['system'] } })
    const manifest = classify(schema.datamodel, schema.options)
    expect(manifest).toMatchObject({
      tenantIdType: 'text',
      models: {
        NullableKey: { scope: { kind: 'direct', field: 'teamId' } },
        NullableChild: { scope: { kind: 'through', relation: 'parent' } },
        NullablePath: { scope: { kind: 'through', relation: 'project' } },
        Decoy: { scope: { kind: 'direct', field: 'referredById' } },
        BySlug: { scope: { kind: 'through', relation: 'team' } },
        User: { scope: { kind: 'system' }, commands: [], readOnly: true },
        Select: {
          schema: 'crm',
          table: 'user "table"',
          primaryKey: ['teamId', 'order'],
          columns: { order: 'group by' },
        },
        Summary: {
          isView: true,
          readOnly: true,
          commands: ['select'],
          primaryKey: [],
          table: 'team_summary',
        },
      },
    })
    expect(Object.entries(manifest.models).filter(([, { isView }]) => isView)).toHaveLength(1)
    expect(Object.keys(manifest.models['Select']?.columns ?? {})).toEqual(['teamId', 'order', 'note'])
  })

  it('has its hidden elements in the manifest, and in the notices', () => {
    const schema = read(traps, { strict: false, models: { Liar: ['key(teamId)'], WrongType: ['system'] } })
    const outcome = outcomeOf(schema.datamodel, schema.options)
    expect(outcome.problems).toEqual([])
    const table = { schema: 'crm', table: 'user "table"', model: 'Select' }
    expect(outcome.manifest?.hidden).toEqual([
      { kind: 'unsupportedField', ...table, column: 'search' },
      { kind: 'ignoredField', ...table, column: 'old' },
      { kind: 'ignoredModel', model: 'Legacy', schema: 'crm', table: 'legacy_rows' },
    ])
    if (!outcome.manifest) throw new Error('the schema was refused')
    const notices = classifyNotices(outcome, outcome.manifest)
    expect(notices).toContain(
      '  hidden from the client, and in the database all the same: Select.search (Unsupported), Select.old (@ignore), Legacy (@@ignore)',
    )
    expect(notices).toContain('  views, held by the policies of their tables alone: Summary')
    expect(notices).toContain('  global, every tenant reads every row: Confirmed, Country')
    expect(notices).toContainEqual(
      expect.stringContaining(
        'guessed for NullableKey: /// @tenancy.key(teamId), because "teamId" is nullable',
      ),
    )
  })

  it('takes the first suggestions with strict = false, and tells each as a guess', () => {
    const { models } = classified(traps, { strict: false })
    const guessed = told.filter(([model]) => model !== 'Liar' && model !== 'WrongType')
    for (const [model, , [first]] of guessed) {
      const one = models.find((candidate) => candidate.model === model)
      expect(one, model).toMatchObject({ severity: 'guess', suggestions: [first] })
    }
    expect(modelOf({ models, problems: [] }, 'NullableChild')).toMatchObject({ severity: 'settled' })
  })

  it('guesses over nothing that a model says wrongly', () => {
    const { models } = classified(traps, { strict: false })
    const problems = models.filter(({ severity }) => severity === 'problem').map(({ model }) => model)
    expect(problems).toEqual(['Liar', 'WrongType'])
  })
})

/** A schema of a tenant model with this key, and a model with this tenant field. */
function keyed(id: string, field: string): string {
  return `datasource db {
  provider = "postgresql"
}

model Team {
  id ${id}

  notes Note[]
}

model Note {
  id     String @id
  teamId ${field}
  team   Team   @relation(fields: [teamId], references: [id])
}
`
}

describe('the type of the tenants’ ids', () => {
  it.each([
    ['String @id @db.Uuid', 'String @db.Uuid', 'uuid'],
    ['String @id @default(cuid())', 'String', 'text'],
    ['String @id @db.VarChar(30)', 'String @db.Text', 'text'],
    ['Int @id @default(autoincrement())', 'Int', 'int4'],
    ['BigInt @id', 'BigInt', 'int8'],
  ])('is, of %s and %s, %s', (id, field, type) => {
    const schema = read(keyed(id, field))
    expect(classify(schema.datamodel, schema.options).tenantIdType).toBe(type)
  })

  it.each([
    ['DateTime @id', 'DateTime', 'Team: its key "id" is DateTime;'],
    ['Int @id @db.SmallInt', 'Int @db.SmallInt', 'Team: its key "id" is Int @db.SmallInt;'],
    ['String @id @db.Inet', 'String @db.Inet', 'Team: its key "id" is String @db.Inet;'],
    // two ids that differ in case would be one tenant's to a filter, and two tenants' to a policy
    ['String @id @db.Citext', 'String @db.Citext', 'Team: its key "id" is String @db.Citext;'],
  ])('is none of %s', (id, field, problem) => {
    const { problems, models } = classified(keyed(id, field))
    expect(problems).toEqual([expect.stringContaining(problem)])
    expect(models).toEqual([])
  })

  it('is no text of which the case does not count in the tenant field alone', () => {
    const { models } = classified(keyed('String @id', 'String @db.Citext'))
    expect(models[1]).toMatchObject({
      severity: 'problem',
      why: '"teamId" is String @db.Citext, but Team.id is String; give both the same type',
    })
  })

  it('is the same in the tenant field', () => {
    const { models } = classified(keyed('String @id @db.Uuid', 'String'))
    expect(models[1]).toMatchObject({
      severity: 'problem',
      why: '"teamId" is String, but Team.id is String @db.Uuid; give both the same type',
    })
  })
})

describe('directives outside the schema', () => {
  it('replace those of the comments', () => {
    const { models } = classified(traps, { models: { Country: ['system'], Liar: ['key(teamId)'] } })
    expect(models.find(({ model }) => model === 'Country')?.scope).toEqual({ kind: 'system' })
    expect(models.find(({ model }) => model === 'Liar')?.scope).toEqual({ kind: 'direct', field: 'teamId' })
  })

  it('are refused of a model that the client has not', () => {
    const { problems } = classified(traps, { models: { Legacy: ['system'] } })
    expect(problems).toEqual([
      '"models" of doublehull.json has "Legacy", which is no model that Prisma\'s client has',
    ])
  })

  it.each([
    [['globl'], '"globl" is no directive'],
    [['not(missing)', 'system'], '@tenancy.not(missing) names no column of the model'],
    [['key(id)', 'not(id)'], 'its @tenancy directives contradict'],
  ])('are refused where they are wrong: %s', (directives, why) => {
    const { models } = classified(traps, { models: { Account: directives } })
    const account = models.find(({ model }) => model === 'Account')
    expect(account).toMatchObject({ severity: 'problem', why: expect.stringContaining(why) as string })
  })
})

it('a schema of 150 models and 200 relations is classified without a doubt', () => {
  const schema = read(largeSchema({ models: 150, relations: 200 }), {
    tenantModel: 'Organization',
    tenantFields: ['organizationId'],
  })
  const { models, joinTables } = classify(schema.datamodel, schema.options)
  expect(Object.keys(models)).toHaveLength(150)
  expect(new Set(Object.values(models).map(({ scope }) => scope.kind))).toEqual(
    new Set(['root', 'direct', 'through', 'shared', 'member', 'global', 'system']),
  )
  expect(joinTables.length).toBeGreaterThan(10)
  const relations = Object.values(models).flatMap(({ relations }) => Object.values(relations))
  expect(relations.filter(({ fields }) => fields.length > 0).length + joinTables.length).toBe(200)
})
