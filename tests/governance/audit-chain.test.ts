import { generateKeyPairSync, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventHash, eventText, genesisHash } from '../../src/governance/audit/chained-event.ts'
import { streamEvents } from '../../src/governance/audit/read-events.ts'
import { isStorable } from '../../src/governance/checked-input.ts'
import { createGovernance, type Governance } from '../../src/governance/index.ts'
import type { BundledTenantClient } from '../../src/tenancy/bundled.ts'
import { createTemporaryLogin } from '../../src/testing/index.ts'
import { type Planted, plantTenants, useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const publicKeys = { key: publicKey }

/** A tenant, what an administrator of it asks, and the same without hull one. */
interface Desk {
  readonly tenant: Planted
  readonly db: BundledTenantClient
  readonly governance: Governance
}

let desks: Desk[] = []
/** A tenant that no test has written to yet. */
function desk(): Desk {
  const next = desks.pop()
  if (!next) throw new Error('there are not enough tenants planted')
  return next
}

beforeAll(async () => {
  const tenants = await plantTenants(database, 24)
  await database.admin.query(`update tenancy.membership set role = 'ADMIN'`)
  desks = tenants.map((tenant) => {
    const db = database.both.client({ tenantId: tenant.tenantId, userId: tenant.userId })
    return { tenant, db, governance: createGovernance(db) }
  })
})

async function record({ governance }: Desk, count: number): Promise<void> {
  for (let at = 1; at <= count; at++) {
    await governance.auditEvents.record({
      action: `report.step_${at}`,
      targets: [{ type: 'report', id: `${at}` }],
      metadata: { at },
    })
  }
}

async function chainOf({ db, tenant }: Desk) {
  return collect(streamEvents(db, tenant.tenantId))
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** What the owner can do: switch the triggers off. */
async function asOwner(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = await connect(database.ownerUrl)
  try {
    await client.query('set role doublehull_owner; alter table audit.audit_event disable trigger user')
    await work(client)
  } finally {
    await client.query('alter table audit.audit_event enable trigger user')
    await client.end()
  }
}

async function isBlocked(pid: number): Promise<void> {
  for (;;) {
    const { rows } = await database.admin.query('select from pg_locks where pid = $1 and not granted', [pid])
    if (rows.length > 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const pidOf = async (client: pg.Client) =>
  (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0

const contextOf = async (client: pg.Client, { tenant }: Desk) =>
  client.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
    tenant.tenantId,
    tenant.userId,
  ])

const insert = `insert into audit.audit_event (id, action) values (gen_random_uuid(), 'report.made')`

describe('the chain', () => {
  it('begins at the tenant’s own genesis, and each event names the one before', async () => {
    const one = desk()
    await record(one, 3)
    const events = await chainOf(one)
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(events.map(({ prevHash }) => prevHash)).toEqual([
      genesisHash(one.tenant.tenantId),
      ...events.slice(0, -1).map(({ hash }) => hash),
    ])
    expect(await one.governance.auditEvents.verify()).toEqual({
      ok: true,
      tenantId: one.tenant.tenantId,
      events: 3,
      first: 1,
      last: 3,
    })
  })

  it('is hashed the same by JavaScript and by PostgreSQL, to the microsecond, whatever the JSON', async () => {
    const one = desk()
    const app = await connect(database.appUrl)
    const number = fc.oneof(
      fc.constantFrom('1', '1.0', '1.00', '-0', '1e2', '100', '12345678901234567890', '1e-7', '0.1e1'),
      fc.tuple(fc.bigInt(), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`),
    )
    const text = fc
      .string({ unit: 'binary' })
      .filter((value) => isStorable(value))
      .map((value) => JSON.stringify(value))
    const { json } = fc.letrec<{ json: string }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        fc.constantFrom('null', 'true', 'false', '""', '{}', '[]'),
        number,
        text,
        fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join(' , ')}]`),
        fc
          .array(fc.tuple(text, tie('json')), { maxLength: 4 })
          .map((items) => `{${items.map(([key, value]) => `${key}:${value}`).join(',')}}`),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(json, json, text, async (targets, metadata, action) => {
        await app.query('begin')
        await contextOf(app, one)
        await app.query(`set local timezone = 'Asia/Kathmandu'; set local datestyle = 'German'`)
        await app.query(
          `insert into audit.audit_event (id, action, targets, context, metadata)
           values (gen_random_uuid(), $1, $2, $3, $3)`,
          [(JSON.parse(action) as string).slice(0, 90), targets, metadata],
        )
        await app.query('commit')
      }),
      { numRuns: 60 },
    )
    await app.end()
    const events = await chainOf(one)
    expect(events).toHaveLength(60)
    expect(events.filter((event) => eventHash(event) !== event.hash)).toEqual([])
    const { rows } = await database.admin.query<{ text: string }>(
      `select audit.event_text(tenant_id, seq, prev_hash, id, origin, action, actor_id, outcome, targets, context, metadata,
              schema_version, occurred_at) as text
         from audit.audit_event where tenant_id = $1 order by seq`,
      [one.tenant.tenantId],
    )
    expect(rows.map((row) => row.text)).toEqual(events.map(eventText))
    expect(events.some(({ occurredAt }) => !occurredAt.endsWith('000Z'))).toBe(true)
    expect((await one.governance.auditEvents.verify()).ok).toBe(true)
  })

  it('has no gap behind a transaction that failed', async () => {
    const one = desk()
    await record(one, 1)
    await expect(
      one.db.$transaction(async (tx) => {
        await tx.auditEvent.create({ data: { action: 'report.lost' } })
        throw new Error('failed')
      }),
    ).rejects.toThrow('failed')
    await record(one, 1)
    expect((await chainOf(one)).map(({ seq }) => seq)).toEqual([1, 2])
  })

  it('stays valid when a person is erased', async () => {
    const one = desk()
    await record(one, 2)
    await database.admin.query('delete from tenancy.membership where user_id = $1', [one.tenant.userId])
    await database.admin.query('delete from tenancy."user" where id = $1', [one.tenant.userId])
    const auditor = createGovernance(one.db, { can: () => true })
    expect(await auditor.auditEvents.verify()).toMatchObject({ ok: true, events: 2 })
    expect((await auditor.auditEvents.list()).items[0]?.actorId).toBe(one.tenant.userId)
  })
})

describe('writers at once', () => {
  it('eight of them on one tenant make one chain', async () => {
    const one = desk()
    const writers = Array.from({ length: 8 }, (_, writer) =>
      (async () => {
        for (let at = 0; at < 5; at++) {
          await one.db.auditEvent.create({ data: { action: `report.writer_${writer}` } })
        }
      })(),
    )
    await Promise.all(writers)
    expect(await one.governance.auditEvents.verify()).toMatchObject({ ok: true, events: 40, last: 40 })
  })

  it.each([
    ['waits for the first', undefined],
    ['is refused where the last link is not locked', 'lock'],
    ['forks the chain where the unique keys are gone as well', 'keys'],
  ] as const)('a second one %s', async (_, removed) => {
    const one = desk()
    await record(one, 1)
    const { rows } = await database.admin.query<{ body: string }>(
      `select pg_get_functiondef('audit.chain_event()'::regprocedure) as body`,
    )
    const body = rows[0]?.body ?? ''
    const keys = ['seq', 'prev_hash'].map((column) => `audit_event_${month()}_${column}_key`)
    const [first, second] = [await connect(database.appUrl), await connect(database.appUrl)]
    try {
      if (removed) {
        expect(body).toContain(' for update;')
        await database.admin.query(body.replaceAll(' for update;', ';'))
      }
      if (removed === 'keys') for (const key of keys) await database.admin.query(`drop index audit.${key}`)
      for (const client of [first, second]) {
        await client.query('begin')
        await contextOf(client, one)
      }
      await first.query(insert)
      const pid = await pidOf(second)
      const inserted = second.query(insert).then(
        () => 'written',
        (error: { code?: string }) => error.code,
      )
      await isBlocked(pid)
      await first.query('commit')
      expect(await inserted).toBe(removed === 'lock' ? '23505' : 'written')
      await second.query('commit')
      expect(await one.governance.auditEvents.verify()).toMatchObject(
        removed === 'keys' ? { ok: false, brokenAt: 2, reason: 'forked' } : { ok: true },
      )
    } finally {
      await first.end()
      await second.end()
      await database.admin.query(body)
      if (removed === 'keys') {
        await asOwner((owner) =>
          owner.query('delete from audit.audit_event where tenant_id = $1', [one.tenant.tenantId]),
        )
        for (const column of ['seq', 'prev_hash']) {
          await database.admin.query(
            `create unique index audit_event_${month()}_${column}_key on audit.audit_event_${month()} (tenant_id, ${column})`,
          )
        }
      }
    }
  })

  it('pages skip no event and give none twice while others write', async () => {
    const one = desk()
    await record(one, 5)
    const { auditEvents } = one.governance
    const seen: number[] = []
    let after: string | undefined
    for (let pages = 0; pages < 4; pages++) {
      const page = await auditEvents.list({ order: 'asc', limit: 3, ...(after && { after }) })
      seen.push(...page.items.map(({ seq }) => seq))
      await Promise.all([record(one, 1), record(one, 1)])
      after = page.next ?? undefined
      if (after === undefined) break
    }
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, at) => at + 1))
    expect(seen.length).toBeGreaterThan(8)
    const { next } = await auditEvents.list({ limit: 2 })
    await record(one, 2)
    const rest = await auditEvents.list({ limit: 2, after: String(next) })
    const all = (await chainOf(one)).length
    expect(rest.items.map(({ seq }) => seq)).toEqual([all - 4, all - 5])
    await expect(auditEvents.list({ order: 'asc', after: String(next) })).rejects.toMatchObject({
      code: 'DH506',
      details: { issues: [{ path: ['after'] }] },
    })
  })
})

describe('what the owner changes with the triggers off', () => {
  let one: Desk
  let head: { seq: number; hash: string }
  beforeAll(async () => {
    one = desk()
    await record(one, 6)
    const last = (await chainOf(one)).at(-1)
    head = { seq: 6, hash: last?.hash ?? '' }
  })

  const verify = (options: object = {}) => one.governance.auditEvents.verify(options)

  it.each([
    ['id', 'gen_random_uuid()'],
    ['seq', '33'],
    ['prev_hash', `repeat('0', 64)`],
    ['hash', `repeat('0', 64)`],
    ['origin', `'DATABASE'`],
    ['action', `'report.step_x'`],
    ['actor_id', 'null'],
    ['outcome', `'DENIED'`],
    ['targets', `targets || '[1]'`],
    ['context', `'{"ip":""}'`],
    ['metadata', `'{"at":4.0}'`],
    ['schema_version', '2'],
    ['occurred_at', `occurred_at + interval '1 microsecond'`],
    ['tenant_id', 'the other tenant'],
  ])('in %s of an event is found at that event', async (column, value) => {
    const { tenantId } = one.tenant
    const other = desks[0]?.tenant.tenantId
    const changed = value === 'the other tenant' ? `'${other}'` : value
    const { rows } = await database.admin.query(
      'select * from audit.audit_event where tenant_id = $1 and seq = 4',
      [tenantId],
    )
    const [old] = rows as Record<string, unknown>[]
    await asOwner((owner) =>
      owner.query(`update audit.audit_event set ${column} = ${changed} where tenant_id = $1 and seq = 4`, [
        tenantId,
      ]),
    )
    const report = await verify()
    // with what it was, to the microsecond
    await asOwner(async (owner) => {
      await owner.query(
        `delete from audit.audit_event where hash = $1 or id = $2 or (tenant_id = $3 and seq in (4, 33))`,
        [old?.['hash'], old?.['id'], tenantId],
      )
    })
    await restore(old)
    expect(report).toMatchObject({ ok: false, brokenAt: 4, last: 3, events: 3 })
    expect(report.reason).toBe(column === 'seq' || column === 'tenant_id' ? 'missing' : 'changed')
    expect(await verify()).toMatchObject({ ok: true, events: 6 })
  })

  const originals = new Map<string, string>()
  beforeAll(async () => {
    const { rows } = await database.admin.query<{ id: string; row: string }>(
      'select id::text, e::text as row from audit.audit_event e where tenant_id = $1',
      [one.tenant.tenantId],
    )
    for (const { id, row } of rows) originals.set(id, row)
  })
  /** As an administrator does, from a dump. */
  async function restore(...rows: (Record<string, unknown> | undefined)[]): Promise<void> {
    for (const row of rows) {
      await database.admin.query(
        'insert into audit.audit_event select (r).* from (select $1::audit.audit_event as r) as one',
        [originals.get(String(row?.['id']))],
      )
    }
  }

  it('is found where two events change places', async () => {
    await asOwner((owner) =>
      owner.query(`delete from audit.audit_event where tenant_id = $1 and seq in (3, 4)`, [
        one.tenant.tenantId,
      ]),
    )
    const swapped = [...originals].filter(([, row]) => /^\([^,]+,[^,]+,[34],/.test(row))
    expect(swapped).toHaveLength(2)
    for (const [, row] of swapped) {
      const moved = row.replace(
        /^(\([^,]+,[^,]+,)([34]),/,
        (_, start: string, seq: string) => `${start}${7 - Number(seq)},`,
      )
      await database.admin.query(
        'insert into audit.audit_event select (r).* from (select $1::audit.audit_event as r) as one',
        [moved],
      )
    }
    const report = await verify()
    await asOwner((owner) =>
      owner.query(`delete from audit.audit_event where tenant_id = $1 and seq in (3, 4)`, [
        one.tenant.tenantId,
      ]),
    )
    await restore(...swapped.map(([id]) => ({ id })))
    expect(report).toMatchObject({ ok: false, brokenAt: 3, reason: 'changed' })
    expect(await verify()).toMatchObject({ ok: true })
  })

  it.each([
    ['the first', 1, { ok: false, brokenAt: 1, reason: 'missing' }],
    ['one between', 3, { ok: false, brokenAt: 3, reason: 'missing' }],
    ['the last, which only a head that was kept elsewhere or a checkpoint tells', 6, { ok: true, last: 5 }],
  ])('is found where an event is gone: %s', async (_, seq, expected) => {
    const { rows } = await database.admin.query(
      'select id from audit.audit_event where tenant_id = $1 and seq = $2',
      [one.tenant.tenantId, seq],
    )
    await asOwner((owner) =>
      owner.query('delete from audit.audit_event where tenant_id = $1 and seq = $2', [
        one.tenant.tenantId,
        seq,
      ]),
    )
    const report = await verify()
    const withHead = await verify({ head })
    await restore(rows[0])
    expect(report).toMatchObject(expected)
    expect(withHead.ok).toBe(false)
    if (seq === 6) expect(withHead).toMatchObject({ brokenAt: 6, reason: 'truncated' })
    expect(await verify({ head })).toMatchObject({ ok: true })
  })

  it('is found by a checkpoint alone where all the hashes are computed anew', async () => {
    const two = desk()
    await record(two, 3)
    const { auditEvents } = two.governance
    const before = await auditEvents.checkpoint({ privateKey, keyId: 'key' })
    expect(before.seq).toBe(3)
    expect(await auditEvents.verify({ publicKeys })).toMatchObject({ ok: true, last: 4, signedUpTo: 3 })
    // an administrator may write what the triggers would hash: the whole chain but for one word
    await asOwner(async (owner) => {
      await owner.query('delete from audit.audit_event where tenant_id = $1', [two.tenant.tenantId])
      await owner.query('alter table audit.audit_head disable trigger user')
      await owner.query('delete from audit.audit_head where tenant_id = $1', [two.tenant.tenantId])
      await owner.query('alter table audit.audit_head enable trigger user')
    })
    for (const action of ['report.step_1', 'report.step_2', 'report.innocent', 'report.more']) {
      await database.admin.query(
        'insert into audit.audit_event (id, tenant_id, action) values (gen_random_uuid(), $1, $2)',
        [two.tenant.tenantId, action],
      )
    }
    expect(await auditEvents.verify({ publicKeys })).toMatchObject({
      ok: false,
      brokenAt: 3,
      reason: 'checkpoint',
    })
    await asOwner(async (owner) => {
      await owner.query('alter table audit.audit_checkpoint disable trigger user')
      await owner.query('delete from audit.audit_checkpoint where tenant_id = $1', [two.tenant.tenantId])
      await owner.query('alter table audit.audit_checkpoint enable trigger user')
    })
    // so checkpoints, too, are to be kept elsewhere: without any, nothing tells
    const report = await auditEvents.verify({ publicKeys })
    expect(report.ok).toBe(true)
    expect(report.signedUpTo).toBeUndefined()
  })

  it('is found where a checkpoint’s signature is not the key’s', async () => {
    const two = desk()
    await record(two, 2)
    const { auditEvents } = two.governance
    const forger = generateKeyPairSync('ed25519').privateKey
    await auditEvents.checkpoint({ privateKey: forger, keyId: 'key' })
    expect(await auditEvents.verify()).toMatchObject({ ok: true })
    expect(await auditEvents.verify({ publicKeys })).toMatchObject({
      ok: false,
      brokenAt: 2,
      reason: 'checkpoint',
    })
    expect(await auditEvents.verify({ publicKeys: { other: publicKey } })).toMatchObject({ ok: true })
  })
})

describe('nobody who works with data', () => {
  it('updates, deletes or truncates events, by their table’s name or by a partition’s', async () => {
    const one = desk()
    await record(one, 2)
    const system = await createTemporaryLogin(database.adminUrl, 'doublehull_system')
    const tables = ['audit_event', 'audit_event_default', `audit_event_${month()}`, 'audit_checkpoint']
    for (const [who, url] of [
      ['app', database.appUrl],
      ['system', system.connectionString],
      ['owner', database.ownerUrl],
    ] as const) {
      const client = await connect(url)
      if (who === 'owner') await client.query('set role doublehull_owner')
      await client.query(`select set_config('app.tenant_id', $1, false)`, [one.tenant.tenantId])
      for (const table of tables) {
        const column = table === 'audit_checkpoint' ? 'key_id' : 'action'
        for (const statement of [
          `update audit.${table} set ${column} = 'x'`,
          `delete from audit.${table}`,
          `truncate audit.${table}`,
        ]) {
          await expect(client.query(statement), `${who}: ${statement}`).rejects.toMatchObject({
            code: who === 'owner' ? 'DH503' : '42501',
          })
        }
      }
      await client.end()
    }
    await system.drop()
    expect(await one.governance.auditEvents.verify()).toMatchObject({ ok: true, events: 2 })
    // and with the triggers off, the same succeeds
    await asOwner(async (owner) => {
      await owner.query('begin')
      const { rowCount } = await owner.query('delete from audit.audit_event where tenant_id = $1', [
        one.tenant.tenantId,
      ])
      await owner.query('rollback')
      expect(rowCount).toBe(2)
    })
  })

  it('says who acted, that the database says so, where in the chain, or another time', async () => {
    const [one, other] = [desk(), desk()]
    const forged = await one.db.auditEvent.create({
      data: {
        action: 'report.forged',
        actorId: other.tenant.userId,
        origin: 'DATABASE',
        seq: 99n,
        prevHash: 'x',
        hash: 'y',
      },
    })
    expect(forged).toMatchObject({ actorId: one.tenant.userId, origin: 'APPLICATION', seq: 1n })
    // and would, without the trigger
    await database.admin.query('begin; alter table audit.audit_event disable trigger accept_event')
    await database.admin.query('set local role doublehull_app')
    await contextOf(database.admin, one)
    const unheld = await database.admin.query(
      `insert into audit.audit_event (id, action, actor_id, origin) values (gen_random_uuid(), 'report.forged', $1, 'DATABASE')
       returning actor_id, origin`,
      [other.tenant.userId],
    )
    await database.admin.query('rollback')
    expect(unheld.rows).toEqual([{ actor_id: other.tenant.userId, origin: 'DATABASE' }])
    for (const occurredAt of [new Date(0), new Date()]) {
      await expect(
        one.db.auditEvent.create({ data: { action: 'report.backdated', occurredAt } }),
      ).rejects.toMatchObject({ code: 'DH503' })
    }
    expect(await one.governance.auditEvents.verify()).toMatchObject({ ok: true, events: 1 })
  })

  it('writes more into an event than it holds', async () => {
    const one = desk()
    const { auditEvents } = one.governance
    await expect(
      auditEvents.record({ action: 'report.made', metadata: { text: 'x'.repeat(65_536) } }),
    ).rejects.toMatchObject({ code: 'DH506', details: { issues: [{ path: ['metadata'] }] } })
    await expect(one.db.auditEvent.create({ data: { action: 'x'.repeat(201) } })).rejects.toMatchObject({
      code: 'DH506',
    })
    expect(await chainOf(one)).toEqual([])
  })

  it('touches the last link of another tenant', async () => {
    const [one, other] = [desk(), desk()]
    await record(other, 1)
    const [holder, app] = [await connect(database.adminUrl), await connect(database.appUrl)]
    await holder.query('begin')
    await holder.query('select from audit.audit_head where tenant_id = $1 for update', [
      other.tenant.tenantId,
    ])
    const attempt = async (tenantId: string) => {
      await app.query('begin')
      await contextOf(app, one)
      // where it waits for the lock, it answers with 55P03 and not with the policy's refusal
      await app.query(`set local lock_timeout = '2s'`)
      const refused = await app
        .query(`insert into audit.audit_event (id, tenant_id, action) values (gen_random_uuid(), $1, 'x')`, [
          tenantId,
        ])
        .catch((error: { code?: string; message: string }) => [error.code, error.message])
      await app.query('rollback')
      return refused
    }
    const foreign = await attempt(other.tenant.tenantId)
    expect(foreign).toEqual(['42501', expect.stringContaining('row-level security')])
    expect(await attempt(randomUUID())).toEqual(foreign)
    // and it would, if it were not asked for whom it writes
    const { rows } = await database.admin.query<{ body: string }>(
      `select pg_get_functiondef('audit.appends_for(uuid)'::regprocedure) as body`,
    )
    await database.admin.query(
      'create or replace function audit.appends_for(tenant_id uuid) returns boolean language sql stable return true',
    )
    expect(await attempt(other.tenant.tenantId)).toEqual(['55P03', expect.any(String)])
    await database.admin.query(rows[0]?.body ?? '')
    await holder.query('rollback')
    await holder.end()
    await app.end()
    expect(
      await other.governance.auditEvents.verify({
        head: { seq: 1, hash: (await chainOf(other))[0]?.hash ?? '' },
      }),
    ).toMatchObject({ ok: true, last: 1 })
  })

  it('reads the last links', async () => {
    const app = await connect(database.appUrl)
    await expect(app.query('select * from audit.audit_head')).rejects.toMatchObject({ code: '42501' })
    await app.end()
  })
})

describe('a role that no policy holds', () => {
  it('restores events as they are, and the chain goes on behind them', async () => {
    const one = desk()
    await record(one, 3)
    const before = await chainOf(one)
    const { rows } = await database.admin.query<{ row: string }>(
      'select e::text as row from audit.audit_event e where tenant_id = $1 order by seq desc',
      [one.tenant.tenantId],
    )
    await asOwner(async (owner) => {
      await owner.query('delete from audit.audit_event where tenant_id = $1', [one.tenant.tenantId])
      await owner.query('alter table audit.audit_head disable trigger user')
      await owner.query('delete from audit.audit_head where tenant_id = $1', [one.tenant.tenantId])
      await owner.query('alter table audit.audit_head enable trigger user')
    })
    for (const { row } of rows) {
      await database.admin.query(
        'insert into audit.audit_event select (r).* from (select $1::audit.audit_event as r) as one',
        [row],
      )
    }
    // a dump has the last link as well
    await database.admin.query('insert into audit.audit_head values ($1, 3, $2)', [
      one.tenant.tenantId,
      before[2]?.hash,
    ])
    expect(await chainOf(one)).toEqual(before)
    await record(one, 1)
    expect(await one.governance.auditEvents.verify()).toMatchObject({ ok: true, events: 4, last: 4 })
  })

  it('and works in a tenant’s name is no administrator who restores', async () => {
    const one = desk()
    const client = await connect(database.adminUrl)
    await client.query('begin')
    await contextOf(client, one)
    await client.query(
      `insert into audit.audit_event (id, seq, hash, action) values (gen_random_uuid(), 7, 'x', 'report.made')`,
    )
    await client.query('commit')
    await client.end()
    expect(await one.governance.auditEvents.verify()).toMatchObject({ ok: true, events: 1, last: 1 })
  })
})

describe('the repository', () => {
  it.each([
    'config.version.activate',
    'flag.update',
    'kill_switch.engage',
    'branding.publish',
    'trace.prune',
    'audit.x',
  ])('does not say %s in the database’s place', async (action) => {
    const one = desks[0] as Desk
    await expect(one.governance.auditEvents.record({ action })).rejects.toMatchObject({
      code: 'DH506',
      details: { issues: [{ path: ['action'] }] },
    })
  })

  it('filters, and asks for the permission to read', async () => {
    const one = desk()
    const origin = { ip: '192.0.2.1' }
    const { auditEvents } = createGovernance(one.db, { origin })
    await auditEvents.record({ action: 'report.made', targets: [{ type: 'report', id: 'r1' }] })
    await auditEvents.record({
      action: 'report.made',
      targets: [{ type: 'report', id: 'r2' }],
      outcome: 'FAILURE',
    })
    await auditEvents.record({ action: 'invoice.made' })
    const seqs = async (filters: object) => (await auditEvents.list({ filters })).items.map(({ seq }) => seq)
    expect(await seqs({ action: 'report.' })).toEqual([2, 1])
    expect(await seqs({ action: 'rep%' })).toEqual([])
    expect(await seqs({ targetId: 'r2' })).toEqual([2])
    expect(await seqs({ outcome: 'FAILURE' })).toEqual([2])
    expect(await seqs({ origin: 'DATABASE' })).toEqual([])
    expect(await seqs({ actorId: one.tenant.userId })).toEqual([3, 2, 1])
    expect(await seqs({ actorId: randomUUID() })).toEqual([])
    const second = (await auditEvents.list()).items[1]
    expect(second?.context).toEqual(origin)
    expect(await seqs({ from: second?.occurredAt })).toEqual([3, 2])
    expect(await seqs({ to: second?.occurredAt })).toEqual([1])

    const viewer = createGovernance(one.db, { can: (_, permission) => permission !== 'audit:read' })
    await expect(viewer.auditEvents.list()).rejects.toMatchObject({ code: 'DH505' })
    expect((await auditEvents.list()).items[0]).toMatchObject({ action: 'audit.read', outcome: 'DENIED' })
  })

  it('says a checkpoint in the chain behind what it signs', async () => {
    const one = desk()
    const { auditEvents } = one.governance
    await expect(auditEvents.checkpoint({ privateKey })).rejects.toMatchObject({ code: 'DH507' })
    await record(one, 1)
    const { keyId, seq } = await auditEvents.checkpoint({ privateKey })
    const [said] = (await auditEvents.list()).items
    expect(said).toMatchObject({
      seq: 2,
      action: 'audit.checkpoint',
      origin: 'DATABASE',
      actorId: one.tenant.userId,
      metadata: { seq, keyId },
    })
    expect(await auditEvents.verify({ from: 2 })).toMatchObject({ ok: true, first: 2, events: 1 })
    await expect(auditEvents.checkpoint({ privateKey: 'no key' })).rejects.toMatchObject({ code: 'DH506' })
  })
})

function month(): string {
  return new Date().toISOString().slice(0, 7).replace('-', '_')
}
