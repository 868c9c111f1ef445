import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTenancyError, type TenancyError } from '../src/errors.ts'
import { readSchema } from '../src/manifest/read-schema.ts'

let workshop: string

beforeAll(() => {
  workshop = mkdtempSync(join(tmpdir(), 'doublehull-read-schema-'))
})
afterAll(() => rmSync(workshop, { recursive: true, force: true }))

/** Writes files, and returns the path of the first. */
function written(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(workshop, 'project-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return join(folder, Object.keys(files)[0] ?? '')
}

function refusalOf(path: string): string {
  try {
    readSchema(path)
  } catch (error) {
    expect(isTenancyError(error, 'DH304')).toBe(true)
    return (error as TenancyError).message
  }
  throw new Error('the schema was read')
}

const datasource = `datasource db {
  provider = "postgresql"
}
`
const model = `model Tenant {
  id String @id
}
`

/** As Prisma 6 writes it, with all that Prisma 7 has no more. */
const ofPrisma6 = `generator client {
  provider        = "prisma-client-js"
  previewFeatures = ["metrics", "views", "tracing"] // "notes"
  binaryTargets   = ["native", "debian-openssl-3.0.x"]
  output          = "../generated"
}

datasource db {
  provider          = "postgres"
  url               = env("DATABASE_URL") // not "} here"
  directUrl         = env("DIRECT_URL")
  shadowDatabaseUrl = "postgresql://user:secret@host/db"
  relationMode      = "prisma"
}

/* model Gone {
} */
model Tenant {
  id   String @id // a "quote
  name String @default("// none }")
}

view Summary {
  id String @unique
}
`

describe('readSchema', () => {
  it('reads a file: models, generators and datasource', () => {
    const path = written({
      'schema.prisma': `generator client {
  provider     = "prisma-client"
  output       = "../src/generated/prisma"
  moduleFormat = "esm"
}
${datasource}${model}`,
    })
    expect(readSchema(path)).toMatchObject({
      path,
      datamodel: { models: [{ name: 'Tenant' }] },
      generators: [
        {
          name: 'client',
          provider: 'prisma-client',
          output: join(dirname(dirname(path)), 'src/generated/prisma'),
          config: { moduleFormat: 'esm' },
          file: path,
        },
      ],
      datasource: { name: 'db', relationMode: 'foreignKeys', file: path },
    })
  })

  it('reads a folder with all its folders as one schema', () => {
    const first = written({
      'schema/base.prisma': datasource,
      'schema/models/crm/person.prisma':
        'model Person {\n  id String @id\n  tenantId String\n  tenant Tenant @relation(fields: [tenantId], references: [id])\n}\n',
      'schema/models/tenant.prisma': 'model Tenant {\n  id String @id\n  people Person[]\n}\n',
      'schema/notes.txt': 'model Note {',
      'schema/migrations/0_init/migration.sql': 'select 1;',
    })
    const { datamodel, files } = readSchema(dirname(first))
    expect(datamodel.models.map(({ name }) => name)).toEqual(['Person', 'Tenant'])
    expect(files.map(([path]) => path.slice(dirname(first).length + 1))).toEqual([
      'base.prisma',
      'models/crm/person.prisma',
      'models/tenant.prisma',
    ])
  })

  it.each([
    ['line feeds', ofPrisma6],
    ['carriage returns', ofPrisma6.replaceAll('\n', '\r\n')],
  ])('reads a schema of Prisma 6, with %s', (_, text) => {
    const path = written({ 'schema.prisma': text })
    const { datamodel, generators, datasource, files } = readSchema(path)
    expect(datamodel.models.map(({ name }) => name)).toEqual(['Tenant', 'Summary'])
    expect(generators).toMatchObject([
      { provider: 'prisma-client-js', output: join(dirname(dirname(path)), 'generated') },
    ])
    expect(datasource.relationMode).toBe('prisma')
    expect(files[0]?.[1]).toBe(text)
  })

  it('names file and line of the first error, without colours', () => {
    const path = written({ 'schema.prisma': `${ofPrisma6}\nmodel Wrong {\n  id Strin @id\n}\n` })
    const line = ofPrisma6.split('\n').length + 2
    const message = refusalOf(path)
    expect(message).toContain(`schema.prisma:${line} is no valid Prisma schema: Type "Strin" is neither`)
    expect(message.split('\n')).toHaveLength(1)
    expect(message).not.toContain(String.fromCodePoint(27))
    expect(message).not.toContain('secret')
  })

  it('refuses what is no schema at all', () => {
    expect(refusalOf(written({ 'schema.prisma': '{ "json": true }' }))).toContain(
      'schema.prisma:1 is no valid Prisma schema',
    )
  })

  it('names the file of an error in a folder', () => {
    const base = written({
      'schema/base.prisma': datasource,
      'schema/models/wrong.prisma': 'model Wrong {\n  id Int\n}\n',
    })
    expect(refusalOf(dirname(base))).toMatch(/models\/wrong\.prisma:1 is no valid Prisma schema/)
  })

  it('refuses a path that is not there, and a folder without a schema', () => {
    expect(refusalOf(join(workshop, 'missing.prisma'))).toContain(
      'missing.prisma cannot be read; give the path',
    )
    const path = written({ 'docs/readme.md': '' })
    expect(refusalOf(dirname(path))).toContain('docs holds no .prisma file')
  })

  it.each(['mysql', 'sqlite', 'sqlserver', 'mongodb', 'cockroachdb'])(
    'refuses a schema of %s',
    (provider) => {
      const path = written({
        'schema.prisma': `datasource db {\n  provider = "${provider}"\n}\nmodel Tenant {\n  id String @id @map("_id")\n}\n`,
      })
      expect(refusalOf(path)).toContain(
        `the datasource is ${provider}; the tenants of doublehull live in PostgreSQL`,
      )
    },
  )

  it('refuses a schema without a datasource', () => {
    expect(refusalOf(written({ 'tenant.prisma': model }))).toContain('has no datasource; give the folder')
  })
})
