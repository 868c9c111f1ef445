import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseContextKey } from '../../src/context/context-key.ts'
import { ContextSigner } from '../../src/context/context-signature.ts'
import { parseTenantContext } from '../../src/context/tenant-context.ts'
import { drawContextKey, signContexts } from '../support/signed-database.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { type AppSession, useAppSessions } from './support/app-session.ts'
import { type GovernedTenant, plantGovernedTenant } from './support/governed-tenant.ts'
import { codeOf, Life } from './support/life.ts'
import { prismaWay } from './support/prisma-way.ts'
import { sqlWay } from './support/sql-way.ts'
import type { Way } from './support/way.ts'

const database = useTestDatabase()
const scratch = useTestDatabase()
const open = useAppSessions()
let session: AppSession
let tenant: GovernedTenant
let life: Life

beforeAll(async () => {
  session = await open(database)
  tenant = await plantGovernedTenant(database.admin)
  life = new Life(database.admin, sqlWay(session, tenant.tenantId), tenant)
})

describe.each<[string, () => Way]>([
  ['by raw SQL', () => sqlWay(session, tenant.tenantId)],
  ['by plain Prisma', () => prismaWay(database, tenant.tenantId)],
])('%s, each write that drives a version leaves one event', (_, wayOf) => {
  let way: Way
  let packageId: string
  let versionId: string
  beforeEach(async () => {
    way = wayOf()
    packageId = await life.package({ quorum: 2 })
    versionId = await way.create(tenant.author, packageId)
  })

  const told = async () =>
    (await life.events(versionId)).map(({ action, actor_id, metadata }) => ({
      action,
      actor: Object.entries(tenant).find(([, id]) => id === actor_id)?.[0],
      metadata,
    }))
  const event = (action: string, actor: string, metadata: object) => ({
    action,
    actor,
    metadata: { packageId, versionId, ...metadata },
  })

  it('from its creation to its deletion', async () => {
    await way.edit(tenant.editor, versionId, { a: 2 })
    await way.remove(tenant.author, versionId)
    expect(await told()).toEqual([
      event('config.version.create', 'author', { stage: 'DRAFT' }),
      event('config.version.edit', 'editor', { stage: 'DRAFT' }),
      event('config.version.delete', 'author', { stage: 'DELETED' }),
    ])
  })

  it('from its submission to its deprecation', async () => {
    const living = { packageId, versionId }
    await way.submit(tenant.author, versionId)
    await way.vote(tenant.reviewer, await life.approvalOf(versionId), 'REJECT', 'too bold')
    await way.submit(tenant.author, versionId)
    const approvalId = await life.approvalOf(versionId)
    await way.vote(tenant.reviewer, approvalId, 'APPROVE', 'fine')
    await way.vote(tenant.secondReviewer, approvalId, 'APPROVE', 'fine too')
    await way.cancel(tenant.author, approvalId, 'a better idea')
    await way.submit(tenant.author, versionId)
    const last = await life.approvalOf(versionId)
    await way.vote(tenant.reviewer, last, 'APPROVE', 'yes')
    await way.vote(tenant.secondReviewer, last, 'APPROVE', 'yes')
    await way.step(tenant.activator, await life.step(living, 'ACTIVATE'))
    await way.step(tenant.activator, await life.step(living, 'DEPRECATE'))
    await way.step(tenant.activator, await life.step(living, 'ROLLBACK'))
    const reason = 'a reason'
    const submitted = event('config.version.submit', 'author', { stage: 'REVIEW' })
    expect(await told()).toEqual([
      event('config.version.create', 'author', { stage: 'DRAFT' }),
      submitted,
      event('config.approval.reject', 'reviewer', { stage: 'DRAFT', reason: 'too bold' }),
      submitted,
      event('config.approval.approve', 'reviewer', { stage: 'REVIEW', reason: 'fine' }),
      event('config.approval.approve', 'secondReviewer', { stage: 'APPROVED', reason: 'fine too' }),
      event('config.approval.cancel', 'author', { stage: 'DRAFT', reason: 'a better idea' }),
      submitted,
      event('config.approval.approve', 'reviewer', { stage: 'REVIEW', reason: 'yes' }),
      event('config.approval.approve', 'secondReviewer', { stage: 'APPROVED', reason: 'yes' }),
      event('config.version.activate', 'activator', { stage: 'ACTIVE', reason }),
      event('config.version.deprecate', 'activator', {
        stage: 'DEPRECATED',
        reason,
        previousVersionId: versionId,
      }),
      event('config.version.rollback', 'activator', { stage: 'ACTIVE', reason }),
    ])
  })

  it.each(['DRAFT', 'REVIEW', 'APPROVED'] as const)(
    'and the loudest when the glass is broken over %s',
    async (bypassed) => {
      const inForce = await life.versionIn('ACTIVE')
      const living = await life.versionIn(bypassed, inForce.packageId)
      const before = (await life.events(living.versionId)).length
      await way.step(tenant.activator, await life.step(living, 'BREAK_GLASS'))
      expect((await life.events(living.versionId)).slice(before)).toEqual([
        {
          action: 'config.version.break_glass',
          actor_id: tenant.activator,
          origin: 'DATABASE',
          outcome: 'SUCCESS',
          targets: [{ type: 'version', id: living.versionId }],
          metadata: {
            stage: 'ACTIVE',
            severity: 'critical',
            reason: 'a reason',
            bypassed,
            packageId: living.packageId,
            versionId: living.versionId,
            previousVersionId: inForce.versionId,
          },
        },
      ])
    },
  )
})

describe('a package', () => {
  it('leaves one event for each change, and none for its counter', async () => {
    const db = database.both.client({ tenantId: tenant.tenantId, userId: tenant.author })
    const { id } = await db.configPackage.create({ data: { key: randomUUID(), name: 'one' } })
    await db.configPackage.update({ where: { id }, data: { name: 'two' } })
    const draft = await db.configVersion.create({ data: { packageId: id, content: {} } })
    await db.configVersion.delete({ where: { id: draft.id } })
    await db.configPackage.update({ where: { id }, data: { name: 'two' } })
    await db.configPackage.update({ where: { id }, data: { archivedAt: new Date(), name: 'three' } })
    await db.configPackage.delete({ where: { id } })
    const events = (await life.events(id)).map(({ action, targets, metadata }) => ({
      action,
      targets,
      metadata,
    }))
    const event = (verb: string, stage: string) => ({
      action: `config.package.${verb}`,
      targets: [{ type: 'package', id }],
      metadata: { stage, packageId: id },
    })
    expect(events.filter(({ action }) => String(action).startsWith('config.package'))).toEqual([
      event('create', 'OPEN'),
      event('update', 'OPEN'),
      event('archive', 'ARCHIVED'),
      event('delete', 'DELETED'),
    ])
  })
})

describe('the events of one transaction', () => {
  it('are as many as its writes, in their order, whenever they are written', async () => {
    for (const constraints of ['immediate', 'deferred']) {
      const packageId = await life.package()
      const versionId = randomUUID()
      await session.as(tenant.tenantId, tenant.author, async () => {
        await session.query(`set constraints all ${constraints}`)
        await session.query(
          `insert into governance.config_version (id, package_id, content, updated_at) values ($1, $2, '{}', now())`,
          [versionId, packageId],
        )
        await session.query(`update governance.config_version set content = '{"a":1}' where id = $1`, [
          versionId,
        ])
        await session.query(`update governance.config_version set status = 'REVIEW' where id = $1`, [
          versionId,
        ])
        await session.query(`update governance.approval set status = 'CANCELLED' where version_id = $1`, [
          versionId,
        ])
      })
      expect((await life.events(versionId)).map(({ action }) => action)).toEqual([
        'config.version.create',
        'config.version.edit',
        'config.version.submit',
        'config.approval.cancel',
      ])
    }
  })

  it('say what a draft was that was withdrawn, submitted and put in force by break-glass in one go', async () => {
    const { packageId, versionId, approvalId } = await life.versionIn('REVIEW')
    await session.as(tenant.tenantId, tenant.activator, async () => {
      await session.query(`update governance.approval set status = 'CANCELLED' where id = $1`, [approvalId])
      await session.query(`update governance.config_version set status = 'REVIEW' where id = $1`, [versionId])
      await session.query(
        `insert into governance.activation (id, package_id, version_id, kind, reason)
         values (gen_random_uuid(), $1, $2, 'BREAK_GLASS', 'fire')`,
        [packageId, versionId],
      )
    })
    const events = await life.events(versionId)
    expect(events.slice(-3)).toMatchObject([
      { action: 'config.approval.cancel' },
      { action: 'config.version.submit' },
      { action: 'config.version.break_glass', metadata: { bypassed: 'REVIEW' } },
    ])
  })
})

describe('a change whose event cannot be written', () => {
  it('is not made', async () => {
    const other = await plantGovernedTenant(scratch.admin)
    const inScratch = new Life(scratch.admin, prismaWay(scratch, other.tenantId), other)
    const way = prismaWay(scratch, other.tenantId)
    const packageId = await inScratch.package()
    const versionId = await way.create(other.author, packageId)
    await scratch.admin.query(
      `alter table audit.audit_event add constraint full_up check (action <> 'config.version.submit') not valid`,
    )
    expect(await codeOf(way.submit(other.author, versionId))).toBeDefined()
    expect(await inScratch.statusOf(versionId)).toBe('DRAFT')
    await scratch.admin.query('alter table audit.audit_event drop constraint full_up')
    await way.submit(other.author, versionId)
    expect(await inScratch.statusOf(versionId)).toBe('REVIEW')
  })
})

describe('where contexts are signed', () => {
  it('an event is not another user’s than the one who signed', async () => {
    const other = await plantGovernedTenant(scratch.admin)
    const key = drawContextKey()
    await signContexts(scratch.adminUrl, key)
    const signer = new ContextSigner(parseContextKey(key, 'key'))
    const context = parseTenantContext({ tenantId: other.tenantId, userId: other.author })
    const raw = await open(scratch)
    const create = async (lastUser: string) =>
      raw.as(other.tenantId, other.author, async () => {
        await raw.query(`select set_config('app.context_signature', $1, true)`, [signer.signatureOf(context)])
        await raw.query(
          `insert into governance.config_package (id, key, name, updated_at)
           values (gen_random_uuid(), gen_random_uuid()::text, 'n', now())`,
        )
        await raw.query(`select set_config('app.user_id', $1, true)`, [lastUser])
      })
    await create(other.author)
    expect(await codeOf(create(other.viewer))).toBe('DH102')
  })
})
