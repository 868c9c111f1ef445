import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { createGovernance, type Governance } from '../../src/governance/index.ts'
import { createTenancy } from '../../src/index.ts'
import type { BundledTenantClient } from '../../src/tenancy/bundled.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { People, type Person, refusalOf } from './support/people.ts'

// What bad input gets: each call, each kind of bad input, its typed error, and nothing half-written.

const database = useTestDatabase()
let people: People
let others: People

interface Ids {
  readonly packageId: string
  readonly versionId: string
  readonly approvalId: string
}
const nobody = (): Ids => ({ packageId: randomUUID(), versionId: randomUUID(), approvalId: randomUUID() })

/** Each mutating call, with ids and otherwise good input. */
const writes: Readonly<Record<string, (governance: Governance, ids: Ids) => Promise<unknown>>> = {
  'packages.archive': ({ packages }, { packageId }) => packages.archive(packageId),
  'versions.createDraft': ({ versions }, { packageId }) => versions.createDraft(packageId, { content: {} }),
  'versions.updateDraft': ({ versions }, { versionId }) =>
    versions.updateDraft(versionId, { content: {} }, { expectedLockVersion: 1 }),
  'versions.deleteDraft': ({ versions }, { versionId }) => versions.deleteDraft(versionId),
  'versions.submitForReview': ({ versions }, { versionId }) => versions.submitForReview(versionId),
  'versions.withdraw': ({ versions }, { versionId }) => versions.withdraw(versionId),
  'versions.activate': ({ versions }, { versionId }) =>
    versions.activate(versionId, { expectedActiveId: null }),
  'versions.rollback': ({ versions }, { versionId }) => versions.rollback(versionId, { reason: 'a reason' }),
  'versions.deprecate': ({ versions }, { versionId }) => versions.deprecate(versionId),
  'versions.breakGlass': ({ versions }, { versionId }) =>
    versions.breakGlass(versionId, { reason: 'a reason' }),
  'approvals.request': ({ approvals }, { versionId }) => approvals.request(versionId),
  'approvals.approve': ({ approvals }, { approvalId }) => approvals.approve(approvalId),
  'approvals.reject': ({ approvals }, { approvalId }) => approvals.reject(approvalId, { comment: 'no' }),
  'approvals.cancel': ({ approvals }, { approvalId }) => approvals.cancel(approvalId),
}
const reads: typeof writes = {
  'packages.get': ({ packages }, { packageId }) => packages.get(packageId),
  'versions.get': ({ versions }, { versionId }) => versions.get(versionId),
  'versions.getActive': ({ versions }, { packageId }) => versions.getActive(packageId),
  'versions.list': ({ versions }, { packageId }) => versions.list(packageId),
  'versions.history': ({ versions }, { packageId }) => versions.history(packageId),
  'versions.diff': ({ versions }, { versionId }) => versions.diff(versionId, versionId),
  'approvals.get': ({ approvals }, { approvalId }) => approvals.get(approvalId),
}
const withoutIds: typeof writes = {
  'packages.create': ({ packages }) => packages.create({ key: 'key', name: 'Package' }),
  'packages.getByKey': ({ packages }) => packages.getByKey('key'),
  'packages.list': ({ packages }) => packages.list(),
  'approvals.listPending': ({ approvals }) => approvals.listPending(),
}
const all = { ...writes, ...reads, ...withoutIds }

let review: Ids
beforeAll(async () => {
  people = await People.plant(database)
  others = await People.plant(database)
  const packageId = await people.package()
  review = { packageId, ...(await people.inReview(packageId)) }
})

/** All rows of the governed domain, of whichever tenant; and the attempts that are on record. */
async function rows(): Promise<Readonly<Record<string, unknown>>> {
  const tables = ['config_package', 'config_version', 'approval', 'approval_decision', 'activation']
  const counts: Record<string, unknown> = {}
  for (const table of tables) {
    const { rows } = await database.admin.query(
      `select count(*)::int, md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from governance.${table} t`,
    )
    counts[table] = rows[0]
  }
  const { rows } = await database.admin.query(
    `select count(*)::int from audit.audit_event where outcome = 'SUCCESS'`,
  )
  return { ...counts, successes: rows[0] }
}

/** The refusal of a call, and that it has written nothing. */
async function refusalWithoutTrace(call: () => Promise<unknown>) {
  const before = await rows()
  const refusal = await refusalOf(call())
  expect(await rows()).toEqual(before)
  return refusal
}

describe('a wrong shape', () => {
  const id = () => review.versionId
  const shapes: Readonly<Record<string, readonly [(g: Governance) => Promise<unknown>, readonly string[]]>> =
    {
      'packages.create without a key': [(g) => g.packages.create({ name: 'x' } as never), ['key']],
      'packages.create with a key of other characters': [
        (g) => g.packages.create({ key: 'a b', name: 'x' }),
        ['key'],
      ],
      'packages.create without a name': [(g) => g.packages.create({ key: 'x', name: ' ' }), ['name']],
      'packages.create with a quorum of none': [
        (g) => g.packages.create({ key: 'x', name: 'x', quorum: 0 }),
        ['quorum'],
      ],
      'packages.create with a quorum of 21': [
        (g) => g.packages.create({ key: 'x', name: 'x', quorum: 21 }),
        ['quorum'],
      ],
      'packages.create with another’s tenant': [
        (g) => g.packages.create({ key: 'x', name: 'x', tenantId: others.tenantId } as never),
        [],
      ],
      'packages.create with a NUL in its description': [
        (g) => g.packages.create({ key: 'x', name: 'x', description: 'a\0' }),
        ['description'],
      ],
      'packages.create with a bad schema': [
        (g) => g.packages.create({ key: 'x', name: 'x', contentSchema: { type: 'x' } }),
        [],
      ],
      'packages.create with nothing': [(g) => g.packages.create(undefined as never), []],
      'packages.getByKey with a number': [(g) => g.packages.getByKey(1 as never), []],
      'packages.list with a limit of none': [(g) => g.packages.list({ limit: 0 }), ['limit']],
      'packages.list after what is no id': [(g) => g.packages.list({ after: 'x' }), ['after']],
      'versions.createDraft without content': [
        (g) => g.versions.createDraft(review.packageId, {} as never),
        ['content'],
      ],
      'versions.updateDraft without an expectation': [
        (g) => g.versions.updateDraft(id(), { content: {} }, {} as never),
        ['expectedLockVersion'],
      ],
      'versions.updateDraft with a status': [
        (g) =>
          g.versions.updateDraft(id(), { content: {}, status: 'ACTIVE' } as never, {
            expectedLockVersion: 1,
          }),
        [],
      ],
      'versions.deleteDraft with a broken lock version': [
        (g) => g.versions.deleteDraft(id(), { expectedLockVersion: 1.5 }),
        ['expectedLockVersion'],
      ],
      'versions.withdraw with an empty reason': [
        (g) => g.versions.withdraw(id(), { reason: '' }),
        ['reason'],
      ],
      'versions.activate without an expectation': [
        (g) => g.versions.activate(id(), {} as never),
        ['expectedActiveId'],
      ],
      'versions.activate expecting what is no id': [
        (g) => g.versions.activate(id(), { expectedActiveId: 'x' }),
        ['expectedActiveId'],
      ],
      'versions.rollback without a reason': [(g) => g.versions.rollback(id(), {} as never), ['reason']],
      'versions.rollback with a blank reason': [
        (g) => g.versions.rollback(id(), { reason: ' \n' }),
        ['reason'],
      ],
      'versions.rollback with an endless reason': [
        (g) => g.versions.rollback(id(), { reason: 'x'.repeat(2_001) }),
        ['reason'],
      ],
      'versions.breakGlass without a reason': [(g) => g.versions.breakGlass(id(), {} as never), ['reason']],
      'versions.list of a status that is none': [
        (g) => g.versions.list(review.packageId, { status: 'GONE' as never }),
        ['status'],
      ],
      'versions.history after what is no number': [
        (g) => g.versions.history(review.packageId, { after: -1 }),
        ['after'],
      ],
      'approvals.approve with half a character': [
        (g) => g.approvals.approve(review.approvalId, { comment: '\ud800' }),
        ['comment'],
      ],
      'approvals.reject without a comment': [
        (g) => g.approvals.reject(review.approvalId, {} as never),
        ['comment'],
      ],
      'approvals.cancel with a number as a reason': [
        (g) => g.approvals.cancel(review.approvalId, { reason: 1 as never }),
        ['reason'],
      ],
      'approvals.listPending with too high a limit': [
        (g) => g.approvals.listPending({ limit: 501 }),
        ['limit'],
      ],
    }

  it.each(Object.keys(shapes))('is a validation error with its path: %s', async (name) => {
    const [call, path] = shapes[name] as (typeof shapes)[string]
    const events = await people.eventsOf(async () => {
      const { code, details } = await refusalWithoutTrace(() => call(people.as('owner')))
      expect(code).toBe('DH506')
      expect(details).toMatchObject({ issues: [{ path, message: expect.any(String) }] })
    })
    // a mistake is no attempt at what is forbidden
    expect(events).toEqual([])
  })

  it.each(Object.keys({ ...writes, ...reads }))(
    'of an id is a validation error of %s, and tells no value',
    async (name) => {
      const bad = "secret' or true --"
      for (const id of [
        bad,
        '',
        `${randomUUID()}0`,
        randomUUID().replaceAll('-', ''),
        null as never,
        7 as never,
      ]) {
        const call = () => all[name]?.(people.as('owner'), { packageId: id, versionId: id, approvalId: id })
        const { code, message, details } = await refusalWithoutTrace(async () => call())
        expect(code).toBe('DH506')
        expect(`${message}${JSON.stringify(details)}`).not.toContain('secret')
      }
    },
  )

  it('of an id in capitals is none', async () => {
    const { versionId } = review
    expect(await people.as('viewer').versions.get(versionId.toUpperCase())).toMatchObject({ id: versionId })
  })
})

describe('an illegal move', () => {
  const moves: Readonly<
    Record<string, readonly [(g: Governance) => Promise<unknown>, { from: string; to: string }, Person]>
  > = {
    'submitting what is in review': [
      (g) => g.versions.submitForReview(review.versionId),
      { from: 'REVIEW', to: 'REVIEW' },
      'author',
    ],
    'putting in force what is in review': [
      (g) => g.versions.activate(review.versionId, { expectedActiveId: null }),
      { from: 'REVIEW', to: 'ACTIVE' },
      'admin',
    ],
    'rolling back to what is in review': [
      (g) => g.versions.rollback(review.versionId, { reason: 'a reason' }),
      { from: 'REVIEW', to: 'ACTIVE' },
      'admin',
    ],
    'deprecating what is in review': [
      (g) => g.versions.deprecate(review.versionId),
      { from: 'REVIEW', to: 'DEPRECATED' },
      'admin',
    ],
    'withdrawing a draft': [
      async (g) => g.versions.withdraw(await people.draft(review.packageId)),
      { from: 'DRAFT', to: 'DRAFT' },
      'author',
    ],
    'approving what was cancelled': [
      async (g) => {
        const { approvalId } = await people.inReview()
        await people.as('author').approvals.cancel(approvalId)
        return g.approvals.approve(approvalId)
      },
      { from: 'CANCELLED', to: 'APPROVED' },
      'reviewer',
    ],
  }

  it.each(Object.keys(moves))('is a transition error with from and to, and audited: %s', async (name) => {
    const [call, states, person] = moves[name] as (typeof moves)[string]
    const denied: unknown[] = []
    denied.push(
      ...(await people.eventsOf(async () => {
        expect(await refusalOf(call(people.as(person)))).toMatchObject({ code: 'DH501', details: states })
      })),
    )
    expect(denied.at(-1)).toMatchObject({ outcome: 'DENIED', metadata: { code: 'DH501', ...states } })
    expect(denied.filter((event) => (event as { outcome: string }).outcome === 'DENIED')).toHaveLength(1)
  })

  it('of the content of what is no draft is its own error, and audited', async () => {
    const { versions } = people.as('author')
    const events = await people.eventsOf(async () => {
      for (const call of [
        () => versions.updateDraft(review.versionId, { content: {} }, { expectedLockVersion: 1 }),
        () => versions.deleteDraft(review.versionId),
      ]) {
        expect(await refusalWithoutTrace(call)).toMatchObject({ code: 'DH502', details: { from: 'REVIEW' } })
      }
    })
    expect(events).toMatchObject([
      { action: 'config.version.edit', outcome: 'DENIED' },
      { action: 'config.version.delete', outcome: 'DENIED' },
    ])
  })
})

describe('a stale lock or expectation', () => {
  it('is a conflict with what was expected and what is', async () => {
    const draft = await people.draft()
    const packageId = await people.package()
    const active = await people.active(packageId)
    const approved = await people.approved(packageId)
    const old = await people.active(await people.package())
    await people.as('admin').versions.deprecate(old)
    const stranger = await others.active(await others.package())
    const { versions } = people.as('owner')
    const reason = 'a reason'
    const stale: readonly (readonly [() => Promise<unknown>, object])[] = [
      [
        () => versions.updateDraft(draft, { content: {} }, { expectedLockVersion: 4 }),
        { expected: 4, actual: 1 },
      ],
      [() => versions.deleteDraft(draft, { expectedLockVersion: 4 }), { expected: 4, actual: 1 }],
      [() => versions.activate(approved, { expectedActiveId: null }), { expected: null, actual: active }],
      [() => versions.activate(approved, { expectedActiveId: old }), { expected: old, actual: active }],
      // another tenant's is as good as one of nobody
      [
        () => versions.activate(approved, { expectedActiveId: stranger }),
        { expected: stranger, actual: active },
      ],
      [
        () => versions.breakGlass(approved, { reason, expectedActiveId: null }),
        { expected: null, actual: active },
      ],
      [
        () => versions.rollback(old, { reason, expectedActiveId: active }),
        { expected: active, actual: null },
      ],
    ]
    const events = await people.eventsOf(async () => {
      for (const [call, details] of stale) {
        expect(await refusalWithoutTrace(call)).toMatchObject({ code: 'DH504', details })
      }
    })
    expect(events).toEqual([])
  })
})

describe('another tenant’s id', () => {
  it.each(Object.keys({ ...writes, ...reads }))(
    'is not found by %s, identical to a missing one, with and without the permission',
    async (name) => {
      const packageId = await others.package()
      const foreign = { packageId, ...(await others.inReview(packageId)) }
      for (const person of ['owner', 'viewer', 'stranger'] as const) {
        const call = (ids: Ids) => refusalWithoutTrace(async () => all[name]?.(people.as(person), ids))
        const refusal = await call(foreign)
        expect(refusal).toEqual(await call(nobody()))
        const isRefused = person !== 'owner' && name in writes
        expect(refusal.code).toBe(isRefused ? 'DH505' : 'DH507')
      }
    },
  )
})

describe('another tenant’s id, with one hull alone', () => {
  it.each(['one', 'two'] as const)('is not found with hull %s, and is there without either', async (hull) => {
    const packageId = await others.package()
    const foreign = { packageId, ...(await others.inReview(packageId)) }
    const context = { tenantId: people.tenantId, userId: people.id('owner') }
    const governance = createGovernance(database[hull].client(context))
    for (const [name, call] of Object.entries({ ...writes, ...reads })) {
      const refusal = await refusalWithoutTrace(() => call(governance, foreign))
      expect(refusal).toEqual(await refusalOf(call(governance, nobody())))
      expect([name, refusal.code]).toEqual([name, 'DH507'])
    }
    // what the repositories ask for, asked of a client that nothing holds
    const { none } = database
    expect(await none.configVersion.findFirst({ where: { id: foreign.versionId } })).not.toBeNull()
    expect(await none.configPackage.findFirst({ where: { id: packageId } })).not.toBeNull()
    expect(await none.approval.findFirst({ where: { id: foreign.approvalId } })).not.toBeNull()
  })
})

describe('no permission', () => {
  it.each(Object.keys({ ...writes, 'packages.create': 1 }))(
    'is forbidden for %s, audited once, and nothing is written',
    async (name) => {
      const events = await people.eventsOf(async () => {
        const call = async () => all[name]?.(people.as('stranger'), review)
        expect(await refusalWithoutTrace(call)).toMatchObject({
          code: 'DH505',
          details: { permission: expect.stringMatching(/^config:/) },
        })
      })
      expect(events).toMatchObject([{ outcome: 'DENIED', actorId: people.id('stranger') }])
    },
  )
})

describe('no tenant context', () => {
  // nothing listens there: any SQL would fail in another way
  const nowhere = 'postgresql://nobody:x@127.0.0.1:1/nothing'
  const elsewhere = createTenancy({ PrismaClient, manifest, connectionString: nowhere })
  const contextless = [
    ['an object', {}],
    ['a plain client', new PrismaClient({ adapter: new PrismaPg({ connectionString: nowhere }) })],
  ] as const

  it.each(Object.keys(all))('is a context error of %s before any SQL', async (name) => {
    for (const [, client] of contextless) {
      const governance = createGovernance(client as unknown as BundledTenantClient)
      const call = async () => all[name]?.(governance, nobody())
      expect(await refusalOf(call())).toMatchObject({ code: 'DH101' })
    }
  })

  it.each(Object.keys({ ...writes, 'packages.create': 1 }))(
    'and without a user, %s is refused before any SQL too',
    async (name) => {
      const governance = createGovernance(elsewhere.client({ tenantId: randomUUID() }))
      expect(await refusalOf(all[name]?.(governance, nobody()) ?? Promise.resolve())).toMatchObject({
        code: 'DH509',
      })
    },
  )
})
