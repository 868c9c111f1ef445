import { beforeAll, describe, expect, it } from 'vitest'
import { type ModelProof, type ProofReport, type ProveEvent, proveDatabase } from '../src/prove/index.ts'
import { useScopesDatabase } from './fixtures/scopes/scopes-database.ts'

describe('a proof of a database', () => {
  const database = useScopesDatabase()
  const only = ['Organization', 'Badge', 'Comment', 'Country', '_LabelToProject']

  function prove(more: Partial<Parameters<typeof proveDatabase>[0]> = {}): Promise<ProofReport> {
    const { manifest, PrismaClient, adminUrl } = database
    return proveDatabase({ manifest, PrismaClient, adminUrl, depth: 'quick', only, ...more })
  }

  describe('that is run to its end', () => {
    const events: ProveEvent[] = []
    let report: ProofReport
    beforeAll(async () => {
      report = await prove({ onEvent: (event) => events.push(event) })
    }, 300_000)

    it('finds nothing that gets through, and nothing that it knows nothing of', () => {
      expect(report.models.flatMap(({ findings, unproven }) => [...findings, ...unproven])).toEqual([])
      expect(report).toMatchObject({ leaks: 0, unproven: 0, verdict: 'proven' })
    })

    it('never calls proven what every tenant reads', () => {
      expect(report.models.map(({ name, verdict }) => `${name}: ${verdict}`)).toEqual([
        'Badge: proven',
        'Comment: proven',
        'Country: listed',
        'Organization: proven',
        '_LabelToProject: proven',
      ])
    })

    it('has a cell for each operation of Prisma’s behind each hull, and for SQL behind hull two', () => {
      const badge = report.models.find(({ name }) => name === 'Badge')
      const cells = badge?.details.map(({ operation, hull }) => `${operation} ${hull}`) ?? []
      expect(cells).toContain('updateManyAndReturn one')
      expect(cells).toContain('groupBy both')
      expect(cells).toContain('sql.insert two')
      expect(cells.filter((cell) => cell.startsWith('sql.')).map((cell) => cell.split(' ')[1])).not.toContain(
        'one',
      )
      expect(badge?.cells).toBe(17 * 3 + 5)
      expect(new Set(cells).size).toBe(cells.length)
    })

    it('tells of its progress and of each model', () => {
      const progress = events.filter(({ kind }) => kind === 'progress')
      expect(events[0]?.kind).toBe('planted')
      expect(events.filter(({ kind }) => kind === 'model')).toHaveLength(only.length)
      expect(progress.every((event) => event.kind === 'progress' && event.done <= event.total)).toBe(true)
    })
  })

  it('stops between two attacks, and drops its logins', { timeout: 120_000 }, async () => {
    const stop = new AbortController()
    const before = await logins()
    let during: Promise<readonly string[]> = Promise.resolve([])
    let attacks = 0
    const stopped = prove({
      signal: stop.signal,
      onEvent({ kind }) {
        if (kind !== 'progress' || ++attacks !== 20) return
        during = logins()
        stop.abort(new Error('enough'))
      },
    })
    await expect(stopped).rejects.toThrow('enough')
    const made = (await during).filter((login) => !before.includes(login))
    expect(made.length).toBeGreaterThan(0)
    const { rows } = await database.admin.query('select from pg_roles where rolname = any ($1)', [made])
    expect(rows).toEqual([])
  })

  it('goes on with what was done', { timeout: 120_000 }, async () => {
    const report = await prove({ only: ['Badge', '_LabelToProject'], done: [doneProof] })
    expect(report.models.map(({ name }) => name)).toEqual(['Badge', '_LabelToProject'])
    expect(report.models[0]).toBe(doneProof)
  })

  /** Who is logged in to this file's database. */
  async function logins(): Promise<readonly string[]> {
    const { rows } = await database.admin.query<{ name: string }>(
      `select distinct usename::text as name from pg_stat_activity
        where datname = current_database() and usename like 'temporary%'`,
    )
    return rows.map(({ name }) => name)
  }
})

const doneProof: ModelProof = {
  name: 'Badge',
  scope: 'direct',
  cells: 1,
  leaks: 0,
  unproven: [],
  verdict: 'proven',
  details: [],
  findings: [],
  oracles: [],
}
