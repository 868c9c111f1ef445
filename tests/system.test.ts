import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseSystemUse } from '../src/context/system-use.ts'
import { runInWireScope } from '../src/context/wire-scope.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import {
  type BundledSystemClient,
  contextOf,
  createSystemClient,
  createTenancy,
  disconnect,
  isTenancyError,
  type SystemUseInput,
  setRLSTenantContext,
  type Tenancy,
  withTenantContext,
} from '../src/index.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { createTemporaryLogin, type TemporaryLogin, withLogin } from '../src/testing/index.ts'
import { SystemPool } from '../src/wire/system-pool.ts'
import { TenantPool } from '../src/wire/tenant-pool.ts'
import { poolOptions } from './support/pools.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const { app, owner, reader, system } = defaultRoleNames

const logins: TemporaryLogin[] = []
let systemUrl = ''
beforeAll(async () => {
  systemUrl = await loginAs(system)
})
afterAll(async () => {
  for (const login of logins) await login.drop()
})

/** A login with the rights of `role`, and a member of another that it does not inherit. */
async function loginAs(role: string, other?: string): Promise<string> {
  const login = await createTemporaryLogin(database.adminUrl, role)
  logins.push(login)
  if (other) {
    const [member, granted] = [
      pg.escapeIdentifier(userOf(login.connectionString)),
      pg.escapeIdentifier(other),
    ]
    await database.admin.query(`grant ${granted} to ${member}`)
    await database.admin.query(`alter role ${member} noinherit`)
  }
  return login.connectionString
}

function userOf(connectionString: string): string {
  return decodeURIComponent(new URL(connectionString).username)
}

let scene: TwoTenants
let actor: string
let tenancy: Tenancy<PrismaClient>
let db: BundledSystemClient
const opened: Tenancy<PrismaClient>[] = []

function open(connectionString: string | undefined, maxConnections?: number): Tenancy<PrismaClient> {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString: database.appUrl,
    // what is closed at the end was not closed for being idle
    idleTimeoutMillis: 600_000,
    system: { connectionString, ...(maxConnections === undefined ? {} : { maxConnections }) },
  })
  opened.push(tenancy)
  return tenancy
}

beforeEach(async () => {
  scene = await plantTwoTenants(database)
  actor = `job-${randomUUID()}`
  tenancy = open(systemUrl)
  db = tenancy.system({ actor, reason: 'a test' })
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((tenancy) => tenancy.disconnect()))
})

interface Recorded {
  readonly use_id: string
  readonly reason: string
  readonly model: string | null
  readonly operation: string
  readonly role: string
}

/** What is recorded of this test's actor, in the order in which it was. */
async function records(): Promise<readonly Recorded[]> {
  const { rows } = await database.admin.query<Recorded>(
    'select use_id, reason, model, operation, role from audit.system_work where actor = $1 order by created_at',
    [actor],
  )
  return rows
}

/** The operations that are recorded, as `Model.operation`. */
async function recorded(): Promise<readonly string[]> {
  return (await records()).map(({ model, operation }) => (model ? `${model}.${operation}` : operation))
}

async function flagsOf({ a, b }: TwoTenants): Promise<readonly string[]> {
  const { rows } = await database.admin.query<{ key: string }>(
    'select key from governance.feature_flag where tenant_id = any ($1) order by key',
    [[a.tenantId, b.tenantId]],
  )
  return rows.map(({ key }) => key)
}

/** Another statement of an administrator's while `work` runs, undone behind it. */
async function whileDamaged(damage: string, mend: string, work: () => Promise<void>): Promise<void> {
  await database.admin.query(damage)
  try {
    await work()
  } finally {
    await database.admin.query(mend)
  }
}

const noMoreRecords = [
  'revoke insert on audit.system_work from doublehull_system',
  'grant insert on audit.system_work to doublehull_system',
] as const

const raw = (text: string) => Object.assign([text], { raw: [text] })

describe('a system client', () => {
  it('sees the rows of all tenants, of which a tenant client sees its own', async () => {
    const where = { name: { in: [scene.a.secret, scene.b.secret] } }
    expect(await db.configPackage.count({ where })).toBe(2)
    expect(await tenancy.client({ tenantId: scene.a.tenantId }).configPackage.count({ where })).toBe(1)
    const nested = await db.tenant.findMany({
      where: { id: { in: [scene.a.tenantId, scene.b.tenantId] } },
      select: { configPackages: { select: { name: true } } },
    })
    expect(nested.flatMap(({ configPackages }) => configPackages.map(({ name }) => name)).sort()).toEqual(
      [scene.a.secret, scene.b.secret].sort(),
    )
  })

  it('writes where it is told to', async () => {
    const tenantIds = [scene.a.tenantId, scene.b.tenantId]
    await db.featureFlag.createMany({ data: tenantIds.map((tenantId) => ({ tenantId, key: 'made' })) })
    await db.featureFlag.updateMany({
      where: { key: 'flag', tenantId: { in: tenantIds } },
      data: { description: 'moved' },
    })
    expect(await flagsOf(scene)).toEqual(['flag', 'flag', 'made', 'made'])
    const moved = await db.featureFlag.count({ where: { description: 'moved', tenantId: { in: tenantIds } } })
    expect(moved).toBe(2)
  })

  it('has no tenant for a create that names none', async () => {
    await expect(db.featureFlag.create({ data: { key: 'nobody’s' } })).rejects.toMatchObject({
      name: 'TenancyError',
      code: 'DH101',
      message: expect.stringContaining('create on FeatureFlag could take as a default; name it in the data'),
    })
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
  })

  it('has none either that raw SQL left behind for the session', async () => {
    const [one] = [open(systemUrl, 1).system({ actor, reason: 'one connection' })]
    await one.$queryRaw`select set_config('app.tenant_id', ${scene.a.tenantId}, false)`
    await expect(one.featureFlag.create({ data: { key: 'left' } })).rejects.toMatchObject({ code: 'DH101' })
    await one.$transaction(
      (tx) => tx.$queryRaw`select set_config('app.tenant_id', ${scene.a.tenantId}, false)`,
    )
    await expect(one.featureFlag.create({ data: { key: 'left' } })).rejects.toMatchObject({ code: 'DH101' })
  })

  it('cannot be held to a tenant by a context, which its role does not ask for', async () => {
    const refused = { code: 'DH204', message: expect.stringContaining('system client') }
    const held = withTenantContext(db, scene.a.tenantId, (tx) => tx.configPackage.findMany())
    await expect(held).rejects.toMatchObject(refused)
    await expect(setRLSTenantContext(db, scene.a.tenantId)).rejects.toMatchObject(refused)
    await expect(db.$transaction((tx) => setRLSTenantContext(tx, scene.a.tenantId))).rejects.toMatchObject(
      refused,
    )
    // it would see both
    const [{ count } = { count: 0 }] = await db.$transaction(async (tx) => {
      await tx.$queryRaw`select set_config('app.tenant_id', ${scene.a.tenantId}, true)`
      return tx.$queryRaw<{ count: number }[]>`
        select count(*)::int as count from governance.config_package where name in (${scene.a.secret}, ${scene.b.secret})`
    })
    expect(count).toBe(2)
  })

  it('passes Prisma’s own errors through, and gives those of the schema their code', async () => {
    const { tenantId, versionId } = scene.a
    await expect(db.featureFlag.create({ data: { tenantId, key: 'flag' } })).rejects.toMatchObject({
      name: 'PrismaClientKnownRequestError',
      code: 'P2002',
    })
    await expect(db.featureFlag.delete({ where: { id: randomUUID() } })).rejects.toMatchObject({
      code: 'P2025',
    })
    await expect(db.featureFlag.findMany({ where: { none: 1 } as never })).rejects.toMatchObject({
      name: 'PrismaClientValidationError',
    })
    await expect(
      db.configVersion.update({ where: { id: versionId }, data: { status: 'ACTIVE' } }),
    ).rejects.toMatchObject({ name: 'TenancyError', code: 'DH501' })
    await expect(db.activation.deleteMany()).rejects.toMatchObject({ name: 'TenancyError', code: 'DH305' })
  })

  it('never speaks the simple protocol, so stacked SQL is a syntax error', async () => {
    const { tap, connectionString } = await ProtocolTap.before(systemUrl)
    const tapped = open(connectionString).system({ actor, reason: 'stacked' })
    const stacked = raw('select 1; select 2')
    await expect(tapped.$queryRaw(stacked)).rejects.toThrow('42601')
    await expect(tapped.$executeRaw(stacked)).rejects.toThrow('42601')
    await expect(tapped.$transaction((tx) => tx.$executeRaw(stacked))).rejects.toThrow('42601')
    expect(tap.take()).not.toContain('Q')
    await tap.close()
    // without the wire the same text runs
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString: systemUrl }) })
    await plain.$executeRaw(stacked)
    await plain.$disconnect()
  })

  it('keeps nothing of a transaction in which a statement failed, whatever its callback returns', async () => {
    const { tenantId } = scene.a
    const swallowing = db.$transaction(async (tx) => {
      await tx.featureFlag.create({ data: { tenantId, key: 'lost' } })
      await tx.$executeRaw`select 1 / 0`.catch(() => {})
    })
    await expect(swallowing).rejects.toMatchObject({ code: 'DH105' })
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
  })

  it('ends a transaction early when it is told to, and takes no limits', async () => {
    const controller = new AbortController()
    const gone = new Error('gone')
    const aborted = db.$transaction(
      async (tx) => {
        await tx.featureFlag.create({ data: { tenantId: scene.a.tenantId, key: 'aborted' } })
        controller.abort(gone)
        await tx.featureFlag.count()
      },
      { signal: controller.signal },
    )
    await expect(aborted).rejects.toBe(gone)
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
    await expect(
      db.$transaction(async () => 1, { statementTimeoutMillis: 1_000 } as object),
    ).rejects.toMatchObject({ code: 'DH204' })
  })

  const hidden = [
    '$parent',
    '$extends',
    '$on',
    '$connect',
    '$disconnect',
    '$queryRawUnsafe',
    '$executeRawUnsafe',
  ]

  it.each(hidden)('does not lead to %s, past which nothing is recorded', async (property) => {
    for (const client of [db, db.configPackage]) {
      expect(() => Reflect.get(client, property)).toThrow(expect.objectContaining({ code: 'DH204' }))
      expect(property in client).toBe(false)
    }
    await db.$transaction(async (tx) => {
      expect(() => Reflect.get(tx, property)).toThrow(/DH204: .* a system client/)
    })
  })

  it('has nothing that it does not name, and no model of the record', async () => {
    for (const object of [db, db.configPackage]) {
      expect(Object.getPrototypeOf(object)).toBeNull()
      expect(Reflect.ownKeys(object)).toEqual([])
      for (const property of ['constructor', '_engine', '_request', '_createPrismaPromise', 'systemWork'])
        expect([property, Reflect.get(object, property)]).toEqual([property, undefined])
    }
    expect(contextOf(db)).toBeUndefined()
    expect(Object.keys(manifest.models)).not.toContain('SystemWork')
    const operation = db.configPackage.count()
    expect(Reflect.get(operation, 'constructor')).toBe(Object)
    await operation
  })
})

describe('the record', () => {
  it('has each operation with who, why and what, and the use that it belongs to', async () => {
    const { a, b } = scene
    const ids = [a.packageId, b.packageId]
    await db.configPackage.findMany({ where: { id: { in: ids } } })
    await db.configPackage.findUnique({ where: { id: a.packageId } })
    await db.configPackage.findUnique({ where: { id: a.packageId } }).versions()
    await db.featureFlag.create({ data: { tenantId: a.tenantId, key: 'x' } })
    await db.featureFlag.updateManyAndReturn({ where: { key: 'x' }, data: { enabled: true } })
    await db.featureFlag.groupBy({ by: ['tenantId'], _count: true })
    await db.featureFlag.deleteMany({ where: { key: 'x' } })
    await db.$queryRaw`select count(*)::int from governance.feature_flag`
    await db.$executeRaw`update governance.feature_flag set key = key where tenant_id = ${b.tenantId}::uuid`
    const [first, ...rest] = await records()
    expect(await recorded()).toEqual([
      'ConfigPackage.findMany',
      'ConfigPackage.findUnique',
      'ConfigPackage.findUnique',
      'FeatureFlag.create',
      'FeatureFlag.updateManyAndReturn',
      'FeatureFlag.groupBy',
      'FeatureFlag.deleteMany',
      '$queryRaw',
      '$executeRaw',
    ])
    expect(first).toMatchObject({ reason: 'a test', role: userOf(systemUrl) })
    for (const record of rest) {
      expect(record).toMatchObject({ use_id: first?.use_id, reason: 'a test', role: userOf(systemUrl) })
    }
  })

  it('has the operations of a transaction and the transaction itself, in both forms', async () => {
    await db.$transaction(async (tx) => {
      await tx.featureFlag.count()
      await tx.$queryRaw`select 1`
      await tx.$transaction((inner) => inner.configPackage.count())
    })
    await db.$transaction([db.branding.count(), db.$queryRaw`select 1`, db.approval.count()])
    expect(await recorded()).toEqual([
      '$transaction',
      'FeatureFlag.count',
      '$queryRaw',
      '$transaction',
      'ConfigPackage.count',
      '$transaction',
      'Branding.count',
      '$queryRaw',
      'Approval.count',
    ])
  })

  it('has one entry for each of many operations at once, and what is looked up in one tick', async () => {
    const ids = [scene.a.packageId, scene.b.packageId]
    const looked = Array.from({ length: 20 }, (_, at) =>
      db.configPackage.findUnique({ where: { id: ids[at % 2] ?? '' }, select: { id: true } }),
    )
    expect((await Promise.all(looked)).map((found) => found?.id)).toEqual(
      Array.from({ length: 20 }, (_, at) => ids[at % 2]),
    )
    expect(await recorded()).toEqual(Array.from({ length: 20 }, () => 'ConfigPackage.findUnique'))
  })

  it('has nothing of an operation that is made and not awaited, and once what is awaited twice', async () => {
    const operation = db.featureFlag.count()
    expect(await recorded()).toEqual([])
    expect(await operation).toBe(await operation)
    expect(await recorded()).toEqual(['FeatureFlag.count'])
  })

  it('tells one use from another', async () => {
    await db.featureFlag.count()
    await tenancy.system({ actor, reason: ' another ' }).featureFlag.count()
    const [one, other] = await records()
    expect([one?.reason, other?.reason]).toEqual(['a test', 'another'])
    expect(other?.use_id).not.toBe(one?.use_id)
  })

  it('stays where the work is rolled back', async () => {
    const thrown = new Error('no')
    const work = db.$transaction(async (tx) => {
      await tx.featureFlag.deleteMany({ where: { tenantId: { in: [scene.a.tenantId, scene.b.tenantId] } } })
      throw thrown
    })
    await expect(work).rejects.toBe(thrown)
    const failing = db.$transaction([
      db.featureFlag.deleteMany({ where: { tenantId: scene.a.tenantId } }),
      db.featureFlag.delete({ where: { id: randomUUID() } }),
    ])
    await expect(failing).rejects.toMatchObject({ code: 'P2025' })
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
    expect(await recorded()).toEqual([
      '$transaction',
      'FeatureFlag.deleteMany',
      '$transaction',
      'FeatureFlag.deleteMany',
      'FeatureFlag.delete',
    ])
  })

  it('is there before the operation is done', async () => {
    const locker = new pg.Client({ connectionString: database.adminUrl })
    await locker.connect()
    await locker.query('begin')
    await locker.query('lock table governance.feature_flag in access exclusive mode')
    let isDone = false
    const counting = db.featureFlag.count().finally(() => {
      isDone = true
    })
    try {
      await vi.waitFor(async () => expect(await recorded()).toEqual(['FeatureFlag.count']), {
        timeout: 20_000,
      })
      expect(isDone).toBe(false)
    } finally {
      await locker.query('rollback')
      await locker.end()
      await counting
    }
  })

  it('needs no connection of those that work, all of which may be in transactions', async () => {
    const one = open(systemUrl, 1).system({ actor, reason: 'one connection' })
    const transaction = () => one.$transaction(async (tx) => (await tx.featureFlag.count()) > 0)
    expect(await Promise.all([transaction(), transaction(), transaction()])).toEqual([true, true, true])
    expect((await recorded()).length).toBe(6)
  })

  it('holds no value that was asked for or written', async () => {
    const { a, b } = scene
    const hidden = `hidden-${randomUUID()}`
    await db.configPackage.findMany({ where: { name: a.secret } })
    await db.featureFlag.create({ data: { tenantId: a.tenantId, key: hidden, description: hidden } })
    await db.$executeRaw`update governance.feature_flag set description = ${hidden} where key = ${hidden}`
    await db.$queryRaw(raw(`select '${hidden}' as text`))
    await db.$transaction((tx) =>
      tx.configPackage.updateMany({ where: { name: b.secret }, data: { description: hidden } }),
    )
    await db.featureFlag.create({ data: { tenantId: a.tenantId, key: hidden } }).catch(() => {})
    expect(await recorded()).toHaveLength(7)
    const { rows } = await database.admin.query<{ text: string }>(
      `select string_agg(s::text, ' ') as text from audit.system_work s`,
    )
    expect(rows[0]?.text).toContain(actor)
    for (const value of [hidden, a.secret, b.secret, a.tenantId]) expect(rows[0]?.text).not.toContain(value)
  })
})

describe('what cannot be recorded', () => {
  const wipe = (client: BundledSystemClient) =>
    client.featureFlag.deleteMany({ where: { tenantId: scene.a.tenantId } })

  it('is not run', async () => {
    // admitted before
    await db.featureFlag.count()
    await whileDamaged(...noMoreRecords, async () => {
      const refused = { name: 'TenancyError', code: 'DH110', cause: { code: '42501' } }
      await expect(wipe(db)).rejects.toMatchObject({
        ...refused,
        details: { model: 'FeatureFlag', operation: 'deleteMany' },
      })
      await expect(
        db.$executeRaw`delete from governance.feature_flag where tenant_id = ${scene.a.tenantId}::uuid`,
      ).rejects.toMatchObject(refused)
      let began = false
      const transaction = db.$transaction(async () => {
        began = true
      })
      await expect(transaction).rejects.toMatchObject(refused)
      expect(began).toBe(false)
      await expect(db.$transaction([wipe(db)])).rejects.toMatchObject(refused)
    })
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
    expect(await recorded()).toEqual(['FeatureFlag.count'])
    // the same call, when it can be
    expect(await wipe(db)).toEqual({ count: 1 })
  })

  it('is not run within a transaction either, which it ends', async () => {
    const work = db.$transaction(async (tx) => {
      await tx.featureFlag.create({ data: { tenantId: scene.a.tenantId, key: 'before' } })
      await database.admin.query(noMoreRecords[0])
      await tx.featureFlag.deleteMany({ where: { tenantId: scene.a.tenantId } })
    })
    await expect(work).rejects.toMatchObject({ code: 'DH110' })
    await database.admin.query(noMoreRecords[1])
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
    expect(await recorded()).toEqual(['$transaction', 'FeatureFlag.create'])
  })

  it('is refused at the door where the database has no record at all', async () => {
    await whileDamaged(
      'alter table audit.system_work rename to elsewhere',
      'alter table audit.elsewhere rename to system_work',
      async () => {
        await expect(wipe(db)).rejects.toMatchObject({
          code: 'DH303',
          message: expect.stringContaining('audit.system_work'),
        })
      },
    )
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
    // the next attempt asks again
    expect(await wipe(db)).toEqual({ count: 1 })
  })
})

describe('the table of the record', () => {
  async function as<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  const statements = {
    select: 'select * from audit.system_work',
    insert: `insert into audit.system_work (use_id, actor, reason, operation) values (gen_random_uuid(), 'a', 'b', 'c')`,
    update: `update audit.system_work set reason = 'nothing'`,
    delete: 'delete from audit.system_work',
    truncate: 'truncate audit.system_work',
  }
  const every = Object.keys(statements) as (keyof typeof statements)[]

  it.each([
    [app, every],
    [reader, every],
    [system, every.filter((command) => command !== 'insert')],
  ])('refuses %s what it does not need: %s', async (role, commands) => {
    await db.featureFlag.count()
    const url = await loginAs(role)
    await as(url, async (client) => {
      for (const command of commands) {
        await expect(client.query(statements[command]), command).rejects.toMatchObject({ code: '42501' })
      }
    })
    // an administrator, whom nothing holds, reads it
    expect((await database.admin.query(statements.select)).rowCount).toBeGreaterThan(0)
  })

  it('takes nothing from the system under another’s name, of another time or without a reason', async () => {
    const columns = 'insert into audit.system_work (use_id, actor, reason, operation'
    const forged = [
      [`${columns}, role) values (gen_random_uuid(), 'a', 'b', 'c', 'postgres')`, '42501'],
      [`${columns}, created_at) values (gen_random_uuid(), 'a', 'b', 'c', '2000-01-01')`, '42501'],
      [`${columns}) values (gen_random_uuid(), 'a', '  ', 'c')`, '23514'],
      [`${columns}) values (gen_random_uuid(), '', 'b', 'c')`, '23514'],
    ] as const
    await as(systemUrl, async (client) => {
      for (const [statement, code] of forged) {
        await expect(client.query(statement), statement).rejects.toMatchObject({ code })
      }
      await client.query(statements.insert)
    })
  })

  it('is changed by nobody, its owner included', async () => {
    await as(database.ownerUrl, async (client) => {
      expect((await client.query(statements.select)).rowCount).toBeGreaterThan(0)
      for (const command of ['update', 'delete', 'truncate'] as const) {
        await expect(client.query(statements[command])).rejects.toMatchObject({ code: 'DH503' })
      }
    })
  })
})

describe('a login', () => {
  const groups: string[] = []
  afterAll(async () => {
    for (const group of groups) await database.admin.query(`drop role ${group}`)
  })

  async function groupWith(attribute: string): Promise<string> {
    const group = `temporary_system_group_${groups.length}_${process.pid}`
    await database.admin.query(`create role ${group} nologin ${attribute}`)
    groups.push(group)
    return group
  }

  it.each([
    ['is the app role', () => loginAs(app), /may not insert into audit\.system_work/],
    ['is the reader', () => loginAs(reader), /may not insert into audit\.system_work/],
    ['is a superuser', async () => withLogin(database.adminUrl, {}), /superuser/],
    ['is the owner', () => loginAs(owner), /owns tables/],
    ['may become the owner', () => loginAs(system, owner), /may become their owner/],
    ['may become a superuser', async () => loginAs(system, await groupWith('superuser')), /superuser/],
    ['may become a BYPASSRLS role', async () => loginAs(system, await groupWith('bypassrls')), /BYPASSRLS/],
  ])('that %s is refused, and nothing is run', async (_, makeUrl, message) => {
    const connectionString = await makeUrl()
    const wrong = open(connectionString).system({ actor, reason: 'the wrong login' })
    const refused = { name: 'TenancyError', code: 'DH302', message: expect.stringMatching(message) }
    const where = { tenantId: scene.a.tenantId }
    await expect(wrong.featureFlag.deleteMany({ where })).rejects.toMatchObject(refused)
    await expect(wrong.$executeRaw`delete from governance.feature_flag`).rejects.toMatchObject(refused)
    await expect(wrong.$transaction((tx) => tx.featureFlag.deleteMany({ where }))).rejects.toMatchObject(
      refused,
    )
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
    expect(await recorded()).toEqual([])
    // the right one does it
    expect(await db.featureFlag.deleteMany({ where })).toEqual({ count: 1 })
  })

  it.each([
    ['update (reason)', 'update (reason)'],
    ['delete', 'delete'],
    ['trigger', 'trigger'],
  ])('that may %s what is recorded of it is refused', async (_, privilege) => {
    await whileDamaged(
      `grant ${privilege} on audit.system_work to doublehull_system`,
      `revoke ${privilege} on audit.system_work from doublehull_system`,
      async () => {
        await expect(db.featureFlag.count()).rejects.toMatchObject({
          code: 'DH302',
          message: expect.stringContaining('may change'),
        })
      },
    )
    expect(await db.featureFlag.count()).toBeGreaterThan(1)
  })

  it('of the system is still no login for tenants', async () => {
    const swapped = createTenancy({ PrismaClient, manifest, connectionString: systemUrl })
    opened.push(swapped)
    await expect(swapped.client({ tenantId: scene.a.tenantId }).featureFlag.count()).rejects.toMatchObject({
      code: 'DH302',
    })
  })

  it('that does not exist is the server’s error, and nothing is run', async () => {
    const missing = open(withLogin(database.adminUrl, { user: 'nobody_at_all', password: 'nothing' }))
    const error = await missing
      .system({ actor, reason: 'x' })
      .featureFlag.count()
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).not.toContain('nothing')
  })
})

describe('an actor and a reason', () => {
  const whole = { actor: 'job', reason: 'because' }
  it.each([
    ['no input', undefined],
    ['null', null],
    ['a text', 'job'],
    ['no actor', { reason: 'because' }],
    ['no reason', { actor: 'job' }],
    ['an empty actor', { ...whole, actor: '' }],
    ['a blank reason', { ...whole, reason: ' \t\n ' }],
    ['a reason that cannot be seen', { ...whole, reason: '\u200b\u2060' }],
    ['a reason of dots', { ...whole, reason: '...' }],
    ['an actor that is no text', { ...whole, actor: 7 }],
    ['an actor that is too long', { ...whole, actor: 'a'.repeat(201) }],
    ['a reason that is too long', { ...whole, reason: 'a'.repeat(1_001) }],
    ['a NUL in it', { ...whole, reason: 'be\0cause' }],
    ['a tenant', { ...whole, tenantId: 'secret-value' }],
  ])('are refused with %s before anything is sent', async (_, input) => {
    const { tap, connectionString } = await ProtocolTap.before(systemUrl)
    const tapped = open(connectionString)
    const attempt = () => tapped.system(input as SystemUseInput)
    expect(attempt).toThrow(expect.objectContaining({ name: 'TenancyError', code: 'DH109' }))
    expect(attempt).not.toThrow('secret-value')
    expect(tap.take()).toBe('')
    // what they are needed for
    await tapped.system(whole).featureFlag.count()
    expect(tap.take()).not.toBe('')
    await tap.close()
  })

  it('are taken up to their full length, without the blanks around them', () => {
    const use = parseSystemUse({ actor: ` ${'a'.repeat(200)} `, reason: 'b'.repeat(1_000) })
    expect([use.actor.length, use.reason.length]).toEqual([200, 1_000])
    expect(Object.isFrozen(use)).toBe(true)
  })
})

describe('createTenancy', () => {
  it('refuses a login of the system that is none', () => {
    for (const connectionString of [undefined, '', 'mysql://system@localhost/app']) {
      expect(() => open(connectionString)).toThrow(
        expect.objectContaining({
          code: 'DH409',
          message: expect.stringContaining('system.connectionString'),
        }),
      )
    }
    for (const maxConnections of [0, 1.5, Number.NaN]) {
      expect(() => open(systemUrl, maxConnections)).toThrow(
        expect.objectContaining({ code: 'DH409', message: expect.stringContaining('system.maxConnections') }),
      )
    }
  })

  it('without one says which option to give', () => {
    expect(() => database.both.system({ actor, reason: 'x' })).toThrow(
      expect.objectContaining({
        code: 'DH409',
        message: expect.stringContaining('system: { connectionString }'),
      }),
    )
  })
})

describe('the bundled system client', () => {
  afterAll(() => disconnect())

  it('works from SYSTEM_DATABASE_URL, and is refused without', async () => {
    process.env['DATABASE_URL'] = database.appUrl
    process.env['SYSTEM_DATABASE_URL'] = ''
    const create = () => createSystemClient({ actor, reason: 'bundled' })
    expect(create).toThrow(expect.objectContaining({ code: 'DH409' }))
    process.env['SYSTEM_DATABASE_URL'] = systemUrl
    await create().featureFlag.count()
    expect(await recorded()).toEqual(['FeatureFlag.count'])
    await disconnect()
    process.env['DATABASE_URL'] = ''
    process.env['SYSTEM_DATABASE_URL'] = ''
  })
})

describe('the connections of the system', () => {
  async function connections(url: string): Promise<number> {
    const { rows } = await database.admin.query<{ count: number }>(
      'select count(*)::int as count from pg_stat_activity where usename = $1',
      [userOf(url)],
    )
    return rows[0]?.count ?? 0
  }

  it('are opened by the first operation, and closed with the tenancy', async () => {
    const url = await loginAs(system)
    const fresh = open(url)
    const client = fresh.system({ actor, reason: 'connections' })
    await fresh.client({ tenantId: scene.a.tenantId }).featureFlag.count()
    expect(await connections(url)).toBe(0)
    await Promise.all([client.featureFlag.count(), client.$transaction((tx) => tx.branding.count())])
    expect(await connections(url)).toBeGreaterThan(0)
    await fresh.disconnect()
    await vi.waitFor(async () => expect(await connections(url)).toBe(0), { timeout: 20_000 })
    await expect(client.featureFlag.count()).rejects.toMatchObject({ code: 'DH104' })
    expect(() => fresh.system({ actor, reason: 'late' })).toThrow(expect.objectContaining({ code: 'DH104' }))
    expect(await connections(url)).toBe(0)
  })

  it('end behind the work that is under way', async () => {
    let finish = (): void => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const work = db.$transaction(async (tx) => {
      await tx.featureFlag.create({ data: { tenantId: scene.a.tenantId, key: 'last' } })
      begin()
      await finished
      return tx.featureFlag.count({ where: { key: 'last', tenantId: scene.a.tenantId } })
    })
    await begun
    const closing = tenancy.disconnect()
    finish()
    expect(await work).toBe(1)
    await closing
    expect(await flagsOf(scene)).toContain('last')
  })

  it('are closed where nothing was ever asked of them', async () => {
    tenancy.system({ actor, reason: 'nothing' })
    await tenancy.disconnect()
    await open(systemUrl).disconnect({ timeoutMillis: 1 })
  })

  it('pass no tenant’s work, and the tenants’ none of the system’s', async () => {
    const { allowRoleThatBypassesRowSecurity: _, ...options } = poolOptions(systemUrl)
    const systemPool = new SystemPool(options)
    const tenantPool = new TenantPool(poolOptions(database.appUrl))
    const query = { text: 'select 1' }
    const use = { context: parseSystemUse({ actor, reason: 'x' }), inTransaction: false, raw: false }
    const tenant = {
      context: contextOf(tenancy.client({ tenantId: scene.a.tenantId })),
      inTransaction: false,
      raw: false,
    }
    if (!tenant.context) throw new Error('a tenant client has a context')
    const scope = { ...tenant, context: tenant.context }
    const code = (work: () => unknown): unknown => {
      try {
        return work()
      } catch (error) {
        return isTenancyError(error) ? error.code : error
      }
    }
    for (const door of ['query', 'connect'] as const) {
      const knock = (pool: SystemPool | TenantPool) => async () =>
        code(() => (door === 'query' ? pool.query(query) : pool.connect()))
      expect(await runInWireScope(scope, knock(systemPool))).toBe('DH109')
      expect(await knock(systemPool)()).toBe('DH109')
      expect(await runInWireScope(use, knock(tenantPool))).toBe('DH101')
    }
    expect(await runInWireScope(use, async () => (await systemPool.query(query)).rows)).toEqual([[1]])
    await Promise.all([systemPool.end(), tenantPool.end()])
  })
})

describe('a transaction', () => {
  const otherwise = { name: 'TenancyError', code: 'DH103' }

  it('of the system takes no tenant’s operation, in it or beside it', async () => {
    const mine = tenancy.client({ tenantId: scene.a.tenantId })
    await expect(db.$transaction(async () => mine.featureFlag.count())).rejects.toMatchObject(otherwise)
    await expect(
      db.$transaction(async () => mine.$transaction((tx) => tx.featureFlag.count())),
    ).rejects.toMatchObject(otherwise)
    await expect(db.$transaction([db.featureFlag.count(), mine.featureFlag.count()])).rejects.toMatchObject(
      otherwise,
    )
    expect(await mine.featureFlag.count()).toBe(1)
  })

  it('of a tenant takes none of the system’s', async () => {
    const mine = tenancy.client({ tenantId: scene.a.tenantId })
    const wipe = () => db.featureFlag.deleteMany({ where: { tenantId: scene.b.tenantId } })
    await expect(mine.$transaction(async () => wipe())).rejects.toMatchObject(otherwise)
    await expect(mine.$transaction([mine.featureFlag.count(), wipe()])).rejects.toMatchObject(otherwise)
    await expect(
      mine.$transaction(async () => db.$transaction((tx) => tx.featureFlag.deleteMany())),
    ).rejects.toMatchObject(otherwise)
    expect(await flagsOf(scene)).toEqual(['flag', 'flag'])
    expect(await wipe()).toEqual({ count: 1 })
  })
})

describe('a tenant client', () => {
  const doors = [
    'system',
    '$system',
    'tenancy',
    '$tenancy',
    'systemWork',
    'SystemWork',
    'constructor',
    '__proto__',
  ]

  it('has no door to the system', async () => {
    await db.featureFlag.count()
    const mine = tenancy.client({ tenantId: scene.a.tenantId })
    await mine.$transaction(async (tx) => {
      for (const object of [mine, mine.featureFlag, tx, tx.featureFlag]) {
        for (const door of doors) {
          expect([door, Reflect.get(object, door)]).toEqual([door, undefined])
          expect(door in object).toBe(false)
        }
      }
      const context = contextOf(tx)
      expect(context).toEqual({ tenantId: scene.a.tenantId })
      expect(() => tenancy.client({ ...context, actor, reason: 'x' } as never)).toThrow(/DH102/)
      const operation = tx.featureFlag.findFirst()
      for (const door of doors.slice(0, 6)) expect(Reflect.get(operation, door)).toBeUndefined()
      expect(Reflect.get(operation, 'constructor')).toBe(Object)
      await operation
    })
    // the system's own client has what this one lacks, and the app role can't become the system's
    expect(await mine.featureFlag.count({ where: { tenantId: scene.b.tenantId } })).toBe(0)
    expect(await db.featureFlag.count({ where: { tenantId: scene.b.tenantId } })).toBe(1)
    await expect(mine.$executeRaw`set role doublehull_system`).rejects.toMatchObject({ code: 'DH305' })
    await expect(mine.$queryRaw`select * from audit.system_work`).rejects.toMatchObject({ code: 'DH305' })
    await expect(
      mine.$executeRaw`insert into audit.system_work (use_id, actor, reason, operation) values (gen_random_uuid(), 'a', 'b', 'c')`,
    ).rejects.toMatchObject({ code: 'DH305' })
  })
})
