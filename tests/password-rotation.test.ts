import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { loginCommand } from '../src/cli/login.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy } from '../src/index.ts'
import { createLogin, dropLogin, runMigrations } from '../src/migrations/runner.ts'
import { type EmbeddedServer, startEmbeddedPostgres, withLogin } from '../src/testing/index.ts'

// passwords of roles are the whole cluster's
let server: EmbeddedServer
let admin: pg.Client
let adminUrl = ''
const tenantId = '00000000-0000-4000-8000-000000000001'
const first = 'first-password-1'
const second = 'second-password-2'
const third = 'third-password-3'

beforeAll(async () => {
  server = await startEmbeddedPostgres({ name: 'rotation' })
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  await client.query('drop database if exists rotation with (force)')
  await client.query('drop role if exists doublehull_app_2')
  await client.query('create database rotation')
  await client.end()
  adminUrl = server.url('rotation')
  await setPassword(first)
  admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query(`insert into tenancy.tenant (id, name, updated_at) values ($1, 'tenant', now())`, [
    tenantId,
  ])
})
afterAll(async () => {
  await admin.end()
  await server.stop()
})

const setPassword = (app: string) =>
  runMigrations({ connectionString: adminUrl, roles: { passwords: { app } } })

/** An instance of the application, as one deployment of it logs in. */
function deploy(user: string, password: string, maxConnections = 4): Tenancy<PrismaClient> {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString: withLogin(adminUrl, { user, password }),
    maxConnections,
    // every transaction finds its connections closed, and opens others
    idleTimeoutMillis: 1,
  })
  onTestFinished(() => tenancy.disconnect())
  return tenancy
}

/** Requests as users make them; each opens connections. */
async function serve(tenancy: Tenancy<PrismaClient>): Promise<void> {
  const db = tenancy.client({ tenantId })
  const names = await Promise.all(
    Array.from({ length: 4 }, () => db.$transaction(async (tx) => (await tx.tenant.findMany())[0]?.name)),
  )
  expect(names).toEqual(['tenant', 'tenant', 'tenant', 'tenant'])
}

describe('the password of a login', () => {
  it('changes while the application runs, in two ways by turns, and nothing is refused', async () => {
    const target = { connectionString: adminUrl, name: 'doublehull_app_2', purpose: 'app' } as const
    const old = deploy('doublehull_app', first)
    await serve(old)

    // there: a second login
    expect(await createLogin({ ...target, password: second })).toEqual({ created: true })
    const next = deploy('doublehull_app_2', second)
    await Promise.all([serve(old), serve(next)])
    expect(await next.checkDatabaseHealth()).toMatchObject({ ok: true })
    await old.disconnect()
    await setPassword(third)
    await expect(deploy('doublehull_app', first).client({ tenantId }).tenant.count()).rejects.toThrow(
      /authentication failed/i,
    )
    await serve(next)

    // and back: the role's own, whose password nobody used meanwhile
    const last = deploy('doublehull_app', third)
    await Promise.all([serve(next), serve(last)])
    await next.disconnect()
    expect(await dropLogin(target)).toEqual({ dropped: true })
    expect(await dropLogin(target)).toEqual({ dropped: false })
    await serve(last)
  })

  it('refuses the instances that are running where it is changed in place', async () => {
    await setPassword(first)
    const running = deploy('doublehull_app', first)
    await serve(running)
    await setPassword(second)
    // it waits for a connection that cannot be opened any more
    await expect(serve(running)).rejects.toThrow(/DH107|authentication failed/i)
  })
})

describe('a second login', () => {
  const target = () => ({ connectionString: adminUrl, name: 'doublehull_app_2', purpose: 'app' }) as const

  it('has the rights and the settings of its role, and nothing else', async () => {
    await admin.query(`alter role doublehull_app set search_path = governance, tenancy`)
    await admin.query(`alter role doublehull_app in database rotation set statement_timeout = '7s'`)
    await admin.query('alter role doublehull_app connection limit 50')
    try {
      await createLogin({ ...target(), password: second })
      const { rows } = await admin.query(
        `select r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication as more,
                r.rolconnlimit as connections,
                array(select s.setconfig::text from pg_db_role_setting s where s.setrole = r.oid order by 1) as settings
           from pg_roles r where r.rolname in ('doublehull_app', 'doublehull_app_2')`,
      )
      const same = { more: false, connections: 50, settings: expect.any(Array) }
      expect(rows).toEqual([same, same])
      expect(rows[0]).toEqual(rows[1])
      const client = new pg.Client({
        connectionString: withLogin(adminUrl, { user: 'doublehull_app_2', password: second }),
      })
      await client.connect()
      // without a context the policies refuse it, as they refuse the role
      await expect(client.query('select from tenancy.tenant')).rejects.toMatchObject({ code: 'DH101' })
      const shown = await client.query(
        `select current_setting('search_path') as path, current_setting('statement_timeout') as timeout`,
      )
      expect(shown.rows).toEqual([{ path: 'governance, tenancy', timeout: '7s' }])

      await expect(dropLogin(target())).rejects.toMatchObject({ code: 'DH411' })
      await client.end()
    } finally {
      await admin.query('alter role doublehull_app reset all')
      await admin.query('alter role doublehull_app in database rotation reset all')
      await admin.query('alter role doublehull_app connection limit -1')
      await admin.query('drop role if exists doublehull_app_2')
    }
  })

  it('is not made of a role that is something else', async () => {
    await admin.query('create role doublehull_app_2 login createrole')
    await expect(createLogin({ ...target(), password: second })).rejects.toMatchObject({ code: 'DH408' })
    await expect(dropLogin(target())).rejects.toMatchObject({ code: 'DH408' })
    await admin.query('drop role doublehull_app_2')
    for (const name of ['doublehull_app', 'doublehull_owner', 'postgres', 'pg_monitor', '']) {
      await expect(createLogin({ ...target(), name, password: second })).rejects.toMatchObject({
        code: 'DH408',
      })
    }
    await expect(createLogin({ ...target(), password: 'short' })).rejects.toMatchObject({ code: 'DH408' })
  })

  it('is made and dropped by doublehull login, whose password comes from the environment', async () => {
    const lines: string[] = []
    const output = {
      stdout: (line: string) => lines.push(line),
      stderr: (line: string) => lines.push(line),
      colours: false,
    }
    const cli = (...args: string[]) =>
      loginCommand.run(['--database-url', adminUrl, '--name', 'doublehull_app_2', ...args], output)
    delete process.env['DOUBLEHULL_LOGIN_PASSWORD']
    expect(await cli()).toBe(1)
    process.env['DOUBLEHULL_LOGIN_PASSWORD'] = second
    try {
      expect([await cli(), await cli(), await cli('--drop'), await cli('--drop', '--json')]).toEqual([
        0, 0, 0, 0,
      ])
    } finally {
      delete process.env['DOUBLEHULL_LOGIN_PASSWORD']
    }
    expect(lines.slice(1)).toEqual([
      'login  doublehull_app_2  created',
      'login  doublehull_app_2  has the new password',
      'login  doublehull_app_2  dropped',
      '{"dropped":false}',
    ])
    expect(lines.join('\n')).not.toContain(second)
    expect(await cli('--as', 'owner')).toBe(2)
    expect(await loginCommand.run([], output)).toBe(2)
    expect(await loginCommand.run(['--help'], output)).toBe(0)
  })
})
