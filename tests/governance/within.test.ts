import { beforeAll, describe, expect, it } from 'vitest'
import { createGovernance } from '../../src/governance/index.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { People, refusalOf } from './support/people.ts'

const database = useTestDatabase()
let people: People
let others: People
beforeAll(async () => {
  people = await People.plant(database)
  others = await People.plant(database)
})

describe('a call within a transaction of the caller’s', () => {
  it('is the transaction’s: it is rolled back with it, and so is its audit event', async () => {
    const id = await people.draft()
    const db = people.client('author')
    const governance = createGovernance(db)
    const events = await people.eventsOf(async () => {
      const work = db.$transaction(async (tx) => {
        const { versions } = governance.within(tx)
        await versions.submitForReview(id)
        expect(await versions.get(id)).toMatchObject({ status: 'REVIEW' })
        // nobody else sees it yet
        expect(await governance.versions.get(id)).toMatchObject({ status: 'DRAFT' })
        throw new Error('the caller changed their mind')
      })
      await expect(work).rejects.toThrow('the caller changed their mind')
    })
    expect(events).toEqual([])
    expect(await governance.versions.get(id)).toMatchObject({ status: 'DRAFT' })
  })

  it('is committed with what the caller does, with an event for each call', async () => {
    const packageId = await people.package()
    const db = people.client('author')
    const events = await people.eventsOf(() =>
      db.$transaction(async (tx) => {
        const { versions, approvals } = createGovernance(db).within(tx)
        const { id } = await versions.createDraft(packageId, { content: {} })
        await approvals.request(id)
      }),
    )
    expect(events.map(({ action }) => action)).toEqual(['config.version.create', 'config.version.submit'])
  })

  it('that is refused before the database is asked leaves the transaction of use, and its attempt on record', async () => {
    const id = await people.draft()
    const db = people.client('viewer')
    const events = await people.eventsOf(async () => {
      const seen = await db.$transaction(async (tx) => {
        const { versions } = createGovernance(db).within(tx)
        expect(await refusalOf(versions.submitForReview(id))).toMatchObject({ code: 'DH505' })
        return versions.get(id)
      })
      expect(seen).toMatchObject({ status: 'DRAFT' })
    })
    expect(events).toMatchObject([
      {
        action: 'config.version.submit',
        outcome: 'DENIED',
        actorId: people.id('viewer'),
        metadata: { code: 'DH505', permission: 'config:submit' },
      },
    ])
  })

  it('that the database refuses aborts the transaction, and its attempt is on record all the same', async () => {
    const { versionId, approvalId } = await people.inReview()
    const db = people.client('author')
    const events = await people.eventsOf(async () => {
      const work = db.$transaction(async (tx) => {
        const { approvals, versions } = createGovernance(db, { can: () => true }).within(tx)
        // the trigger knows whose work it is
        expect(await refusalOf(approvals.approve(approvalId))).toMatchObject({ code: 'DH510' })
        // PostgreSQL's 25P02
        await expect(versions.get(versionId)).rejects.toThrow(/current transaction is aborted/)
      })
      await expect(work).rejects.toThrow(/transaction/i)
    })
    expect(events).toMatchObject([
      { action: 'config.approval.approve', outcome: 'DENIED', metadata: { code: 'DH510' } },
    ])
    expect(await people.as('viewer').approvals.get(approvalId)).toMatchObject({
      status: 'PENDING',
      votes: [],
    })
  })

  it('that is refused while the transaction holds the audit chain does not wait for itself', async () => {
    const packageId = await people.package()
    const id = await people.draft(packageId)
    const db = people.client('viewer')
    const governance = createGovernance(db)
    const before = await db.auditEvent.count({
      where: { outcome: 'DENIED', action: 'config.version.submit' },
    })
    const events = await people.eventsOf(async () => {
      await db.$transaction(
        async (tx) => {
          // appended now, which locks the tenant's chain until the transaction ends
          await tx.auditEvent.create({ data: { action: 'app.looked', actorId: people.id('viewer') } })
          expect(await refusalOf(governance.within(tx).versions.submitForReview(id))).toMatchObject({
            code: 'DH505',
          })
        },
        { timeout: 20_000 },
      )
      // the record follows when the chain is free
      await expect
        .poll(async () =>
          db.auditEvent.count({ where: { outcome: 'DENIED', action: 'config.version.submit' } }),
        )
        .toBeGreaterThan(before)
    })
    expect(events.map(({ action, outcome }) => [action, outcome])).toEqual(
      expect.arrayContaining([
        ['app.looked', 'SUCCESS'],
        ['config.version.submit', 'DENIED'],
      ]),
    )
  })

  it('is refused in a transaction of another tenant or another user', async () => {
    const governance = people.as('author')
    for (const stranger of [others.client('author'), people.client('owner')]) {
      await stranger.$transaction(async (tx) => {
        expect(() => governance.within(tx)).toThrow(expect.objectContaining({ code: 'DH103' }))
      })
    }
  })
})
