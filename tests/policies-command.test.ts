import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { verifyDatabase } from '../src/catalog/index.ts'
import { writePolicies } from '../src/cli/write-policies.ts'
import { withLogin } from '../src/embedded/database-server.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { type PoliciesOptions, planPolicies } from '../src/migrations/plan-policies.ts'
import { protectDatabase } from '../src/migrations/protect.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { quoteIdentifier } from '../src/policy/identifier.ts'
import { createTemporaryLogin } from '../src/testing/index.ts'
import { wardManifest, wardSql } from './support/ward.ts'

const serverUrl = inject('adminUrl')
const databases: string[] = []
const folders: string[] = []
const admin = new pg.Client({ connectionString: serverUrl })

beforeAll(() => admin.connect())
afterAll(async () => {
  for (const name of databases)
    await admin.query(`drop database if exists ${quoteIdentifier(name)} with (force)`)
  await admin.end()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder with the first migrations of a project. */
function project(migrations: Readonly<Record<string, string>> = { '20260101000000_first steps': wardSql }) {
  const directory = join(mkdtempSync(join(tmpdir(), 'policies-')), 'migrations')
  folders.push(join(directory, '..'))
  for (const [name, sql] of Object.entries(migrations)) {
    mkdirSync(join(directory, name), { recursive: true })
    writeFileSync(join(directory, name, 'migration.sql'), sql)
  }
  const plan = (manifest: Manifest, options: Partial<PoliciesOptions> = {}) =>
    planPolicies({ manifest, directory, base: { kind: 'history', serverUrl }, ...options })
  const write = async (manifest: Manifest, options: Partial<PoliciesOptions> = {}) => {
    const planned = await plan(manifest, options)
    writePolicies(directory, planned)
    return { ...planned, names: planned.migrations.map(({ name }) => name.replace(/^\d{14}_/, '')) }
  }
  return { directory, plan, write }
}

async function emptyDatabase(): Promise<string> {
  const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
  databases.push(name)
  await admin.query(`create database ${quoteIdentifier(name)}`)
  return withLogin(serverUrl, { database: name })
}

async function on<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Applies a folder file by file, as Prisma does: as a superuser, or as the migrator. */
async function applied(directory: string, as: 'superuser' | 'migrator'): Promise<string> {
  const url = await emptyDatabase()
  await on(url, async (client) => {
    if (as === 'migrator') {
      await client.query(`
        grant usage, create on schema public to doublehull_owner;
        do $$ begin execute format('grant create on database %I to doublehull_owner', current_database()); end $$;
        set session authorization doublehull_migrator`)
    }
    for (const name of readdirSync(directory).sort()) {
      if (name.endsWith('.toml')) continue
      if (as === 'migrator') await client.query('set role doublehull_owner')
      await client.query(readFileSync(join(directory, name, 'migration.sql'), 'utf8'))
    }
  })
  return url
}

/** All that policies and grants are, of the tables of the project. */
function catalogOf(url: string): Promise<readonly string[]> {
  return on(url, async (client) => {
    const { rows } = await client.query<{ line: string }>(`
      with relation as (
        select c.*, c.oid::regclass::text as name from pg_class c
         where relnamespace in (select oid from pg_namespace where nspname in ('public', 'billing', 'shared', 'tenancy', 'audit'))
           and relkind in ('r', 'p', 'v', 'S') and relname <> '_prisma_migrations'
      )
      select format('%s %s %s %s %s', name, relowner::regrole, relrowsecurity, relforcerowsecurity, reloptions) as line from relation
      union all
      select format('%s: %s %s', name, coalesce(grantee::regrole::text, 'public'), privilege_type)
        from relation, aclexplode(relacl) where grantee <> relowner
      union all
      select format('%s.%s: %s %s %s %s %s', tablename, policyname, permissive, roles, cmd, qual, with_check) from pg_policies
      union all
      select format('schema %s: %s %s', nspname, grantee::regrole, privilege_type)
        from pg_namespace, aclexplode(nspacl) where nspname in ('billing', 'shared', 'tenancy', 'audit') and grantee <> nspowner
      union all
      select format('type %s %s', oid::regtype, typowner::regrole) from pg_type where typtype = 'e'
      union all
      select format('%s %s', oid::regprocedure, proowner::regrole)
        from pg_proc where pronamespace in ('public'::regnamespace, 'tenancy'::regnamespace)
      order by 1`)
    return rows.map(({ line }) => line)
  })
}

const tenants = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const

/** Runs statements as the application, for a tenant, and answers the rows of the last; they are undone. */
async function asTenant(url: string, tenant: 0 | 1, ...statements: readonly string[]) {
  const login = await createTemporaryLogin(url, 'doublehull_app')
  try {
    return await on(login.connectionString, async (client) => {
      await client.query('begin')
      await client.query(`select set_config('app.tenant_id', $1, true)`, [tenants[tenant]])
      let rows: readonly Record<string, unknown>[] = []
      for (const statement of statements) ({ rows } = await client.query(statement))
      await client.query('rollback')
      return rows
    })
  } finally {
    await login.drop()
  }
}

it('keeps what stands behind the end of a line in a name out of its SQL', { timeout: 60_000 }, async () => {
  const { models, ...manifest } = wardManifest()
  const table = 'reaction\nselect 1/0; --'
  const { plan } = project({
    '20260101000000_first': `${wardSql}; alter table reaction rename to ${quoteIdentifier(table)};`,
  })
  const { Reaction } = models
  const { migrations } = await plan({
    ...manifest,
    models: { ...models, ...(Reaction && { Reaction: { ...Reaction, table } }) },
  })
  expect(migrations.at(-1)?.sql).toContain('-- public.reaction select 1/0; --: Reaction;')
})

describe('the first migration', () => {
  const { directory, plan, write } = project()
  const manifest = wardManifest()
  let url: string

  let first: Awaited<ReturnType<typeof write>>

  beforeAll(async () => {
    first = await write(manifest)
    url = await emptyDatabase()
    await runMigrations({ connectionString: url, directory })
  })

  it('comes behind those of what policies stand on, and names what it leaves', () => {
    expect(first.names).toEqual([
      'doublehull_roles',
      'doublehull_context',
      'doublehull_system_work',
      'doublehull_context_key',
      'tenancy',
    ])
    expect(first.findings.map(({ severity, kind, table }) => `${severity} ${kind} ${table}`)).toEqual([
      'notice foreignPolicy note',
      'notice foreignPolicy note',
      'notice hiddenTable legacy',
      'offer compositeKeys invoice',
      'offer denormalise reaction',
    ])
  })

  it('leaves nothing to do', async () => {
    expect((await plan(manifest)).migrations).toEqual([])
    const base = { kind: 'database', connectionString: url } as const
    expect((await plan(manifest, { base })).migrations).toEqual([])
    expect(existsSync(join(directory, 'migration_lock.toml'))).toBe(true)
  })

  it('is the same whether a superuser or the migrator runs it', async () => {
    const [one, other] = [await applied(directory, 'superuser'), await applied(directory, 'migrator')]
    const catalog = await catalogOf(one)
    expect(catalog.length).toBeGreaterThan(100)
    expect(await catalogOf(other)).toEqual(catalog)
    expect(await catalogOf(url)).toEqual(catalog)
  })

  it('lets verify find what it named and left, and nothing else', async () => {
    const { findings } = await verifyDatabase({ connectionString: url, manifest })
    expect(
      findings.filter(({ level }) => level !== 'info').map(({ code, object }) => `${code} ${object}`),
    ).toEqual([
      'DH330 foreign key invoice_note_id_fkey on billing.invoice',
      'DH324 policy everybody on public.note',
    ])
  })

  it('lets the application insert rows of its tenant that sequences number, and read no other’s', async () => {
    await on(url, (client) =>
      client.query(`
        insert into tenant values ('${tenants[0]}', 'a'), ('${tenants[1]}', 'b');
        insert into note (tenant_id) values ('${tenants[1]}');
        insert into import_job (tenant_id) values (null);
        insert into reading values ('${tenants[1]}', '2026-05-05', 1);
        insert into legacy values (1, '${tenants[0]}', 'x')`),
    )
    const rows = await asTenant(
      url,
      0,
      `insert into note (tenant_id, kinds) values ('${tenants[0]}', '{a}')`,
      `insert into import_job (tenant_id) values ('${tenants[0]}')`,
      `insert into reading values ('${tenants[0]}', '2026-05-05', 1)`,
      `select (select count(*)::int from note) as notes, (select count(*)::int from import_job) as jobs,
              (select count(*)::int from reading) as readings, (select notes from note_summary) as summary`,
    )
    expect(rows).toEqual([{ notes: 1, jobs: 1, readings: 1, summary: 1 }])
    // what a login without the policies sees of the same
    const [all] = await on(url, async (client) => (await client.query('select count(*)::int from note')).rows)
    expect(all).toEqual({ count: 1 })
  })

  it.each([
    ['a hidden table', 'select * from legacy'],
    ['a partition by its own name', 'select * from reading_2026'],
    ['the table of a system model', 'select * from payment_event'],
    ['the number of a sequence', 'select last_value from note_id_seq'],
  ])('refuses the application %s', async (_, sql) => {
    await expect(asTenant(url, 0, sql)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('the next migration', () => {
  const { directory, plan, write } = project()
  /** The statements of the last migration, without those of every one. */
  const statementsOf = (migrations: readonly { readonly sql: string }[]) =>
    migrations
      .flatMap(({ sql }) => sql.split(/;\n/).map((text) => text.replace(/^--.*$/gm, '').trim()))
      .filter((text) => text !== '' && !text.startsWith('set local'))

  beforeAll(async () => void (await write(wardManifest())))

  it('has exactly what a changed directive changes', async () => {
    const changed = wardManifest({ Tag: { commands: [], readOnly: false, scope: { kind: 'system' } } })
    const { names, migrations } = await write(changed)
    expect(names).toEqual(['tenancy'])
    const statements = statementsOf(migrations)
    expect(statements.every((text) => /"(tag|_NoteToTag)"/.test(text))).toBe(true)
    expect(statements.filter((text) => /^(grant|revoke)/.test(text))).toEqual([
      'revoke all on "public"."tag" from "doublehull_app"',
      'revoke all on "public"."tag" from "doublehull_reader"',
      'revoke all on "public"."_NoteToTag" from "doublehull_app"',
      'revoke all on "public"."_NoteToTag" from "doublehull_reader"',
    ])
    expect((await plan(changed)).migrations).toEqual([])
    await write(wardManifest())
  })

  it('takes ownership, grants and policies to a table that comes later', async () => {
    const manifest = wardManifest()
    const { Note } = manifest.models
    mkdirSync(join(directory, '29991231235958_add memo'))
    writeFileSync(
      join(directory, '29991231235958_add memo', 'migration.sql'),
      'create table memo (id serial primary key, tenant_id uuid not null references tenant (id)); create index on memo (tenant_id);',
    )
    if (!Note) throw new Error('no model Note')
    const withMemo = {
      ...manifest,
      models: {
        ...manifest.models,
        Memo: { ...Note, table: 'memo', columns: { id: 'id', tenant_id: 'tenant_id' } },
      },
    }
    const { migrations } = await write(withMemo)
    expect(migrations.map(({ name }) => name)).toEqual(['29991231235959_tenancy'])
    expect(statementsOf(migrations)[0]).toBe('alter table "public"."memo" owner to "doublehull_owner"')
    expect(statementsOf(migrations).every((text) => /"memo(_id_seq)?"/.test(text))).toBe(true)
    // the model goes, and its table stays
    const { migrations: release } = await write(manifest, { name: 'memo_goes' })
    expect(statementsOf(release).at(-1)).toBe(
      'revoke all on sequence "public"."memo_id_seq" from "doublehull_system"',
    )
    expect((await plan(manifest)).migrations).toEqual([])
  })

  it('takes what was offered, and what verify found is mended', async () => {
    const manifest = wardManifest()
    const options = { adopt: true, compositeKeys: true, denormalise: ['Reaction'] }
    const { migrations, findings } = await write(manifest, options)
    expect(migrations[0]?.sql).toContain(
      `using (((status = 'open'::shared.status) OR (code = 'x''y'::text)))`,
    )
    const lines = findings
      .filter(({ kind }) => kind === 'schemaLine')
      .map(({ message }) => message.split(': ').slice(1).join(': '))
    expect(lines).toEqual([
      'model Note: @@unique([tenant_id, id])',
      'model Invoice, note: @relation(fields: [tenant_id, note_id], references: [tenant_id, id])',
      'model Reaction: tenant_id String @db.Uuid',
      'model Reaction: @@index([tenant_id])',
      'model Reaction: /// @tenancy.key(tenant_id) in the place of @tenancy.through',
    ])
    expect((await plan(manifest, options)).migrations).toEqual([])

    // what the generator writes of the schema that these lines are in
    const tenant = manifest.models['Note']?.relations['tenant']
    const { Reaction } = manifest.models
    if (!tenant || !Reaction) throw new Error('no such relation')
    const direct = wardManifest({
      Reaction: {
        scope: { kind: 'direct', field: 'tenant_id' },
        columns: { ...Reaction.columns, tenant_id: 'tenant_id' },
        relations: { ...Reaction.relations, tenant },
      },
    })
    const next = await write(direct)
    expect(statementsOf(next.migrations).every((text) => text.includes('"reaction"'))).toBe(true)

    const url = await emptyDatabase()
    await runMigrations({ connectionString: url, directory })
    const { findings: left } = await verifyDatabase({ connectionString: url, manifest: direct })
    expect(
      left
        .filter(({ level }) => level !== 'info')
        .map(({ code, object, detail }) => `${code} ${object} ${detail}`),
    ).toEqual([])
    const { steps } = await protectDatabase({ connectionString: url, manifest: direct })
    expect(steps).toEqual([])

    await on(url, async (client) => {
      await client.query(`
        insert into tenant values ('${tenants[0]}', 'a'), ('${tenants[1]}', 'b');
        insert into note (id, tenant_id) values (1, '${tenants[0]}'), (2, '${tenants[1]}');
        insert into reply select id, n from (values ('10000000-0000-4000-8000-000000000001'::uuid, 1), ('10000000-0000-4000-8000-000000000002', 2)) v (id, n);
        insert into comment select id, id from reply;
        -- whatever a statement says
        insert into reaction select id, id, 'x', '${tenants[0]}' from comment`)
      const { rows } = await client.query('select tenant_id from reaction order by id')
      expect(rows).toEqual([{ tenant_id: tenants[0] }, { tenant_id: tenants[1] }])
    })
    // tenant 0 sees no comment of tenant 1, so there is no tenant to fill in
    const link = (tenant: 0 | 1) =>
      asTenant(
        url,
        tenant,
        `insert into reaction values (gen_random_uuid(), '10000000-0000-4000-8000-000000000002', 'x', '${tenants[tenant]}') returning 1 as done`,
      )
    expect(await link(1)).toEqual([{ done: 1 }])
    await expect(link(0)).rejects.toMatchObject({ code: expect.stringMatching(/23502|42501/) })
    await on(url, async (client) => {
      // each of the parents changes hands
      for (const [sql, tenant] of [
        [
          "update comment set reply_id = (select id from reply where note_id = 2) where id = reply_id and id::text like '%1'",
          tenants[1],
        ],
        ['update reply set note_id = 1 where note_id = 2', tenants[0]],
        [`update note set tenant_id = '${tenants[1]}' where id = 1`, tenants[1]],
      ] as const) {
        await client.query(sql)
        const { rows: now } = await client.query('select tenant_id from reaction order by id')
        expect(now[0], sql).toEqual({ tenant_id: tenant })
      }
    })
  })
})

describe('a policy that was edited under its own name', () => {
  it('is found by its structure, by policies and by protect, and made anew', async () => {
    const { directory, plan, write } = project()
    const manifest = wardManifest()
    await write(manifest)
    const url = await emptyDatabase()
    await runMigrations({ connectionString: url, directory })
    const edited = await on(url, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select policyname as name from pg_policies where tablename = 'reply' and policyname like 'tenant_guard_%'`,
      )
      const name = rows[0]?.name ?? ''
      await client.query(`alter policy ${quoteIdentifier(name)} on reply using (true)`)
      return name
    })
    const { migrations } = await plan(manifest, { base: { kind: 'database', connectionString: url } })
    expect(migrations).toHaveLength(1)
    expect(migrations[0]?.sql.match(/^(drop|create) policy .*$/gm)).toEqual([
      `drop policy "${edited}" on "public"."reply";`,
      `create policy "${edited}" on "public"."reply"`,
    ])
    const { steps } = await protectDatabase({ connectionString: url, manifest, dryRun: true })
    expect(steps.filter(({ kind }) => kind === 'protectTable').map(({ table }) => table)).toEqual(['reply'])
  })
})

describe('what cannot be compared is refused, and said in one sentence', () => {
  const refused = async (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    )

  it.each([
    [
      'a table that no migration makes',
      { '1_a': 'create table tenant ();' },
      /^DH304: the manifest has public\.note, .* and 7 more, .*prisma migrate dev/,
    ],
    [
      'a migration that fails',
      { '1_a': 'create table tenant ();\nselect nothing from nowhere;' },
      /^DH405: the migration 1_a fails on a new database in line 2/,
    ],
    [
      'a folder without migrations',
      {},
      /^DH401: there are no migrations in .*prisma migrate diff --from-empty/,
    ],
    [
      'a name that sorts behind every timestamp',
      { 'init it': wardSql },
      /^DH401: the migration init it .* would be applied behind \d{14}_/,
    ],
  ])('%s', async (_, migrations, message) => {
    expect(await refused(project(migrations).plan(wardManifest()))).toMatch(message)
  })

  it('a server or a database that is not there, and a database that lacks migrations', async () => {
    const { plan } = project()
    const nowhere = 'postgresql://nobody:secret-word@127.0.0.1:1/none'
    const down = await refused(plan(wardManifest(), { base: { kind: 'history', serverUrl: nowhere } }))
    expect(down).toMatch(/^DH409: the server for the history cannot be used/)
    const gone = await refused(
      plan(wardManifest(), { base: { kind: 'database', connectionString: nowhere } }),
    )
    expect(gone).toMatch(/^DH409: cannot connect/)
    expect(down + gone).not.toContain('secret-word')
    const base = { kind: 'database', connectionString: await emptyDatabase() } as const
    expect(await refused(plan(wardManifest(), { base }))).toMatch(
      /^DH409: the database lacks 1 of the migrations, from 20260101000000_first steps on/,
    )
  })

  it('a model that cannot have a tenant column', async () => {
    const { plan } = project()
    expect(await refused(plan(wardManifest(), { denormalise: ['Tag'] }))).toMatch(
      /^DH304: the manifest has Tag with a scope of global/,
    )
    expect(await refused(plan(wardManifest(), { denormalise: ['Nothing'] }))).toMatch(
      /^DH304: the manifest has no model Nothing/,
    )
  })
})

it('roles may have other names, of any letters', async () => {
  const suffix = randomBytes(3).toString('hex')
  const roles = {
    owner: `Owner of "it" ${suffix}`,
    migrator: `it's migrator ${suffix}`,
    app: `app ${suffix}`,
    reader: `reader ${suffix}`,
    system: `system ${suffix}`,
  }
  const { plan, write } = project()
  try {
    expect((await write(wardManifest(), { roles })).names).toHaveLength(5)
    expect((await plan(wardManifest(), { roles })).migrations).toEqual([])
  } finally {
    for (const name of Object.values(roles)) await admin.query(`drop role if exists ${quoteIdentifier(name)}`)
  }
})
