import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/test-database.ts'
import { type AppSession, useAppSessions } from './support/app-session.ts'
import { type GovernedTenant, plantGovernedTenant } from './support/governed-tenant.ts'
import { codeOf, Life } from './support/life.ts'
import { sqlWay } from './support/sql-way.ts'
import type { Way } from './support/way.ts'

const database = useTestDatabase()
const open = useAppSessions()
let session: AppSession
let tenant: GovernedTenant
let way: Way
let life: Life

beforeAll(async () => {
  session = await open(database)
  tenant = await plantGovernedTenant(database.admin)
  way = sqlWay(session, tenant.tenantId)
  life = new Life(database.admin, way, tenant)
})

const rowsOf = async (text: string, ...values: unknown[]) =>
  (await database.admin.query<Record<string, unknown>>(text, values)).rows

/** A version of the author's that the editor changed, and a third person submitted. */
async function inReview({ quorum = 1, separateActivator = false } = {}) {
  const packageId = await life.package({ quorum, separateActivator })
  const versionId = await way.create(tenant.author, packageId)
  await way.edit(tenant.editor, versionId, { a: 2 })
  await way.submit(tenant.viewer, versionId)
  return { packageId, versionId, approvalId: await life.approvalOf(versionId) }
}

describe('who decides on a version', () => {
  it('is neither its author, nor an editor, nor who submitted it', async () => {
    const { versionId, approvalId } = await inReview()
    for (const own of [tenant.author, tenant.editor, tenant.viewer]) {
      for (const decision of ['APPROVE', 'REJECT'] as const) {
        expect(await codeOf(way.vote(own, approvalId, decision))).toBe('DH510')
      }
    }
    await way.vote(tenant.reviewer, approvalId, 'APPROVE')
    expect(await life.statusOf(versionId)).toBe('APPROVED')
  })

  it('is still none of its editors when it was rejected, and submitted again', async () => {
    const { versionId, approvalId } = await inReview()
    await way.vote(tenant.reviewer, approvalId, 'REJECT')
    await way.edit(tenant.reviewer, versionId, { a: 3 })
    await way.submit(tenant.author, versionId)
    const again = await life.approvalOf(versionId)
    for (const own of [tenant.editor, tenant.reviewer]) {
      expect(await codeOf(way.vote(own, again, 'APPROVE'))).toBe('DH510')
    }
    await way.vote(tenant.secondReviewer, again, 'APPROVE')
    expect(await life.statusOf(versionId)).toBe('APPROVED')
  })

  it('votes once, and in no other’s name', async () => {
    const { approvalId } = await inReview({ quorum: 2 })
    await way.vote(tenant.reviewer, approvalId, 'APPROVE')
    expect(await codeOf(way.vote(tenant.reviewer, approvalId, 'APPROVE'))).toBe('23505')
    const forged = session.as(tenant.tenantId, tenant.reviewer, () =>
      session.query(
        `insert into governance.approval_decision (approval_id, reviewer_id, decision) values ($1, $2, 'APPROVE')`,
        [approvalId, tenant.secondReviewer],
      ),
    )
    expect(await codeOf(forged)).toBe('DH510')
  })

  it('is somebody', async () => {
    const { approvalId } = await inReview()
    const anonymous = session.as(tenant.tenantId, undefined, () =>
      session.query(
        `insert into governance.approval_decision (approval_id, reviewer_id, decision) values ($1, $2, 'APPROVE')`,
        [approvalId, tenant.reviewer],
      ),
    )
    expect(await codeOf(anonymous)).toBe('DH509')
  })

  it('does not become another by who is said to have written it', async () => {
    const packageId = await life.package()
    const id = randomUUID()
    await session.as(tenant.tenantId, tenant.author, async () => {
      await session.query(
        `insert into governance.config_version
           (id, package_id, content, author_id, submitter_id, editor_ids, content_hash, lock_version, created_at, updated_at)
         values ($1, $2, '{}', $3, $3, array[$3::uuid], 'forged', 70, '2001-01-01', now())`,
        [id, packageId, tenant.viewer],
      )
      await session.query(
        `update governance.config_version
            set author_id = $2, submitter_id = $2, editor_ids = array[$2::uuid], content_hash = 'forged', lock_version = 70,
                created_at = '2001-01-01'
          where id = $1`,
        [id, tenant.viewer],
      )
    })
    await session.as(tenant.tenantId, tenant.editor, () =>
      session.query(
        `update governance.config_version set content = '{"a":1.0}', author_id = $2, editor_ids = '{}' where id = $1`,
        [id, tenant.viewer],
      ),
    )
    await way.submit(tenant.author, id)
    expect(
      await rowsOf(
        `select author_id, submitter_id, editor_ids, lock_version, created_at > now() - interval '1 hour' as recent,
                content_hash = encode(sha256(convert_to(content::text, 'UTF8')), 'hex') as hashed
           from governance.config_version where id = $1`,
        id,
      ),
    ).toEqual([
      {
        author_id: tenant.author,
        submitter_id: tenant.author,
        editor_ids: [tenant.editor],
        lock_version: 2,
        recent: true,
        hashed: true,
      },
    ])
  })

  it('gets no version whose author or an editor nobody knows', async () => {
    const packageId = await life.package()
    const id = randomUUID()
    await session.as(tenant.tenantId, undefined, () =>
      session.query(
        `insert into governance.config_version (id, package_id, content, updated_at) values ($1, $2, '{}', now())`,
        [id, packageId],
      ),
    )
    expect(await codeOf(way.submit(tenant.author, id))).toBe('DH509')
    const other = await way.create(tenant.author, packageId)
    await session.as(tenant.tenantId, undefined, () =>
      session.query(`update governance.config_version set content = '{"b":1}' where id = $1`, [other]),
    )
    expect(await codeOf(way.submit(tenant.author, other))).toBe('DH509')
  })

  it('are as many as the package asked for when it was submitted', async () => {
    const { packageId, versionId, approvalId } = await inReview({ quorum: 2 })
    await session.as(tenant.tenantId, tenant.activator, () =>
      session.query('update governance.config_package set quorum = 1 where id = $1', [packageId]),
    )
    await way.vote(tenant.reviewer, approvalId, 'APPROVE')
    expect(await life.statusOf(versionId)).toBe('REVIEW')
    await way.vote(tenant.secondReviewer, approvalId, 'APPROVE')
    expect(await life.statusOf(versionId)).toBe('APPROVED')
  })
})

describe('who puts a version in force', () => {
  it('may be anybody, where the package does not separate it', async () => {
    const { packageId, versionId, approvalId } = await inReview()
    await way.vote(tenant.reviewer, approvalId, 'APPROVE')
    await way.step(tenant.author, await life.step({ packageId, versionId }, 'ACTIVATE'))
    expect(await life.statusOf(versionId)).toBe('ACTIVE')
  })

  it('has not written, submitted or reviewed it, where the package separates it', async () => {
    const { packageId, versionId, approvalId } = await inReview({ separateActivator: true })
    await way.vote(tenant.reviewer, approvalId, 'APPROVE')
    const step = await life.step({ packageId, versionId }, 'ACTIVATE')
    for (const own of [tenant.author, tenant.editor, tenant.viewer, tenant.reviewer]) {
      expect(await codeOf(way.step(own, step))).toBe('DH510')
    }
    await way.step(tenant.activator, step)
    await way.step(tenant.author, await life.step({ packageId, versionId }, 'DEPRECATE'))
    // a rollback puts in force as well
    const back = await life.step({ packageId, versionId }, 'ROLLBACK')
    expect(await codeOf(way.step(tenant.author, back))).toBe('DH510')
    await way.step(tenant.secondReviewer, back)
    expect(await life.statusOf(versionId)).toBe('ACTIVE')
  })

  it('says why they roll back or break the glass', async () => {
    const living = await life.versionIn('DEPRECATED')
    const next = await life.versionIn('REVIEW', living.packageId)
    for (const reason of [undefined, '', ' \n']) {
      for (const step of [await life.step(living, 'ROLLBACK'), await life.step(next, 'BREAK_GLASS')]) {
        const { reason: _, ...rest } = step
        const told = reason === undefined ? rest : { ...rest, reason }
        expect(await codeOf(way.step(tenant.activator, told))).toBe('23514')
      }
    }
  })

  it('breaks the glass as an owner or an administrator of the tenant, and as nobody else', async () => {
    const living = await life.versionIn('REVIEW')
    const step = await life.step(living, 'BREAK_GLASS')
    const stranger = (await plantGovernedTenant(database.admin)).activator
    for (const own of [tenant.author, tenant.reviewer, tenant.viewer, stranger, randomUUID()]) {
      expect(await codeOf(way.step(own, step))).toBe('DH505')
    }
    await way.step(tenant.activator, step)
    expect(await life.statusOf(living.versionId)).toBe('ACTIVE')
    expect(
      await rowsOf(
        'select status, reason, closed_by_id from governance.approval where id = $1',
        living.approvalId,
      ),
    ).toEqual([{ status: 'CANCELLED', reason: 'a reason', closed_by_id: tenant.activator }])
  })
})

describe('an archived package', () => {
  it('gets no new versions, and none of its old ones is put in force', async () => {
    const inForce = await life.versionIn('ACTIVE')
    const { packageId } = inForce
    const approved = await life.versionIn('APPROVED', packageId)
    const draft = await way.create(tenant.author, packageId)
    await session.as(tenant.tenantId, tenant.author, () =>
      session.query('update governance.config_package set archived_at = now() where id = $1', [packageId]),
    )
    expect(await codeOf(way.create(tenant.author, packageId))).toBe('DH501')
    expect(await codeOf(way.submit(tenant.author, draft))).toBe('DH501')
    for (const kind of ['ACTIVATE', 'BREAK_GLASS'] as const) {
      expect(await codeOf(way.step(tenant.activator, await life.step(approved, kind)))).toBe('DH501')
    }
    await way.step(tenant.activator, await life.step(inForce, 'DEPRECATE'))
    expect(await life.statusOf(inForce.versionId)).toBe('DEPRECATED')
  })

  it('stays archived', async () => {
    const packageId = await life.package()
    const set = (value: string) =>
      session.as(tenant.tenantId, tenant.activator, () =>
        session.query(`update governance.config_package set archived_at = ${value} where id = $1`, [
          packageId,
        ]),
      )
    await set(`'2001-01-01'`)
    expect(await codeOf(set('null'))).toBe('DH501')
    expect(await codeOf(set('now()'))).toBe('DH501')
    // by the database's clock
    expect(
      await rowsOf(
        `select archived_at > now() - interval '1 hour' as recent from governance.config_package where id = $1`,
        packageId,
      ),
    ).toEqual([{ recent: true }])
  })
})
