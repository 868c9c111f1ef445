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

describe('what a request says of itself', () => {
  it.each([
    ['too long', '"\u0001\u{1f6a2}'.repeat(10_000)],
    ['not to be kept', 'a\0b'],
    ['half a character', '\ud800'],
    ['cut in the middle of one', `${'x'.repeat(499)}\u{1f6a2}`],
  ])('keeps neither a denial nor a change off the record where it is %s', async (_, text) => {
    const packageId = await people.package()
    const origin = { ip: text, userAgent: text }
    const events = await people.eventsOf(async () => {
      const denied = people.as('viewer', { origin }).versions.createDraft(packageId, { content: {} })
      expect((await refusalOf(denied)).message).not.toContain('could not be recorded')
      await people.as('author', { origin }).versions.createDraft(packageId, { content: {} })
    })
    expect(events).toMatchObject([
      { action: 'config.version.create', outcome: 'DENIED' },
      { action: 'config.version.create', outcome: 'SUCCESS' },
    ])
    for (const { context } of events) {
      expect(Object.keys(context).sort()).toEqual(['ip', 'userAgent'])
      for (const kept of Object.values(context) as string[]) expect(kept.length).toBeLessThanOrEqual(500)
    }
  })

  it.each(['{"ip":"of the first tenant"}', '{no json'])(
    'is not left to the next tenant on the connection by raw SQL (%s)',
    async (left) => {
      const packageId = await others.package()
      const [one, two] = [people.client('author'), others.client('author')]
      const settings = await Promise.all(
        Array.from(
          { length: 20 },
          () => one.$queryRaw`select set_config('app.audit_context', ${left}, false) as set`,
        ),
      )
      expect(settings).toContainEqual([{ set: left }])
      const events = await others.eventsOf(async () => {
        for (let count = 0; count < 5; count++) {
          await two.configVersion.create({ data: { packageId, content: {} } })
        }
      })
      expect(events.map(({ context }) => context)).toEqual([{}, {}, {}, {}, {}])
    },
  )
})
