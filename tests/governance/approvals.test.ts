import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/test-database.ts'
import { People, type Person, refusalOf } from './support/people.ts'

const database = useTestDatabase()
let people: People
let others: People
beforeAll(async () => {
  people = await People.plant(database)
  others = await People.plant(database)
})

describe('an approval', () => {
  it('is opened by a request for exactly the content that is there', async () => {
    const packageId = await people.package({ quorum: 2 })
    const versionId = await people.draft(packageId)
    const approval = await people.as('editor').approvals.request(versionId)
    const { contentHash, status } = await people.as('viewer').versions.get(versionId)
    expect(status).toBe('REVIEW')
    expect(approval).toMatchObject({
      versionId,
      status: 'PENDING',
      contentHash,
      quorum: 2,
      requesterId: people.id('editor'),
      closedById: null,
      votes: [],
    })
    expect(approval).not.toHaveProperty('decisions')
    expect(await people.as('viewer').approvals.get(approval.id)).toEqual(approval)
  })

  it('is the same one however often it is requested, and is recorded once', async () => {
    const versionId = await people.draft()
    const answers: string[] = []
    const events = await people.eventsOf(async () => {
      for (let count = 0; count < 3; count++) {
        answers.push((await people.as('author').approvals.request(versionId)).id)
      }
    })
    expect(new Set(answers).size).toBe(1)
    expect(events).toMatchObject([{ action: 'config.version.submit' }])
    // of what is approved already there is nothing to request
    await people.as('reviewer').approvals.approve(answers[0] as string)
    expect(await refusalOf(people.as('author').approvals.request(versionId))).toMatchObject({
      code: 'DH501',
      details: { from: 'APPROVED', to: 'REVIEW' },
    })
  })

  it('is approved by the vote that completes the quorum, and by none before', async () => {
    const packageId = await people.package({ quorum: 2 })
    const { versionId, approvalId } = await people.inReview(packageId)
    const events = await people.eventsOf(async () => {
      expect(await people.as('reviewer').approvals.approve(approvalId, { comment: 'yes' })).toMatchObject({
        status: 'PENDING',
        votes: [{ reviewerId: people.id('reviewer'), decision: 'APPROVE', comment: 'yes' }],
      })
      expect(await people.as('second').approvals.approve(approvalId)).toMatchObject({
        status: 'APPROVED',
        closedById: people.id('second'),
        decidedAt: expect.any(Date),
        votes: [{}, { reviewerId: people.id('second') }],
      })
    })
    expect(events).toMatchObject([
      { action: 'config.approval.approve', metadata: { stage: 'REVIEW' } },
      { action: 'config.approval.approve', metadata: { stage: 'APPROVED' } },
    ])
    expect(await people.as('viewer').versions.get(versionId)).toMatchObject({ status: 'APPROVED' })
  })

  it('takes one vote of each reviewer', async () => {
    const { approvalId } = await people.inReview(await people.package({ quorum: 2 }))
    const { approvals } = people.as('reviewer')
    await approvals.approve(approvalId)
    expect(await refusalOf(approvals.approve(approvalId))).toMatchObject({ code: 'DH504' })
    expect(await refusalOf(approvals.reject(approvalId, { comment: 'no' }))).toMatchObject({ code: 'DH504' })
    expect(await approvals.get(approvalId)).toMatchObject({ status: 'PENDING', votes: [{}] })
  })

  it('is rejected by one vote, for good, and its version is a draft again', async () => {
    const { versionId, approvalId } = await people.inReview(await people.package({ quorum: 2 }))
    const events = await people.eventsOf(async () => {
      expect(await people.as('reviewer').approvals.reject(approvalId, { comment: 'too low' })).toMatchObject({
        status: 'REJECTED',
        reason: 'too low',
      })
    })
    expect(events).toMatchObject([
      { action: 'config.approval.reject', metadata: { stage: 'DRAFT', reason: 'too low' } },
    ])
    expect(await people.as('viewer').versions.get(versionId)).toMatchObject({ status: 'DRAFT' })

    const again = people.as('second').approvals
    expect(await refusalOf(again.approve(approvalId))).toMatchObject({
      code: 'DH501',
      details: { from: 'REJECTED', to: 'APPROVED' },
    })
    expect(await refusalOf(again.reject(approvalId, { comment: 'no' }))).toMatchObject({
      code: 'DH501',
      details: { from: 'REJECTED', to: 'REJECTED' },
    })
    expect(await refusalOf(people.as('author').approvals.cancel(approvalId))).toMatchObject({
      code: 'DH501',
      details: { from: 'REJECTED', to: 'CANCELLED' },
    })
    // another request is another approval
    expect((await people.as('author').approvals.request(versionId)).id).not.toBe(approvalId)
  })

  it('is cancelled while it is pending, and while its version waits to be put in force', async () => {
    const { approvalId } = await people.inReview()
    expect(await people.as('author').approvals.cancel(approvalId, { reason: 'not now' })).toMatchObject({
      status: 'CANCELLED',
      reason: 'not now',
      closedById: people.id('author'),
    })
    const { versionId, approvalId: second } = await people.inReview()
    await people.as('reviewer').approvals.approve(second)
    await people.as('reviewer').approvals.cancel(second)
    expect(await people.as('viewer').versions.get(versionId)).toMatchObject({ status: 'DRAFT' })

    const third = await people.inReview()
    await people.as('reviewer').approvals.approve(third.approvalId)
    await people.as('admin').versions.activate(third.versionId, { expectedActiveId: null })
    expect(await refusalOf(people.as('admin').approvals.cancel(third.approvalId))).toMatchObject({
      code: 'DH501',
      details: { from: 'APPROVED', to: 'CANCELLED' },
    })
  })

  it.each(['author', 'editor', 'admin'] as const)(
    'is not decided by the %s, who has written or submitted the version',
    async (person) => {
      const versionId = await people.draft()
      await people
        .as('editor')
        .versions.updateDraft(versionId, { content: { limit: 2 } }, { expectedLockVersion: 1 })
      const { id } = await people.as('admin').approvals.request(versionId)
      // whatever a port allows
      const { approvals } = people.as(person, { can: () => true })
      const events = await people.eventsOf(async () => {
        expect(await refusalOf(approvals.approve(id))).toMatchObject({ code: 'DH510' })
        expect(await refusalOf(approvals.reject(id, { comment: 'no' }))).toMatchObject({ code: 'DH510' })
      })
      expect(events).toMatchObject([
        { action: 'config.approval.approve', outcome: 'DENIED', metadata: { code: 'DH510' } },
        { action: 'config.approval.reject', outcome: 'DENIED', metadata: { code: 'DH510' } },
      ])
      expect(await approvals.get(id)).toMatchObject({ status: 'PENDING', votes: [] })
    },
  )

  it('of another tenant is not found, word for word like one of nobody', async () => {
    const foreign = await others.inReview()
    const missing: typeof foreign = { versionId: randomUUID(), approvalId: randomUUID() }
    const owner = people.as('owner').approvals
    const calls: readonly ((ids: typeof foreign) => Promise<unknown>)[] = [
      (ids) => owner.get(ids.approvalId),
      (ids) => owner.request(ids.versionId),
      (ids) => owner.approve(ids.approvalId),
      (ids) => owner.reject(ids.approvalId, { comment: 'no' }),
      (ids) => owner.cancel(ids.approvalId),
    ]
    for (const call of calls) {
      const refusal = await refusalOf(call(foreign))
      expect(refusal).toEqual(await refusalOf(call(missing)))
      expect(refusal.code).toBe('DH507')
    }
    expect(await others.as('viewer').approvals.get(foreign.approvalId)).toMatchObject({ status: 'PENDING' })
  })
})

describe('two who decide at once', () => {
  it('leave an approval that is decided once, whoever was first', async () => {
    for (let round = 0; round < 5; round++) {
      const { versionId, approvalId } = await people.inReview()
      const deciders: readonly (readonly [Person, (person: Person) => Promise<unknown>])[] = [
        ['reviewer', (person) => people.as(person).approvals.approve(approvalId)],
        ['second', (person) => people.as(person).approvals.reject(approvalId, { comment: 'no' })],
        ['author', (person) => people.as(person).versions.withdraw(versionId)],
      ]
      const ends = await Promise.allSettled(deciders.map(([person, decide]) => decide(person)))
      const { status, votes } = await people.as('viewer').approvals.get(approvalId)
      const version = await people.as('viewer').versions.get(versionId)
      expect(version.status).toBe(status === 'APPROVED' ? 'APPROVED' : 'DRAFT')
      expect(votes.length).toBeLessThanOrEqual(1)
      for (const end of ends) {
        if (end.status === 'rejected')
          expect(['DH501', 'DH504']).toContain((end.reason as { code: string }).code)
      }
      expect(['APPROVED', 'REJECTED', 'CANCELLED']).toContain(status)
    }
  })

  it('complete a quorum of two', async () => {
    const { approvalId } = await people.inReview(await people.package({ quorum: 2 }))
    await Promise.all(
      (['reviewer', 'second'] as const).map((one) => people.as(one).approvals.approve(approvalId)),
    )
    expect(await people.as('viewer').approvals.get(approvalId)).toMatchObject({ status: 'APPROVED' })
  })
})

describe('the list of what waits for votes', () => {
  it('is read page by page, the oldest first, and misses none that waits when another is decided', async () => {
    const own = await People.plant(database)
    const ids: string[] = []
    for (let count = 0; count < 5; count++) ids.push((await own.inReview()).approvalId)
    const { approvals } = own.as('reviewer')

    const first = await approvals.listPending({ limit: 2 })
    expect([first.items.map(({ id }) => id), first.next]).toEqual([ids.slice(0, 2), ids[1]])
    // the one that the next page begins behind
    await approvals.approve(ids[1] as string)
    const second = await approvals.listPending({ limit: 2, after: ids[1] })
    expect([second.items.map(({ id }) => id), second.next]).toEqual([ids.slice(2, 4), ids[3]])
    const third = await approvals.listPending({ limit: 2, after: ids[3] })
    expect([third.items.map(({ id }) => id), third.next]).toEqual([ids.slice(4), null])

    const { approvalId } = await others.inReview()
    const beyond = await approvals.listPending({ after: approvalId })
    expect(beyond).toEqual(await approvals.listPending({ after: randomUUID() }))
  })
})
