import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest as bundledManifest } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { hulls } from '../src/prove/attack.ts'
import { Matrix } from '../src/prove/matrix.ts'

import { ProofClients } from '../src/prove/proof-clients.ts'
import type { MatrixCount } from '../src/prove/report.ts'
import { useScopesDatabase } from './fixtures/scopes/scopes-database.ts'
import { useTestDatabase } from './support/test-database.ts'

/** One schema of the matrix. */
interface Subject {
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

function scopesSubject(): Subject {
  const database = useScopesDatabase()
  const schema = readFileSync(join(import.meta.dirname, 'fixtures/scopes/schema.prisma'), 'utf8')
  return {
    // the manifest is made when the tests run, and their titles before that
    models: [...schema.matchAll(/^model (\w+)/gm)].map(([, name]) => name ?? '').sort(),
    open: async () => {
      const clients = await ProofClients.open(database)
      return { clients, manifest: database.manifest }
    },
    heldBecause: ['the row can’t do without the key'],
  }
}

function bundledSubject(): Subject {
  const database = useTestDatabase()
  const manifest: Manifest = bundledManifest
  const appendOnly = new Map(
    ['Activation', 'ApprovalDecision', 'AuditEvent'].map(
      (model) => [model, 'rows are written once'] as const,
    ),
  )
  return {
    models: Object.keys(manifest.models),
    // its tables are many and much alike
    open: async () => {
      const clients = await ProofClients.open({ adminUrl: database.adminUrl, PrismaClient, manifest })
      return { clients, manifest, appendOnly, share: 3 }
    },
    heldBecause: [
      'other rows refer to the row by a key with the tenant',
      'the key carries the tenant',
      'the row can’t do without the key',
      'the row’s other keys carry the tenant',
      'rows are written once',
    ],
  }
}

function describeSubject(subject: Subject): void {
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

describe('a schema of every scope whose keys do not carry the tenant', () => {
  describeSubject(scopesSubject())
})
describe('the bundled schema, whose keys carry the tenant', () => {
  describeSubject(bundledSubject())
})
