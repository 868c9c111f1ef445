import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { delegateName, type Manifest, type Scope } from '../src/manifest/manifest.ts'
import { qualified, quoteIdentifier } from '../src/policy/identifier.ts'
import { DatabaseState } from '../src/prove/database-state.ts'
import { loadSeed } from '../src/prove/load-seed.ts'
import { changeOf, newRow } from '../src/prove/row-data.ts'
import { filterOf, uniqueWhere, uniqueWheres } from '../src/prove/row-filter.ts'
import { plantScene, type Scene } from '../src/prove/scene.ts'
import { readSchemaShape } from '../src/prove/schema-shape.ts'
import type { SeedHook } from '../src/prove/seed-hook.ts'
import { withLogin } from '../src/testing/index.ts'
import { fixtureFolder, generateFixture } from './fixtures/fixture-database.ts'
import { manifestOfCatalog } from './planting/catalog-manifest.ts'

const serverUrl = inject('adminUrl')
const databases: string[] = []
const open: pg.Client[] = []

async function databaseOf(sql: string): Promise<pg.Client> {
  const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
  const server = new pg.Client({ connectionString: serverUrl })
  await server.connect()
  await server.query(`create database ${quoteIdentifier(name)}`)
  await server.end()
  databases.push(name)
  const admin = new pg.Client({ connectionString: withLogin(serverUrl, { database: name }) })
  open.push(admin)
  await admin.connect()
  await admin.query(sql)
  return admin
}

afterAll(async () => {
  for (const client of open) await client.end()
  const server = new pg.Client({ connectionString: serverUrl })
  await server.connect()
  for (const name of databases) await server.query(`drop database ${quoteIdentifier(name)} with (force)`)
  await server.end()
})

async function plant(admin: pg.Client, manifest: Manifest, seed?: SeedHook): Promise<Scene> {
  const database = new DatabaseState(admin, manifest)
  return plantScene(database, manifest, await readSchemaShape(admin, manifest), new Map(), { seed })
}

/** Foreign keys that rows break, asked of every row. */
async function brokenKeys(admin: pg.Client): Promise<readonly string[]> {
  const { rows } = await admin.query<{ name: string; sql: string }>(`
    select k.conname as name,
           format('select 1 from %s c where %s and not exists (select 1 from %s t where %s) limit 1',
             k.conrelid::regclass, string_agg(format('c.%I is not null', a.attname), ' and '),
             k.confrelid::regclass, string_agg(format('t.%I = c.%I', r.attname, a.attname), ' and ')) as sql
      from pg_constraint k
      cross join lateral unnest(k.conkey, k.confkey) as pair (own, theirs)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.own
      join pg_attribute r on r.attrelid = k.confrelid and r.attnum = pair.theirs
     where k.contype = 'f' and k.conparentid = 0
     group by k.oid, k.conname, k.conrelid, k.confrelid`)
  const broken: string[] = []
  for (const { name, sql } of rows) if ((await admin.query(sql)).rows.length > 0) broken.push(name)
  return broken
}

const teamScopes: Readonly<Record<string, Scope>> = {
  team: { kind: 'root', field: 'id' },
  person: { kind: 'member', relation: 'membership_by_person_id' },
  membership: { kind: 'direct', field: 'team_id' },
  country: { kind: 'global' },
  kinds: { kind: 'direct', field: 'team_id' },
  by_day: { kind: 'direct', field: 'team_id' },
  without_id: { kind: 'direct', field: 'team_id' },
  settings: { kind: 'direct', field: 'team_id' },
  settings_detail: { kind: 'through', relation: 'by_settings_id' },
  by_slug: { kind: 'direct', field: 'team_id' },
  tree: { kind: 'direct', field: 'team_id' },
  hen: { kind: 'direct', field: 'team_id' },
  egg: { kind: 'direct', field: 'team_id' },
  conditions: { kind: 'direct', field: 'team_id' },
  booking: { kind: 'direct', field: 'team_id' },
  nulls: { kind: 'direct', field: 'team_id' },
  event: { kind: 'direct', field: 'team_id' },
  unmade: { kind: 'direct', field: 'team_id' },
  maybe: { kind: 'direct', field: 'team_id' },
  shared: { kind: 'shared', field: 'team_id' },
  internal: { kind: 'system' },
  needs_hidden: { kind: 'direct', field: 'team_id' },
  comment: { kind: 'through', relation: 'by_conditions_id' },
  open_comments: { kind: 'direct', field: 'team_id' },
  counted: { kind: 'direct', field: 'team_id' },
  unguessable: { kind: 'direct', field: 'team_id' },
  below_unguessable: { kind: 'through', relation: 'by_parent_id' },
  with_trigger: { kind: 'direct', field: 'team_id' },
}

describe('a schema of every type, key and condition', () => {
  let admin: pg.Client
  let manifest: Manifest
  let scene: Scene

  beforeAll(async () => {
    admin = await databaseOf(readFileSync(join(import.meta.dirname, 'planting/any-schema.sql'), 'utf8'))
    manifest = await manifestOfCatalog(admin, {
      tenantModel: 'team',
      tenantIdType: 'int4',
      scopes: teamScopes,
      hidden: [
        ...['hidden_required', 'iv', 'tv', 'p', 'r', 'tr', 'ci', 'ma'].map((column) => `kinds.${column}`),
        'needs_hidden.ledger_id',
        'booking.during',
      ],
      joinTables: [{ schema: 'odd', table: '_labels', a: 'conditions', b: 'shared' }],
    })
    scene = await plant(admin, manifest)
  })

  it('has rows of both tenants in every model but those that are listed', () => {
    expect([...scene.unplanted.keys()].sort()).toEqual(['below_unguessable', 'unguessable'])
    for (const [name, { scope }] of Object.entries(manifest.models)) {
      if (scene.unplanted.has(name)) continue
      const owners = scope.kind === 'global' || scope.kind === 'system' ? ['nobody'] : ['a', 'b']
      for (const owner of owners) {
        expect([name, owner, scene.row(name, owner as 'a', 'cross')]).toEqual([
          name,
          owner,
          expect.anything(),
        ])
      }
    }
  })

  it('names what is missing: the constraint, the column and the line to write', () => {
    expect(scene.missing).toEqual([
      {
        model: 'unguessable',
        table: 'odd.unguessable',
        constraint: 'is_vat',
        columns: ['vat'],
        reason: expect.stringContaining('breaks the check "is_vat"'),
        hint: '{ "unguessable": { "vat": … } }',
      },
      expect.objectContaining({
        model: 'below_unguessable',
        reason: 'it needs a row of unguessable, of which none could be planted',
      }),
    ])
  })

  it('breaks no foreign key', async () => {
    expect(await brokenKeys(admin)).toEqual([])
    // and the question can fail
    await admin.query('begin; set local session_replication_role = replica; update odd.hen set egg_id = 0')
    expect(await brokenKeys(admin)).toContain('hen_egg_id_fkey')
    await admin.query('rollback')
  })

  it('can be restored row for row, and the other world differs in B’s rows alone', async () => {
    const database = new DatabaseState(admin, manifest)
    await database.write(scene.otherState)
    expect(await database.read()).toEqual(scene.otherState)
    expect(await brokenKeys(admin)).toEqual([])
    await database.write(scene.state)
    expect(await database.read()).toEqual(scene.state)
    const other = database.worldOf(scene.otherState, scene.tenantA)
    const views = new Set(['counted', 'open_comments'])
    for (const name of Object.keys(manifest.models)) {
      const own = (world: typeof other) => world.rowsOf(name).filter((row) => world.isVisible(row))
      if (!views.has(name)) expect(own(other), name).toEqual(own(scene.world))
      if (scene.unplanted.has(name) || scene.alike.has(name)) continue
      const { kind } = manifest.models[name]?.scope ?? {}
      if (kind === 'global' || kind === 'system') continue
      expect(other.rowsOf(name), name).not.toEqual(scene.world.rowsOf(name))
    }
    // its only text is what other rows refer to
    expect([...scene.alike.keys()]).toEqual(['team'])
  })

  it('has rows without a tenant where the tenant may be empty, which no tenant sees', () => {
    const row = scene.row('maybe', 'nobody', 'cross')
    expect(row?.values['team_id']).toBeNull()
    expect(row && scene.world.isVisible(row)).toBe(false)
    const shared = scene.row('shared', 'nobody', 'cross')
    expect(shared && scene.world.isVisible(shared)).toBe(true)
  })

  it('has a row that is A’s by its scope and B’s by its column', () => {
    const row = scene.disputed('comment')
    expect(String(row?.values['team_id'])).toBe(scene.tenantB)
    expect(row && scene.world.isVisible(row)).toBe(true)
    expect(scene.disputed('kinds')).toBeUndefined()
  })

  it('finds rows of views by whose they are', () => {
    const row = scene.row('open_comments', 'b', 'cross')
    expect(String(row?.values['team_id'])).toBe(scene.tenantB)
    expect(scene.secretField('open_comments')).toBe('body')
    expect(scene.secretField('counted')).toBe('last')
  })

  it('gives new rows values that every condition takes, with triggers and keys on', async () => {
    const plain = Object.keys(manifest.models).filter(
      (name) => !scene.unplanted.has(name) && !scene.uncreatable.has(name) && name !== 'with_trigger',
    )
    expect(plain.length).toBeGreaterThan(18)
    for (const model of plain) {
      const { scope, schema, table, columns } = manifest.models[model] ?? never()
      // what a tenant may have a few of only stands there already
      if (['settings', 'settings_detail', 'egg', 'without_id', 'booking', 'membership'].includes(model))
        continue
      const owner = ['global', 'system', 'member'].includes(scope.kind) ? 'nobody' : 'b'
      const data = newRow(scene, model, { owner, form: 'unchecked' })
      const names = Object.keys(data).map((field) => quoteIdentifier(columns[field] ?? ''))
      const values = Object.fromEntries(
        Object.entries(data).map(([field, value]) => [columns[field], jsonOf(value)]),
      )
      await admin.query('begin')
      const made = await admin
        .query(
          `insert into ${qualified(schema, table)} (${names.join(', ')})
           select ${names.join(', ')} from jsonb_populate_record(null::${qualified(schema, table)}, $1)`,
          [JSON.stringify(values)],
        )
        .then(
          ({ rowCount }) => rowCount,
          (error: Error) => error.message,
        )
      await admin.query('rollback')
      expect([model, made]).toEqual([model, 1])
    }
  })

  it('takes values that can’t be guessed from a seed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doublehull-seed-'))
    const file = join(folder, 'seed.json')
    writeFileSync(file, '{ "unguessable": { "vat": ["e5ff0b28ec5f6fb79ba1a1d5a7c1bc6ax"] } }')
    const { rows } = await admin.query<{ vat: string }>(`select md5('sesame') || 'x' as vat`)
    const fromFile = await loadSeed(file)
    expect(fromFile('unguessable', { model: 'unguessable', values: {} }, 'a')).toEqual({
      vat: 'e5ff0b28ec5f6fb79ba1a1d5a7c1bc6ax',
    })
    rmSync(folder, { recursive: true })
    const seeded = await plant(admin, manifest, (model) =>
      model === 'unguessable' ? { vat: rows[0]?.vat } : undefined,
    )
    expect(seeded.missing).toEqual([])
    expect(seeded.row('below_unguessable', 'b', 'own')).toBeDefined()
    expect(await brokenKeys(admin)).toEqual([])
  })

  it('refuses a seed that gives what there is not, and tells no value of it', async () => {
    const planting = plant(admin, manifest, () => ({ nowhere: 'a-value' }))
    await expect(planting).rejects.toMatchObject({
      code: 'DH309',
      message: expect.stringContaining('team.nowhere'),
    })
    await expect(planting).rejects.not.toThrow('a-value')
  })
})

describe('a schema without any foreign key in the database', () => {
  it('is linked by the relations of the manifest, and by the tenant’s column', async () => {
    const admin = await databaseOf(`
      create table account (account_id varchar(25) primary key, title text not null);
      create table site (id varchar(30) primary key, account_id varchar(25), title text not null);
      create table visit (id bigserial primary key, site_id varchar(30) not null, referrer text not null);`)
    const manifest = await manifestOfCatalog(admin, {
      tenantModel: 'account',
      tenantIdType: 'text',
      scopes: {
        account: { kind: 'root', field: 'account_id' },
        site: { kind: 'direct', field: 'account_id' },
        visit: { kind: 'through', relation: 'by_site_id' },
      },
      relations: [['visit', 'site_id', 'site', 'id']],
    })
    const scene = await plant(admin, manifest)
    const { rows } = await admin.query(`
      select s.account_id as tenant, count(*) from visit v join site s on s.id = v.site_id group by 1 order by 1`)
    expect(rows.map(({ tenant }) => tenant)).toEqual([scene.tenantA, scene.tenantB])
    expect(scene.tenantA.length).toBeLessThanOrEqual(25)
    expect(scene.row('site', 'nobody', 'cross')?.values['account_id']).toBeNull()
    expect(newRow(scene, 'site', { owner: 'b', form: 'unchecked' })['account_id']).toBe(scene.tenantB)
  })
})

describe('a schema of every type that Prisma maps', () => {
  let folder: string
  let scene: Scene
  let client: Readonly<Record<string, Readonly<Record<string, (args: object) => Promise<unknown>>>>> & {
    $disconnect(): Promise<void>
  }

  beforeAll(async () => {
    folder = fixtureFolder('planting')
    const { manifest, tableSql } = await generateFixture(folder)
    const admin = await databaseOf(tableSql)
    scene = await plant(admin, manifest)
    const { PrismaClient } = (await import(
      pathToFileURL(join(folder, 'generated/prisma/client.ts')).href
    )) as { PrismaClient: new (options: object) => typeof client }
    const url = withLogin(serverUrl, { database: databases.at(-1) ?? '' })
    client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  })

  afterAll(async () => {
    await client?.$disconnect()
    rmSync(folder, { recursive: true, force: true })
  })

  const models = ['Company', 'Types', 'Lists', 'Day', 'Blob', 'Big']

  it.each(models)('finds %s by its keys, through Prisma', async (model) => {
    expect(scene.missing).toEqual([])
    const row = scene.row(model, 'b', 'cross')
    if (!row) throw new Error(`no row of ${model}`)
    const delegate = client[delegateName(model)]
    for (const [, where] of uniqueWheres(scene, row)) {
      expect(await delegate?.['findUnique']?.({ where })).not.toBeNull()
    }
    expect(await delegate?.['count']?.({ where: filterOf(scene, row) })).toBe(1)
    const secret = { [scene.secretField(model)]: scene.secretOf(row) }
    expect(await delegate?.['count']?.({ where: secret })).toBe(1)
  })

  it.each(models)('gives new rows of %s values that Prisma takes', async (model) => {
    const delegate = client[delegateName(model)]
    for (const form of ['unchecked', 'checked'] as const) {
      await delegate?.['create']?.({ data: newRow(scene, model, { owner: 'b', form }) })
    }
    const row = scene.row(model, 'b', 'own')
    if (!row) throw new Error(`no row of ${model}`)
    await delegate?.['update']?.({ where: uniqueWhere(scene, row), data: changeOf(scene, row) })
  })
})

function never(): never {
  throw new Error('no such model')
}

function jsonOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(jsonOf)
  return typeof value === 'bigint' ? String(value) : value
}
