import { randomBytes, randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { createTenancy, type Tenancy } from '../../src/index.ts'
import { quoteIdentifier } from '../../src/policy/identifier.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import {
  createTemporaryLogin,
  createUnscopedTenancy,
  type TemporaryLogin,
  withLogin,
} from '../../src/testing/index.ts'

/** A migrated database of one test file, with a client for each choice of hulls. */
export interface TestDatabase {
  readonly adminUrl: string
  /** Logs in with the rights of `doublehull_app`: no owner, no superuser, no BYPASSRLS. */
  readonly appUrl: string
  /** Logs in with the rights of the owner, whom the policies let pass: hull two is off. */
  readonly ownerUrl: string
  /** Sees every row: what really happened. */
  readonly admin: pg.Client
  /** Both hulls. */
  readonly both: Tenancy<PrismaClient>
  /** Hull one alone. */
  readonly one: Tenancy<PrismaClient>
  /** Hull two alone. */
  readonly two: Tenancy<PrismaClient>
  /** Neither: a plain client on a connection that nothing holds. */
  readonly none: PrismaClient
}

/** Clones the template for the calling test file, and drops it behind the last test. */
export function useTestDatabase(): TestDatabase {
  const open: { -readonly [Key in keyof TestDatabase]?: TestDatabase[Key] } = {}
  const logins: TemporaryLogin[] = []
  const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
  const serverUrl = inject('adminUrl')

  beforeAll(async () => {
    await cloneTemplate(serverUrl, name)
    open.adminUrl = withLogin(serverUrl, { database: name })
    const app = await createTemporaryLogin(open.adminUrl, defaultRoleNames.app)
    const owner = await createTemporaryLogin(open.adminUrl, defaultRoleNames.owner)
    logins.push(app, owner)
    open.appUrl = app.connectionString
    open.ownerUrl = owner.connectionString
    open.admin = new pg.Client({ connectionString: open.adminUrl })
    await open.admin.connect()
    await assertHeld(open.appUrl)
    open.both = createTenancy({ PrismaClient, manifest, connectionString: open.appUrl })
    open.two = createUnscopedTenancy({ PrismaClient, manifest, connectionString: open.appUrl })
    open.one = createTenancy({
      PrismaClient,
      manifest,
      connectionString: open.ownerUrl,
      allowRoleThatBypassesRowSecurity: true,
    })
    open.none = new PrismaClient({ adapter: new PrismaPg({ connectionString: open.ownerUrl }) })
  })

  afterAll(async () => {
    await Promise.all([open.both?.disconnect(), open.one?.disconnect(), open.two?.disconnect()])
    await open.none?.$disconnect()
    await open.admin?.end()
    await onServer(serverUrl, `drop database if exists ${quoteIdentifier(name)} with (force)`)
    // logins are the server's; in the server's own database none of their objects is left to hold them
    for (const login of logins) await login.drop(serverUrl)
  })

  // the members exist when the first test runs, and not when the file is read
  return new Proxy({} as TestDatabase, { get: (_, key) => open[key as keyof TestDatabase] })
}

/** Rows of two tenants, planted as an administrator. */
export interface TwoTenants {
  readonly a: Planted
  readonly b: Planted
}

export interface Planted {
  readonly tenantId: string
  readonly packageId: string
  readonly versionId: string
  readonly flagId: string
  readonly userId: string
  /** The name of the package, found nowhere else. */
  readonly secret: string
}

/** Plants two new tenants with a package, a draft version, a flag and a member each. */
export async function plantTwoTenants({ admin }: Pick<TestDatabase, 'admin'>): Promise<TwoTenants> {
  return { a: await plant(admin), b: await plant(admin) }
}

/** Plants `count` new tenants, one after the other. */
export async function plantTenants({ admin }: TestDatabase, count: number): Promise<readonly Planted[]> {
  const tenants: Planted[] = []
  while (tenants.length < count) tenants.push(await plant(admin))
  return tenants
}

async function plant(admin: pg.Client): Promise<Planted> {
  const [tenantId, packageId, versionId, flagId, userId] = Array.from({ length: 5 }, () => randomUUID()) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const secret = `secret-${randomBytes(8).toString('hex')}`
  await admin.query(`insert into tenancy.tenant (id, name, updated_at) values ($1, $2, now())`, [
    tenantId,
    secret,
  ])
  await admin.query(`insert into tenancy."user" (id, email, display_name) values ($1, $2, $3)`, [
    userId,
    `${secret}@example.org`,
    secret,
  ])
  await admin.query(
    `insert into tenancy.membership (id, tenant_id, user_id) values (gen_random_uuid(), $1, $2)`,
    [tenantId, userId],
  )
  await admin.query(
    `insert into governance.config_package (id, tenant_id, key, name, updated_at) values ($1, $2, 'package', $3, now())`,
    [packageId, tenantId, secret],
  )
  await admin.query(
    `insert into governance.config_version (id, tenant_id, package_id, number, content, updated_at)
     values ($1, $2, $3, 1, jsonb_build_object('secret', $4::text), now())`,
    [versionId, tenantId, packageId, secret],
  )
  await admin.query(
    `insert into governance.feature_flag (id, tenant_id, key, description, updated_at) values ($1, $2, 'flag', $3, now())`,
    [flagId, tenantId, secret],
  )
  return { tenantId, packageId, versionId, flagId, userId, secret }
}

async function cloneTemplate(serverUrl: string, name: string): Promise<void> {
  // a template in use can't be cloned, and two clones at once are in each other's way
  for (let attempt = 1; ; attempt++) {
    try {
      await onServer(
        serverUrl,
        `create database ${quoteIdentifier(name)} template ${quoteIdentifier(inject('template'))}`,
      )
      return
    } catch (error) {
      if ((error as { code?: string }).code !== '55006' || attempt === 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A test of isolation proves nothing with a role that nothing holds. */
async function assertHeld(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<{ held: boolean }>(
    `select not (r.rolsuper or r.rolbypassrls)
            and not exists (select from pg_catalog.pg_class c where pg_catalog.pg_has_role(c.relowner, 'member')
                             and c.relnamespace in ('tenancy'::regnamespace, 'governance'::regnamespace, 'audit'::regnamespace))
            as held
       from pg_catalog.pg_roles r where r.rolname = current_user`,
  )
  await client.end()
  if (!rows[0]?.held) throw new Error('the test role is an owner, a superuser or has BYPASSRLS')
}
