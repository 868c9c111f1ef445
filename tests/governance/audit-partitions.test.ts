import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { auditPartitionsCommand } from '../../src/cli/audit-partitions.ts'
import { auditRetainCommand } from '../../src/cli/audit-retain.ts'
import { createGovernance, type Governance } from '../../src/governance/index.ts'
import { ensureAuditPartitions, runMigrations } from '../../src/migrations/runner.ts'
import { type Planted, plantTenants, useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const publicKeys = { key: publicKey }
let tenants: Planted[] = []

/** The first day of a month, this one or `back` months ago, in UTC. */
function monthAgo(back: number): Date {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1))
}
const nameOf = (date: Date) => `audit_event_${date.toISOString().slice(0, 7).replace('-', '_')}`
const monthOf = (date: Date) => date.toISOString().slice(0, 7)

beforeAll(async () => {
  tenants = [...(await plantTenants(database, 6))]
})

/** Each test begins with an empty trail, and the partitions that `migrate` makes. */
beforeEach(async () => {
  await database.admin.query(`
    set session_replication_role = replica;
    truncate audit.audit_event, audit.audit_head, audit.audit_checkpoint;
    reset session_replication_role`)
  for (const back of [1, 2, 3, 4]) {
    await database.admin.query(`drop table if exists audit.${nameOf(monthAgo(back))}`)
  }
})

/** As an administrator restores an event without a place in the chain. */
async function happened(tenant: Planted, at: Date): Promise<void> {
  await database.admin.query(
    `insert into audit.audit_event (id, tenant_id, action, occurred_at) values (gen_random_uuid(), $1, 'report.made', $2)`,
    [tenant.tenantId, at],
  )
}

function governanceOf(tenant: Planted): Governance {
  const db = database.both.client({ tenantId: tenant.tenantId, userId: tenant.userId })
  return createGovernance(db, { can: () => true })
}

async function partitionsWithRows(): Promise<Record<string, number[]>> {
  const { rows } = await database.admin.query<{ name: string; seqs: string[] }>(
    `select c.relname as name, array_agg(e.seq order by e.seq) as seqs
       from audit.audit_event e join pg_class c on c.oid = e.tableoid group by 1 order by 1`,
  )
  return Object.fromEntries(rows.map(({ name, seqs }) => [name, seqs.map(Number)]))
}

async function retain(...args: string[]) {
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  const code = await auditRetainCommand.run(['--database-url', database.adminUrl, ...args], {
    stdout: print,
    stderr: print,
    colours: false,
  })
  return { code, text: lines.join('\n') }
}

describe('partitions', () => {
  it('are there for this month and the coming ones after a migration, and a second run makes none', async () => {
    const { rows } = await database.admin.query<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit.audit_event'::regclass order by 1`,
    )
    const months = [0, -1, -2, -3].map((back) => `audit.${nameOf(monthAgo(back))}`)
    expect(rows.map(({ name }) => name)).toEqual([...months, 'audit.audit_event_default'].sort())
    const events: string[] = []
    await runMigrations({ connectionString: database.adminUrl, log: ({ type }) => void events.push(type) })
    expect(events).not.toContain('partitions')
    expect(await ensureAuditPartitions({ connectionString: database.adminUrl }, 3)).toEqual([])
  })

  it('take over what the default one has come to hold, on both sides of a month’s boundary', async () => {
    const tenant = tenants[0] as Planted
    const boundary = monthAgo(1)
    for (const at of [new Date(boundary.getTime() - 1), boundary, monthAgo(0)]) await happened(tenant, at)
    expect(await partitionsWithRows()).toEqual({ audit_event_default: [1, 2], [nameOf(monthAgo(0))]: [3] })
    const lines: string[] = []
    const output = { stdout: (line: string) => void lines.push(line), stderr: () => {}, colours: false }
    const args = ['--database-url', database.adminUrl, '--months', '3']
    expect(await auditPartitionsCommand.run(args, output)).toBe(0)
    expect(lines).toEqual([
      `partition  ${nameOf(monthAgo(2))}  created, 1 events moved into it`,
      `partition  ${nameOf(boundary)}  created, 1 events moved into it`,
    ])
    expect(await partitionsWithRows()).toEqual({
      [nameOf(monthAgo(2))]: [1],
      [nameOf(boundary)]: [2],
      [nameOf(monthAgo(0))]: [3],
    })
    expect(await governanceOf(tenant).auditEvents.verify()).toMatchObject({ ok: true, events: 3 })
    lines.length = 0
    expect(await auditPartitionsCommand.run(args, output)).toBe(0)
    expect(lines).toEqual(['every partition is there'])
  })

  it('have the protections of the table, each', async () => {
    await happened(tenants[0] as Planted, monthAgo(2))
    await ensureAuditPartitions({ connectionString: database.adminUrl }, 5)
    const { rows } = await database.admin.query<Record<string, unknown>>(
      `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as secured, c.relowner::regrole::text as owner,
              (select count(*) from aclexplode(c.relacl) a where a.grantee <> c.relowner)::int as grants,
              (select array_agg(t.tgname || t.tgenabled::text order by t.tgname) from pg_trigger t
                where t.tgrelid = c.oid and not t.tgisinternal) as triggers,
              (select array_agg(regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING', i.indisunique::text) order by 1)
                 from pg_index i where i.indrelid = c.oid) as indexes,
              (select count(*) from pg_constraint k where k.conrelid = c.oid and k.contype = 'f')::int as keys
         from pg_class c join pg_inherits i on i.inhrelid = c.oid
        where i.inhparent = 'audit.audit_event'::regclass and c.relkind = 'r'`,
    )
    expect(rows).toHaveLength(8)
    for (const row of rows) {
      expect(row).toMatchObject({
        secured: true,
        owner: 'doublehull_owner',
        grants: 0,
        triggers: ['accept_eventO', 'adopt_eventO', 'chain_eventO', 'refuse_changeO'],
        keys: 1,
      })
      expect((row['indexes'] as string[]).toSorted()).toEqual([
        'false btree (tenant_id, occurred_at)',
        'true btree (tenant_id, prev_hash)',
        'true btree (tenant_id, seq)',
        'true btree (tenant_id, seq, occurred_at)',
      ])
    }
    const app = new pg.Client({ connectionString: database.appUrl })
    await app.connect()
    for (const { name } of rows) {
      await expect(app.query(`select from audit.${String(name)}`)).rejects.toMatchObject({ code: '42501' })
    }
    for (const call of [
      'ensure_partitions(1)',
      `drop_events_before('2020-01-01')`,
      `events_before('2020-01-01')`,
    ]) {
      await expect(app.query(`select audit.${call}`)).rejects.toMatchObject({ code: '42501' })
    }
    await app.end()
  })

  it('are no drift to Prisma, and no models', async () => {
    await happened(tenants[0] as Planted, monthAgo(2))
    await ensureAuditPartitions({ connectionString: database.adminUrl }, 4)
    const diff = await prisma(
      'migrate',
      'diff',
      '--from-config-datasource',
      '--to-schema',
      'prisma/schema',
      '--exit-code',
    )
    expect(diff).toMatchObject({ code: 0, output: expect.stringContaining('No difference detected') })
    const pulled = await prisma('db', 'pull', '--print')
    expect(pulled.code).toBe(0)
    expect(pulled.output).toContain('model AuditEvent {')
    expect(pulled.output).not.toMatch(/model \w*audit_event_(default|\d)/i)
  }, 120_000)
})

describe('retention', () => {
  it('drops a month only when every tenant has a checkpoint at or after its last event there', async () => {
    const [a, b] = tenants as [Planted, Planted]
    for (const tenant of [a, b]) {
      await happened(tenant, monthAgo(2))
      await happened(tenant, monthAgo(2))
      await happened(tenant, monthAgo(0))
    }
    const before = monthOf(monthAgo(1))
    const lacking = { code: 1, text: expect.stringContaining('DH511') }
    expect(await retain('--before', before)).toEqual(lacking)
    expect(await retain('--before', before, '--dry-run')).toMatchObject({
      code: 0,
      text: `partition  ${nameOf(monthAgo(2))}  would be dropped, 4 events of 2 tenants; 2 of them lack a checkpoint`,
    })
    await governanceOf(a).auditEvents.checkpoint({ privateKey, keyId: 'key' })
    // one that signs nothing that is there
    await database.admin.query(
      `insert into audit.audit_checkpoint (id, tenant_id, seq, hash, key_id, signature)
       values (gen_random_uuid(), $1, 3, 'x', 'key', '')`,
      [b.tenantId],
    )
    const refused = await retain('--before', before)
    expect(refused).toEqual(lacking)
    expect(refused.text).toContain('1 of its 2 tenants')
    expect(refused.text).not.toContain(b.tenantId)
    await governanceOf(b).auditEvents.checkpoint({ privateKey, keyId: 'key' })
    expect(await retain('--before', before, '--json')).toEqual({
      code: 0,
      text: JSON.stringify({
        partitions: [
          { partition: nameOf(monthAgo(2)), events: 4, kept: 0, tenants: 2, tenantsWithoutCheckpoint: 0 },
        ],
      }),
    })
    const { auditEvents } = governanceOf(a)
    // 3 stays, 4 is the checkpoint's, 5 the retention's
    expect(await auditEvents.verify({ publicKeys })).toEqual({
      ok: true,
      tenantId: a.tenantId,
      events: 3,
      first: 3,
      last: 5,
      signedUpTo: 3,
    })
    expect((await auditEvents.list({ limit: 1 })).items[0]).toMatchObject({
      action: 'audit.events.drop',
      origin: 'DATABASE',
      metadata: { before, lastSeq: 2 },
    })
    expect(await retain('--before', before)).toEqual({ code: 0, text: 'there is no partition that old' })
  })

  it('says what it dropped, so that what somebody else took away is found', async () => {
    const tenant = tenants[0] as Planted
    for (const back of [2, 1, 1, 0]) await happened(tenant, monthAgo(back))
    const { auditEvents } = governanceOf(tenant)
    await auditEvents.checkpoint({ privateKey, keyId: 'key' })
    expect((await retain('--before', monthOf(monthAgo(1)))).code).toBe(0)
    expect(await auditEvents.verify({ publicKeys })).toMatchObject({ ok: true, first: 2 })
    await database.admin.query(`drop table audit.${nameOf(monthAgo(1))}`)
    expect(await auditEvents.verify({ publicKeys })).toMatchObject({
      ok: false,
      brokenAt: 2,
      reason: 'missing',
    })
  })

  it('keeps what began in an old month and was written behind a later one', async () => {
    const tenant = tenants[0] as Planted
    for (const back of [3, 2, 3, 1]) await happened(tenant, monthAgo(back))
    const { auditEvents } = governanceOf(tenant)
    await auditEvents.checkpoint({ privateKey, keyId: 'key' })
    expect((await retain('--before', monthOf(monthAgo(2)))).code).toBe(0)
    // without this, the chain would have a gap at 3 that nothing explains
    expect(await partitionsWithRows()).toMatchObject({ audit_event_default: [3], [nameOf(monthAgo(2))]: [2] })
    expect(await auditEvents.verify({ publicKeys })).toMatchObject({ ok: true, first: 2, events: 5 })
    expect((await retain('--before', monthOf(monthAgo(1)))).code).toBe(0)
    expect(await auditEvents.verify({ publicKeys })).toMatchObject({ ok: true, first: 4 })
    const rows = await partitionsWithRows()
    expect(Object.keys(rows)).toEqual([nameOf(monthAgo(1)), nameOf(monthAgo(0))])
  })

  it('drops nothing of a month that has not begun', async () => {
    expect(await retain('--before', monthOf(monthAgo(-1)))).toEqual({
      code: 1,
      text: expect.stringContaining('DH506'),
    })
    expect((await retain('--before', '2026-13')).code).toBe(2)
  })
})

/** The real Prisma CLI, on this file's database. */
async function prisma(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/prisma.ts', ...args], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, DIRECT_URL: '', DATABASE_URL: database.adminUrl, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? -1))),
  ])
  return { code, output: stdout + stderr }
}
