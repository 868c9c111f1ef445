import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { contextMigrationSql } from '../src/policy/context-sql.ts'
import { grantSql, policySql } from '../src/policy/index.ts'
import {
  asTenant,
  createTenant,
  createTestDatabases,
  expectIsolated,
  plantTwoTenants,
  type TestDatabase,
  type TestDatabases,
  withLogin,
} from '../src/testing/index.ts'
import { type Delegate, fixtureFolder, generateFixture, migration } from './fixtures/fixture-database.ts'
import { dropTemplatesOf } from './support/templates.ts'

type Client = Readonly<Record<'team' | 'board' | 'card' | 'note' | 'person' | 'label', Delegate>>

let folder: string | undefined
let databases: TestDatabases<Client>
let database: TestDatabase<Client>

beforeAll(async () => {
  folder = fixtureFolder('text-ids')
  const { manifest, tableSql } = await generateFixture(folder)
  const { PrismaClient } = (await import(pathToFileURL(join(folder, 'generated/prisma/client.ts')).href)) as {
    PrismaClient: new (options: object) => Client
  }
  const migrations = join(folder, 'migrations')
  const texts = {
    roles: migration('20261121000000_roles_and_schemas'),
    context: contextMigrationSql(manifest.tenantIdType),
    tables: [tableSql, grantSql(manifest), policySql(manifest)].join(';\n'),
    system: migration('20261121000600_system_work'),
  }
  for (const [index, [name, sql]] of Object.entries(texts).entries()) {
    mkdirSync(join(migrations, `2026010${index + 1}000000_${name}`), { recursive: true })
    writeFileSync(join(migrations, `2026010${index + 1}000000_${name}/migration.sql`), sql)
  }
  databases = await createTestDatabases({
    PrismaClient,
    manifest,
    migrations,
    server: {
      url: (name) => withLogin(inject('adminUrl'), name === undefined ? {} : { database: name }),
    },
  })
  database = await databases.clone()
}, 180_000)
afterAll(async () => {
  await databases?.close()
  if (!folder) return
  await dropTemplatesOf(folder)
  rmSync(folder, { recursive: true, force: true })
})

describe('a schema of one’s own, whose ids are texts', () => {
  it('has its own client, tenants and isolation', async () => {
    const tenant = await createTenant(database)
    const other = await createTenant(database, { id: 'team-two', name: 'Two' })
    expect(other).toBe('team-two')
    const board = await asTenant(database.tenancy, other, (db) => db.board.create({ data: { name: 'b' } }))
    const { reached } = await expectIsolated(
      database,
      (db) => db.board.findMany({ where: { id: (board as { id: string }).id } }),
      { tenant, other },
    )
    expect(reached).toEqual({ how: 'answer', model: 'Board', path: '[0]' })
  })

  it('has two planted tenants, who are isolated through parents, memberships and links', async () => {
    const { tenantA: tenant, tenantB: other, row } = await plantTwoTenants(database)
    const reached = async (operation: Parameters<typeof expectIsolated<Client, Client>>[1]) =>
      (await expectIsolated(database, operation, { tenant, other })).reached.model
    expect(await reached((db) => db.card.updateMany({ data: { title: 'x' } }))).toBe('Card')
    expect(await reached((db) => db.person.findMany())).toBe('Person')
    const id = row('Note', 'b')['id']
    expect(await reached((db) => db.note.findUnique({ where: { id }, include: { labels: true } }))).toBe(
      'Note',
    )
  })
})
