import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { manifest as bundledManifest } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { type Hull, hulls } from '../src/prove/attack.ts'
import { Matrix } from '../src/prove/matrix.ts'
import { useScopesDatabase } from './fixtures/scopes/scopes-database.ts'
import { useTestDatabase } from './support/test-database.ts'

/** One schema of the matrix. */
interface Subject {
  readonly models: readonly string[]
  readonly plant: () => Promise<Matrix>
  /** Why its own keys and triggers stop some attacks without any hull. */
  readonly heldBecause: readonly string[]
}

function scopesSubject(): Subject {
  const database = useScopesDatabase()
  const schema = readFileSync(join(import.meta.dirname, 'fixtures/scopes/schema.prisma'), 'utf8')
  return {
    // the manifest is made when the tests run, and their titles before that
    models: [...schema.matchAll(/^model (\w+)/gm)].map(([, name]) => name ?? '').sort(),
    plant: () =>
      Matrix.plant({ manifest: database.manifest, admin: database.admin, client: clientsOf(database) }),
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
    plant: () =>
      Matrix.plant({ manifest, admin: database.admin, client: clientsOf(database), appendOnly, share: 3 }),
    heldBecause: [
      'other rows refer to the row by a key with the tenant',
      'the key carries the tenant',
      'the row can’t do without the key',
      'the row’s other keys carry the tenant',
      'rows are written once',
    ],
  }
}

type Clients = Readonly<Record<Hull, { client(context: { tenantId: string }): object }>> & {
  readonly none: object
}

function clientsOf(database: Clients): (hull: Hull | 'none', tenantId: string) => object {
  return (hull, tenantId) => (hull === 'none' ? database.none : database[hull].client({ tenantId }))
}

function describeSubject(subject: Subject): void {
  let matrix: Matrix
  beforeAll(async () => {
    matrix = await subject.plant()
  })

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

  it('leaves aside only what the schema itself holds, and names the reason', async () => {
    const held = await Promise.all(subject.models.map((model) => matrix.held(model)))
    expect(held.flatMap(({ problems }) => problems).join('\n\n')).toBe('')
    expect([...new Set(held.flatMap(({ reasons }) => reasons))].sort()).toEqual(
      [...subject.heldBecause].sort(),
    )
  })
}

describe('a schema of every scope whose keys do not carry the tenant', () => {
  describeSubject(scopesSubject())
})
describe('the bundled schema, whose keys carry the tenant', () => {
  describeSubject(bundledSubject())
})
