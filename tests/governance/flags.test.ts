import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createGovernance, type FlagInput, type Governance } from '../../src/governance/index.ts'
import { isTenancyError, type TenancyError } from '../../src/index.ts'
import { type Planted, plantTwoTenants, useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()
let a: Planted
let b: Planted

beforeAll(async () => {
  ;({ a, b } = await plantTwoTenants(database))
  await database.admin.query(`update tenancy.membership set role = 'EDITOR'`)
})

const clientOf = ({ tenantId, userId }: Planted) => database.both.client({ tenantId, userId })
const governanceOf = (tenant: Planted): Governance => createGovernance(clientOf(tenant))

/** Keys are taken for good, so each test has its own. */
const newKey = (): string => `key-${randomUUID()}-x`

const color = (key = newKey()): FlagInput => ({
  key,
  type: 'STRING',
  variants: { red: '#f00', green: '#0f0' },
  defaultVariant: 'red',
  offVariant: 'green',
})

async function refused(work: Promise<unknown>): Promise<TenancyError> {
  const error: unknown = await work.then(
    () => expect.unreachable('it was not refused'),
    (error: unknown) => error,
  )
  if (!isTenancyError(error)) throw error
  return error
}

const eventsOf = async (flagId: string) =>
  (
    await database.admin.query<{ action: string; actor: string; stage: string; outcome: string }>(
      `select action, actor_id as actor, metadata ->> 'stage' as stage, outcome::text
         from audit.audit_event where targets @> jsonb_build_array(jsonb_build_object('type', 'flag', 'id', $1::text))
        order by seq, occurred_at`,
      [flagId],
    )
  ).rows

/** Connections with a transaction in the name of a tenant; closed behind the test. */
const sessions: pg.Client[] = []
async function session(tenant: Planted): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.appUrl })
  sessions.push(client)
  await client.connect()
  await client.query('begin')
  await client.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
    tenant.tenantId,
    tenant.userId,
  ])
  return client
}
afterEach(async () => {
  for (const client of sessions.splice(0)) await client.end()
})

/** Resolves when the session waits for a lock. */
async function blocked(client: pg.Client): Promise<void> {
  const { processID } = client as unknown as { processID: number }
  for (;;) {
    const { rows } = await database.admin.query<{ waits: boolean }>(
      `select wait_event_type = 'Lock' as waits from pg_catalog.pg_stat_activity where pid = $1`,
      [processID],
    )
    if (rows[0]?.waits) return
  }
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? 'none'

describe('the repository', () => {
  it('creates, changes, archives, lists and evaluates flags, and each change writes one event', async () => {
    const { flags } = governanceOf(a)
    const created = await flags.create(color())
    expect(created).toMatchObject({ enabled: false, lockVersion: 1, archivedAt: null, targeting: null })
    expect(await flags.evaluate(created.key)).toMatchObject({ value: '#0f0', reason: 'DISABLED' })

    const targeting = {
      rules: [
        {
          if: [{ attribute: 'plan', operator: 'equals' as const, value: 'pro' }],
          serve: { variant: 'green' },
        },
      ],
    }
    const enabled = await flags.update(created.key, { enabled: true, targeting }, { expectedLockVersion: 1 })
    expect(enabled).toMatchObject({ id: created.id, enabled: true, lockVersion: 2, targeting })
    expect(await flags.evaluate(created.key, { plan: 'pro' })).toMatchObject({
      value: '#0f0',
      reason: 'TARGETING_MATCH',
    })
    expect(await flags.evaluate(created.key)).toMatchObject({ value: '#f00', reason: 'DEFAULT' })
    const cleared = await flags.update(created.id, { targeting: null }, { expectedLockVersion: 2 })
    expect(cleared).toMatchObject({ targeting: null, enabled: true, lockVersion: 3 })

    const archived = await flags.archive(created.id)
    expect(archived.archivedAt).toBeInstanceOf(Date)
    expect(await flags.evaluate(created.key)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
    expect((await flags.list()).map(({ id }) => id)).not.toContain(created.id)
    expect((await flags.list({ archived: true })).map(({ id }) => id)).toContain(created.id)
    expect(await eventsOf(created.id)).toEqual(
      [
        ['create', 'DISABLED'],
        ['update', 'ENABLED'],
        ['update', 'ENABLED'],
        ['archive', 'ARCHIVED'],
      ].map(([verb, stage]) => ({ action: `flag.${verb}`, actor: a.userId, stage, outcome: 'SUCCESS' })),
    )
  })

  it('answers alike for a flag of another tenant and for none', async () => {
    const { flags } = governanceOf(a)
    const { id, key } = await governanceOf(b).flags.create(color())
    const answers = async (flag: string) => [
      (await refused(flags.get(flag))).message,
      (await refused(flags.update(flag, { enabled: true }, { expectedLockVersion: 1 }))).message,
      (await refused(flags.archive(flag))).message,
    ]
    expect(await answers(id)).toEqual(await answers(randomUUID()))
    expect(await answers(key)).toEqual(await answers(newKey()))
    expect((await refused(flags.get(id))).code).toBe('DH507')
    expect(await flags.evaluate(key)).toEqual({ ...(await flags.evaluate('no-such-flag')), flagKey: key })
    // what a request without a schema may carry
    expect((await refused(flags.get({ contains: '' } as never))).code).toBe('DH507')
    // with the hulls off the same row is there
    expect(await database.none.featureFlag.findFirst({ where: { id } })).toMatchObject({ key })
    await expect(governanceOf(a).flags.create(color(key))).resolves.toMatchObject({ key })
  })

  it('refuses an update of what was changed meanwhile, with what was expected and what is', async () => {
    const { flags } = governanceOf(a)
    const { key } = await flags.create(color())
    await flags.update(key, { enabled: true }, { expectedLockVersion: 1 })
    const error = await refused(flags.update(key, { description: 'stale' }, { expectedLockVersion: 1 }))
    expect([error.code, error.details]).toEqual(['DH504', { expected: 1, actual: 2 }])
    expect((await refused(flags.archive(key, { expectedLockVersion: 1 }))).details).toMatchObject({
      expected: 1,
      actual: 2,
    })
    expect(await flags.get(key)).toMatchObject({ description: null, lockVersion: 2 })
  })

  it('refuses a key that is taken, a change of the key, a flag that is not valid, and who lacks the permission', async () => {
    const { flags } = governanceOf(a)
    const { key, id } = await flags.create(color())
    expect((await refused(flags.create(color(key)))).code).toBe('DH504')
    const moved = await refused(flags.update(key, { key: 'other' } as never, { expectedLockVersion: 1 }))
    expect([moved.code, moved.details.issues?.[0]?.path]).toEqual(['DH506', ['key']])
    const wrong = await refused(flags.update(key, { variants: { red: 1 } }, { expectedLockVersion: 1 }))
    expect(wrong.details.issues?.map(({ path }) => path)).toEqual([['variants', 'red'], ['offVariant']])
    const viewer = createGovernance(database.both.client({ tenantId: a.tenantId, userId: randomUUID() }))
    expect((await refused(viewer.flags.update(id, { enabled: true }, { expectedLockVersion: 1 }))).code).toBe(
      'DH505',
    )
    expect((await eventsOf(id)).map(({ action, outcome }) => [action, outcome])).toEqual([
      ['flag.create', 'SUCCESS'],
      ['flag.update', 'DENIED'],
    ])
    const nobody = createGovernance(database.both.client({ tenantId: a.tenantId }))
    expect((await refused(nobody.flags.create(color()))).code).toBe('DH509')
  })

  it('belongs to a transaction of the caller, which takes back its change and its event', async () => {
    const governance = governanceOf(a)
    const { key, id } = await governance.flags.create(color())
    await expect(
      clientOf(a).$transaction(async (tx) => {
        await governance.within(tx).flags.update(key, { enabled: true }, { expectedLockVersion: 1 })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await governance.flags.get(key)).toMatchObject({ enabled: false, lockVersion: 1 })
    expect(await eventsOf(id)).toHaveLength(1)
  })
})

describe('of two who edit the same flag at once', () => {
  const edit = `update governance.feature_flag set description = $2 where id = $1 and lock_version = 1 returning lock_version`

  it('the second one waits, and is refused', async () => {
    const { flags } = governanceOf(a)
    const { id } = await flags.create(color())
    const first = await session(a)
    expect((await first.query(edit, [id, 'first'])).rows).toEqual([{ lock_version: 2 }])
    // read before the first one has committed: it is of lock version 1
    const second = flags.update(id, { description: 'second' }, { expectedLockVersion: 1 })
    const outcome = refused(second)
    for (;;) {
      const { rows } = await database.admin.query(
        `select from pg_catalog.pg_stat_activity where wait_event_type = 'Lock' and query like '%feature_flag%' and datname = current_database()`,
      )
      if (rows.length > 0) break
    }
    await first.query('commit')
    expect((await outcome).details).toMatchObject({ expected: 1, actual: 2 })
    expect(await flags.get(id)).toMatchObject({ description: 'first', lockVersion: 2 })
  })

  it('both are obeyed, and one is lost, where the database does not count', async () => {
    const { id } = await governanceOf(a).flags.create(color())
    await database.admin.query('alter table governance.feature_flag disable trigger hold_flag')
    try {
      const first = await session(a)
      const second = await session(a)
      await first.query(edit, [id, 'first'])
      const waiting = second.query(edit, [id, 'second'])
      await blocked(second)
      await first.query('commit')
      expect((await waiting).rowCount).toBe(1)
      await second.query('commit')
    } finally {
      await database.admin.query('alter table governance.feature_flag enable trigger hold_flag')
    }
    expect(await governanceOf(a).flags.get(id)).toMatchObject({ description: 'second' })
  })
})

describe('the database, whoever writes,', () => {
  it('counts the changes and the archiving by itself', async () => {
    const db = clientOf(a)
    const { id } = await db.featureFlag.create({ data: { key: newKey(), lockVersion: 77 } })
    expect(await db.featureFlag.findFirst({ where: { id } })).toMatchObject({ lockVersion: 1 })
    const longAgo = new Date(0)
    const archived = await db.featureFlag.update({
      where: { id },
      data: { lockVersion: 1, archivedAt: longAgo },
    })
    expect(archived.lockVersion).toBe(2)
    expect(Number(archived.archivedAt)).toBeGreaterThan(Number(longAgo))
    expect((await eventsOf(id)).map(({ action }) => action)).toEqual(['flag.create', 'flag.archive'])
  })

  it('keeps an archived flag as it is, and its key and type', async () => {
    const db = clientOf(a)
    const { id } = await db.featureFlag.create({ data: { key: newKey() } })
    for (const data of [{ key: newKey() }, { type: 'STRING' as const, variants: { on: 'a', off: 'b' } }]) {
      expect((await refused(db.featureFlag.update({ where: { id }, data }))).code).toBe('DH503')
    }
    await db.featureFlag.update({ where: { id }, data: { archivedAt: new Date() } })
    expect((await refused(db.featureFlag.update({ where: { id }, data: { archivedAt: null } }))).code).toBe(
      'DH501',
    )
    expect((await refused(db.featureFlag.update({ where: { id }, data: { enabled: true } }))).code).toBe(
      'DH502',
    )
    const error = await refused(
      governanceOf(a).flags.update(id, { enabled: true }, { expectedLockVersion: 2 }),
    )
    expect(error.code).toBe('DH502')
    const born = db.featureFlag.create({ data: { key: newKey(), archivedAt: new Date() } })
    expect((await refused(born)).code).toBe('DH501')
    // nor is it opened by an administrator, and the rest an administrator mends
    await expect(
      database.admin.query('update governance.feature_flag set archived_at = null where id = $1', [id]),
    ).rejects.toThrow('DH501')
    await database.admin.query('update governance.feature_flag set enabled = true where id = $1', [id])
  })

  it.each([
    ['a variant of another type', { variants: { on: true, off: 'false' } }],
    ['variants that are a list', { variants: [true, false] }],
    ['no variants', { variants: {} }],
    ['a default variant that is none', { defaultVariant: 'maybe' }],
    ['an off variant that is none', { offVariant: 'never' }],
    ['a rule that serves no variant', { targeting: { rules: [{ if: [], serve: { variant: 'x' } }] } }],
    ['a share of no variant', { targeting: { default: { rollout: [{ variant: 'x', weight: 10_000 }] } } }],
    ['targeting that is a text', { targeting: 'all' }],
    ['prerequisites that are an object', { prerequisites: {} }],
    ['a prerequisite without variants', { prerequisites: [{ flag: 'flag', variants: [] }] }],
    ['a prerequisite that is not there', { prerequisites: [{ flag: 'no-such', variants: ['on'] }] }],
    ['a prerequisite of a variant that is not there', { prerequisites: [{ flag: 'flag', variants: ['x'] }] }],
  ])('refuses %s', async (_, data) => {
    const db = clientOf(a)
    expect((await refused(db.featureFlag.create({ data: { key: newKey(), ...data } }))).code).toBe('DH506')
    const { id } = await db.featureFlag.create({ data: { key: newKey() } })
    expect((await refused(db.featureFlag.update({ where: { id }, data }))).code).toBe('DH506')
  })

  it('keeps the trail of a flag that is deleted', async () => {
    const db = clientOf(a)
    const { id } = await db.featureFlag.create({ data: { key: newKey() } })
    await db.featureFlag.delete({ where: { id } })
    expect((await eventsOf(id)).map(({ action, stage }) => [action, stage])).toEqual([
      ['flag.create', 'DISABLED'],
      ['flag.delete', 'DELETED'],
    ])
  })
})

describe('prerequisites', () => {
  const needs = (flag: string, variant = 'on') => ({ prerequisites: [{ flag, variants: [variant] }] })

  it('make no circle, and no chain longer than 32', async () => {
    const { flags } = governanceOf(a)
    const keys = Array.from({ length: 33 }, newKey)
    for (const [at, key] of keys.entries())
      await flags.create({ key, ...(at === 0 ? {} : needs(keys[at - 1] ?? '')) })
    const last = keys.at(-1) ?? ''
    const circle = await refused(flags.update(keys[0] ?? '', needs(last), { expectedLockVersion: 1 }))
    expect([circle.code, circle.message]).toEqual(['DH506', expect.stringContaining('lead back')])
    expect(circle.details.issues).toMatchObject([{ path: ['prerequisites'] }])
    const longer = await refused(flags.create({ key: newKey(), ...needs(last) }))
    expect([longer.code, longer.message]).toEqual(['DH506', expect.stringContaining('longer')])
    // nor from its other end
    const base = await flags.create({ key: newKey() })
    const lower = await refused(flags.update(keys[0] ?? '', needs(base.key), { expectedLockVersion: 1 }))
    expect(lower.message).toContain('longer')
    expect((await flags.evaluate(last)).errorCode).toBeUndefined()
  })

  it('are not archived, deleted or robbed of a variant while a flag needs them, and not found in another tenant', async () => {
    const { flags } = governanceOf(a)
    const base = await flags.create(color())
    const user = await flags.create({ key: newKey(), ...needs(base.key, 'red') })
    expect((await refused(flags.archive(base.key))).details).toMatchObject({ from: 'OPEN', to: 'ARCHIVED' })
    expect((await refused(clientOf(a).featureFlag.delete({ where: { id: base.id } }))).code).toBe('DH501')
    const robbed = flags.update(
      base.key,
      { variants: { green: '#0f0' }, defaultVariant: 'green' },
      { expectedLockVersion: 1 },
    )
    expect((await refused(robbed)).code).toBe('DH506')
    expect(
      (await refused(governanceOf(b).flags.create({ key: newKey(), ...needs(base.key, 'red') }))).code,
    ).toBe('DH506')
    await flags.archive(user.key)
    await flags.archive(base.key)
    expect((await refused(flags.create({ key: newKey(), ...needs(base.key, 'red') }))).code).toBe('DH506')
  })

  const archive = `update governance.feature_flag set archived_at = now() where key = $1`
  const need = `insert into governance.feature_flag (id, tenant_id, key, prerequisites, updated_at)
    values (gen_random_uuid(), $1, $2, jsonb_build_array(jsonb_build_object('flag', $3::text, 'variants', '["on"]'::jsonb)), now())`

  /** One archives what another one comes to need, and neither sees the other; what the second one was told. */
  async function race(isolation: string): Promise<string> {
    const { key } = await governanceOf(a).flags.create({ key: newKey() })
    const [first, second] = [await session(a), await session(a)]
    await second.query('commit')
    await second.query(`begin isolation level ${isolation}`)
    await second.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
      a.tenantId,
      a.userId,
    ])
    await second.query('select from governance.feature_flag')
    await first.query(need, [a.tenantId, newKey(), key])
    const waiting = second.query(archive, [key]).then(() => 'archived', codeOf)
    // it is not told to wait where nothing is there to wait for
    await Promise.race([blocked(second), waiting])
    await first.query('commit')
    const outcome = await waiting
    await second.query('commit')
    return outcome
  }

  it('hold where one is archived while a flag comes to need it', async () => {
    expect(await race('read committed')).toBe('DH501')
    // which cannot see what came behind its snapshot, and is told to try again
    expect(await race('repeatable read')).toBe('40001')
  })

  it('do not hold in the same race without their trigger', async () => {
    const change = (verb: string) =>
      database.admin.query(
        `alter table governance.feature_flag ${verb} trigger hold_prerequisites, ${verb} trigger hold_prerequisites_of_new`,
      )
    await change('disable')
    try {
      expect(await race('read committed')).toBe('archived')
    } finally {
      await change('enable')
    }
  })

  it('wait for nobody in another tenant', async () => {
    const base = await governanceOf(a).flags.create({ key: newKey() })
    const first = await session(a)
    await first.query(need, [a.tenantId, newKey(), base.key])
    const other = await governanceOf(b).flags.create({ key: newKey() })
    await governanceOf(b).flags.create({ key: newKey(), ...needs(other.key) })
    await governanceOf(b).flags.update(
      other.key,
      { variants: { on: true, off: false, also: true } },
      { expectedLockVersion: 1 },
    )
    await first.query('rollback')
  })
})
