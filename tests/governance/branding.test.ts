import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { BrandingTokensInput } from '../../src/governance/branding/branding-tokens.ts'
import { hostileText } from '../../src/governance/branding/hostile-text.ts'
import { isStorable } from '../../src/governance/checked-input.ts'
import { createGovernance, type Governance } from '../../src/governance/index.ts'
import { type Planted, plantTwoTenants, useTestDatabase } from '../support/test-database.ts'
import { hostileTexts, plainTexts } from './hostile-texts.ts'

const database = useTestDatabase()
let a: Planted
let b: Planted

beforeEach(async () => {
  const tenants = await plantTwoTenants(database)
  a = tenants.a
  b = tenants.b
  await database.admin.query(`update tenancy.membership set role = 'ADMIN' where tenant_id = any ($1)`, [
    [a.tenantId, b.tenantId],
  ])
})

const brandingFor = ({ tenantId, userId }: Planted): Governance['branding'] =>
  createGovernance(database.both.client({ tenantId, userId })).branding

const blue: BrandingTokensInput = { colors: { primary: { $value: '#336699' } } }
const red: BrandingTokensInput = { colors: { primary: { $value: '#993333' } } }
const unreadable: BrandingTokensInput = {
  colors: { text: { $value: '#aaa' }, background: { $value: '#fff' } },
}

/** What the audit trail says of a tenant's branding, in order. */
async function events({ tenantId }: Planted): Promise<readonly unknown[]> {
  const { rows } = await database.admin.query<{ action: string; outcome: string; metadata: object }>(
    `select action, outcome::text, metadata from audit.audit_event where tenant_id = $1 order by created_seq(audit_event)`,
    [tenantId],
  )
  return rows.map(({ action, outcome, metadata }) => [action, outcome, metadata])
}

beforeAll(async () => {
  // in the order of the chain where there is one, and of writing where there is none yet
  await database.admin.query(
    `create function created_seq(e audit.audit_event) returns text language sql as
     $$ select lpad(e.seq::text, 20, '0') || e.occurred_at::text $$`,
  )
})

describe('the branding of a tenant', () => {
  it('is drafted, edited, published and superseded, with one event for each call', async () => {
    const branding = brandingFor(a)
    expect([await branding.get(), await branding.getDraft(), (await branding.history()).items]).toEqual([
      null,
      null,
      [],
    ])

    const first = await branding.saveDraft({ tokens: blue })
    expect(first).toMatchObject({
      number: 1,
      status: 'DRAFT',
      lockVersion: 1,
      authorId: a.userId,
      tokens: blue,
    })
    const edited = await branding.saveDraft({ tokens: red }, { expectedLockVersion: 1 })
    expect(edited).toMatchObject({ id: first.id, number: 1, lockVersion: 2, tokens: red })
    const published = await branding.publish({ expectedLockVersion: 2 })
    expect(published).toMatchObject({
      id: first.id,
      status: 'PUBLISHED',
      publisherId: a.userId,
      reason: null,
    })
    expect(published.publishedAt).toBeInstanceOf(Date)
    expect(await branding.getDraft()).toBeNull()

    const second = await branding.saveDraft({ tokens: blue })
    expect(second.number).toBe(2)
    expect((await branding.get())?.id).toBe(first.id)
    await branding.publish()
    expect((await branding.get())?.id).toBe(second.id)
    expect((await branding.history()).items.map(({ number, status }) => [number, status])).toEqual([
      [2, 'PUBLISHED'],
      [1, 'SUPERSEDED'],
    ])
    expect((await branding.history({ after: 2, limit: 1 })).items.map(({ number }) => number)).toEqual([1])

    const again = await branding.draftFrom(first.id)
    expect(again).toMatchObject({ number: 3, status: 'DRAFT', tokens: red })
    await branding.discardDraft({ expectedLockVersion: 1 })
    expect(await branding.getDraft()).toBeNull()

    expect(await events(a)).toEqual([
      ['branding.draft', 'SUCCESS', { stage: 'DRAFT', number: 1 }],
      ['branding.edit', 'SUCCESS', { stage: 'DRAFT', number: 1 }],
      ['branding.publish', 'SUCCESS', { stage: 'PUBLISHED', number: 1 }],
      ['branding.draft', 'SUCCESS', { stage: 'DRAFT', number: 2 }],
      ['branding.publish', 'SUCCESS', { stage: 'PUBLISHED', number: 2 }],
      ['branding.draft', 'SUCCESS', { stage: 'DRAFT', number: 3 }],
      ['branding.delete', 'SUCCESS', { stage: 'DELETED', number: 3 }],
    ])
  })

  it('is not edited, published or discarded from a draft that was read before', async () => {
    const branding = brandingFor(a)
    await branding.saveDraft({ tokens: blue })
    await branding.saveDraft({ tokens: red })
    const stale = { code: 'DH504', details: { expected: 1, actual: 2 } }
    await expect(branding.saveDraft({ tokens: blue }, { expectedLockVersion: 1 })).rejects.toMatchObject(
      stale,
    )
    await expect(branding.publish({ expectedLockVersion: 1 })).rejects.toMatchObject(stale)
    await expect(branding.discardDraft({ expectedLockVersion: 1 })).rejects.toMatchObject(stale)
    await expect(branding.saveDraft({ tokens: blue }, { expectedLockVersion: null })).rejects.toMatchObject({
      code: 'DH504',
      details: { expected: null, actual: 2 },
    })
    await branding.publish()
    await expect(branding.saveDraft({ tokens: blue }, { expectedLockVersion: 2 })).rejects.toMatchObject({
      code: 'DH504',
      details: { expected: 2, actual: null },
    })
    await expect(branding.publish()).rejects.toMatchObject({ code: 'DH507' })
    await expect(branding.discardDraft()).rejects.toMatchObject({ code: 'DH507' })
  })

  it('replaces a draft by an earlier branding only where that draft was named', async () => {
    const branding = brandingFor(a)
    await branding.saveDraft({ tokens: blue })
    const { id } = await branding.publish()
    await branding.saveDraft({ tokens: red })
    await expect(branding.draftFrom(id)).rejects.toMatchObject({
      code: 'DH504',
      details: { expected: null, actual: 1 },
    })
    expect(await branding.draftFrom(id, { expectedLockVersion: 1 })).toMatchObject({
      tokens: blue,
      lockVersion: 2,
    })
  })

  it('is not published where a text is hard to read, unless with a reason, which is kept', async () => {
    const branding = brandingFor(a)
    await branding.saveDraft({ tokens: unreadable })
    await expect(branding.publish()).rejects.toMatchObject({
      code: 'DH506',
      details: {
        issues: [
          { path: ['colors', 'text'], message: 'its contrast on colors.background is below AA (4.5:1)' },
        ],
      },
    })
    await expect(branding.publish({ acceptContrast: true })).rejects.toMatchObject({
      code: 'DH506',
      details: { issues: [{ path: ['reason'] }] },
    })
    const reason = 'the customer was told'
    expect(await branding.publish({ acceptContrast: true, reason })).toMatchObject({ reason })
    expect((await events(a)).at(-1)).toEqual([
      'branding.publish',
      'SUCCESS',
      { stage: 'PUBLISHED', number: 1, reason },
    ])
  })

  it('refuses tokens that are not valid, before any SQL and with paths', async () => {
    await expect(
      brandingFor(a).saveDraft({ tokens: { colors: { a: { $value: 'url(x)' } } } }),
    ).rejects.toMatchObject({ code: 'DH506', details: { issues: [{ path: ['colors', 'a', '$value'] }] } })
    expect(await events(a)).toEqual([])
  })

  it('is written with the permission alone, and a denial is recorded', async () => {
    await database.admin.query(`update tenancy.membership set role = 'EDITOR' where tenant_id = $1`, [
      a.tenantId,
    ])
    const branding = brandingFor(a)
    await branding.saveDraft({ tokens: blue })
    await expect(branding.publish()).rejects.toMatchObject({
      code: 'DH505',
      details: { permission: 'branding:publish' },
    })
    expect((await events(a)).at(-1)).toMatchObject(['branding.publish', 'DENIED', { code: 'DH505' }])
    await expect(
      createGovernance(database.both.client({ tenantId: a.tenantId })).branding.saveDraft({ tokens: blue }),
    ).rejects.toMatchObject({ code: 'DH509' })
  })

  it('of another tenant is neither read nor found, word for word like a missing one', async () => {
    await brandingFor(b).saveDraft({ tokens: red })
    const { id } = await brandingFor(b).publish()
    expect(await brandingFor(a).get()).toBeNull()
    const refusal = (id: string) =>
      brandingFor(a)
        .draftFrom(id)
        .catch((error: { code: string; message: string }) => [error.code, error.message])
    expect(await refusal(id)).toEqual(await refusal(randomUUID()))
    expect(await refusal('nonsense')).toEqual(await refusal(randomUUID()))
    // with neither hull it is there to be read
    expect(await database.none.branding.findFirst({ where: { id } })).toMatchObject({ tenantId: b.tenantId })
  })
})

/** A connection of the application role, in the tenant's context from `begin` on. */
async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.appUrl })
  await client.connect()
  return client
}

async function begin(client: pg.Client, { tenantId, userId }: Planted): Promise<void> {
  await client.query('begin')
  await client.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
    tenantId,
    userId,
  ])
}

const insertDraft = `insert into governance.branding (id, tokens, updated_at) values ($1, $2, now())`

describe('by raw SQL as the app role', () => {
  let app: pg.Client
  beforeAll(async () => {
    app = await connect()
  })
  afterAll(() => app.end())

  /** In the tenant's context; undone. */
  async function inContext<Result>(work: () => Promise<Result>): Promise<Result> {
    await begin(app, a)
    try {
      return await work()
    } finally {
      await app.query('rollback')
    }
  }

  const to = (id: string, status: string) =>
    app.query(`update governance.branding set status = $2 where id = $1`, [id, status])

  const wayTo: Record<string, readonly string[]> = { DRAFT: [], PUBLISHED: ['PUBLISHED'] }
  async function brandingIn(state: string): Promise<string> {
    const id = randomUUID()
    await app.query(insertDraft, [id, '{}'])
    for (const step of wayTo[state] ?? ['PUBLISHED']) await to(id, step)
    if (state === 'SUPERSEDED') {
      const next = randomUUID()
      await app.query(insertDraft, [next, '{}'])
      await to(next, 'PUBLISHED')
    }
    return id
  }

  it.each([
    ['DRAFT', 'SUPERSEDED'],
    ['PUBLISHED', 'DRAFT'],
    ['PUBLISHED', 'SUPERSEDED'],
    ['SUPERSEDED', 'DRAFT'],
    ['SUPERSEDED', 'PUBLISHED'],
  ])('it does not go from %s to %s', (from, next) =>
    inContext(async () => {
      const id = await brandingIn(from)
      await expect(to(id, next)).rejects.toMatchObject({
        code: 'DH501',
        detail: JSON.stringify({ from, to: next }).replaceAll('":', '" : ').replace(',', ', '),
      })
    }),
  )

  it.each(['PUBLISHED', 'SUPERSEDED'])('it does not begin as %s', (state) =>
    inContext(async () => {
      const insert = app.query(
        `insert into governance.branding (id, status, updated_at) values (gen_random_uuid(), $1, now())`,
        [state],
      )
      await expect(insert).rejects.toMatchObject({ code: 'DH501' })
    }),
  )

  it.each(['PUBLISHED', 'SUPERSEDED'])('one that is %s is neither edited nor deleted', (state) =>
    inContext(async () => {
      const id = await brandingIn(state)
      for (const statement of [
        `update governance.branding set tokens = '{"a":{}}' where id = $1`,
        `delete from governance.branding where id = $1`,
      ]) {
        await app.query('savepoint before')
        await expect(app.query(statement, [id])).rejects.toMatchObject({ code: 'DH502' })
        await app.query('rollback to savepoint before')
      }
    }),
  )

  it('a draft is not edited by the statement that publishes it', () =>
    inContext(async () => {
      const id = await brandingIn('DRAFT')
      await expect(
        app.query(`update governance.branding set status = 'PUBLISHED', tokens = '{"a":{}}' where id = $1`, [
          id,
        ]),
      ).rejects.toMatchObject({ code: 'DH502' })
    }))

  it('who wrote and published it, its number and its lock version are the database’s to say', () =>
    inContext(async () => {
      const id = randomUUID()
      await app.query(
        `insert into governance.branding (id, number, lock_version, author_id, publisher_id, published_at, reason, updated_at)
         values ($1, 70, 70, $2, $2, now(), 'none', now())`,
        [id, b.userId],
      )
      const row = async () =>
        (
          await app.query(
            `select number, lock_version, author_id, publisher_id, published_at is null as unpublished, reason
               from governance.branding where id = $1`,
            [id],
          )
        ).rows[0] as unknown
      const drafted = { number: 1, author_id: a.userId, publisher_id: null, unpublished: true, reason: null }
      expect(await row()).toEqual({ ...drafted, lock_version: 1 })
      await app.query(
        `update governance.branding set number = 70, lock_version = 70, author_id = $2, publisher_id = $2 where id = $1`,
        [id, b.userId],
      )
      expect(await row()).toEqual({ ...drafted, lock_version: 2 })
      await to(id, 'PUBLISHED')
      expect(await row()).toEqual({ ...drafted, lock_version: 2, publisher_id: a.userId, unpublished: false })
    }))

  it('nobody writes without a user', async () => {
    await app.query('begin')
    await app.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', '', true)`, [
      a.tenantId,
    ])
    await expect(app.query(insertDraft, [randomUUID(), '{}'])).rejects.toMatchObject({ code: 'DH509' })
    await app.query('rollback')
  })

  it('another tenant’s is superseded by nobody', async () => {
    await brandingFor(b).saveDraft({ tokens: blue })
    await brandingFor(b).publish()
    await inContext(async () => {
      const id = await brandingIn('DRAFT')
      await expect(
        app.query(`update governance.branding set status = 'PUBLISHED', tenant_id = $2 where id = $1`, [
          id,
          b.tenantId,
        ]),
      ).rejects.toMatchObject({ code: '42501' })
    })
    expect((await brandingFor(b).get())?.status).toBe('PUBLISHED')
  })

  it.each(hostileTexts.filter(isStorable))('tokens with %j are refused, as a value and as a key', (text) =>
    inContext(async () => {
      for (const tokens of [{ colors: { a: { $value: [text] } } }, { colors: { [text]: {} } }]) {
        await app.query('savepoint before')
        await expect(app.query(insertDraft, [randomUUID(), JSON.stringify(tokens)])).rejects.toMatchObject({
          code: 'DH506',
        })
        await app.query('rollback to savepoint before')
      }
    }),
  )

  it.each([
    ['a list', '[]', '23514'],
    ['too much', JSON.stringify({ a: Array.from({ length: 400 }, () => 'x'.repeat(400)) }), '23514'],
    ['what is nested too deeply', `${'{"a":'.repeat(14)}1${'}'.repeat(14)}`, 'DH506'],
    ['a key that reaches a prototype', '{"__proto__": {}}', 'DH506'],
    ['a constructor', '{"constructor": {}}', 'DH506'],
  ])('tokens that are %s are refused', (_, tokens, code) =>
    inContext(async () => {
      await expect(app.query(insertDraft, [randomUUID(), tokens])).rejects.toMatchObject({ code })
    }),
  )

  it('tokens with plain text and references are taken', () =>
    inContext(async () => {
      const tokens = { colors: { a: { $value: '{colors.b}' }, b: { $description: plainTexts } } }
      await app.query(insertDraft, [randomUUID(), JSON.stringify(tokens)])
    }))

  it('a text is hostile exactly where the application says so', async () => {
    const piece = fc.oneof(
      fc.constantFrom(...hostileTexts, ...plainTexts),
      fc.constantFrom(
        'u',
        'URL',
        'r\u0301',
        'l',
        '(',
        ' ',
        '\u00a0',
        '%',
        '25',
        '3c',
        '&',
        'lt',
        '#',
        ';',
        '@',
        'i',
        '-',
      ),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    )
    const texts = fc
      .sample(
        fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
        { numRuns: 4000, seed: 11 },
      )
      .filter((text) => isStorable(text))
    const { rows } = await database.admin.query<{ text: string; hostile: boolean }>(
      `select t as text, governance.is_hostile_text(t) as hostile from unnest($1::text[]) t`,
      [texts],
    )
    expect(rows.filter(({ text, hostile }) => hostile !== (hostileText(text) !== undefined))).toEqual([])
    const hostile = rows.filter((row) => row.hostile).length
    expect(Math.min(hostile, rows.length - hostile)).toBeGreaterThan(200)
  })
})

describe('two at once', () => {
  let one: pg.Client
  let two: pg.Client
  beforeEach(async () => {
    one = await connect()
    two = await connect()
  })
  // whatever a test left open
  const close = async () => {
    await Promise.all([one.end(), two.end()])
  }

  /** Waits until a connection waits for another one's lock. */
  async function blocked(pid: number): Promise<void> {
    for (;;) {
      const { rows } = await database.admin.query<{ waits: boolean }>(
        `select cardinality(pg_blocking_pids($1)) > 0 as waits`,
        [pid],
      )
      if (rows[0]?.waits) return
    }
  }
  const pidOf = async (client: pg.Client) =>
    (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0

  /** Without a part of the guard, for as long as the work takes: nobody else uses this database. */
  async function without<Result>(
    drop: string,
    restore: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    await database.admin.query(drop)
    try {
      return await work()
    } finally {
      await database.admin.query(restore)
    }
  }
  const guardOff = 'alter table governance.branding disable trigger hold_branding'
  const guardOn = 'alter table governance.branding enable trigger hold_branding'

  /** One edits and holds it; the other publishes exactly what was read before. */
  async function publishAgainstEdit(): Promise<number | null> {
    const draft = await brandingFor(a).saveDraft({ tokens: blue })
    await begin(one, a)
    await one.query(`update governance.branding set tokens = $2 where id = $1`, [
      draft.id,
      JSON.stringify(red),
    ])
    await begin(two, a)
    const pid = await pidOf(two)
    const publish = two.query(
      `update governance.branding set status = 'PUBLISHED' where id = $1 and status = 'DRAFT' and lock_version = $2`,
      [draft.id, draft.lockVersion],
    )
    await blocked(pid)
    await one.query('commit')
    const { rowCount } = await publish
    await two.query('commit')
    return rowCount
  }

  it('what is published is what was read: an edit in between makes it stale', async () => {
    expect(await publishAgainstEdit()).toBe(0)
    expect(await brandingFor(a).get()).toBeNull()
    expect(await brandingFor(a).getDraft()).toMatchObject({ lockVersion: 2, tokens: red })
    await close()
  })

  it('and without the trigger that counts the edits, content is published that nobody read', async () => {
    expect(await without(guardOff, guardOn, publishAgainstEdit)).toBe(1)
    expect(await brandingFor(a).get()).toMatchObject({ tokens: red })
    await close()
  })

  /** One publishes and holds it; the other edits what it read as a draft. */
  async function editAgainstPublish(): Promise<unknown> {
    const draft = await brandingFor(a).saveDraft({ tokens: blue })
    await begin(one, a)
    await one.query(`update governance.branding set status = 'PUBLISHED' where id = $1`, [draft.id])
    await begin(two, a)
    const pid = await pidOf(two)
    const edit = two
      .query(`update governance.branding set tokens = $2 where id = $1`, [draft.id, JSON.stringify(red)])
      .then(
        () => 'edited',
        (error: { code: string }) => error.code,
      )
    await blocked(pid)
    await one.query('commit')
    const outcome = await edit
    await two.query('commit')
    return outcome
  }

  it('an edit that waited for the publication is refused', async () => {
    expect(await editAgainstPublish()).toBe('DH502')
    expect(await brandingFor(a).get()).toMatchObject({ tokens: blue })
    await close()
  })

  it('and without the trigger it changes what is published', async () => {
    expect(await without(guardOff, guardOn, editAgainstPublish)).toBe('edited')
    expect(await brandingFor(a).get()).toMatchObject({ tokens: red })
    await close()
  })

  /** Both publish a draft of their own, which only a database without its index has. */
  async function publishTwice(waits: boolean): Promise<readonly unknown[]> {
    const ids = [randomUUID(), randomUUID()] as const
    for (const [at, id] of ids.entries()) {
      await database.admin.query(
        `insert into governance.branding (id, tenant_id, number, status, updated_at) values ($1, $2, $3, 'DRAFT', now())`,
        [id, a.tenantId, at + 1],
      )
    }
    await begin(one, a)
    await begin(two, a)
    const pid = await pidOf(two)
    const statement = `update governance.branding set status = 'PUBLISHED' where id = $1`
    await one.query(statement, [ids[0]])
    const second = two.query(statement, [ids[1]])
    if (waits) await blocked(pid)
    else await second
    await one.query('commit')
    await second
    await two.query('commit')
    const { rows } = await database.admin.query<{ status: string }>(
      'select status::text from governance.branding where tenant_id = $1 order by number',
      [a.tenantId],
    )
    await database.admin.query('set session_replication_role = replica')
    await database.admin.query('delete from governance.branding where tenant_id = $1', [a.tenantId])
    await database.admin.query('set session_replication_role = origin')
    return rows.map(({ status }) => status)
  }
  const secondDraft = [
    'drop index governance.branding_one_draft',
    `create unique index branding_one_draft on governance.branding (tenant_id) where status = 'DRAFT'`,
  ] as const

  it('two that are published at once stand in line, and the second supersedes the first', async () => {
    expect(await without(...secondDraft, () => publishTwice(true))).toEqual(['SUPERSEDED', 'PUBLISHED'])
    await close()
  })

  it('and without the lock and the index both are published', async () => {
    const { rows } = await database.admin.query<{ source: string }>(
      `select pg_get_functiondef('governance.supersede_branding'::regproc) as source`,
    )
    const source = rows[0]?.source ?? ''
    const unlocked = source.replace(/perform from tenancy\.tenant[^;]*;/, '')
    expect(unlocked).not.toBe(source)
    const published = await without(...secondDraft, () =>
      without(
        `drop index governance.branding_one_published; ${unlocked}`,
        `create unique index branding_one_published on governance.branding (tenant_id) where status = 'PUBLISHED'; ${source}`,
        () => publishTwice(false),
      ),
    )
    expect(published).toEqual(['PUBLISHED', 'PUBLISHED'])
    await close()
  })

  it('two that begin a draft are told apart: the second learns of the first', async () => {
    await begin(one, a)
    await one.query(insertDraft, [randomUUID(), '{}'])
    const second = brandingFor(a)
      .saveDraft({ tokens: blue })
      .catch((error: unknown) => error)
    for (;;) {
      const { rows } = await database.admin.query<{ waits: boolean }>(
        `select exists (select from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0
                          and datname = current_database()) as waits`,
      )
      if (rows[0]?.waits) break
    }
    await one.query('commit')
    expect(await second).toMatchObject({ code: 'DH504', details: { expected: null, actual: 1 } })
    await close()
  })
})
