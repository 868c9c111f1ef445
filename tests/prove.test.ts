import { describe, expect, it } from 'vitest'
import { type ProveEvent, proveDatabase } from '../src/prove/index.ts'
import { useScopesDatabase } from './fixtures/scopes/scopes-database.ts'

describe('a proof of a database', () => {
  const database = useScopesDatabase()

  it('says of each model and operation what its attacks prove', { timeout: 300_000 }, async () => {
    const events: ProveEvent[] = []
    const report = await proveDatabase({
      manifest: database.manifest,
      PrismaClient: database.PrismaClient,
      adminUrl: database.adminUrl,
      depth: 'quick',
      onEvent: (event) => events.push(event),
    })
    expect(report.models.flatMap(({ unproven }) => unproven)).toEqual([])
    expect(report.models.flatMap(({ findings }) => findings)).toEqual([])
    expect(report.verdict).toBe('proven')
    console.log(
      report.seconds,
      report.models.map(({ name, cells, verdict, details }) =>
        [name, cells, verdict, details.reduce((s, d) => s + d.attacks, 0)].join(' '),
      ),
    )
  })
})
