import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatDiff } from '../../src/governance/index.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { People, refusalOf } from './support/people.ts'

const database = useTestDatabase()
let people: People
let others: People
beforeAll(async () => {
  people = await People.plant(database)
  others = await People.plant(database)
})

describe('a draft', () => {
  it('is created as the next of its package, by the user of the client', async () => {
    const packageId = await people.package()
    const { versions } = people.as('author')
    const [first, second] = [
      await versions.createDraft(packageId, { content: { limit: 1 } }),
      await versions.createDraft(packageId, { content: [1] }),
    ]
    expect(first).toMatchObject({
      packageId,
      number: 1,
      status: 'DRAFT',
      content: { limit: 1 },
      contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      lockVersion: 1,
      authorId: people.id('author'),
      submitterId: null,
      editorIds: [],
    })
    expect(second.number).toBe(2)
    expect(await versions.get(first.id)).toEqual(first)
  })

  it('is edited by whoever knows its lock version, who is on record', async () => {
    const id = await people.draft()
    const edited = await people
      .as('editor')
      .versions.updateDraft(id, { content: { limit: 2 } }, { expectedLockVersion: 1 })
    expect(edited).toMatchObject({ content: { limit: 2 }, lockVersion: 2, editorIds: [people.id('editor')] })

    const stale = people.as('author').versions.updateDraft(id, { content: {} }, { expectedLockVersion: 1 })
    expect(await refusalOf(stale)).toMatchObject({ code: 'DH504', details: { expected: 1, actual: 2 } })
    expect(await people.as('viewer').versions.get(id)).toEqual(edited)
  })

  it('loses no edit of two at once', async () => {
    const id = await people.draft()
    const { versions } = people.as('author')
    const edits = await Promise.allSettled(
      [2, 3, 4, 5].map((limit) =>
        versions.updateDraft(id, { content: { limit } }, { expectedLockVersion: 1 }),
      ),
    )
    expect(edits.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await versions.get(id)).toMatchObject({ lockVersion: 2 })
  })

  it('is deleted if it was never submitted', async () => {
    const id = await people.draft()
    const { versions } = people.as('author')
    expect(await refusalOf(versions.deleteDraft(id, { expectedLockVersion: 7 }))).toMatchObject({
      code: 'DH504',
      details: { expected: 7, actual: 1 },
    })
    const events = await people.eventsOf(() => versions.deleteDraft(id, { expectedLockVersion: 1 }))
    expect(events).toMatchObject([{ action: 'config.version.delete', metadata: { stage: 'DELETED' } }])
    expect((await refusalOf(versions.get(id))).code).toBe('DH507')

    const { versionId } = await people.inReview()
    await versions.withdraw(versionId)
    expect(await refusalOf(versions.deleteDraft(versionId))).toMatchObject({ code: 'DH502' })
  })

  it('is submitted with the content that was checked, and not with one that came in between', async () => {
    const packageId = await people.package({ contentSchema: { type: 'object', maxProperties: 1 } })
    const id = await people.draft(packageId)
    // the other edit comes when the content has been read, and before the status is written
    const slow = people.as('author', {
      contentSchemas: {
        [(await people.as('viewer').packages.get(packageId)).key]: z.unknown().refine(async () => {
          await people
            .as('editor')
            .versions.updateDraft(id, { content: { limit: 1, more: 2 } }, { expectedLockVersion: 1 })
          return true
        }),
      },
    })
    expect(await refusalOf(slow.versions.submitForReview(id))).toMatchObject({
      code: 'DH504',
      details: { expected: 1, actual: 2 },
    })
    expect(await people.as('viewer').versions.get(id)).toMatchObject({ status: 'DRAFT' })
  })
})

describe('the way of a version', () => {
  it('leads from a draft to force and out of it, each step with exactly one audit event', async () => {
    const packageId = await people.package()
    const { versions } = people.as('author')
    const id = await people.draft(packageId)
    const admin = people.as('admin').versions
    const steps: readonly (readonly [() => Promise<unknown>, string, string])[] = [
      [
        () => versions.updateDraft(id, { content: { limit: 9 } }, { expectedLockVersion: 1 }),
        'config.version.edit',
        'DRAFT',
      ],
      [() => versions.submitForReview(id), 'config.version.submit', 'REVIEW'],
      [() => versions.withdraw(id, { reason: 'not yet' }), 'config.approval.cancel', 'DRAFT'],
      [() => people.as('author').approvals.request(id), 'config.version.submit', 'REVIEW'],
      [
        async () => {
          const [pending] = (await people.as('reviewer').approvals.listPending()).items.filter(
            ({ versionId }) => versionId === id,
          )
          await people.as('reviewer').approvals.approve(pending?.id ?? '')
        },
        'config.approval.approve',
        'APPROVED',
      ],
      [() => admin.activate(id, { expectedActiveId: null }), 'config.version.activate', 'ACTIVE'],
      [() => admin.deprecate(id, { reason: 'enough' }), 'config.version.deprecate', 'DEPRECATED'],
      [() => admin.rollback(id, { reason: 'not enough' }), 'config.version.rollback', 'ACTIVE'],
    ]
    for (const [step, action, stage] of steps) {
      const events = await people.eventsOf(step)
      expect(events).toMatchObject([
        { action, outcome: 'SUCCESS', metadata: { stage, packageId, versionId: id } },
      ])
      expect(await versions.get(id)).toMatchObject({ status: stage })
    }
  })

  it('each call answers with the version as it is then', async () => {
    const packageId = await people.package()
    const id = await people.draft(packageId)
    const author = people.as('author')
    const admin = people.as('admin').versions
    expect(await author.versions.submitForReview(id)).toMatchObject({
      status: 'REVIEW',
      submitterId: people.id('author'),
    })
    expect(await author.versions.withdraw(id)).toMatchObject({ status: 'DRAFT' })
    const { id: approvalId } = await author.approvals.request(id)
    await people.as('reviewer').approvals.approve(approvalId)
    expect(await admin.activate(id, { expectedActiveId: null })).toMatchObject({ status: 'ACTIVE' })
    expect(await admin.deprecate(id)).toMatchObject({ status: 'DEPRECATED' })
    expect(await admin.rollback(id, { reason: 'again' })).toMatchObject({ status: 'ACTIVE' })
  })

  it('puts the next one in force instead of the one that was expected', async () => {
    const packageId = await people.package()
    const first = await people.active(packageId)
    const second = await people.approved(packageId)
    const { versions } = people.as('admin')
    for (const expectedActiveId of [null, second, randomUUID()]) {
      expect(await refusalOf(versions.activate(second, { expectedActiveId }))).toMatchObject({
        code: 'DH504',
        details: { expected: expectedActiveId, actual: first },
      })
    }
    await versions.activate(second, { expectedActiveId: first })
    expect(await versions.get(first)).toMatchObject({ status: 'DEPRECATED' })
    expect(await versions.getActive(packageId)).toMatchObject({ id: second, status: 'ACTIVE' })
  })

  it('ends with one in force, whoever is first', async () => {
    const packageId = await people.package()
    const drafts = [await people.approved(packageId), await people.approved(packageId)]
    const { versions } = people.as('admin')
    const both = await Promise.allSettled(
      drafts.map((id) => versions.activate(id, { expectedActiveId: null })),
    )
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'DH504', details: { expected: null } },
    })
  })

  it('goes over broken glass from a draft, with a reason and the loudest event there is', async () => {
    const packageId = await people.package()
    const active = await people.active(packageId)
    const id = await people.draft(packageId)
    const events = await people.eventsOf(() =>
      people.as('owner').versions.breakGlass(id, { reason: 'payments are down', expectedActiveId: active }),
    )
    expect(events).toMatchObject([
      {
        action: 'config.version.break_glass',
        metadata: { stage: 'ACTIVE', reason: 'payments are down', severity: 'critical', bypassed: 'DRAFT' },
      },
    ])
    expect(await people.as('viewer').versions.getActive(packageId)).toMatchObject({ id })
  })

  it('is gone by a separate person where the package wants that', async () => {
    const packageId = await people.package({ separateActivator: true })
    const { versionId, approvalId } = await people.inReview(packageId)
    await people.as('admin').approvals.approve(approvalId)
    const activate = (person: 'admin' | 'owner') =>
      people.as(person).versions.activate(versionId, { expectedActiveId: null })
    const events = await people.eventsOf(async () => {
      expect(await refusalOf(activate('admin'))).toMatchObject({ code: 'DH510' })
    })
    expect(events).toMatchObject([{ outcome: 'DENIED', metadata: { code: 'DH510' } }])
    expect(await activate('owner')).toMatchObject({ status: 'ACTIVE' })
  })

  it('is stopped by its author and by who submitted it, and by others with the permission to review', async () => {
    const submitted = async () => {
      const id = await people.draft()
      await people.as('editor').versions.submitForReview(id)
      return id
    }
    for (const person of ['author', 'editor', 'reviewer', 'admin'] as const) {
      expect(await people.as(person).versions.withdraw(await submitted())).toMatchObject({ status: 'DRAFT' })
    }
    const id = (await people.inReview()).versionId
    expect(await refusalOf(people.as('editor').versions.withdraw(id))).toMatchObject({
      code: 'DH505',
      details: { permission: 'config:review' },
    })
    expect(await people.as('author').versions.withdraw(await people.approved())).toMatchObject({
      status: 'DRAFT',
    })
  })
})

describe('what is read of versions', () => {
  it('is a list without content, the newest first, page by page', async () => {
    const packageId = await people.package()
    for (let count = 0; count < 3; count++) await people.draft(packageId)
    await people.as('author').versions.submitForReview(await people.draft(packageId))
    const { versions } = people.as('viewer')
    const { items, next } = await versions.list(packageId, { limit: 3 })
    expect([items.map(({ number }) => number), next]).toEqual([[4, 3, 2], 2])
    expect(items[0]).not.toHaveProperty('content')
    expect((await versions.list(packageId, { after: 2 })).items.map(({ number }) => number)).toEqual([1])
    expect((await versions.list(packageId, { status: 'REVIEW' })).items.map(({ number }) => number)).toEqual([
      4,
    ])
    expect(await versions.list(await people.package())).toEqual({ items: [], next: null })
  })

  it('is nothing in force where nothing is', async () => {
    expect(await people.as('viewer').versions.getActive(await people.package())).toBeNull()
  })

  it('is the difference of two', async () => {
    const packageId = await people.package()
    const [from, to] = [
      await people.draft(packageId, { rules: [{ id: 1, limit: 5 }] }),
      await people.draft(packageId, { rules: [{ id: 0 }, { id: 1, limit: 6 }] }),
    ]
    const changes = await people.as('viewer').versions.diff(from, to)
    expect(formatDiff(changes)).toBe('+ /rules/0: {"id":0}\n~ /rules/1/limit: 5 → 6')
  })

  it('is a history of who put what in force, why, and who had approved it', async () => {
    const packageId = await people.package({ quorum: 2 })
    const { versions } = people.as('admin')
    const approved = async () => {
      const { versionId, approvalId } = await people.inReview(packageId)
      await people.as('reviewer').approvals.approve(approvalId, { comment: 'fine' })
      await people.as('second').approvals.approve(approvalId)
      return versionId
    }
    const first = await approved()
    await versions.activate(first, { expectedActiveId: null })
    const second = await approved()
    await versions.activate(second, { expectedActiveId: first })
    await versions.rollback(first, { reason: 'it broke' })

    const { items: history } = await versions.history(packageId)
    expect(history).toMatchObject([
      {
        seq: 3,
        kind: 'ROLLBACK',
        version: { id: first, number: 1 },
        previous: { id: second, number: 2 },
        actorId: people.id('admin'),
        reason: 'it broke',
      },
      { seq: 2, kind: 'ACTIVATE', version: { number: 2 }, previous: { number: 1 }, reason: null },
      { seq: 1, kind: 'ACTIVATE', version: { number: 1 }, previous: null },
    ])
    expect(history[0]?.at).toBeInstanceOf(Date)
    expect(history[0]?.approvals).toMatchObject([
      {
        status: 'APPROVED',
        votes: [
          { reviewerId: people.id('reviewer'), decision: 'APPROVE', comment: 'fine' },
          { reviewerId: people.id('second'), decision: 'APPROVE', comment: null },
        ],
      },
    ])
    expect(await versions.history(packageId, { after: 2 })).toEqual({ items: history.slice(2), next: null })
    expect(await versions.history(packageId, { limit: 1 })).toEqual({
      items: history.slice(0, 1),
      next: history[0]?.seq,
    })
  })

  it('of another tenant is not found, word for word like what is nobody’s', async () => {
    const packageId = await others.package()
    const versionId = await others.draft(packageId)
    const own = await people.draft()
    const { versions } = people.as('owner')
    const reads: Record<string, (ids: { packageId: string; versionId: string }) => Promise<unknown>> = {
      get: (ids) => versions.get(ids.versionId),
      getActive: (ids) => versions.getActive(ids.packageId),
      list: (ids) => versions.list(ids.packageId),
      history: (ids) => versions.history(ids.packageId),
      'diff from': (ids) => versions.diff(ids.versionId, own),
      'diff to': (ids) => versions.diff(own, ids.versionId),
    }
    for (const read of Object.values(reads)) {
      const refusal = await refusalOf(read({ packageId, versionId }))
      expect(refusal).toEqual(await refusalOf(read({ packageId: randomUUID(), versionId: randomUUID() })))
      expect(refusal.code).toBe('DH507')
    }
  })
})
