import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadSeed, type SeedPlan } from '../../scripts/seed/load.ts'
import { tables } from '../../scripts/seed/tables.ts'
import { createGovernance } from '../../src/governance/index.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { foreignKeyQueries, invariants } from './seed-invariants.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const database = useTestDatabase()

async function seed(args: readonly string[], url = database.adminUrl) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/seed.ts', ...args], {
    cwd: root,
    env: { ...process.env, DIRECT_URL: '', DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? -1))),
  ])
  return { code, stdout, stderr }
}

const size = ['--tenants', '12', '--rows', '9000', '--seed', '7'] as const
const plan: SeedPlan = { tenants: 12, rows: 9000, seed: 7, until: new Date('2026-01-01') }
let told: { rows: number; digest: string; tables: Record<string, number> }

beforeAll(async () => {
  const { code, stdout, stderr } = await seed([...size, '--json'])
  if (code !== 0) throw new Error(stderr)
  told = JSON.parse(stdout) as typeof told
})

/** A digest of each table as the database has it. */
async function contents(): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {}
  for (const table of Object.keys(tables)) {
    const { rows } = await database.admin.query<{ digest: string }>(
      `select md5(string_agg(t::text, E'\\n' order by t::text collate "C")) as digest from ${table} t`,
    )
    found[table] = rows[0]?.digest ?? ''
  }
  return found
}

async function broken(query: string): Promise<number> {
  const { rows } = await database.admin.query<{ count: number }>(
    `select count(*)::int as count from (${query}) b`,
  )
  return rows[0]?.count ?? -1
}

describe('the data set', () => {
  it('has exactly as many rows as were asked for, in every table, with every state', async () => {
    expect(told.rows).toBe(9000)
    for (const [table, count] of Object.entries(told.tables)) {
      const { rows } = await database.admin.query<{ count: number }>(
        `select count(*)::int as count from ${table.replace('.user', '."user"')}`,
      )
      // the gate of all tenants is the migration's
      expect([table, rows[0]?.count]).toEqual([table, count + (table.endsWith('gate') ? 1 : 0)])
      expect(count).toBeGreaterThan(10)
    }
    const { rows } = await database.admin.query<{ kinds: string[] }>(
      `select array(select distinct status::text from governance.config_version order by 1)
              || array(select distinct kind::text from governance.activation order by 1)
              || array(select distinct status::text from governance.approval order by 1) as kinds`,
    )
    expect(rows[0]?.kinds).toEqual(
      expect.arrayContaining([
        'DRAFT',
        'REVIEW',
        'APPROVED',
        'ACTIVE',
        'DEPRECATED',
        'ACTIVATE',
        'ROLLBACK',
        'PENDING',
        'REJECTED',
        'CANCELLED',
      ]),
    )
  })

  it('has tenants of very different sizes', async () => {
    const { rows } = await database.admin.query<{ count: number }>(
      'select count(*)::int as count from governance.trace_step group by tenant_id order by 1 desc',
    )
    expect(rows[0]?.count).toBeGreaterThan(4 * (rows.at(-1)?.count ?? 0))
  })

  it.each(Object.entries(invariants))('%s', async (_, query) => {
    expect(await broken(query)).toBe(0)
  })

  it('refers to no row that is not there, by any foreign key', async () => {
    const { rows } = await database.admin.query<{ name: string; query: string }>(foreignKeyQueries)
    expect(rows.length).toBeGreaterThan(20)
    for (const { name, query } of rows) expect([name, await broken(query)]).toEqual([name, 0])
  })

  it.each([
    ['a version has the hash of its content', `update governance.config_version set content = '{}'`],
    [
      'what is in force is what the ledger says last',
      `update governance.config_version set status = 'DRAFT' where status = 'ACTIVE'`,
    ],
    [
      'a version is what its approvals and the ledger say',
      `update governance.approval set status = 'REJECTED' where status = 'PENDING'`,
    ],
    [
      'an approval is what its votes make it',
      `delete from governance.approval_decision where decision = 'APPROVE'`,
    ],
    [
      'nobody decided on their own work',
      `update governance.approval_decision d set reviewer_id = p.requester_id from governance.approval p where p.id = d.approval_id and p.quorum = 1`,
    ],
    [
      'the ledger is counted, and each row names what was in force before it',
      `update governance.activation set previous_version_id = null`,
    ],
    [
      'every chain is whole, and its last link is known',
      `update audit.audit_event set metadata = '{}' where seq = 3`,
    ],
    [
      'every chain is whole, and its last link is known',
      `delete from audit.audit_event e where seq = (select h.seq from audit.audit_head h where h.tenant_id = e.tenant_id)`,
    ],
    [
      'each change has one event, of its time and by whom it was',
      `update governance.activation set created_at = now() where seq = 1`,
    ],
  ])('would be found not to hold that %s', async (name, sabotage) => {
    await database.admin.query('begin')
    try {
      await database.admin.query('set local session_replication_role = replica')
      expect((await database.admin.query(sabotage)).rowCount).toBeGreaterThan(0)
      expect(await broken(invariants[name] ?? '')).toBeGreaterThan(0)
    } finally {
      await database.admin.query('rollback')
    }
  })
})

describe('the application', () => {
  it('works on with what was loaded, under both hulls, and the chain goes on', async () => {
    const { rows } = await database.admin.query<
      Record<'tenant' | 'package' | 'active' | 'admin' | 'editor' | 'reviewer', string> & {
        number: number
        seq: string
      }
    >(
      `select p.tenant_id as tenant, p.id as package, v.id as active, p.last_version_number as number, h.seq,
              (select user_id from tenancy.membership m where m.tenant_id = p.tenant_id and m.role = 'ADMIN' limit 1) as admin,
              (select user_id from tenancy.membership m where m.tenant_id = p.tenant_id and m.role = 'EDITOR' limit 1) as editor,
              (select user_id from tenancy.membership m where m.tenant_id = p.tenant_id and m.role = 'REVIEWER' limit 1) as reviewer
         from governance.config_package p
         join governance.config_version v on v.package_id = p.id and v.status = 'ACTIVE'
         join audit.audit_head h on h.tenant_id = p.tenant_id
        where p.quorum = 1 and p.archived_at is null and not p.separate_activator
        order by h.seq desc limit 1`,
    )
    const found = rows[0] ?? expect.unreachable()
    const as = (userId: string) => database.both.client({ tenantId: found.tenant, userId })
    const version = await as(found.editor).configVersion.create({
      data: { packageId: found.package, content: { a: 1 } },
    })
    expect(version.number).toBe(found.number + 1)
    await as(found.editor).configVersion.update({ where: { id: version.id }, data: { status: 'REVIEW' } })
    const approval = await as(found.reviewer).approval.findFirstOrThrow({ where: { versionId: version.id } })
    await as(found.reviewer).approvalDecision.create({
      data: { approvalId: approval.id, reviewerId: found.reviewer, decision: 'APPROVE' },
    })
    await as(found.admin).activation.create({
      data: { packageId: found.package, versionId: version.id, previousVersionId: found.active },
    })
    const branding = createGovernance(as(found.admin)).branding
    await branding.saveDraft({ tokens: { colors: { primary: { $value: '#336699' } } } })
    await branding.publish()

    const head = await database.admin.query<{ seq: string }>(
      'select seq from audit.audit_head where tenant_id = $1',
      [found.tenant],
    )
    expect(Number(head.rows[0]?.seq)).toBe(Number(found.seq) + 6)
    const checked = Object.entries(invariants).filter(([name]) => !name.startsWith('each change'))
    for (const [name, query] of checked) expect([name, await broken(query)]).toEqual([name, 0])
  })
})

describe('the command', () => {
  it('loads the same for the same numbers, byte for byte, and something else for another seed', async () => {
    const loaded = async (changed: Partial<SeedPlan> = {}) => {
      await database.admin.query('set session_replication_role = replica')
      await database.admin.query(`truncate ${Object.keys(tables).join(', ')} cascade`)
      await database.admin.query('set session_replication_role = origin')
      const { digest } = await loadSeed(database.admin, { ...plan, ...changed })
      return { digest, contents: await contents() }
    }
    const first = await loaded()
    expect(first.digest).toBe(told.digest)
    const other = await loaded({ seed: 8 })
    expect(other.digest).not.toBe(first.digest)
    expect(await loaded()).toEqual(first)
  })

  it('refuses a database that has tenants, unless told to append, and then another seed', async () => {
    const again = await seed([...size, '--json'])
    expect([again.code, again.stdout]).toEqual([1, ''])
    expect(again.stderr).toContain('--append')
    const same = await seed([...size, '--append'])
    expect([same.code, same.stderr]).toEqual([1, expect.stringContaining('give another --seed')])
    const before = await contents()
    const appended = await seed(['--tenants', '2', '--rows', '200', '--seed', '9', '--append'])
    expect(appended.code).toBe(0)
    expect(appended.stdout).toMatch(/governance\.trace_step +\d+/)
    expect(appended.stdout).toMatch(/2 tenants in [\d.]+ s, \d+ rows\/s/)
    expect(appended.stderr).toContain('100 %')
    expect(await contents()).not.toEqual(before)
    expect(await broken(invariants['every chain is whole, and its last link is known'] ?? '')).toBe(0)
  })

  it('says what its login lacks, and writes nothing', async () => {
    const owner = await seed(
      [...size, '--append', '--seed', randomUUID().replace(/\D/g, '').slice(0, 4)],
      database.ownerUrl,
    )
    expect([owner.code, owner.stderr]).toEqual([1, expect.stringContaining('session_replication_role')])
  })

  it.each([['--rows', '10'], ['--tenants', 'many'], ['--until', '2999-01-01'], ['--unknown'], ['--fresh']])(
    'ends with 2 for %s %s',
    async (...args) => {
      const { code, stderr } = await seed(args)
      expect(code).toBe(2)
      expect(stderr).toContain('Usage: npm run seed')
    },
  )

  it('explains itself', async () => {
    const { code, stdout } = await seed(['--help'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('--append')])
  })
})
