import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/test-database.ts'
import { People, refusalOf } from './support/people.ts'

const database = useTestDatabase()
let people: People
let others: People
beforeAll(async () => {
  people = await People.plant(database)
  others = await People.plant(database)
})

describe('a package', () => {
  it('is created as it is asked for, with one audit event', async () => {
    const contentSchema = { type: 'object', properties: { limit: { type: 'integer' } } }
    let id = ''
    const events = await people.eventsOf(async () => {
      const created = await people.as('author', { origin: { ip: '192.0.2.1' } }).packages.create({
        key: 'limits',
        name: 'Limits',
        description: 'What is allowed',
        contentSchema,
        quorum: 2,
        separateActivator: true,
      })
      id = created.id
      expect(created).toMatchObject({
        key: 'limits',
        name: 'Limits',
        description: 'What is allowed',
        contentSchema,
        quorum: 2,
        separateActivator: true,
        lastVersionNumber: 0,
        archivedAt: null,
      })
      expect(created).not.toHaveProperty('tenantId')
      expect(await people.as('viewer').packages.get(id)).toEqual(created)
      expect(await people.as('viewer').packages.getByKey('limits')).toEqual(created)
    })
    expect(events).toEqual([
      {
        action: 'config.package.create',
        outcome: 'SUCCESS',
        origin: 'DATABASE',
        actorId: people.id('author'),
        targets: [{ type: 'package', id }],
        context: { ip: '192.0.2.1' },
        metadata: { stage: 'OPEN', packageId: id },
      },
    ])
  })

  it('has a key that no other of the tenant has, and another tenant may have it', async () => {
    const { packages } = people.as('owner')
    await packages.create({ key: 'twice', name: 'One' })
    expect(await refusalOf(packages.create({ key: 'twice', name: 'Two' }))).toMatchObject({
      code: 'DH504',
      message: expect.stringContaining('packages.getByKey'),
      details: { field: 'key' },
    })
    await others.as('owner').packages.create({ key: 'twice', name: 'Theirs' })
  })

  it('of a key that is taken meanwhile is refused the same', async () => {
    const { packages } = people.as('owner')
    const both = await Promise.allSettled(
      ['One', 'Two'].map((name) => packages.create({ key: 'at-once', name })),
    )
    const codes = both.map((one) =>
      one.status === 'rejected' ? (one.reason as { code: string }).code : 'ok',
    )
    expect(codes.sort()).toEqual(['DH504', 'ok'])
  })

  it('is archived for good, with one audit event, and takes no more versions', async () => {
    const id = await people.package()
    const active = await people.active(id)
    const waiting = await people.approved(id)
    const events = await people.eventsOf(async () => {
      expect((await people.as('admin').packages.archive(id)).archivedAt).toBeInstanceOf(Date)
    })
    expect(events).toMatchObject([{ action: 'config.package.archive', metadata: { stage: 'ARCHIVED' } }])

    expect(await refusalOf(people.as('admin').packages.archive(id))).toMatchObject({
      code: 'DH501',
      details: { from: 'ARCHIVED', to: 'ARCHIVED' },
    })
    expect(await refusalOf(people.as('author').versions.createDraft(id, { content: {} }))).toMatchObject({
      code: 'DH501',
      details: { to: 'DRAFT' },
    })
    const activation = people.as('admin').versions.activate(waiting, { expectedActiveId: active })
    expect(await refusalOf(activation)).toMatchObject({ code: 'DH501' })
    expect(await people.as('viewer').versions.getActive(id)).toMatchObject({ id: active })
  })

  it.each(['get', 'archive'] as const)(
    'of another tenant is not found by %s, word for word like one of nobody',
    async (method) => {
      const foreign = await others.package()
      const { packages } = people.as('owner')
      const refusal = await refusalOf(packages[method](foreign))
      expect(refusal).toEqual(await refusalOf(packages[method](randomUUID())))
      expect(refusal.code).toBe('DH507')
    },
  )

  it('of another tenant is not found by its key', async () => {
    await others.as('owner').packages.create({ key: 'theirs', name: 'Theirs' })
    const { packages } = people.as('owner')
    const refusal = await refusalOf(packages.getByKey('theirs'))
    expect(refusal).toEqual(await refusalOf(packages.getByKey('of-nobody')))
    expect(refusal.code).toBe('DH507')
  })
})

describe('the list of packages', () => {
  it('is read page by page, without those of others and without archived ones', async () => {
    const own = await People.plant(database)
    const ids: string[] = []
    for (let count = 0; count < 5; count++) ids.push(await own.package())
    await own.as('owner').packages.archive(ids[2] as string)
    const { packages } = own.as('viewer')

    const seen: string[] = []
    let after: string | undefined
    do {
      const { items, next } = await packages.list({ after, limit: 2 })
      expect(items).toHaveLength(2)
      seen.push(...items.map(({ id }) => id))
      after = next ?? undefined
    } while (after !== undefined)
    expect(seen).toEqual(ids.filter((_, at) => at !== 2))
    expect((await packages.list({ archived: true })).items.map(({ id }) => id)).toEqual([ids[2]])
  })
})
