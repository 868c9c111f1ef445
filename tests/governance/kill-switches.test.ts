import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { createGovernance, createPlatformKillSwitches, type Governance } from '../../src/governance/index.ts'
import {
  type BundledSystemClient,
  type BundledTenantClient,
  createTenancy,
  type Tenancy,
} from '../../src/index.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import { createTemporaryLogin, type TemporaryLogin } from '../../src/testing/index.ts'
import {
  type Planted,
  plantTwoTenants,
  type TestDatabase,
  type TwoTenants,
  useTestDatabase,
} from '../support/test-database.ts'

const database = useTestDatabase()
/** Where guards are taken away. */
const scratch = useTestDatabase()

const logins: TemporaryLogin[] = []
let systemUrl = ''
let system: Tenancy<PrismaClient>
beforeAll(async () => {
  const login = await createTemporaryLogin(database.adminUrl, defaultRoleNames.system)
  logins.push(login)
  systemUrl = login.connectionString
  system = createTenancy({
    PrismaClient,
    manifest,
    connectionString: database.appUrl,
    system: { connectionString: systemUrl },
  })
})
afterAll(async () => {
  await system.disconnect()
  for (const login of logins) await login.drop()
})

let scene: TwoTenants
let a: Scene
let b: Scene
beforeEach(async () => {
  scene = await plantTwoTenants(database)
  a = sceneOf(database, scene.a)
  b = sceneOf(database, scene.b)
})
afterEach(() => database.admin.query('delete from governance.kill_switch'))

interface Scene extends Planted {
  readonly db: BundledTenantClient
  readonly governance: Governance
}

function sceneOf({ both }: TestDatabase, planted: Planted): Scene {
  const db = both.client({ tenantId: planted.tenantId, userId: planted.userId })
  return { ...planted, db, governance: createGovernance(db, { can: () => true }) }
}

const platform = () => {
  const client: BundledSystemClient = system.system({ actor: 'on-call', reason: 'a test' })
  return createPlatformKillSwitches(client)
}

const open: pg.Client[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()))
})

/** A connection with the rights of the application. */
async function connect(connectionString = database.appUrl): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  // ended on purpose where a test loses it
  client.on('error', () => {})
  await client.connect()
  open.push(client)
  return client
}

async function begin(
  client: pg.Client,
  { tenantId, userId }: Planted,
  level = 'read committed',
): Promise<void> {
  await client.query(`begin isolation level ${level}`)
  await client.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
    tenantId,
    userId,
  ])
}

const assertSql = 'select governance.assert_not_engaged($1)'

const pidOf = (client: pg.Client) => (client as unknown as { readonly processID: number }).processID

/** Resolves when a statement waits for what `blocker` holds. */
async function isWaitedFor(admin: pg.Client, blocker: pg.Client): Promise<void> {
  const sql = 'select from pg_locks where not granted and $1 = any (pg_blocking_pids(pid))'
  while ((await admin.query(sql, [pidOf(blocker)])).rowCount === 0) await pause(5)
}

/** Resolves when the statement of `client` waits for a lock. */
async function isWaiting(admin: pg.Client, client: pg.Client): Promise<void> {
  const sql = 'select from pg_locks where not granted and pid = $1'
  while ((await admin.query(sql, [pidOf(client)])).rowCount === 0) await pause(5)
}

/** The events of the tenant's switches, oldest first. */
async function eventsOf({ tenantId }: Planted) {
  const { rows } = await database.admin.query<{
    action: string
    origin: string
    outcome: string
    actor_id: string | null
    metadata: Record<string, unknown>
    targets: readonly { readonly type: string; readonly id?: string }[]
  }>(
    `select action, origin, outcome, actor_id, metadata, targets from audit.audit_event
      where tenant_id = $1 and action like 'kill_switch.%' order by seq, occurred_at`,
    [tenantId],
  )
  return rows
}

describe('a kill switch', () => {
  it('stops what it names until it is released, and says by whom and why', async () => {
    const { killSwitches } = a.governance
    const mail = { scope: 'RESOURCE', resource: 'mail' } as const
    expect(await killSwitches.isEngaged({ resource: 'mail' })).toEqual({ engaged: false, by: [] })

    const engaged = await killSwitches.engage({ ...mail, reason: 'sent twice' })
    expect(engaged).toMatchObject({
      ...mail,
      engaged: true,
      changed: true,
      actorId: a.userId,
      expiresAt: null,
    })
    expect(engaged.engagedAt).toBeInstanceOf(Date)
    expect(await killSwitches.isEngaged({ resource: 'mail' })).toEqual({
      engaged: true,
      by: [
        { ...mail, reason: 'sent twice', actorId: a.userId, engagedAt: engaged.engagedAt, expiresAt: null },
      ],
    })
    expect(await killSwitches.isEngaged({ resource: 'export' })).toEqual({ engaged: false, by: [] })
    expect(await killSwitches.isEngaged()).toEqual({ engaged: false, by: [] })
    const effect = (resource?: string) =>
      a.db.$transaction((tx) => killSwitches.assertNotEngaged(tx, resource === undefined ? {} : { resource }))
    await expect(effect('mail')).rejects.toMatchObject({
      code: 'DH508',
      message: 'DH508: a kill switch of the tenant is engaged',
    })
    await effect('export')
    await effect()

    const released = await killSwitches.release({ ...mail, reason: 'mended' })
    expect(released).toMatchObject({
      ...mail,
      engaged: false,
      changed: true,
      reason: 'mended',
      engagedAt: null,
    })
    await effect('mail')

    await killSwitches.engage({ scope: 'TENANT', reason: 'all of it' })
    for (const resource of ['mail', 'export', undefined]) {
      await expect(effect(resource)).rejects.toMatchObject({ code: 'DH508' })
    }
    expect(
      (await killSwitches.list()).map(({ scope, resource, engaged }) => [scope, resource, engaged]),
    ).toEqual([
      ['TENANT', null, true],
      ['RESOURCE', 'mail', false],
    ])
  })

  it('is engaged and released once, however often that is said, and each call is one event', async () => {
    const { killSwitches } = a.governance
    const mail = { scope: 'RESOURCE', resource: 'mail' } as const
    const first = await killSwitches.engage({ ...mail, reason: 'first' })
    const second = await killSwitches.engage({ ...mail, reason: 'second' })
    expect(second).toEqual({ ...first, changed: false })
    await killSwitches.release({ ...mail, reason: 'third' })
    expect(await killSwitches.release({ ...mail, reason: 'fourth' })).toMatchObject({
      changed: false,
      engaged: false,
      reason: 'third',
    })
    expect(await killSwitches.release({ scope: 'TENANT', reason: 'fifth' })).toMatchObject({ changed: false })

    const events = await eventsOf(a)
    expect(events.map(({ action, origin, metadata }) => [action, origin, metadata['reason']])).toEqual([
      ['kill_switch.engage', 'DATABASE', 'first'],
      ['kill_switch.engage', 'APPLICATION', 'second'],
      ['kill_switch.release', 'DATABASE', 'third'],
      ['kill_switch.release', 'APPLICATION', 'fourth'],
      ['kill_switch.release', 'APPLICATION', 'fifth'],
    ])
    expect(events.map(({ metadata }) => metadata['changed'])).toEqual([
      undefined,
      false,
      undefined,
      false,
      false,
    ])
    expect(events.map(({ metadata }) => metadata['stage'])).toEqual([
      'ENGAGED',
      'ENGAGED',
      'RELEASED',
      'RELEASED',
      'RELEASED',
    ])
    expect(new Set(events.map(({ actor_id }) => actor_id))).toEqual(new Set([a.userId]))
    expect(new Set(events.slice(0, 4).map(({ targets }) => targets[0]?.id)).size).toBe(1)
  })

  it('ends at its expiry by the database’s clock, and engaging again only prolongs it', async () => {
    const { killSwitches } = a.governance
    const { expiresAt: early } = await killSwitches.engage({
      scope: 'TENANT',
      reason: 'r',
      expiresInMillis: 600_000,
    })
    const later = new Date(Date.now() + 3_600_000)
    const prolonged = await killSwitches.engage({ scope: 'TENANT', reason: 'r', expiresAt: later })
    expect(prolonged).toMatchObject({ changed: true, expiresAt: later })
    const shorter = await killSwitches.engage({ scope: 'TENANT', reason: 'r', expiresInMillis: 1_000 })
    expect(shorter).toEqual({ ...prolonged, changed: false })
    expect(later.getTime()).toBeGreaterThan(early?.getTime() ?? Number.POSITIVE_INFINITY)
    expect(await killSwitches.engage({ scope: 'TENANT', reason: 'r' })).toMatchObject({
      changed: true,
      expiresAt: null,
    })
    expect((await eventsOf(a)).map(({ action }) => action.replace('kill_switch.', ''))).toEqual([
      'engage',
      'update',
      'engage',
      'update',
    ])

    await killSwitches.release({ scope: 'TENANT', reason: 'r' })
    await killSwitches.engage({ scope: 'TENANT', reason: 'r', expiresInMillis: 1 })
    await database.admin.query('select pg_sleep(0.002)')
    expect(await killSwitches.isEngaged()).toEqual({ engaged: false, by: [] })
    await a.db.$transaction((tx) => killSwitches.assertNotEngaged(tx))
    // a switch that has expired can be engaged anew
    expect(await killSwitches.engage({ scope: 'TENANT', reason: 'r' })).toMatchObject({
      changed: true,
      engaged: true,
    })
    expect((await killSwitches.isEngaged()).engaged).toBe(true)
  })

  it('needs a reason, a resource that fits its scope and an expiry to come', async () => {
    const { killSwitches } = a.governance
    const wrong: readonly [Parameters<typeof killSwitches.engage>[0], string][] = [
      [{ scope: 'TENANT', reason: ' \n' }, 'reason'],
      [{ scope: 'TENANT', reason: 'x'.repeat(1_001) }, 'reason'],
      [{ scope: 'TENANT', reason: 'a\0b' }, 'reason'],
      [{ scope: 'TENANT', resource: 'mail', reason: 'r' }, 'resource'],
      [{ scope: 'RESOURCE', reason: 'r' }, 'resource'],
      [{ scope: 'RESOURCE', resource: 'x'.repeat(201), reason: 'r' }, 'resource'],
      [{ scope: 'TENANT', reason: 'r', expiresAt: new Date(), expiresInMillis: 1 }, 'expiresInMillis'],
      [{ scope: 'TENANT', reason: 'r', waitMillis: 0 }, 'waitMillis'],
    ]
    for (const [input, path] of wrong) {
      await expect(killSwitches.engage(input)).rejects.toMatchObject({
        code: 'DH506',
        details: { issues: [{ path: [path] }] },
      })
    }
    await expect(
      killSwitches.engage({ scope: 'TENANT', reason: 'r', expiresAt: new Date(0) }),
    ).rejects.toMatchObject({
      code: 'DH506',
    })
    expect(await killSwitches.list()).toEqual([])
  })

  it('is turned by whoever may: others are refused, which is recorded', async () => {
    const governance = createGovernance(a.db, {
      can: (_, permission) => permission !== 'kill-switch:release',
    })
    await governance.killSwitches.engage({ scope: 'TENANT', reason: 'r' })
    await expect(governance.killSwitches.release({ scope: 'TENANT', reason: 'r' })).rejects.toMatchObject({
      code: 'DH505',
    })
    expect((await governance.killSwitches.isEngaged()).engaged).toBe(true)
    expect((await eventsOf(a)).map(({ action, outcome }) => [action, outcome])).toEqual([
      ['kill_switch.engage', 'SUCCESS'],
      ['kill_switch.release', 'DENIED'],
    ])
  })
})

describe('whatever writes it, plain Prisma and SQL too, a kill switch', () => {
  it('has the actor and the time that the database fills in, and one event', async () => {
    const forged = { actorId: b.userId, engagedAt: new Date(0) }
    const { id, ...row } = await a.db.killSwitch.create({
      data: { resource: 'mail', engaged: true, reason: 'r', ...forged },
    })
    // the scope follows from the resource
    expect(row).toMatchObject({ scope: 'RESOURCE', actorId: a.userId })
    expect(row.engagedAt?.getTime()).toBeGreaterThan(0)
    expect(await a.db.killSwitch.update({ where: { id }, data: forged })).toMatchObject({
      actorId: a.userId,
      engagedAt: row.engagedAt,
    })
    await a.db.killSwitch.update({ where: { id }, data: { engaged: false, reason: 'over' } })
    await a.db.killSwitch.delete({ where: { id } })
    expect(
      (await eventsOf(a)).map(({ action, metadata }) => [action, metadata['stage'], metadata['reason']]),
    ).toEqual([
      ['kill_switch.engage', 'ENGAGED', 'r'],
      ['kill_switch.release', 'RELEASED', 'over'],
      ['kill_switch.update', 'DELETED', 'over'],
    ])
  })

  it('is neither engaged without a reason and a user, nor deleted or moved while it is engaged', async () => {
    await expect(a.db.killSwitch.create({ data: { engaged: true } })).rejects.toMatchObject({ code: 'DH506' })
    await expect(
      database.both
        .client({ tenantId: a.tenantId })
        .killSwitch.create({ data: { engaged: true, reason: 'r' } }),
    ).rejects.toMatchObject({ code: 'DH509' })
    const { id } = await a.db.killSwitch.create({ data: { resource: 'mail', engaged: true, reason: 'r' } })
    await expect(a.db.killSwitch.delete({ where: { id } })).rejects.toMatchObject({ code: 'DH501' })
    await expect(a.db.killSwitch.update({ where: { id }, data: { resource: 'x' } })).rejects.toMatchObject({
      code: 'DH501',
    })
    await expect(a.db.killSwitch.update({ where: { id }, data: { reason: ' ' } })).rejects.toThrow(/DH506/)
    expect((await a.governance.killSwitches.isEngaged({ resource: 'mail' })).engaged).toBe(true)
  })
})

describe('a global kill switch', () => {
  it('stops every tenant, and is turned by the system alone', async () => {
    const { killSwitches } = a.governance
    expect(await platform().engage({ resource: 'mail', reason: 'provider down' })).toEqual({ changed: true })
    expect(await platform().engage({ resource: 'mail', reason: 'again' })).toEqual({ changed: false })
    for (const { db, governance } of [a, b]) {
      await expect(
        db.$transaction((tx) => governance.killSwitches.assertNotEngaged(tx, { resource: 'mail' })),
      ).rejects.toMatchObject({ code: 'DH508', message: 'DH508: a kill switch of the platform is engaged' })
      expect(await governance.killSwitches.isEngaged({ resource: 'mail' })).toMatchObject({
        engaged: true,
        by: [{ scope: 'GLOBAL', resource: 'mail', reason: 'provider down', actorId: null }],
      })
      await db.$transaction((tx) => governance.killSwitches.assertNotEngaged(tx, { resource: 'export' }))
    }

    // the repository
    for (const verb of ['release', 'engage'] as const) {
      await expect(
        killSwitches[verb]({ scope: 'GLOBAL', resource: 'mail', reason: 'r' }),
      ).rejects.toMatchObject({
        code: 'DH505',
      })
    }
    expect((await eventsOf(a)).map(({ outcome }) => outcome)).toEqual(['DENIED', 'DENIED'])
    // a tenant's own of that name is another one
    expect(await killSwitches.release({ scope: 'RESOURCE', resource: 'mail', reason: 'r' })).toMatchObject({
      changed: false,
    })
    // plain Prisma
    const where = { resource: 'mail' }
    expect(await a.db.killSwitch.updateMany({ where, data: { engaged: false } })).toEqual({ count: 0 })
    expect(await a.db.killSwitch.deleteMany({ where })).toEqual({ count: 0 })
    await expect(a.db.killSwitch.create({ data: { scope: 'GLOBAL', engaged: false } })).rejects.toMatchObject(
      {
        code: 'DH505',
      },
    )
    // SQL
    const app = await connect()
    await begin(app, a)
    for (const sql of [
      `update governance.kill_switch set engaged = false, reason = 'r'`,
      `update governance.kill_switch set expires_at = now()`,
      'delete from governance.kill_switch',
    ]) {
      expect((await app.query(sql)).rowCount).toBe(0)
    }
    await expect(
      app.query(
        `insert into governance.kill_switch (id, tenant_id, scope, resource, updated_at) values (gen_random_uuid(), null, 'GLOBAL', 'x', now())`,
      ),
    ).rejects.toMatchObject({ code: '42501' })
    for (const sql of [
      'update governance.kill_switch_gate set tenant_id = tenant_id',
      `select governance.close_kill_switch_gate('${b.tenantId}')`,
      `select governance.pass_kill_switch_gate('${b.tenantId}')`,
    ]) {
      await app.query('rollback')
      await begin(app, a)
      await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' })
    }
    expect((await killSwitches.isEngaged({ resource: 'mail' })).engaged).toBe(true)

    expect(await platform().release({ resource: 'mail', reason: 'up again' })).toEqual({ changed: true })
    expect((await killSwitches.isEngaged({ resource: 'mail' })).engaged).toBe(false)
  })

  it('of a tenant client is refused', () => {
    expect(() => createPlatformKillSwitches(a.db)).toThrow(/DH204/)
  })
})

describe('one tenant’s kill switches', () => {
  it('never concern another, whose effects do not even wait for them', async () => {
    await a.governance.killSwitches.engage({ scope: 'TENANT', reason: 'r' })
    const turning = await connect()
    await begin(turning, a)
    await turning.query(`update governance.kill_switch set reason = 'other' where engaged`)
    // would fail as DH108 if it waited
    await b.db.$transaction((tx) => b.governance.killSwitches.assertNotEngaged(tx), {
      lockTimeoutMillis: 1_000,
    })
    expect(await b.governance.killSwitches.isEngaged()).toEqual({ engaged: false, by: [] })
    expect(await b.governance.killSwitches.list()).toEqual([])
    await turning.query('rollback')
  })

  it('are not closed by a row that the policies refuse, whether or not an effect of theirs is under way', async () => {
    const effect = await connect()
    await begin(effect, b)
    await effect.query(assertSql, [''])
    const app = await connect()
    const nobody = randomUUID()
    for (const tenantId of [b.tenantId, nobody]) {
      await begin(app, a)
      await app.query(`set local lock_timeout = '1s'`)
      await expect(
        app.query(
          `insert into governance.kill_switch (id, tenant_id, updated_at) values (gen_random_uuid(), $1, now())`,
          [tenantId],
        ),
      ).rejects.toMatchObject({ code: '42501' })
      await app.query('rollback')
    }
    // without a context, too
    await expect(
      app.query(
        `insert into governance.kill_switch (id, tenant_id, updated_at) values (gen_random_uuid(), $1, now())`,
        [b.tenantId],
      ),
    ).rejects.toMatchObject({ code: 'DH101' })
    await expect(app.query(assertSql, [''])).rejects.toMatchObject({ code: 'DH101' })
    await effect.query('commit')
  })
})

describe('what cannot be read counts as engaged:', () => {
  let s: Scene
  beforeEach(async () => {
    s = sceneOf(scratch, (await plantTwoTenants(scratch)).a)
  })
  const assertion = () => s.db.$transaction((tx) => s.governance.killSwitches.assertNotEngaged(tx))
  const unreadable = {
    engaged: true,
    by: [
      {
        scope: 'GLOBAL',
        resource: null,
        reason: 'unreadable',
        actorId: null,
        engagedAt: null,
        expiresAt: null,
      },
    ],
  }

  it('where the function is missing', async () => {
    await scratch.admin.query('alter function governance.assert_not_engaged(text) rename to gone')
    await expect(assertion()).rejects.toMatchObject({ code: 'DH508', cause: expect.anything() })
    await scratch.admin.query('alter function governance.gone(text) rename to assert_not_engaged')
    await assertion()
  })

  it('where the table is refused', async () => {
    await scratch.admin.query('revoke select on governance.kill_switch from doublehull_app')
    expect(await s.governance.killSwitches.isEngaged()).toMatchObject({
      ...unreadable,
      cause: expect.anything(),
    })
    await scratch.admin.query('grant select on governance.kill_switch to doublehull_app')
    expect(await s.governance.killSwitches.isEngaged()).toEqual({ engaged: false, by: [] })
  })

  it('where the connection is lost', async () => {
    const lost = s.db.$transaction(async (tx) => {
      const [row] = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
      await scratch.admin.query('select pg_terminate_backend($1, 5000)', [row?.pid])
      expect(await s.governance.within(tx).killSwitches.isEngaged()).toMatchObject(unreadable)
      await s.governance.killSwitches.assertNotEngaged(tx)
    })
    await expect(lost).rejects.toMatchObject({ code: 'DH508', cause: expect.anything() })
  })

  it('where the gate is gone and cannot be made', async () => {
    await scratch.admin.query(
      `delete from governance.kill_switch_gate where tenant_id = '00000000-0000-0000-0000-000000000000'`,
    )
    await expect(assertion()).rejects.toMatchObject({ code: 'DH508' })
    await scratch.admin.query(
      `insert into governance.kill_switch_gate values ('00000000-0000-0000-0000-000000000000')`,
    )
    // a tenant's own is made anew
    await scratch.admin.query('delete from governance.kill_switch_gate where tenant_id = $1', [s.tenantId])
    await assertion()
    const { rowCount } = await scratch.admin.query(
      'select from governance.kill_switch_gate where tenant_id = $1',
      [s.tenantId],
    )
    expect(rowCount).toBe(1)
  })
})

describe('an effect', () => {
  it('asks inside a transaction, and in one of the same tenant', async () => {
    const { killSwitches } = a.governance
    await expect(killSwitches.assertNotEngaged(a.db as never)).rejects.toMatchObject({ code: 'DH204' })
    await expect(b.db.$transaction((tx) => killSwitches.assertNotEngaged(tx))).rejects.toMatchObject({
      code: 'DH103',
    })
  })

  it('that has asked holds back whoever engages, who gives up in time with nothing engaged', async () => {
    const effect = await connect()
    await begin(effect, a)
    await effect.query(assertSql, [''])
    await expect(
      a.governance.killSwitches.engage({ scope: 'TENANT', reason: 'r', waitMillis: 50 }),
    ).rejects.toMatchObject({ code: 'DH108', retryable: true })
    await expect(platform().engage({ reason: 'r', waitMillis: 50 })).rejects.toMatchObject({ code: 'DH108' })
    await effect.query('commit')
    expect(await a.governance.killSwitches.list()).toEqual([])
  })

  it('that asks while somebody waits to engage stands behind, and is refused', async () => {
    const [first, later] = [await connect(), await connect()]
    await begin(first, a)
    await first.query(assertSql, [''])
    const engaging = a.governance.killSwitches.engage({ scope: 'TENANT', reason: 'r' })
    await isWaitedFor(database.admin, first)
    await begin(later, a)
    const asking = expect(later.query(assertSql, [''])).rejects.toMatchObject({ code: 'DH508' })
    // behind the one who waits
    await isWaiting(database.admin, later)
    await first.query('commit')
    await engaging
    await asking
    await later.query('rollback')
  })

  it('would get past whoever waits, and so could others for ever, without the fair lock', async () => {
    const { a: planted } = await plantTwoTenants(scratch)
    const { rows } = await scratch.admin.query<{ source: string }>(
      `select pg_get_functiondef('governance.pass_kill_switch_gate(uuid)'::regprocedure) as source`,
    )
    const source = rows[0]?.source ?? ''
    const unfair = source.replace(/perform pg_advisory_xact_lock_shared\(.*\);/, '')
    expect(unfair).not.toBe(source)
    await scratch.admin.query(unfair)
    try {
      const first = await connect(scratch.appUrl)
      const later = await connect(scratch.appUrl)
      await begin(first, planted)
      await first.query(assertSql, [''])
      const engaging = sceneOf(scratch, planted).governance.killSwitches.engage({
        scope: 'TENANT',
        reason: 'r',
      })
      await isWaitedFor(scratch.admin, first)
      await begin(later, planted)
      // got past
      await later.query(assertSql, [''])
      await first.query('commit')
      await isWaitedFor(scratch.admin, later)
      await later.query('commit')
      expect(await engaging).toMatchObject({ engaged: true })
    } finally {
      await scratch.admin.query(source)
    }
  })

  it.each(['repeatable read', 'serializable'])(
    'with an older snapshot, in %s, does not get past a switch that was engaged meanwhile',
    async (level) => {
      const effect = await connect()
      await begin(effect, a, level)
      await effect.query('select from governance.config_package')
      await a.governance.killSwitches.engage({ scope: 'TENANT', reason: 'r' })
      await expect(effect.query(assertSql, [''])).rejects.toMatchObject({ code: '40001' })
      await effect.query('rollback')
      await begin(effect, a, level)
      await expect(effect.query(assertSql, [''])).rejects.toMatchObject({ code: 'DH508' })
      await effect.query('rollback')
    },
  )

  it('would get past it, if the gate were locked and not updated', async () => {
    const s = sceneOf(scratch, (await plantTwoTenants(scratch)).a)
    const { rows } = await scratch.admin.query<{ source: string }>(
      `select pg_get_functiondef('governance.close_kill_switch_gate(uuid)'::regprocedure) as source`,
    )
    const source = rows[0]?.source ?? ''
    const idle = source.replace(
      /update governance.kill_switch_gate.*;/,
      'perform from governance.kill_switch_gate g where g.tenant_id = gate for update;',
    )
    expect(idle).not.toBe(source)
    await scratch.admin.query(idle)
    try {
      const effect = await connect(scratch.appUrl)
      await begin(effect, s, 'repeatable read')
      await effect.query('select from governance.config_package')
      await s.governance.killSwitches.engage({ scope: 'TENANT', reason: 'r' })
      await effect.query(assertSql, [''])
      await effect.query('commit')
    } finally {
      await scratch.admin.query(source)
    }
  })
})

describe('interleaved at random', () => {
  const levels = ['read committed', 'read committed', 'repeatable read', 'serializable'] as const
  const workers = 4

  /** Numbers that follow from the seed. */
  function chance(seed: number): (below: number) => number {
    let state = seed >>> 0
    return (below) => {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
      return ((state ^ (state >>> 13)) >>> 0) % below
    }
  }

  interface Tally {
    committed: number
    refused: number
    conflicts: number
    late: number
  }

  /** Effects and an engagement at once, `count` times; tells how many effects were committed after it had returned. */
  async function interleave(
    db: TestDatabase,
    platformUrl: string | undefined,
    count: number,
    seed: number,
  ): Promise<Tally> {
    const next = chance(seed)
    const { a: planted } = await plantTwoTenants(db)
    const { governance } = sceneOf(db, planted)
    const noise = new pg.Pool({ connectionString: db.appUrl, max: workers + 1 })
    const systemTurner = await connect(platformUrl ?? db.appUrl)
    const tenantTurner = await connect(db.appUrl)
    const clients = await Promise.all(Array.from({ length: workers }, () => connect(db.appUrl)))
    const tally: Tally = { committed: 0, refused: 0, conflicts: 0, late: 0 }
    // as long as so many round trips take
    const linger = async (most: number) => {
      for (let left = next(most); left > 0; left -= 1) await noise.query('select')
    }

    const effect = async (client: pg.Client, mark: string, resource: string, level: string) => {
      try {
        await linger(6)
        await begin(client, planted, level)
        if (next(2) === 0) await client.query('select from governance.config_package limit 1')
        await linger(6)
        await client.query(assertSql, [resource])
        await linger(6)
        await client.query(
          'insert into governance.execution_trace (id, version_id, request_id) values (gen_random_uuid(), $1, $2)',
          [planted.versionId, mark],
        )
        await linger(4)
        await client.query('commit')
        tally.committed += 1
      } catch (error) {
        await client.query('rollback')
        const { code } = error as { readonly code: string }
        if (code === 'DH508') tally.refused += 1
        else if (code === '40001') tally.conflicts += 1
        else throw error
      }
    }
    const seen = async (mark: string): Promise<number> => {
      const { rows } = await db.admin.query<{ count: number }>(
        'select count(*)::int as count from governance.execution_trace where request_id = $1',
        [mark],
      )
      return rows[0]?.count ?? 0
    }
    const engage = async (scope: 'GLOBAL' | 'TENANT' | 'RESOURCE', plainSql: boolean) => {
      await linger(14)
      if (scope === 'GLOBAL') {
        // of the system, in no tenant's name
        await systemTurner.query(
          `insert into governance.kill_switch (id, tenant_id, scope, engaged, reason, updated_at)
           values (gen_random_uuid(), null, 'GLOBAL', true, 'r', now())
           on conflict (scope, resource) where tenant_id is null do update set engaged = true, reason = 'r'`,
        )
        return
      }
      const resource = scope === 'RESOURCE' ? 'mail' : ''
      if (!plainSql) {
        await governance.killSwitches.engage({ scope, reason: 'r', ...(resource ? { resource } : {}) })
        return
      }
      await begin(tenantTurner, planted)
      await tenantTurner.query(
        `insert into governance.kill_switch (id, scope, resource, engaged, reason, updated_at)
         values (gen_random_uuid(), $1, $2, true, 'r', now())
         on conflict (tenant_id, scope, resource) do update set engaged = true, reason = 'r'`,
        [scope, resource],
      )
      await tenantTurner.query('commit')
    }

    for (let round = 0; round < count; round += 1) {
      const mark = randomUUID()
      const scope =
        (['TENANT', 'RESOURCE', 'GLOBAL'] as const)[platformUrl === undefined ? next(2) : next(3)] ?? 'TENANT'
      const effects = clients.map((client) =>
        effect(client, mark, 'mail', levels[next(levels.length)] ?? levels[0]),
      )
      await engage(scope, next(2) === 0)
      const before = await seen(mark)
      await Promise.all(effects)
      tally.late += (await seen(mark)) - before
      await db.admin.query('delete from governance.kill_switch')
    }
    await noise.end()
    return tally
  }

  it('no effect is committed after an engagement has returned, in 1,000 interleavings of all scopes and levels', async () => {
    const seed = Number(process.env['KILL_SWITCH_SEED'] ?? randomInt(2 ** 31))
    const tally = await interleave(database, systemUrl, 1_000, seed)
    const said = `seed ${seed}: ${JSON.stringify(tally)}`
    console.info(said)
    expect(tally.late, said).toBe(0)
    // both ends are there: effects that came first, and effects that came too late
    expect(tally.committed, said).toBeGreaterThan(100)
    expect(tally.refused, said).toBeGreaterThan(100)
    expect(tally.conflicts, said).toBeGreaterThan(0)
  }, 240_000)

  it('effects are, where the switches are read and the gates left alone', async () => {
    for (const [name, kind] of [
      ['pass_kill_switch_gate', 'sql'],
      ['close_kill_switch_gate', 'sql'],
    ] as const) {
      await scratch.admin.query(
        `create or replace function governance.${name}(gate uuid) returns void language ${kind} as 'select'`,
      )
    }
    const seed = randomInt(2 ** 31)
    const tally = await interleave(scratch, undefined, 100, seed)
    expect(tally.late, `seed ${seed}: ${JSON.stringify(tally)}`).toBeGreaterThan(0)
  }, 120_000)
})
