import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/manifest/manifest.ts'
import { hulls } from '../../src/prove/attack.ts'
import { Matrix } from '../../src/prove/matrix.ts'
import type { MatrixCount } from '../../src/prove/matrix-report.ts'
import { ProofClients } from '../../src/prove/proof-clients.ts'
import type { FixtureDatabase } from '../fixtures/fixture-database.ts'

/** One schema of the matrix. */
export interface Subject {
  readonly models: readonly string[]
  readonly open: () => Promise<{
    readonly clients: ProofClients
    readonly manifest: Manifest
    readonly appendOnly?: ReadonlyMap<string, string>
    readonly share?: number
  }>
  /** Why its own keys and triggers stop some attacks without any hull. */
  readonly heldBecause: readonly string[]
}

/**
 * The schema of a fixture.
 *
 * @param fixture its folder
 */
export function fixtureSubject(
  fixture: string,
  database: Pick<FixtureDatabase<object>, 'adminUrl' | 'PrismaClient' | 'manifest'>,
  heldBecause: readonly string[],
): Subject {
  const schema = readFileSync(join(import.meta.dirname, '../fixtures', fixture, 'schema.prisma'), 'utf8')
  return {
    // the manifest is made when the tests run, and their titles before that
    models: [...schema.matchAll(/^model (\w+)/gm)].map(([, name]) => name ?? '').sort(),
    open: async () => {
      const clients = await ProofClients.open(database)
      return { clients, manifest: database.manifest }
    },
    heldBecause,
  }
}

/** Declares the tests that attack every model of a schema with every operation, behind each choice of hulls. */
export function describeSubject(subject: Subject): void {
  let matrix: Matrix
  let clients: ProofClients | undefined
  beforeAll(async () => {
    const { clients: opened, ...options } = await subject.open()
    clients = opened
    matrix = await Matrix.plant({
      ...options,
      admin: opened.admin,
      watcher: opened.watcher,
      attackers: (tenantId) => opened.attackers(tenantId),
    })
  })
  afterAll(() => clients?.close())

  it('has the models that are attacked', () => {
    expect(Object.keys(matrix.scene.manifest.models).sort()).toEqual([...subject.models].sort())
  })

  describe.each(subject.models)('attacks that begin with %s', (model) => {
    it.for(hulls)('reach no other tenant behind hull %s', { timeout: 300_000 }, async (hull, { task }) => {
      const { problems, ...count } = await matrix.prove(model, hull)
      task.meta.matrix = count
      expect(problems.join('\n\n')).toBe('')
      expect(count.cells).toBeGreaterThan(0)
    })
  })

  it.for(hulls)(
    'attacks on the tables of implicit relations reach no other tenant behind hull %s',
    async (hull, { task }) => {
      const reports = await Promise.all(
        matrix.scene.manifest.joinTables.map(({ table }) => matrix.prove(table, hull)),
      )
      task.meta.matrix = sumOf(reports)
      expect(reports.flatMap(({ problems }) => problems).join('\n\n')).toBe('')
    },
  )

  it('leaves aside only what the schema itself holds, and names the reason', async () => {
    const held = await Promise.all(subject.models.map((model) => matrix.held(model)))
    expect(held.flatMap(({ problems }) => problems).join('\n\n')).toBe('')
    expect([...new Set(held.flatMap(({ reasons }) => reasons))].sort()).toEqual(
      [...subject.heldBecause].sort(),
    )
  })
}

function sumOf(reports: readonly MatrixCount[]): MatrixCount {
  const sum = (of: keyof MatrixCount) => reports.reduce((total, report) => total + report[of], 0)
  return { cells: sum('cells'), leaks: sum('leaks'), unproven: sum('unproven') }
}
