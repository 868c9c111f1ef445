import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { migrateCommand } from '../src/cli/migrate.ts'
import { isTenancyError, type TenancyError, type TenancyErrorCode } from '../src/errors.ts'
import { applyMigration } from '../src/migrations/apply.ts'
import { checksum, matchesChecksum } from '../src/migrations/migration-files.ts'
import { parseRoleOptions, type RoleOptions } from '../src/migrations/role-settings.ts'
import { type MigrationEvent, type MigrationOptions, runMigrations } from '../src/migrations/runner.ts'
import { parsePassword, scramVerifier, verifierMatches } from '../src/migrations/scram.ts'
import { migrationLockKey, withMigrationSession } from '../src/migrations/session.ts'
import { findTransactionControl } from '../src/migrations/transaction-control.ts'
import { identifierFault, qualified, quoteIdentifier, quoteLiteral } from '../src/policy/identifier.ts'
import { defaultRoleNames, type RoleNames } from '../src/policy/roles.ts'

/** A superuser's connection to the server that the tests run on. */
const serverUrl = (): string => inject('adminUrl')

// Roles belong to the cluster, and other test files use the default ones on the same server: the roles here
// have names of their own, which end with the file.
const suite = `mig${process.pid.toString(36)}${Date.now().toString(36)}`
const passwords = {
  migrator: 'Migrator-Pass-1',
  app: "App'Pass\\word-1",
  reader: 'Reader Pass 1 $$',
  system: 'System"Pass"-1;',
}

let root = ''
let counter = 0
const createdDatabases: string[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'migrations-'))
})

afterAll(async () => {
  await rm(root, { recursive: true, force: true })
  const drop = (database: string) => `drop database if exists ${quoteIdentifier(database)} with (force)`
  // several at once, but not as many as the server has connections
  const lanes = [0, 1, 2, 3, 4, 5].map(async (lane) => {
    const mine = createdDatabases.filter((_, index) => index % 6 === lane)
    await asSuperuser(async (client) => {
      for (const database of mine) await client.query(drop(database))
    })
  })
  await Promise.all(lanes)
  await asSuperuser(async (client) => {
    const { rows } = await client.query<{ name: string }>(
      // administrators last: the grants that they made depend on them
      `select rolname as name from pg_roles where starts_with(rolname, $1) order by rolname like '%login%', rolname`,
      [suite],
    )
    for (const { name } of rows) await client.query(`drop role ${quoteIdentifier(name)}`)
  })
})

function url(database: string, login?: { user: string; password: string }): string {
  const parsed = new URL(serverUrl())
  parsed.pathname = `/${database}`
  if (login) {
    parsed.username = encodeURIComponent(login.user)
    parsed.password = encodeURIComponent(login.password)
  }
  return parsed.href
}

async function connected<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function asSuperuser<T>(work: (client: Client) => Promise<T>, database = 'postgres'): Promise<T> {
  return connected(url(database), work)
}

interface Fixture {
  readonly database: string
  readonly url: string
  readonly names: RoleNames
  readonly directory: string
  readonly options: MigrationOptions
  readonly migration: (name: string, sql: string | Buffer) => Promise<void>
  readonly query: <R extends object>(sql: string) => Promise<R[]>
}

function roleNames(prefix: string): RoleNames {
  return Object.fromEntries(Object.keys(defaultRoleNames).map((key) => [key, `${prefix}_${key}`])) as never
}

/** An empty database, a directory, and names of roles that are not there yet. */
async function fixture(migrations: Record<string, string> = {}, owner?: string): Promise<Fixture> {
  const database = `${suite}_${++counter}`
  createdDatabases.push(database)
  const ownedBy = owner === undefined ? '' : ` owner ${quoteIdentifier(owner)}`
  await asSuperuser((client) => client.query(`create database ${quoteIdentifier(database)}${ownedBy}`))
  return withDirectory(database, migrations)
}

/** Another directory for a database, for tests that leave the database as it was. */
async function withDirectory(database: string, migrations: Record<string, string>): Promise<Fixture> {
  const directory = join(root, `${++counter}`)
  await mkdir(directory)
  const migration = async (name: string, sql: string | Buffer) => {
    await mkdir(join(directory, name), { recursive: true })
    await writeFile(join(directory, name, 'migration.sql'), sql)
  }
  for (const [name, sql] of Object.entries(migrations)) await migration(name, sql)
  const names = roleNames(database)
  return {
    database,
    url: url(database),
    names,
    directory,
    migration,
    options: { connectionString: url(database), directory, roles: { names } },
    query: (sql) => asSuperuser(async (client) => (await client.query(sql)).rows, database),
  }
}

/** Everything that a migration or the set-up of roles could have changed, as text. */
async function snapshot({ database, names }: Fixture): Promise<string> {
  const list = Object.values(names).map(quoteLiteral).join(', ')
  const user = `nspname !~ '^pg_' and nspname <> 'information_schema'`
  const parts = [
    `select nspname, nspacl::text, nspowner::regrole::text from pg_namespace where ${user} order by 1`,
    `select n.nspname, c.relname, c.relkind, c.relacl::text, c.relowner::regrole::text, c.relrowsecurity,
            (select json_agg(json_build_array(attname, atttypid::regtype, attnotnull, attacl::text) order by attnum)
             from pg_attribute where attrelid = c.oid and attnum > 0) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${user} order by 1, 2`,
    `select oid::regprocedure::text, prosrc from pg_proc where pronamespace in (select oid from pg_namespace where ${user}) order by 1`,
    `select typname from pg_type t join pg_namespace n on n.oid = typnamespace where ${user} order by 1`,
    `select conname, pg_get_constraintdef(oid) from pg_constraint where connamespace in (select oid from pg_namespace where ${user}) order by 1`,
    `select extname from pg_extension order by 1`,
    `select datacl::text, datdba::regrole::text from pg_database where datname = current_database()`,
    `select to_jsonb(a) - 'oid' as role from pg_authid a where rolname in (${list}) order by rolname`,
    `select roleid::regrole::text, member::regrole::text from pg_auth_members
     where roleid in (select oid from pg_roles where rolname in (${list})) order by 1, 2`,
    `select setdatabase, setrole::regrole::text, setconfig from pg_db_role_setting
     where setrole in (select oid from pg_roles where rolname in (${list})) order by 1, 2`,
  ]
  return asSuperuser(async (client) => {
    const { rowCount } = await client.query(
      `select where to_regclass('public._prisma_migrations') is not null`,
    )
    if (rowCount === 1) parts.push('select * from public._prisma_migrations order by id')
    const results = []
    for (const part of parts) results.push((await client.query(part)).rows)
    return JSON.stringify(results, null, 1)
  }, database)
}

async function refusal(work: Promise<unknown>, code: TenancyErrorCode): Promise<TenancyError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isTenancyError(error)) throw new Error(`expected ${code}, got ${String(error)}`, { cause: error })
  expect(error.code, error.message).toBe(code)
  return error
}

/** A run is refused with a code, and the catalog reads as before. */
async function refusedUnchanged(
  fixture: Fixture,
  code: TenancyErrorCode,
  options: MigrationOptions = fixture.options,
): Promise<TenancyError> {
  const before = await snapshot(fixture)
  const error = await refusal(runMigrations(options), code)
  expect(await snapshot(fixture)).toBe(before)
  return error
}

const first = { '20260101000000_first': 'create table first (id int primary key);' }

describe('applying migrations', () => {
  it('applies each migration once, in the order of names, and owns what it creates', async () => {
    const db = await fixture({
      '20260102000000_patch': 'alter table t add column b int;',
      '20260101000000_b': `insert into t values (2);`,
      '20260101000000_a': 'create schema inner_schema; create table t (a int);',
      '20260103000000_with space': 'create temporary table scratch (); drop table scratch;',
    })
    const order = [
      '20260101000000_a',
      '20260101000000_b',
      '20260102000000_patch',
      '20260103000000_with space',
    ]
    await writeFile(join(db.directory, 'migration_lock.toml'), '# by Prisma\nprovider = "postgresql"\n')
    const report = await runMigrations(db.options)
    expect(report.applied).toEqual(order)
    expect(report.alreadyApplied).toEqual([])
    const again = await runMigrations(db.options)
    expect(again).toMatchObject({ applied: [], alreadyApplied: order })
    const owners = await db.query(`select distinct relowner::regrole::text as owner from pg_class
      where relnamespace = 'public'::regnamespace
      union select nspowner::regrole::text from pg_namespace where nspname = 'inner_schema'`)
    expect(owners).toEqual([{ owner: db.names.owner }])
  })

  it('applies a later file with the number of an earlier one as a patch of it', async () => {
    const db = await fixture({ '20260101000000_a': 'create table t (a int);' })
    await runMigrations(db.options)
    await db.migration('20260101000000_b', 'alter table t add column b int;')
    expect((await runMigrations(db.options)).applied).toEqual(['20260101000000_b'])
  })

  it('sorts by the locale that Prisma sorts by, not by code units', async () => {
    const db = await fixture({ '1_b': 'select 1;', '1_C': 'select 1;', '1_a': 'select 1;' })
    expect((await runMigrations(db.options)).applied).toEqual(['1_a', '1_b', '1_C'])
  })

  it('changes nothing at all in a second run', async () => {
    const db = await fixture(first)
    const options = { ...db.options, roles: { names: db.names, passwords } }
    await runMigrations(options)
    const before = await snapshot(db)
    await runMigrations(options)
    expect(await snapshot(db)).toBe(before)
  })

  it('lets the second of two concurrent runners wait and find nothing to do', async () => {
    const db = await fixture({ ...first, '20260101000001_slow': 'select pg_sleep(0.2);' })
    const events: MigrationEvent['type'][] = []
    const options = { ...db.options, log: (event: MigrationEvent) => void events.push(event.type) }
    const reports = await Promise.all([runMigrations(options), runMigrations(options)])
    expect(reports.map((report) => report.applied.length).sort((a, b) => a - b)).toEqual([0, 2])
    expect(events.filter((type) => type === 'waitingForLock')).toHaveLength(1)
  })

  it('sets up the same roles from several databases of a cluster at once', async () => {
    const databases = await Promise.all([1, 2, 3, 4, 5].map(() => fixture(first)))
    const names = roleNames(`${suite}_shared`)
    const reports = await Promise.all(
      databases.map((db) => runMigrations({ ...db.options, roles: { names, passwords } })),
    )
    for (const report of reports) expect(report.applied).toHaveLength(1)
    const creators = reports.flatMap((report) => report.roles).filter((role) => role.created)
    expect(creators).toHaveLength(5)
  })

  it('keeps a session setting of one file from the next', async () => {
    const db = await fixture({
      '1_sets': `select pg_catalog.set_config('search_path', '', false); set statement_timeout = 100; set role none;`,
      '2_relies': 'select pg_sleep(0.3); create table landed ();',
    })
    await runMigrations(db.options)
    const rows = await db.query(
      `select relowner::regrole::text as owner from pg_class where relname = 'landed'`,
    )
    expect(rows).toEqual([{ owner: db.names.owner }])
  })

  it('keeps history and tables in the schema of the connection string', async () => {
    const db = await fixture(first)
    const connectionString = `${db.url}?schema=Own`
    await runMigrations({ ...db.options, connectionString })
    const rows = await db.query(
      `select relname from pg_class where relkind = 'r' and relnamespace = '"Own"'::regnamespace order by 1`,
    )
    expect(rows).toEqual([{ relname: '_prisma_migrations' }, { relname: 'first' }])
    expect((await runMigrations({ ...db.options, connectionString })).applied).toEqual([])
  })

  it('sends a file whole, so that a body with semicolons arrives as it is', async () => {
    const body = `create function f() returns text language plpgsql as $f$ begin -- commit;
      return ';'; end $f$;
      create function g() returns int language sql begin atomic select 1; select case when true then 2 end; end;`
    const db = await fixture({ '1_body': body })
    await runMigrations(db.options)
    expect(await db.query('select f(), g()')).toEqual([{ f: ';', g: 2 }])
  })

  it('lets the migrator apply later migrations without managing roles', async () => {
    const db = await fixture(first)
    await runMigrations({ ...db.options, roles: { names: db.names, passwords } })
    await db.migration('20260102000000_second', 'create table second ();')
    const report = await runMigrations({
      ...db.options,
      connectionString: url(db.database, { user: db.names.migrator, password: passwords.migrator }),
    })
    expect(report.applied).toEqual(['20260102000000_second'])
    expect(report.roles.every((role) => !role.created && !role.passwordChanged)).toBe(true)
  })
})

describe('Prisma', () => {
  const engine = fileURLToPath(new URL('../scripts/schema-engine.mjs', import.meta.url))
  const cli = fileURLToPath(new URL('../node_modules/prisma/build/index.js', import.meta.url))

  async function prisma(db: Fixture, command: string, connectionString: string) {
    const config = join(root, `${db.database}.config.mjs`)
    await writeFile(join(root, 'schema.prisma'), 'datasource db {\n  provider = "postgresql"\n}\n')
    const settings = {
      schema: join(root, 'schema.prisma'),
      migrations: { path: db.directory },
      datasource: { url: connectionString },
    }
    await writeFile(config, `export default ${JSON.stringify(settings)}`)
    return spawnSync(process.execPath, [cli, 'migrate', command, '--config', config], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: engine, CHECKPOINT_DISABLE: '1' },
    })
  }

  it('says up to date after runMigrations, and leaves runMigrations nothing to apply after its deploy', async () => {
    const files = { ...first, '20260101000000_with space': `insert into first values (1); -- ü\r\n` }
    const ours = await fixture(files)
    const theirs = await fixture(files)
    await runMigrations(ours.options)
    // the roles and their grants only; the migrations are for Prisma, which logs in as the migrator
    const prepared = join(root, 'prepared')
    await mkdir(join(prepared, 'none'), { recursive: true })
    await writeFile(join(prepared, 'none', 'migration.sql'), '')
    await runMigrations({ ...theirs.options, directory: prepared, roles: { names: theirs.names, passwords } })
    await theirs.query('drop table public._prisma_migrations')

    const login = { user: theirs.names.migrator, password: passwords.migrator }
    const [status, deploy] = await Promise.all([
      prisma(ours, 'status', ours.url),
      prisma(theirs, 'deploy', url(theirs.database, login)),
    ])
    expect(status.stdout + status.stderr).toContain('Database schema is up to date!')
    expect(deploy.status, deploy.stdout + deploy.stderr).toBe(0)
    expect((await runMigrations(theirs.options)).applied).toEqual([])

    const sums = `select migration_name, checksum, applied_steps_count, logs, rolled_back_at
      from public._prisma_migrations order by started_at`
    expect(await ours.query(sums)).toEqual(await theirs.query(sums))
    const definition = `select attname, atttypid::regtype::text, atttypmod, attnotnull, pg_get_expr(adbin, adrelid)
      from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = 'public._prisma_migrations'::regclass and attnum > 0 order by attnum`
    expect(await ours.query(definition)).toEqual(await theirs.query(definition))
    // what Prisma's CLI created as the migrator belongs to the owner
    const owner = `select relowner::regrole::text as owner from pg_class where relname in ('first', '_prisma_migrations')`
    expect(await theirs.query(owner)).toEqual([{ owner: theirs.names.owner }, { owner: theirs.names.owner }])
  }, 20_000)

  it('has the checksums that matchesChecksum knows, whatever the line ends', () => {
    expect(checksum('hello')).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824')
    expect(matchesChecksum('a\r\nb', checksum('a\nb'))).toBe(true)
    expect(matchesChecksum('a\nb', checksum('a\r\nb'))).toBe(true)
    expect(matchesChecksum('a\nb', checksum('a b'))).toBe(false)
    // early versions of Prisma lost leading zeros: bytes 0f, 09, 0b, 0a and more
    const padded = checksum('hello')
    const unpadded = Buffer.from(padded, 'hex').reduce((text, byte) => text + byte.toString(16), '')
    expect(unpadded.length).toBeLessThan(64)
    expect(matchesChecksum('hello', unpadded)).toBe(true)
  })
})

describe('DH401: a directory that cannot be used', () => {
  let shared: Fixture | undefined

  it.each<[string, (db: Fixture) => Promise<unknown>, string]>([
    ['is missing', (db) => rm(db.directory, { recursive: true }), 'ENOENT'],
    ['has no migrations', () => Promise.resolve(), 'has no migrations'],
    ['has a folder without migration.sql', (db) => mkdir(join(db.directory, '1_empty')), '1_empty'],
    ['has a loose sql file', (db) => writeFile(join(db.directory, 'x.sql'), ''), 'x.sql'],
    [
      'is for another provider',
      (db) => writeFile(join(db.directory, 'migration_lock.toml'), 'provider = "mysql"'),
      'postgresql',
    ],
    [
      'has a file that is not UTF-8',
      (db) => db.migration('1_latin', Buffer.from([0x2d, 0x2d, 0xfc])),
      'UTF-8',
    ],
    ['has a byte order mark', (db) => db.migration('1_bom', '\uFEFFselect 1'), 'byte order mark'],
    ['has a NUL character', (db) => db.migration('1_nul', 'select 1;\0 drop table t'), 'NUL'],
    [
      'has two names that differ in case only',
      async (db) => {
        await db.migration('1_same', 'select 1')
        await db.migration('1_Same', 'select 1')
      },
      'same name',
    ],
  ])('refuses a directory that %s', async (_, prepare, text) => {
    shared ??= await fixture()
    const db = await withDirectory(shared.database, {})
    await prepare(db)
    const error = await refusedUnchanged(db, 'DH401')
    expect(error.message).toContain(text)
  })
})

describe('DH402, DH403, DH404: a history that disagrees', () => {
  it('refuses a migration that was changed after it was applied, but for its line ends', async () => {
    const db = await fixture({ '1_a': 'create table t ();\n' })
    await runMigrations(db.options)
    await db.migration('1_a', 'create table t ();\r\n')
    await runMigrations(db.options)
    await db.migration('1_a', 'create table t (id int);\n')
    await db.migration('2_b', 'create table u ();')
    const error = await refusedUnchanged(db, 'DH402')
    expect(error.details.migration).toBe('1_a')
  })

  it('refuses a directory that lacks an applied migration', async () => {
    const db = await fixture({ '1_a': 'select 1;', '2_b': 'select 2;' })
    await runMigrations(db.options)
    await rm(join(db.directory, '1_a'), { recursive: true })
    await db.migration('3_c', 'create table u ();')
    const error = await refusedUnchanged(db, 'DH403')
    expect(error.details.migration).toBe('1_a')
  })

  it('refuses to go on after a failed migration, and goes on when it was marked as rolled back', async () => {
    const db = await fixture({ '1_a': 'select 1;' })
    await runMigrations(db.options)
    await db.migration('2_b', 'create table u ();')
    await db.query(`insert into _prisma_migrations (id, checksum, migration_name, logs)
      values ('x', 'whatever', '2_b', 'secret row value')`)
    const error = await refusedUnchanged(db, 'DH404')
    expect(error.details.migration).toBe('2_b')
    expect(error.message).toContain('prisma migrate resolve')
    expect(error.message).not.toContain('secret')
    await db.query(`update _prisma_migrations set rolled_back_at = now() where id = 'x'`)
    expect((await runMigrations(db.options)).applied).toEqual(['2_b'])
  })
})

describe('DH405: a migration that fails', () => {
  let shared: Fixture | undefined

  async function failing(sql: string): Promise<TenancyError> {
    if (shared === undefined) {
      shared = await fixture(first)
      await runMigrations(shared.options)
    }
    const db = await withDirectory(shared.database, { ...first, '20270101000000_fails': sql })
    const error = await refusedUnchanged(db, 'DH405')
    expect(error.details.migration).toBe('20270101000000_fails')
    return error
  }

  it('leaves nothing of a file that fails in the middle, and tells line and reason', async () => {
    const error = await failing(
      `create schema half; create table half.done (id int);\n-- 𝒜\ninsert into first values (7);\n  select * from nowhere;\ncreate table later ();`,
    )
    expect(error.message).toContain('in line 4')
    expect(error.message).toContain('ERROR 42P01: relation "nowhere" does not exist')
    expect(error.details).toEqual({ migration: '20270101000000_fails', sqlState: '42P01' })
    expect(error.cause).toBeInstanceOf(Error)
  })

  it('leaves not even the history’s table when the first migration of all fails', async () => {
    const db = await fixture({ '1_fails': 'create table t (); select 1/0;' })
    await refusal(runMigrations(db.options), 'DH405')
    expect(
      await db.query(`select relname from pg_class where relnamespace = 'public'::regnamespace`),
    ).toEqual([])
  })

  it('keeps the earlier files of the same run, and names them', async () => {
    const db = await fixture({
      '1_a': 'create table a ();',
      '2_b': 'create table b ();',
      '3_c': 'create tabl c ();',
    })
    const error = await refusal(runMigrations(db.options), 'DH405')
    expect(error.details).toMatchObject({
      migration: '3_c',
      sqlState: '42601',
      hint: expect.stringContaining('1_a, 2_b'),
    })
    await db.migration('3_c', 'create table c ();')
    expect((await runMigrations(db.options)).applied).toEqual(['3_c'])
  })

  it.each([
    [
      'duplicate keys',
      `create table s (v text); insert into s values ('sesame'), ('sesame'); create unique index s_v on s (v);`,
      '23505',
    ],
    [
      'a cast of data',
      `create table s (v text); insert into s values ('sesame'); alter table s alter v type int using v::int;`,
      '22P02',
    ],
    ['a message of a function', `do $$ begin raise exception 'sesame'; end $$;`, 'P0001'],
    [
      'a message with a borrowed code',
      `do $$ begin raise exception 'sesame' using errcode = '42P01'; end $$;`,
      '42P01',
    ],
    [
      'a check',
      `create table s (v text); insert into s values ('sesame'); alter table s add constraint closed check (v <> 'sesame');`,
      '23514',
    ],
  ])('tells nothing of a row’s values about %s', async (_, sql, sqlState) => {
    const error = await failing(sql)
    expect(error.details.sqlState).toBe(sqlState)
    expect(error.message).toContain(sqlState)
    expect(error.message + JSON.stringify(error.details)).not.toContain('sesame')
  })

  it('rolls back when a deferred constraint fails only at the commit', async () => {
    const error = await failing(
      `create table child (id int references first (id) deferrable initially deferred); insert into child values (1);`,
    )
    expect(error.details.sqlState).toBe('23503')
  })

  it('says that an index cannot be built concurrently inside a transaction', async () => {
    const error = await failing('create index concurrently on first (id);')
    expect(error.details.sqlState).toBe('25001')
    expect(error.message).toContain('cannot run inside a transaction')
    expect(error.message).toContain('--applied "20270101000000_fails"')
  })

  it('refuses a commit inside of a block, which no reader of the file could see', async () => {
    const error = await failing(`do $$ begin create table early (); commit; end $$;`)
    expect(error.details.sqlState).toBe('2D000')
  })

  it('ends the wait of a copy from the client, which has no data to give', async () => {
    await failing('copy first from stdin;')
  })
})

describe('DH406: a privilege that is missing', () => {
  async function login(attributes: string): Promise<{ user: string; password: string }> {
    const user = `${suite}_login_${++counter}`
    const password = 'Login-Password-1'
    await asSuperuser((client) =>
      client.query(
        `create role ${quoteIdentifier(user)} login ${attributes} password ${quoteLiteral(password)}`,
      ),
    )
    return { user, password }
  }

  it('refuses a login that may not create roles', async () => {
    const db = await fixture(first)
    const who = await login('')
    const error = await refusedUnchanged(db, 'DH406', {
      ...db.options,
      connectionString: url(db.database, who),
    })
    expect(error.message).toContain(`${who.user} may not run: create role "${db.names.owner}"`)
    expect(error.details.sqlState).toBe('42501')
  })

  it('refuses a login that may create roles but not grant on the database', async () => {
    const db = await fixture(first)
    const who = await login('createrole')
    const error = await refusedUnchanged(db, 'DH406', {
      ...db.options,
      connectionString: url(db.database, who),
    })
    expect(error.message).toContain(`on database "${db.database}"`)
  })

  it('accepts an administrator who is no superuser, owns the database, and may create roles', async () => {
    const who = await login('createrole createdb')
    const db = await fixture(first, who.user)
    const options = {
      ...db.options,
      connectionString: url(db.database, who),
      roles: { names: db.names, passwords },
    }
    const report = await runMigrations(options)
    expect(report.applied).toEqual(Object.keys(first))
    expect(report.roles.map((role) => role.password)).toEqual(['none', 'set', 'set', 'set', 'set'])
    await db.migration('20270101000000_second', 'create table second ();')
    expect((await runMigrations({ ...options, roles: { names: db.names } })).applied).toHaveLength(1)
    const [row] = await db.query<{ owner: string }>(
      `select relowner::regrole::text as owner from pg_class where relname = 'second'`,
    )
    expect(row?.owner).toBe(db.names.owner)
  })

  it('refuses an administrator who would have to take a superuser’s power away', async () => {
    const who = await login('createrole')
    const db = await fixture(first, who.user)
    await db.query(`create role ${quoteIdentifier(db.names.app)} login superuser`)
    const error = await refusedUnchanged(db, 'DH406', {
      ...db.options,
      connectionString: url(db.database, who),
    })
    expect(error.message).toContain(db.names.app)
  })

  it('refuses a login that cannot become the owner', async () => {
    const db = await fixture(first)
    await runMigrations(db.options)
    await db.migration('2_b', 'create table b ();')
    await db.query(`grant select on _prisma_migrations to public; grant usage on schema public to public`)
    const connectionString = url(db.database, await login(''))
    const roles: RoleOptions = { names: db.names, manage: false }
    const error = await refusedUnchanged(db, 'DH406', { ...db.options, connectionString, roles })
    expect(error.message).toContain('not a member of the owner role')
  })

  it('refuses an owner role that is not there, may not create schemas, or may not create in the schema', async () => {
    const db = await fixture(first)
    const options = { ...db.options, roles: { names: db.names, manage: false } }
    expect((await refusedUnchanged(db, 'DH406', options)).message).toContain('does not exist')
    await db.query(`create role ${quoteIdentifier(db.names.owner)}`)
    expect((await refusedUnchanged(db, 'DH406', options)).message).toContain('create on database')
    await db.query(
      `grant create on database ${quoteIdentifier(db.database)} to ${quoteIdentifier(db.names.owner)}`,
    )
    expect((await refusedUnchanged(db, 'DH406', options)).message).toContain('in schema public')
  })

  it('refuses a history that belongs to another role, unless there is nothing to write', async () => {
    const db = await fixture(first)
    await runMigrations({ ...db.options, roles: { names: db.names, passwords } })
    await db.query('alter table _prisma_migrations owner to current_user')
    await db.query(`grant select on _prisma_migrations to ${quoteIdentifier(db.names.owner)}`)
    const connectionString = url(db.database, {
      user: db.names.migrator,
      password: passwords.migrator,
    })
    const asMigrator = { ...db.options, connectionString, roles: { names: db.names } }
    expect((await runMigrations(asMigrator)).applied).toEqual([])
    await db.migration('2_b', 'create table b ();')
    const error = await refusedUnchanged(db, 'DH406', asMigrator)
    expect(error.message).toContain('alter table "public"."_prisma_migrations" owner to')
  })

  it('gives the owner the history that a superuser began with another tool', async () => {
    const db = await fixture(first)
    await runMigrations(db.options)
    await db.query('alter table _prisma_migrations owner to current_user')
    await db.migration('2_b', 'create table b ();')
    expect((await runMigrations(db.options)).applied).toEqual(['2_b'])
    const [row] = await db.query<{ owner: string }>(
      `select relowner::regrole::text as owner from pg_class where relname = '_prisma_migrations'`,
    )
    expect(row?.owner).toBe(db.names.owner)
  })

  it('names the migration that needs a privilege which the owner lacks', async () => {
    const db = await fixture(first)
    await runMigrations(db.options)
    await db.migration('2_b', 'create table b ();\nselect * from pg_authid;')
    const error = await refusedUnchanged(db, 'DH406')
    expect(error.details).toEqual({ migration: '2_b', sqlState: '42501' })
  })

  it('refuses the app role as the one that migrates', async () => {
    const db = await fixture(first)
    await runMigrations({ ...db.options, roles: { names: db.names, passwords } })
    const connectionString = url(db.database, { user: db.names.app, password: passwords.app })
    await db.query(`grant usage on schema public to public; grant select on _prisma_migrations to public`)
    const error = await refusedUnchanged(db, 'DH406', { ...db.options, connectionString })
    expect(error.message).toContain('which changes no schema')
  })

  it('refuses to change another role’s password as the migrator', async () => {
    const db = await fixture(first)
    await runMigrations({ ...db.options, roles: { names: db.names, passwords } })
    const error = await refusedUnchanged(db, 'DH406', {
      ...db.options,
      connectionString: url(db.database, { user: db.names.migrator, password: passwords.migrator }),
      roles: { names: db.names, passwords: { app: 'Another-Password-2' } },
    })
    expect(error.message).toContain('DOUBLEHULL_APP_PASSWORD')
    expect(error.message).not.toMatch(/SCRAM|Another/)
  })
})

describe('DH407: a migration that ends its transaction', () => {
  it('is refused before anything is run', async () => {
    const db = await fixture({ ...first, '2_b': 'create table b ();\n/* now */ commit;\ncreate table c ();' })
    const error = await refusedUnchanged(db, 'DH407')
    expect(error.message).toContain('2_b says COMMIT in line 2')
    expect(error.details.migration).toBe('2_b')
  })

  it.each(['commit; begin;', 'commit;', 'rollback; begin; create table c ();'])(
    'is noticed afterwards too, and not recorded, should the reader of the file miss "%s"',
    async (sql) => {
      const db = await fixture(first)
      await runMigrations(db.options)
      await withMigrationSession(
        db.url,
        1000,
        () => undefined,
        async (session) => {
          const work = applyMigration(session, { name: '2_b', sql }, db.names.owner, [])
          await refusal(work, 'DH407')
        },
      )
      const rows = await db.query('select migration_name from _prisma_migrations')
      expect(rows).toEqual([{ migration_name: '20260101000000_first' }])
    },
  )
})

describe('DH408: role settings', () => {
  let db: Fixture | undefined

  it.each<[string, RoleOptions]>([
    ['a short password', { passwords: { app: 'short' } }],
    ['an empty password', { passwords: { app: '' } }],
    ['a password of other letters than ASCII', { passwords: { app: 'Grüße-Grüße-Grüße' } }],
    ['a password with a line break', { passwords: { app: 'twelve-or-more\n' } }],
    ['an empty name', { names: { app: '' } }],
    ['a name of 64 bytes', { names: { app: 'é'.repeat(32) } }],
    ['a reserved name', { names: { app: 'pg_app' } }],
    ['a keyword', { names: { app: 'public' } }],
    ['one name for two roles', { names: { app: 'same', reader: 'same' } }],
  ])('refuses %s, and does not repeat it', async (_, roles) => {
    db ??= await fixture(first)
    const error = await refusedUnchanged(db, 'DH408', {
      ...db.options,
      roles: { ...roles, names: { ...db.names, ...roles.names } },
    })
    expect(error.message).not.toMatch(/Grüße|short'|twelve-or/)
  })

  it('refuses to take the connecting superuser’s own power away', async () => {
    const db = await fixture(first)
    const user = db.names.app
    const password = 'Second-Superuser-1'
    await db.query(`create role ${quoteIdentifier(user)} login superuser password ${quoteLiteral(password)}`)
    await refusedUnchanged(db, 'DH408', {
      ...db.options,
      connectionString: url(db.database, { user, password }),
    })
  })

  it('takes passwords from the environment, the options first, and an empty variable as not set', () => {
    const settings = parseRoleOptions(
      { passwords: { app: passwords.app } },
      {
        DOUBLEHULL_APP_PASSWORD: 'From-Environment',
        DOUBLEHULL_READER_PASSWORD: passwords.reader,
        DOUBLEHULL_SYSTEM_PASSWORD: '',
      },
    )
    expect(settings.passwords).toEqual({ app: passwords.app, reader: passwords.reader })
    expect(() => parseRoleOptions({}, { DOUBLEHULL_APP_PASSWORD: 'short' })).toThrow(
      'DOUBLEHULL_APP_PASSWORD',
    )
  })
})

describe('DH409: a database that cannot be used', () => {
  it('tells where it could not connect, and not with which password', async () => {
    const db = await fixture(first)
    const wrong = { user: 'nobody_here', password: 'Wrong-Password-1' }
    const error = await refusal(
      runMigrations({ ...db.options, connectionString: url(db.database, wrong) }),
      'DH409',
    )
    expect(error.message).toContain(db.database)
    expect(error.message).not.toContain(wrong.password)
    const closed = await refusal(
      runMigrations({ ...db.options, connectionString: 'postgresql://u:Wrong-Password-1@127.0.0.1:1/x' }),
      'DH409',
    )
    expect(closed.message).toContain('ECONNREFUSED')
    const noUrl = await refusal(
      runMigrations({ ...db.options, connectionString: 'postgresql://u:Wrong-Password-1@[/x' }),
      'DH409',
    )
    expect(`${noUrl.message}${JSON.stringify(noUrl.cause ?? null)}`).not.toContain('Wrong-Password-1')
  })

  it('gives up waiting for the lock that Prisma takes too', async () => {
    const db = await fixture(first)
    await connected(db.url, async (client) => {
      await client.query('select pg_advisory_lock($1)', [migrationLockKey])
      const error = await refusedUnchanged(db, 'DH409', { ...db.options, lockTimeoutMs: 50 })
      expect(error.message).toContain('72707369')
      expect(error.details.sqlState).toBe('55P03')
    })
    await runMigrations(db.options)
  })

  it('reports a connection that is lost in the middle, and leaves nothing of the migration', async () => {
    const db = await fixture(first)
    await runMigrations(db.options)
    // nothing but a superuser's connection could end its own session this way
    await db.migration('2_b', 'reset role; create table b (); select pg_terminate_backend(pg_backend_pid());')
    const error = await refusedUnchanged(db, 'DH409')
    expect(error.details.migration).toBe('2_b')
  })

  it('refuses a session that does not hold the lock, as behind a pooler', async () => {
    const db = await fixture(first)
    await runMigrations(db.options)
    await withMigrationSession(
      db.url,
      1000,
      () => undefined,
      async (session) => {
        await session.client.query('select pg_advisory_unlock_all()')
        const work = applyMigration(session, { name: '2_b', sql: 'select 1' }, db.names.owner, [])
        expect((await refusal(work, 'DH409')).message).toContain('pooler')
      },
    )
  })
})

describe('roles', () => {
  it('log in with the passwords given, hold no power, and only the migrator becomes the owner', async () => {
    const db = await fixture(first)
    const events: MigrationEvent[] = []
    const report = await runMigrations({
      ...db.options,
      roles: { names: db.names, passwords },
      log: (event) => void events.push(event),
    })
    for (const [purpose, password] of Object.entries(passwords)) {
      const user = db.names[purpose as keyof typeof passwords]
      await connected(url(db.database, { user, password }), async (client) => {
        const { rows } = await client.query(
          `select current_user::text as me, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as power, rolinherit as inherit
           from pg_roles where rolname = session_user`,
        )
        const isMigrator = purpose === 'migrator'
        expect(rows).toEqual([{ me: isMigrator ? db.names.owner : user, power: false, inherit: isMigrator }])
        if (isMigrator) return
        await expect(client.query(`set role ${quoteIdentifier(db.names.owner)}`)).rejects.toMatchObject({
          code: '42501',
        })
        await expect(client.query('create schema mine')).rejects.toMatchObject({ code: '42501' })
        await expect(client.query('create table public.mine ()')).rejects.toMatchObject({ code: '42501' })
        await expect(client.query('create temporary table mine ()')).rejects.toMatchObject({ code: '42501' })
      })
      await expect(
        connected(url(db.database, { user, password: `${password}x` }), () => Promise.resolve()),
      ).rejects.toMatchObject({ code: '28P01' })
    }
    const stored = await db.query<{ verifier: string }>(
      `select rolpassword as verifier from pg_authid where rolname in (${Object.values(db.names).map(quoteLiteral).join(', ')}) and rolcanlogin`,
    )
    expect(stored).toHaveLength(4)
    for (const { verifier } of stored) expect(verifier).toMatch(/^SCRAM-SHA-256\$4096:/)
    const told = JSON.stringify([events, report])
    for (const password of Object.values(passwords)) expect(told).not.toContain(password.slice(0, 6))
    expect(told).not.toContain('SCRAM')
  })

  it('never sends the text of a password to the server', async () => {
    const db = await fixture(first)
    const spy = vi.spyOn(Client.prototype, 'query')
    const options = { ...db.options, roles: { names: db.names, passwords } }
    const run = runMigrations(options)
    const sent = await run
      .then(() => spy.mock.calls.map((args) => JSON.stringify(args)))
      .finally(() => spy.mockRestore())
    const log = sent.join('\n')
    expect(log.match(/password 'SCRAM-SHA-256\$/g)).toHaveLength(4)
    for (const password of Object.values(passwords)) expect(log).not.toContain(password.slice(0, 6))
  })

  it('changes a password only when it is another', async () => {
    const db = await fixture(first)
    const run = async (app?: string) => {
      const report = await runMigrations({
        ...db.options,
        roles: { names: db.names, ...(app && { passwords: { app } }) },
      })
      return report.roles.find((role) => role.name === db.names.app)
    }
    expect(await run()).toMatchObject({ created: true, passwordChanged: false, password: 'none' })
    expect(await run('First-Password-1')).toMatchObject({
      created: false,
      passwordChanged: true,
      password: 'set',
    })
    expect(await run('First-Password-1')).toMatchObject({ passwordChanged: false, password: 'kept' })
    expect(await run()).toMatchObject({ passwordChanged: false, password: 'kept' })
    expect(await run('Second-Password-2')).toMatchObject({ passwordChanged: true })
  })

  it('are put right when somebody gave them power, a membership or a grant', async () => {
    const db = await fixture(first)
    await runMigrations(db.options)
    const good = await snapshot(db)
    const [owner, migrator, app, reader, system] = Object.values(db.names).map(quoteIdentifier)
    const database = quoteIdentifier(db.database)
    await db.query(`
      alter role ${app} superuser bypassrls createdb createrole replication inherit nologin;
      alter role ${owner} login;
      alter role ${migrator} reset role;
      grant ${owner} to ${app}; grant ${system} to ${reader}; revoke ${owner} from ${migrator};
      grant create, temporary on database ${database} to public;
      grant all on schema public to public;
      revoke connect on database ${database} from ${reader};
      revoke create on schema public from ${owner}`)
    expect(await snapshot(db)).not.toBe(good)
    await runMigrations(db.options)
    // the order inside an acl is the order of its making, so it's compared as a set
    const normal = (text: string) => text.split(/[\s,{}"]+/).sort()
    expect(normal(await snapshot(db))).toEqual(normal(good))
  })
})

describe('a SCRAM verifier', () => {
  it('is the one of a known password, salt and count', async () => {
    // stored and server key of RFC 7677's example: password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==
    const verifier =
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='
    expect(await verifierMatches(verifier, 'pencil')).toBe(true)
    expect(await verifierMatches(verifier, 'pencil2')).toBe(false)
  })

  it('is another for the same password each time, and matches it', async () => {
    const [one, two] = await Promise.all([scramVerifier('pencil'), scramVerifier('pencil')])
    expect(one).not.toBe(two)
    expect(await verifierMatches(one, 'pencil')).toBe(true)
    expect(await verifierMatches(null, 'pencil')).toBe(false)
    expect(await verifierMatches('md5abcdef', 'pencil')).toBe(false)
  })

  it('is made of passwords of 12 printable ASCII characters or more', () => {
    expect(parsePassword('twelve chars', 'it')).toBe('twelve chars')
    expect(() => parsePassword('eleven char', 'it')).toThrow('DH408')
  })
})

describe('the reader of transaction control', () => {
  it.each([
    ['begin', 'BEGIN'],
    ['BEGIN;', 'BEGIN'],
    ['select 1; commit', 'COMMIT'],
    ['COMMIT AND CHAIN;', 'COMMIT'],
    ['end;', 'END'],
    ['abort work;', 'ABORT'],
    ['rollback;', 'ROLLBACK'],
    ['rollback and chain;', 'ROLLBACK'],
    ['rollback prepared $$x$$;', 'ROLLBACK'],
    ['start /* a */ transaction read only;', 'START TRANSACTION'],
    ["prepare transaction 'x';", 'PREPARE TRANSACTION'],
    [`select 'it''s \\'; commit; --'`, 'COMMIT'],
    [`select E'\\\\'; commit; --'`, 'COMMIT'],
    ['/* /* */ */ commit', 'COMMIT'],
    ['-- x\rcommit', 'COMMIT'],
    ['select a$$b; commit; select $$', 'COMMIT'],
    ['create function f() returns int language sql begin atomic select 1; end; commit', 'COMMIT'],
    ['create function f() returns int language sql begin atomic select a.case; end; commit', 'COMMIT'],
    ['create or replace procedure p() begin atomic select case when true then 1 end; end; commit', 'COMMIT'],
  ])('finds %j', (sql, command) => {
    expect(findTransactionControl(sql).map((found) => found.command)).toEqual([command])
  })

  it.each([
    '',
    ';;',
    'savepoint a; release a; rollback to a; rollback work to savepoint a; rollback transaction to a',
    `select 'commit;', "commit;" from t -- commit;`,
    `select E'\\'; commit; --'`,
    `select E'a'\n -- and so on\n 'b\\'; commit; --'`,
    'select $$; commit; $$, $a$ $$; commit; $a$',
    '/* commit; /* */ commit; */ select 1',
    'prepare p as select 1; execute p; deallocate p',
    'set transaction isolation level serializable',
    'create rule r as on insert to t do also (delete from u; delete from v)',
    'create function f() returns int language sql begin atomic select 1; select case 1 when 1 then 2 end; end',
    'create table begin_end (start int, "end" int); insert into begin_end values (1, 2)',
    'do $$ begin null; end $$',
    "select U&\"d\\0061t\" from t; select U&'commit;'; select N'commit;', B'1'",
  ])('finds nothing in %j', (sql) => {
    expect(findTransactionControl(sql)).toEqual([])
  })

  it('counts lines of every kind of line end', () => {
    expect(findTransactionControl('a;\r\nb;\n\ncommit;\nend')).toEqual([
      { command: 'COMMIT', line: 4 },
      { command: 'END', line: 5 },
    ])
  })

  it('reads a long line of dashes after a string in no time', () => {
    const start = performance.now()
    findTransactionControl(`select 'a' ${'-- '.repeat(20_000)}`)
    expect(performance.now() - start).toBeLessThan(500)
  })

  const piece = fc.constantFrom(
    "'",
    '"',
    '\\',
    '$',
    '$$',
    '$a$',
    ';',
    'commit;',
    ' commit ',
    '--',
    '/*',
    '*/',
    '\n',
    '\r',
    ' ',
    'begin',
    'é',
    'e',
    '(',
  )
  const noise = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  const doubled = (text: string, quote: string) => text.replaceAll(quote, quote + quote)
  const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  const dollarQuoted = (tag: string) => (text: string) => {
    let inner = text.replaceAll(tag, '')
    while (`${inner}${tag}`.indexOf(tag) < inner.length) inner = inner.slice(0, -1)
    return `select ${tag}${inner}${tag}`
  }
  /** Valid statements that hold noise where SQL does not look at it. */
  const harmless = fc.oneof(
    noise.map((text) => `select '${doubled(text, "'")}'`),
    noise.map((text) => `select E'${escaped(text)}'`),
    noise.map((text) => `select e'a'\n -- '\n '${escaped(text)}'`),
    noise.map((text) => `select '${doubled(text, "'")}' \r '\\'`),
    noise.map((text) => `select 1 as "x${doubled(text, '"')}"`),
    noise.map(dollarQuoted('$$')),
    noise.map(dollarQuoted('$a$')),
    noise.map((text) => `select 1 --${text.replaceAll(/[\n\r]/g, '')}\n`),
    noise.map((text) => `select /* ${text.replaceAll(/\/\*|\*\/|[*/]/g, '')} /* ; commit; */ ' */ 1`),
    noise.map((text) => `select 1 as a$$b, N'${doubled(text, "'")}', 1.5e3`),
    noise.map(
      (text) =>
        `create or replace function pg_temp.f() returns text language sql begin atomic select case when true then 1 end; select '${doubled(text, "'")}'; end`,
    ),
    fc.constantFrom('', 'savepoint s; rollback work to savepoint s; release s'),
  )
  const statements = fc.array(harmless, { minLength: 1, maxLength: 5 })

  it('finds nothing in noise, and exactly the one statement that is put between', () => {
    fc.assert(
      fc.property(statements, statements, (before, after) => {
        expect(findTransactionControl([...before, ...after].join(';'))).toEqual([])
        const found = findTransactionControl([...before, '\n\tRollBack', ...after].join(';'))
        expect(found.map(({ command }) => command)).toEqual(['ROLLBACK'])
      }),
      { numRuns: 500 },
    )
  })

  it('agrees with PostgreSQL on whether a text leaves its transaction', async () => {
    const db = await fixture()
    await connected(db.url, async (client) => {
      const mark = async () => (await client.query('select pg_current_xact_id()::text as id')).rows[0].id
      await fc.assert(
        fc.asyncProperty(statements, fc.option(statements), async (before, after) => {
          const sql = [
            ...before,
            ...(after === null ? [] : ['commit', ...after.filter((one) => !one.startsWith('savepoint'))]),
          ].join(';')
          await client.query('begin')
          const id = await mark()
          await client.query(sql)
          expect((await mark()) !== id).toBe(findTransactionControl(sql).length > 0)
          await client.query('rollback')
        }),
        { numRuns: 150 },
      )
    })
  })
})

describe('quoting', () => {
  it('refuses what PostgreSQL would cut, lose or change', () => {
    expect(quoteIdentifier('a"b')).toBe('"a""b"')
    expect(qualified('S', 't')).toBe('"S"."t"')
    for (const bad of ['', 'a\0b', 'é'.repeat(32), '\ud800'])
      expect(() => quoteIdentifier(bad)).toThrow('DH304')
    expect(identifierFault('a'.repeat(63))).toBeUndefined()
    for (const bad of ['a\0b', '\udfff']) expect(() => quoteLiteral(bad)).toThrow('DH304')
  })

  it('reads back as it was, whatever standard_conforming_strings says', async () => {
    const db = await fixture()
    await connected(db.url, async (client) => {
      const text = fc
        .string({ unit: 'binary', maxLength: 40 })
        .filter((value) => !/\0|\p{Surrogate}/u.test(value))
      const tricky = fc.array(fc.constantFrom("'", '\\', '"', 'a', '\n')).map((parts) => parts.join(''))
      await fc.assert(
        fc.asyncProperty(fc.oneof(text, tricky), fc.constantFrom('on', 'off'), async (value, setting) => {
          const [, answer] = (await client
            .query(`set standard_conforming_strings = ${setting}`)
            .then(() => client.query(`select 1; select ${quoteLiteral(value)} as value`))) as never as {
            rows: { value: string }[]
          }[]
          expect(answer?.rows[0]?.value).toBe(value)
        }),
        { numRuns: 100 },
      )
    })
  })
})

describe('doublehull migrate', () => {
  const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
  const tsx = fileURLToPath(import.meta.resolve('tsx'))

  function doublehull(args: string[], env: Record<string, string> = {}) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(DIRECT_URL|DATABASE_URL|DOUBLEHULL_|PRISMA_)/.test(name),
    )
    return spawnSync(process.execPath, ['--import', tsx, main, ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...Object.fromEntries(inherited), ...env },
    })
  }

  it('prints what runMigrations reports, for a reader and as JSON', async () => {
    const db = await fixture({ '1_a': 'create table a ();' })
    await writeFile(
      join(root, '.env'),
      `DATABASE_URL=${db.url}\nDIRECT_URL=postgresql://nobody@127.0.0.1:1/x\n`,
    )
    // the command has no flag for names, and other tests use the default roles: it leaves them alone
    const flags = ['migrate', '--directory', db.directory, '--no-roles']
    await db.query(`do $$ begin create role doublehull_owner; exception when others then null; end $$`)
    const refused = doublehull([...flags, '--json'], { DIRECT_URL: db.url })
    expect(refused.status).toBe(1)
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: 'DH406',
      message: expect.stringContaining('create on database'),
      details: { role: 'doublehull_owner' },
    })
    await db.query(`grant create on database ${quoteIdentifier(db.database)} to doublehull_owner`)
    await db.query('grant create, usage on schema public to doublehull_owner')
    // a variable that is set wins over .env; one that is empty is not set
    const applied = doublehull(flags, { DIRECT_URL: '' })
    expect(applied.stdout + applied.stderr).toMatch(
      /^migrations of \S+\nmigration {2}1_a {2}applied in \d+ ms\n$/,
    )
    expect(applied.status).toBe(0)
    const again = doublehull([...flags, '--json', '--database-url', db.url])
    expect(JSON.parse(again.stdout)).toEqual({
      applied: [],
      alreadyApplied: ['1_a'],
      roles: [],
      context: { mode: 'none', keys: 0, changed: false },
    })
    const quiet = doublehull([...flags, '--quiet'])
    // without the variable it is the DIRECT_URL of .env
    expect([quiet.status, quiet.stdout]).toEqual([1, ''])
    expect(quiet.stderr).toContain('DH409')
  })

  it('tells version and help, and does not understand what it does not know', () => {
    expect(doublehull(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+/)
    const help = doublehull(['migrate', '--help'])
    expect(help.status).toBe(0)
    for (const flag of ['--database-url URL', '--directory DIR', '--json', '--quiet', '--no-roles']) {
      expect(help.stdout).toContain(flag)
    }
    const unknown = doublehull(['migrat'])
    expect([unknown.status, unknown.stdout]).toEqual([2, ''])
    expect(unknown.stderr).toContain('migrate')
  })

  it.each([
    [['--databse-url=postgresql://u:Secret-Password@h/x'], '--databse-url'],
    [['postgresql://u:Secret-Password@h/x'], 'takes flags only'],
    [['--directory'], 'lacks its value'],
    [['--json=yes'], 'one that it does not take'],
  ])('exits with 2 and a hint for %j, and repeats no password', async (args, text) => {
    const errors: string[] = []
    const output = {
      stdout: () => undefined,
      stderr: (line: string) => void errors.push(line),
      colours: false,
    }
    expect(await migrateCommand.run(args, output)).toBe(2)
    expect(errors.join()).toContain(text)
    expect(errors.join()).toContain('--help')
    expect(errors.join()).not.toContain('Secret')
  })
})
