import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/test-database.ts'
import { type AppSession, useAppSessions } from './support/app-session.ts'
import { type GovernedTenant, plantGovernedTenant } from './support/governed-tenant.ts'
import { codeOf, Life, type Living } from './support/life.ts'
import { prismaWay } from './support/prisma-way.ts'
import { repositoryWay } from './support/repository-way.ts'
import { sqlWay } from './support/sql-way.ts'
import { type State, states, type Way } from './support/way.ts'

const database = useTestDatabase()
const open = useAppSessions()
let session: AppSession
let tenant: GovernedTenant
let life: Life

beforeAll(async () => {
  session = await open(database)
  tenant = await plantGovernedTenant(database.admin)
  life = new Life(database.admin, sqlWay(session, tenant.tenantId), tenant)
})

/** Whoever may write must meet the same table. */
const ways: Readonly<Record<string, () => Way>> = {
  'by raw SQL as the app role': () => sqlWay(session, tenant.tenantId),
  'by plain Prisma through a tenant client': () => prismaWay(database, tenant.tenantId),
  'through the repositories': () => repositoryWay(database, tenant.tenantId),
}

/** The moves of a version, by where they start. */
const moves: Record<State, readonly State[]> = {
  DRAFT: ['REVIEW'],
  REVIEW: ['DRAFT', 'APPROVED'],
  APPROVED: ['ACTIVE', 'DRAFT'],
  ACTIVE: ['DEPRECATED'],
  DEPRECATED: ['ACTIVE'],
}
const cells = states.flatMap((from) => states.map((to) => ({ from, to })))
const isMove = ({ from, to }: (typeof cells)[number]) => moves[from].includes(to)
const others = states.slice(1)

/** The write that is meant to bring a version there. */
async function drive(way: Way, from: State, to: State, living: Living): Promise<unknown> {
  const { author, reviewer, activator } = tenant
  switch (to) {
    case 'DRAFT':
      return way.cancel(author, living.approvalId, 'not yet')
    case 'REVIEW':
      return way.submit(author, living.versionId)
    case 'APPROVED':
      return way.vote(reviewer, living.approvalId, 'APPROVE')
    case 'ACTIVE':
      return way.step(activator, await life.step(living, from === 'DEPRECATED' ? 'ROLLBACK' : 'ACTIVATE'))
    case 'DEPRECATED':
      return way.step(activator, await life.step(living, 'DEPRECATE'))
  }
}

describe.each(Object.entries(ways))('%s', (_, wayOf) => {
  let way: Way
  beforeAll(() => {
    way = wayOf()
  })

  it('a version begins as a draft', async () => {
    const id = await way.create(tenant.author, await life.package())
    expect(await life.statusOf(id)).toBe('DRAFT')
  })

  it.each(others)('refuses to create a version as %s', async (state) => {
    const packageId = await life.package()
    expect(await codeOf(way.createAs?.(tenant.author, packageId, state) ?? refused)).toBe('DH501')
  })

  it.each(cells.filter(isMove))(
    'a version goes from $from to $to by what drives it',
    async ({ from, to }) => {
      const living = await life.versionIn(from)
      await drive(way, from, to, living)
      expect(await life.statusOf(living.versionId)).toBe(to)
    },
  )

  it('a version goes from REVIEW to DRAFT by a reviewer’s rejection', async () => {
    const { versionId, approvalId } = await life.versionIn('REVIEW')
    await way.vote(tenant.reviewer, approvalId, 'REJECT', 'no')
    expect(await life.statusOf(versionId)).toBe('DRAFT')
    // ended for good
    expect(await codeOf(way.cancel(tenant.author, approvalId))).toBe('DH501')
    expect(await codeOf(way.vote(tenant.secondReviewer, approvalId, 'APPROVE'))).toBe('DH501')
  })

  it.each(cells.filter((cell) => !isMove(cell) && cell.from !== cell.to))(
    'refuses to drive a version from $from to $to',
    async ({ from, to }) => {
      const living = await life.versionIn(from)
      expect(await codeOf(drive(way, from, to, living))).toBe('DH501')
      expect(await life.statusOf(living.versionId)).toBe(from)
    },
  )

  it.each(cells.filter(({ from, to }) => from !== to && !(from === 'DRAFT' && to === 'REVIEW')))(
    'refuses to set $from to $to with nothing on record for it',
    async ({ from, to }) => {
      const { versionId } = await life.versionIn(from)
      expect(await codeOf(way.setStatus?.(tenant.activator, versionId, to) ?? refused)).toBe('DH501')
      expect(await life.statusOf(versionId)).toBe(from)
    },
  )

  it.each(states.slice(0, 3))('breaks the glass over a version that is %s', async (from) => {
    const living = await life.versionIn(from)
    await way.step(tenant.activator, await life.step(living, 'BREAK_GLASS'))
    expect(await life.statusOf(living.versionId)).toBe('ACTIVE')
  })

  it.each(states.slice(3))('refuses to break the glass over a version that is %s', async (from) => {
    const living = await life.versionIn(from)
    const step = await life.step(living, 'BREAK_GLASS')
    expect(await codeOf(way.step(tenant.activator, step))).toBe('DH501')
  })

  it('a draft is edited, and its edits are counted', async () => {
    const { versionId } = await life.versionIn('DRAFT')
    await way.edit(tenant.author, versionId, { a: 2 })
    await way.edit(tenant.author, versionId, { a: 2 })
    const { rows } = await database.admin.query(
      `select lock_version, content, content_hash = encode(sha256(convert_to(content::text, 'UTF8')), 'hex') as hashed
         from governance.config_version where id = $1`,
      [versionId],
    )
    // the second changed nothing
    expect(rows).toEqual([{ lock_version: 2, content: { a: 2 }, hashed: true }])
  })

  it.each(others)('refuses to edit a version that is %s', async (state) => {
    const { versionId } = await life.versionIn(state)
    expect(await codeOf(way.edit(tenant.author, versionId, { a: 2 }))).toBe('DH502')
  })

  it('a draft that was never submitted is deleted', async () => {
    const id = await way.create(tenant.author, await life.package())
    await way.remove(tenant.author, id)
    expect(await life.statusOf(id)).toBeNull()
  })

  it.each(states)('refuses to delete a version that was submitted and is %s', async (state) => {
    const { versionId } = await life.versionIn(state)
    expect(await codeOf(way.remove(tenant.author, versionId))).toBe('DH502')
  })

  it('the next version deprecates the one before it, and a rollback brings that back', async () => {
    const first = await life.versionIn('ACTIVE')
    const second = await life.versionIn('APPROVED', first.packageId)
    const both = async () => [await life.statusOf(first.versionId), await life.statusOf(second.versionId)]
    await way.step(tenant.activator, await life.step(second, 'ACTIVATE'))
    expect(await both()).toEqual(['DEPRECATED', 'ACTIVE'])
    await way.step(tenant.activator, await life.step(first, 'ROLLBACK'))
    expect(await both()).toEqual(['ACTIVE', 'DEPRECATED'])
  })

  it('refuses a step that expects another version in force', async () => {
    const first = await life.versionIn('ACTIVE')
    const second = await life.versionIn('APPROVED', first.packageId)
    const step = await life.step(second, 'ACTIVATE')
    for (const previousVersionId of [null, second.versionId]) {
      expect(await codeOf(way.step(tenant.activator, { ...step, previousVersionId }))).toBe('DH504')
    }
  })

  it('refuses to put a version of one package in force in another', async () => {
    const { versionId } = await life.versionIn('APPROVED')
    const step = await life.step({ versionId, packageId: await life.package() }, 'ACTIVATE')
    expect(await codeOf(way.step(tenant.activator, step))).toBe('DH507')
  })

  it('answers to another tenant’s ids as to ids of nobody', async () => {
    const stranger = await plantGovernedTenant(database.admin)
    const theirs = new Life(database.admin, sqlWay(session, stranger.tenantId), stranger)
    const foreign = await theirs.versionIn('REVIEW')
    const missing = { packageId: randomUUID(), versionId: randomUUID(), approvalId: randomUUID() }
    const own = await life.package()
    const { author, reviewer, activator } = tenant
    const told = async (call: Promise<unknown>) => {
      const error = await call.then(
        (value) => ({ code: undefined, message: JSON.stringify(value) }),
        (reason: { code?: string; message: string }) => reason,
      )
      return [error.code, error.message]
    }
    const attempts = (ids: Living): readonly (() => Promise<unknown>)[] => [
      () => way.create(author, ids.packageId),
      () => way.edit(author, ids.versionId, { a: 2 }),
      () => way.remove(author, ids.versionId),
      () => way.submit(author, ids.versionId),
      () => way.cancel(author, ids.approvalId),
      () => way.vote(reviewer, ids.approvalId, 'APPROVE'),
      () => way.step(activator, { ...ids, previousVersionId: null, kind: 'ACTIVATE' }),
      () => way.step(activator, { ...ids, packageId: own, previousVersionId: null, kind: 'ACTIVATE' }),
    ]
    const ofNobody = attempts(missing)
    for (const [index, attempt] of attempts(foreign).entries()) {
      expect(await told(attempt())).toEqual(await told(ofNobody[index]?.() ?? refused))
    }
    expect(await theirs.statusOf(foreign.versionId)).toBe('REVIEW')
  })
})

/** For a way that has no words for something. */
const refused = Promise.reject(Object.assign(new Error('there are no words for it'), { code: 'DH501' }))
refused.catch(() => {})

describe.each(['audit.audit_event', 'governance.activation', 'governance.approval_decision'])(
  '%s',
  (table) => {
    const statements = [
      `update ${table} set tenant_id = tenant_id`,
      `delete from ${table}`,
      `truncate ${table} cascade`,
    ]

    it('is append-only for the app role', async () => {
      for (const statement of statements) {
        const attempt = session.as(tenant.tenantId, tenant.activator, () => session.query(statement))
        expect(await codeOf(attempt)).toBe('42501')
      }
    })

    it('is append-only for an administrator too', async () => {
      for (const statement of statements) {
        expect(await codeOf(database.admin.query(statement))).toBe('DH503')
      }
    })
  },
)
