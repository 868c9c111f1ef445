import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { manifest } from '../src/generated/tenancy.ts'
import { asTenant, createTenant, createTestDatabases, withLogin } from '../src/testing/index.ts'
import { dropTemplatesOf, templatesOf } from './support/templates.ts'

const server = {
  url: (database?: string) => withLogin(inject('adminUrl'), database === undefined ? {} : { database }),
}
const bundledMigrations = join(import.meta.dirname, '../prisma/migrations')
const children: ChildProcess[] = []
const folders: string[] = []
let admin: pg.Client

beforeAll(async () => {
  admin = new pg.Client({ connectionString: server.url() })
  await admin.connect()
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(async () => {
  await admin.end()
  for (const folder of folders) {
    await dropTemplatesOf(folder)
    rmSync(folder, { recursive: true, force: true })
  }
})

async function namesOf(prefix: string): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select datname as name from pg_catalog.pg_database where starts_with(datname, $1)
     union all select rolname from pg_catalog.pg_roles where starts_with(rolname, $1) order by 1`,
    [prefix],
  )
  return rows.map(({ name }) => name)
}

/** Another process, which makes a database, says so, and waits to be killed or to be told to close. */
async function startElsewhere(
  migrations = bundledMigrations,
): Promise<{ child: ChildProcess; name: string }> {
  const module = JSON.stringify(new URL('../src/testing/index.ts', import.meta.url).href)
  const program = `
    import { createTestDatabases } from ${module}
    const databases = await createTestDatabases({ migrations: ${JSON.stringify(migrations)} })
    const { name } = await databases.clone()
    process.stdin.once('data', async () => { await databases.close(); process.exit(0) })
    console.log(name)
  `
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, DIRECT_URL: server.url() },
  })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, name: line.toString().trim() }
}

/** Migrations of which nobody else has a template. */
function newMigrations(): string {
  const folder = mkdtempSync(join(tmpdir(), 'doublehull-migrations-'))
  folders.push(folder)
  cpSync(bundledMigrations, folder, { recursive: true })
  return folder
}

function addMigration(folder: string, sql: string): void {
  mkdirSync(join(folder, '20991231000000_more'), { recursive: true })
  writeFileSync(join(folder, '20991231000000_more/migration.sql'), sql)
}

describe('databases of tests', () => {
  it('are migrated, and what is written in one is not in another', async () => {
    const databases = await createTestDatabases({ server })
    try {
      const [one, other] = await Promise.all([databases.clone(), databases.clone()])
      const tenant = await createTenant(one)
      const data = { key: 'k', name: 'n' }
      await asTenant(one.tenancy, tenant, (db) => db.configPackage.create({ data }))
      expect(await one.query('select key from governance.config_package')).toEqual([{ key: 'k' }])
      expect(await other.query('select key from governance.config_package')).toEqual([])
      expect(await other.query('select id from tenancy.tenant')).toEqual([])
    } finally {
      await databases.close()
    }
  })

  it('have a login for each role, and are gone with their logins when they are closed', async () => {
    const databases = await createTestDatabases({ server })
    const database = await databases.clone()
    const askedAs = async (connectionString: string) => {
      const client = new pg.Client({ connectionString })
      await client.connect()
      const { rows } = await client.query(
        `select pg_has_role(current_user, 'doublehull_owner', 'member') as owner, rolsuper as super
           from pg_roles where rolname = current_user`,
      )
      await client.end()
      return rows[0]
    }
    expect(await askedAs(database.adminUrl)).toMatchObject({ super: true })
    expect(await askedAs(database.ownerUrl)).toEqual({ owner: true, super: false })
    expect(await askedAs(database.appUrl)).toEqual({ owner: false, super: false })
    expect(await askedAs(database.systemUrl)).toEqual({ owner: false, super: false })
    const mine = database.name.replace(/_\d+$/, '')
    expect(await namesOf(mine)).toHaveLength(4)
    await databases.close()
    expect(await namesOf(mine)).toEqual([])
  })

  it('are opened with work across tenants, which is recorded', async () => {
    const databases = await createTestDatabases({ server })
    try {
      const database = await databases.clone()
      const ids = [await createTenant(database), await createTenant(database, { name: 'second' })]
      const system = database.tenancy.system({ actor: 'test', reason: 'test' })
      expect((await system.tenant.findMany()).map(({ id }) => id).sort()).toEqual(ids.sort())
      expect(await database.query('select model from audit.system_work')).toEqual([{ model: 'Tenant' }])
    } finally {
      await databases.close()
    }
  })

  it('are cloned from a template that is migrated once, and again when a migration comes', async () => {
    const migrations = newMigrations()
    let setups = 0
    const open = async () => {
      const databases = await createTestDatabases({
        server,
        migrations,
        setup: async ({ adminUrl }) => {
          setups += 1
          const client = new pg.Client({ connectionString: adminUrl })
          await client.connect()
          await client.query(
            `insert into tenancy.tenant (id, name, updated_at) values (gen_random_uuid(), 'all', now())`,
          )
          await client.end()
        },
      })
      const database = await databases.clone()
      const names = await database.query('select name from tenancy.tenant')
      await databases.close()
      return names
    }
    expect(await open()).toEqual([{ name: 'all' }])
    expect(await open()).toEqual([{ name: 'all' }])
    expect(setups).toBe(1)
    const [first] = await templatesOf(migrations)

    addMigration(
      migrations,
      `insert into tenancy.tenant (id, name, updated_at) values (gen_random_uuid(), 'more', now())`,
    )
    expect(await open()).toHaveLength(2)
    expect(setups).toBe(2)
    // the one before is kept for whoever may still be at work with it
    expect(await templatesOf(migrations)).toContain(first)
    await admin.query(
      `comment on database "${first}" is 'of ${migrations} last used ${new Date(Date.now() - 7_200_000).toISOString()}'`,
    )
    await open()
    const left = await templatesOf(migrations)
    expect(left).toHaveLength(1)
    expect(left).not.toContain(first)
  })

  it('are not kept of migrations that fail', async () => {
    const migrations = newMigrations()
    addMigration(migrations, 'select 1 / 0')
    await expect(createTestDatabases({ server, migrations })).rejects.toMatchObject({ code: 'DH405' })
    expect(await templatesOf(migrations)).toEqual([])
  })

  it('are made by two processes at once, which share one template and drop nothing of each other', async () => {
    const migrations = newMigrations()
    const [one, other] = await Promise.all([startElsewhere(migrations), startElsewhere(migrations)])
    expect(one.name).not.toBe(other.name)
    expect(await templatesOf(migrations)).toHaveLength(1)
    one.child.stdin?.write('close')
    await once(one.child, 'exit')
    expect(await namesOf('doublehull_test_')).toContain(other.name)
    expect(await namesOf('doublehull_test_')).not.toContain(one.name)
    other.child.stdin?.write('close')
    await once(other.child, 'exit')
  })

  it('of a run that crashed are dropped by the next, with their logins, and those of one that lives are not', async () => {
    const [dead, alive] = await Promise.all([startElsewhere(), startElsewhere()])
    dead.child.kill('SIGKILL')
    await once(dead.child, 'exit')
    const run = dead.name.replace(/_\d+$/, '')
    expect(await namesOf(run)).toHaveLength(4)
    await expect
      .poll(async () => {
        const databases = await createTestDatabases({ server })
        await databases.close()
        return namesOf(run)
      })
      .toEqual([])
    expect(await namesOf(alive.name)).toEqual([alive.name])
    alive.child.stdin?.write('close')
    await once(alive.child, 'exit')
  })

  it('of a schema of one’s own need its client and its manifest', async () => {
    await expect(createTestDatabases({ server, manifest })).rejects.toMatchObject({ code: 'DH409' })
  })

  it('are refused for a login that may not create databases, with what to do', async () => {
    const databases = await createTestDatabases({ server })
    const { appUrl } = await databases.clone()
    try {
      await expect(
        createTestDatabases({
          server: { url: (name) => withLogin(appUrl, { database: name ?? 'postgres' }) },
          migrations: newMigrations(),
        }),
      ).rejects.toMatchObject({ code: 'DH409', message: expect.stringContaining('administrator') })
    } finally {
      await databases.close()
    }
  })
})
