import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TestDatabase, useTestDatabase } from '../support/test-database.ts'
import { type AppSession, useAppSessions } from './support/app-session.ts'
import { type GovernedTenant, plantGovernedTenant } from './support/governed-tenant.ts'
import { codeOf, Life, type Living } from './support/life.ts'
import { rewrite } from './support/rewrite.ts'
import { sqlWay } from './support/sql-way.ts'
import type { Way } from './support/way.ts'

/** A tenant, and two connections that are in each other's way. */
interface Theatre {
  readonly database: TestDatabase
  readonly tenant: GovernedTenant
  readonly way: Way
  readonly life: Life
  readonly first: AppSession
  readonly second: AppSession
  /** One more. */
  open(): Promise<AppSession>
}

async function theatreIn(database: TestDatabase, open: () => Promise<AppSession>): Promise<Theatre> {
  const tenant = await plantGovernedTenant(database.admin)
  const way = sqlWay(await open(), tenant.tenantId)
  const [first, second] = [await open(), await open()]
  return { database, tenant, way, life: new Life(database.admin, way, tenant), first, second, open }
}

/** A write, of whom. */
type Write = readonly [user: string, write: (session: AppSession) => Promise<unknown>]

/**
 * The first write, the second before the first is committed, and both commits: what the second was refused with. Where the
 * second need not wait for the first, it is committed behind it all the same.
 */
async function race(
  { tenant, first, second }: Theatre,
  [one, write]: Write,
  [other, overtake]: Write,
  { waits = true, isolation = 'read committed' } = {},
): Promise<string | undefined> {
  await first.begin(tenant.tenantId, one, isolation)
  await second.begin(tenant.tenantId, other, isolation)
  // the snapshot of a repeatable read is taken by its first query
  await second.query('select count(*) from governance.config_version')
  await write(first)
  const overtaking = overtake(second)
  overtaking.catch(() => {})
  await (waits ? second.isBlocked() : overtaking)
  await first.query('commit')
  const code = await codeOf(overtaking)
  // which rolls back what was refused, and may be refused itself
  const end = await codeOf(second.query('commit'))
  return code ?? end
}

const vote =
  ({ approvalId }: Living, user: string, decision: string): Write[1] =>
  (session) =>
    session.query(
      'insert into governance.approval_decision (approval_id, reviewer_id, decision) values ($1, $2, $3)',
      [approvalId, user, decision],
    )

const activate =
  ({ packageId, versionId }: Living, kind = 'ACTIVATE'): Write[1] =>
  (session) =>
    session.query(
      `insert into governance.activation (id, package_id, version_id, kind, reason)
       values (gen_random_uuid(), $1, $2, $3, 'a reason')`,
      [packageId, versionId, kind],
    )

async function statusesOf({ database }: Theatre, packageId: string): Promise<readonly unknown[]> {
  const { rows } = await database.admin.query<{ status: string }>(
    'select status from governance.config_version where package_id = $1 order by number',
    [packageId],
  )
  return rows.map(({ status }) => status)
}

function useTheatre(): { readonly now: Theatre } {
  const database = useTestDatabase()
  const open = useAppSessions()
  const theatre = {} as { now: Theatre }
  beforeAll(async () => {
    theatre.now = await theatreIn(database, () => open(database))
  })
  return theatre
}

/** A database as it is migrated, for what holds. */
const guarded = useTheatre()

/** The same, and one of its own for what comes of it without a guard. */
function useTheatres(): { readonly guarded: Theatre; readonly unguarded: Theatre } {
  const unguarded = useTheatre()
  return {
    get guarded() {
      return guarded.now
    },
    get unguarded() {
      return unguarded.now
    },
  }
}

const packageLock = [
  `update governance.config_package p
     set last_version_number = p.last_version_number
   where p.tenant_id = new.tenant_id and p.id = new.package_id
  returning * into package;`,
  `select * into package from governance.config_package p
   where p.tenant_id = new.tenant_id and p.id = new.package_id;`,
] as const
const approvalLock = [
  `update governance.approval a
     set status = a.status
   where a.tenant_id = new.tenant_id and a.id = new.approval_id
  returning * into approval;`,
  `select * into approval from governance.approval a
   where a.tenant_id = new.tenant_id and a.id = new.approval_id;`,
] as const

describe('two activations at once', () => {
  const theatres = useTheatres()

  const compete = async (theatre: Theatre, options?: { waits?: boolean; isolation?: string }) => {
    const one = await theatre.life.versionIn('APPROVED')
    const other = await theatre.life.versionIn('APPROVED', one.packageId)
    const { activator } = theatre.tenant
    const code = await race(theatre, [activator, activate(one)], [activator, activate(other)], options)
    return { code, statuses: await statusesOf(theatre, one.packageId) }
  }

  it('put one in force, and tell the other what it is', async () => {
    expect(await compete(theatres.guarded)).toEqual({ code: 'DH504', statuses: ['ACTIVE', 'APPROVED'] })
  })

  it('are for one of two repeatable reads to try again', async () => {
    expect(await compete(theatres.guarded, { isolation: 'repeatable read' })).toEqual({
      code: '40001',
      statuses: ['ACTIVE', 'APPROVED'],
    })
  })

  it('are two in force without the lock of the package and the indexes behind it', async () => {
    const { admin } = theatres.unguarded.database
    await rewrite(admin, 'governance.hold_activation', [packageLock])
    // its place in the ledger
    expect(await compete(theatres.unguarded)).toMatchObject({ code: '23505' })
    await admin.query('drop index governance.activation_tenant_id_package_id_seq_key')
    // the last one
    expect(await compete(theatres.unguarded)).toMatchObject({
      code: '23505',
      statuses: ['ACTIVE', 'APPROVED'],
    })
    await admin.query('drop index governance.config_version_one_active')
    expect(await compete(theatres.unguarded, { waits: false })).toEqual({
      code: undefined,
      statuses: ['ACTIVE', 'ACTIVE'],
    })
  })
})

describe('approving against rejecting', () => {
  const theatres = useTheatres()

  const compete = async (theatre: Theatre, decisions: readonly [string, string], isolation?: string) => {
    const living = await theatre.life.versionIn('REVIEW')
    const { reviewer, secondReviewer } = theatre.tenant
    const code = await race(
      theatre,
      [reviewer, vote(living, reviewer, decisions[0])],
      [secondReviewer, vote(living, secondReviewer, decisions[1])],
      isolation === undefined ? {} : { isolation },
    )
    const { rows } = await theatre.database.admin.query<{ decision: string }>(
      'select decision from governance.approval_decision where approval_id = $1 order by 1',
      [living.approvalId],
    )
    return {
      code,
      status: await theatre.life.statusOf(living.versionId),
      votes: rows.map(({ decision }) => decision),
    }
  }

  it('the first vote decides, and the second is refused', async () => {
    expect(await compete(theatres.guarded, ['APPROVE', 'REJECT'])).toEqual({
      code: 'DH501',
      status: 'APPROVED',
      votes: ['APPROVE'],
    })
    expect(await compete(theatres.guarded, ['REJECT', 'APPROVE'])).toEqual({
      code: 'DH501',
      status: 'DRAFT',
      votes: ['REJECT'],
    })
    expect(await compete(theatres.guarded, ['APPROVE', 'REJECT'], 'repeatable read')).toMatchObject({
      code: '40001',
      votes: ['APPROVE'],
    })
  })

  it('without the lock, a version is approved with a rejection on record', async () => {
    await rewrite(theatres.unguarded.database.admin, 'governance.hold_decision', [approvalLock])
    expect(await compete(theatres.unguarded, ['APPROVE', 'REJECT'])).toEqual({
      code: undefined,
      status: 'APPROVED',
      votes: ['APPROVE', 'REJECT'],
    })
  })
})

describe('two votes for a quorum of two', () => {
  const theatres = useTheatres()

  const compete = async (theatre: Theatre, options?: { waits?: boolean; isolation?: string }) => {
    const { author, reviewer, secondReviewer } = theatre.tenant
    const packageId = await theatre.life.package({ quorum: 2 })
    const versionId = await theatre.way.create(author, packageId)
    await theatre.way.submit(author, versionId)
    const living = { packageId, versionId, approvalId: await theatre.life.approvalOf(versionId) }
    const code = await race(
      theatre,
      [reviewer, vote(living, reviewer, 'APPROVE')],
      [secondReviewer, vote(living, secondReviewer, 'APPROVE')],
      options,
    )
    return [code, await theatre.life.statusOf(versionId)]
  }

  it('approve, whichever is second', async () => {
    expect(await compete(theatres.guarded)).toEqual([undefined, 'APPROVED'])
  })

  it('of two repeatable reads, the second is to try again', async () => {
    expect(await compete(theatres.guarded, { isolation: 'repeatable read' })).toEqual(['40001', 'REVIEW'])
  })

  it('stay undecided for ever where nothing is locked, or where it is locked and not written', async () => {
    const { admin } = theatres.unguarded.database
    await rewrite(admin, 'governance.hold_decision', [approvalLock])
    expect(await compete(theatres.unguarded, { waits: false })).toEqual([undefined, 'REVIEW'])
    await rewrite(admin, 'governance.hold_decision', [
      [approvalLock[1], approvalLock[1].replace(';', ' for update;')],
    ])
    expect(await compete(theatres.unguarded)).toEqual([undefined, 'APPROVED'])
    // the chain of the events is written and not only locked, and would be in the way
    await admin.query('drop trigger audit_vote on governance.approval_decision')
    expect(await compete(theatres.unguarded, { isolation: 'repeatable read' })).toEqual([undefined, 'REVIEW'])
  })
})

describe('approving A and then swapping the content for B', () => {
  const theatres = useTheatres()

  const edit =
    ({ versionId }: Living, content: string): Write[1] =>
    (session) =>
      session.query('update governance.config_version set content = $2 where id = $1', [versionId, content])

  it('is refused, at once and in the middle of the approval', async () => {
    const { guarded } = theatres
    const { author, reviewer } = guarded.tenant
    const living = await guarded.life.versionIn('REVIEW')
    const code = await race(
      guarded,
      [reviewer, vote(living, reviewer, 'APPROVE')],
      [author, edit(living, '{"b":2}')],
    )
    expect([code, await guarded.life.statusOf(living.versionId)]).toEqual(['DH502', 'APPROVED'])
  })

  it('an edit that was under way when it was submitted is what is approved', async () => {
    const { guarded } = theatres
    const { author, editor } = guarded.tenant
    const living = await guarded.life.versionIn('DRAFT')
    const submit: Write[1] = (session) =>
      session.query(`update governance.config_version set status = 'REVIEW' where id = $1`, [
        living.versionId,
      ])
    expect(await race(guarded, [editor, edit(living, '{"b":2}')], [author, submit])).toBeUndefined()
    const { rows } = await guarded.database.admin.query(
      `select a.content_hash = encode(sha256(convert_to('{"b": 2}', 'UTF8')), 'hex') as approved_b
         from governance.approval a where a.id = $1`,
      [await guarded.life.approvalOf(living.versionId)],
    )
    expect(rows).toEqual([{ approved_b: true }])
  })

  it('meets the hash of the approval where an edit gets through, and goes through without it', async () => {
    const { unguarded } = theatres
    const { admin } = unguarded.database
    const { author, reviewer, activator } = unguarded.tenant
    await rewrite(admin, 'governance.hold_version_life_cycle', [
      [
        `if old.status <> 'DRAFT' then\n      raise exception using\n        errcode = 'DH502',\n        message = format('DH502: only a draft may be edited`,
        `if false then\n      raise exception using\n        errcode = 'DH502',\n        message = format('DH502: only a draft may be edited`,
      ],
    ])
    const living = await unguarded.life.versionIn('REVIEW')
    await unguarded.way.edit(author, living.versionId, { b: 2 })
    expect(await codeOf(unguarded.way.vote(reviewer, living.approvalId, 'APPROVE'))).toBe('DH504')

    await rewrite(admin, 'governance.hold_decision', [
      ['if version.content_hash is distinct from approval.content_hash then', 'if false then'],
    ])
    expect(await codeOf(unguarded.way.vote(reviewer, living.approvalId, 'APPROVE'))).toBe('DH501')
    await rewrite(admin, 'governance.hold_approval', [
      [`or (new.status = 'APPROVED' and version.content_hash is distinct from old.content_hash)`, ''],
    ])
    expect(await codeOf(unguarded.way.vote(reviewer, living.approvalId, 'APPROVE'))).toBe('DH501')
    await rewrite(admin, 'governance.hold_version_life_cycle', [
      [' and approval.content_hash = new.content_hash', ''],
    ])
    await unguarded.way.vote(reviewer, living.approvalId, 'APPROVE')
    await unguarded.way.step(activator, await unguarded.life.step(living, 'ACTIVATE'))
    const { rows } = await admin.query(
      `select v.content, v.status, v.content_hash = a.content_hash as as_approved
         from governance.config_version v join governance.approval a on a.version_id = v.id where a.id = $1`,
      [living.approvalId],
    )
    expect(rows).toEqual([{ content: { b: 2 }, status: 'ACTIVE', as_approved: false }])
  })
})

describe('version numbers under 4 writers', () => {
  const theatres = useTheatres()

  /** What each was refused with, and the numbers there are. */
  const write = async ({ database, tenant, life, open }: Theatre, { waits = true } = {}) => {
    const packageId = await life.package()
    const writers = await Promise.all(Array.from({ length: 4 }, () => open()))
    const insert = (writer: AppSession) =>
      writer.query(
        `insert into governance.config_version (id, package_id, content, updated_at) values ($1, $2, '{}', now())`,
        [randomUUID(), packageId],
      )
    for (const writer of writers) await writer.begin(tenant.tenantId, tenant.author)
    const [head, ...others] = writers
    if (head) await insert(head)
    const writing = others.map(async (writer) => {
      const code = await codeOf(insert(writer))
      // the next one waits for this
      await writer.query(code === undefined ? 'commit' : 'rollback')
      return code
    })
    if (waits) for (const writer of others) await writer.isBlocked()
    else await Promise.all(writing)
    await head?.query('commit')
    const codes = await Promise.all(writing)
    const { rows } = await database.admin.query<{ number: number }>(
      'select number from governance.config_version where package_id = $1 order by 1',
      [packageId],
    )
    return { codes, numbers: rows.map(({ number }) => number) }
  }

  it('are 1, 2, 3 and 4', async () => {
    expect(await write(theatres.guarded)).toEqual({
      codes: [undefined, undefined, undefined],
      numbers: [1, 2, 3, 4],
    })
  })

  it('fail 3 of 4 where they are the highest and one more, and are all the same without the key', async () => {
    const { admin } = theatres.unguarded.database
    await rewrite(admin, 'governance.hold_version_life_cycle', [
      [
        `update governance.config_package p
       set last_version_number = p.last_version_number + (new.number = 0)::pg_catalog.int4
     where p.tenant_id = new.tenant_id and p.id = new.package_id
    returning * into package;`,
        `select * into package from governance.config_package p
     where p.tenant_id = new.tenant_id and p.id = new.package_id;
    select coalesce(max(v.number), 0) + 1 into new.number from governance.config_version v
     where v.package_id = new.package_id;`,
      ],
    ])
    await admin.query('drop trigger count_chosen_number on governance.config_version')
    expect(await write(theatres.unguarded)).toEqual({ codes: ['23505', '23505', '23505'], numbers: [1] })
    await admin.query('drop index governance.config_version_tenant_id_package_id_number_key')
    const { numbers } = await write(theatres.unguarded, { waits: false })
    // while the first was not committed, the second was the first too
    expect(numbers.slice(0, 2)).toEqual([1, 1])
  })
})

describe('truncating the log', () => {
  const theatres = useTheatres()
  const count = async ({ database }: Theatre) =>
    (await database.admin.query('select from audit.audit_event')).rowCount

  it('is refused to an administrator too, and takes everything without the trigger', async () => {
    for (const theatre of [theatres.guarded, theatres.unguarded]) {
      await theatre.life.versionIn('REVIEW')
      expect(await codeOf(theatre.database.admin.query('truncate audit.audit_event'))).toBe('DH503')
      expect(await count(theatre)).toBeGreaterThan(0)
    }
    const { admin } = theatres.unguarded.database
    const { rows } = await admin.query<{ name: string }>(
      `select tgrelid::regclass::text as name from pg_trigger
        where tgname = 'refuse_change' and tgrelid in (select relid from pg_partition_tree('audit.audit_event'))`,
    )
    for (const { name } of rows) await admin.query(`drop trigger refuse_change on ${name}`)
    await admin.query('truncate audit.audit_event')
    expect(await count(theatres.unguarded)).toBe(0)
  })
})

describe('breaking the glass', () => {
  const theatres = useTheatres()

  it('waits for the vote before it, and bypasses what that made of the version', async () => {
    const { guarded } = theatres
    const { reviewer, activator } = guarded.tenant
    const living = await guarded.life.versionIn('REVIEW')
    const code = await race(
      guarded,
      [reviewer, vote(living, reviewer, 'APPROVE')],
      [activator, activate(living, 'BREAK_GLASS')],
    )
    expect([code, await guarded.life.statusOf(living.versionId)]).toEqual([undefined, 'ACTIVE'])
    expect((await guarded.life.events(living.versionId)).at(-1)).toMatchObject({
      action: 'config.version.break_glass',
      metadata: { bypassed: 'APPROVED' },
    })
  })

  it('ends the approval that a vote was for', async () => {
    const { guarded } = theatres
    const { reviewer, activator } = guarded.tenant
    const living = await guarded.life.versionIn('REVIEW')
    const code = await race(
      guarded,
      [activator, activate(living, 'BREAK_GLASS')],
      [reviewer, vote(living, reviewer, 'REJECT')],
    )
    expect([code, await guarded.life.statusOf(living.versionId)]).toEqual(['DH501', 'ACTIVE'])
  })

  it('is for owners and administrators, and for everybody where that is not asked', async () => {
    for (const theatre of [theatres.guarded, theatres.unguarded]) {
      if (theatre === theatres.unguarded) {
        await rewrite(theatre.database.admin, 'governance.hold_activation', [
          [` and m.role in ('OWNER', 'ADMIN')`, ''],
        ])
      }
      const living = await theatre.life.versionIn('REVIEW')
      const step = await theatre.life.step(living, 'BREAK_GLASS')
      expect(await codeOf(theatre.way.step(theatre.tenant.viewer, step))).toBe(
        theatre === theatres.guarded ? 'DH505' : undefined,
      )
    }
  })
})

describe('cancelling an approval against activating its version', () => {
  const theatres = useTheatres()
  const cancel =
    ({ approvalId }: Living): Write[1] =>
    (session) =>
      session.query(`update governance.approval set status = 'CANCELLED' where id = $1`, [approvalId])

  const compete = async (theatre: Theatre) => {
    const living = await theatre.life.versionIn('APPROVED')
    const { author, activator } = theatre.tenant
    const code = await race(theatre, [activator, activate(living)], [author, cancel(living)])
    const { rows } = await theatre.database.admin.query<{ status: string }>(
      'select status from governance.approval where id = $1',
      [living.approvalId],
    )
    return [code, await theatre.life.statusOf(living.versionId), rows[0]?.status]
  }

  it('is refused by whichever is second', async () => {
    expect(await compete(theatres.guarded)).toEqual(['DH501', 'ACTIVE', 'APPROVED'])
    const living = await theatres.guarded.life.versionIn('APPROVED')
    const { author, activator } = theatres.guarded.tenant
    expect(await race(theatres.guarded, [author, cancel(living)], [activator, activate(living)])).toBe(
      'DH501',
    )
  })

  it('leaves a version in force whose approval is cancelled, without the lock of the version', async () => {
    await rewrite(theatres.unguarded.database.admin, 'governance.hold_approval', [
      [
        `where v.tenant_id = old.tenant_id and v.id = old.version_id
     for no key update;`,
        'where v.tenant_id = old.tenant_id and v.id = old.version_id;',
      ],
    ])
    expect(await compete(theatres.unguarded)).toEqual([undefined, 'ACTIVE', 'CANCELLED'])
  })
})
