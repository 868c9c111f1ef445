import { type Hull, hulls } from '../../src/prove/attack.ts'
import type { CellProof, ModelProof, ProofFinding, ProofReport } from '../../src/prove/proof-report.ts'
import type { ProofFacts } from '../../src/prove/report/proof-facts.ts'

/** Reports as values, for what prints them. */
export const operations = [
  'findUnique',
  'findFirst',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
  'create',
  'createMany',
  'update',
  'updateMany',
  'updateManyAndReturn',
  'upsert',
  'delete',
  'deleteMany',
  'sql.select',
  'sql.insert',
  'sql.update',
  'sql.delete',
]

/** What a hostile or careless author of a schema could call things. */
export const hostile = {
  model: 'Inv<img src=x onerror=alert(1)>&"\'',
  form: '</script><script>alert(2)</script> by a \u202efilter',
  reason: 'the answer shows another’s row at <b>lines</b>\u0007',
}

export const facts: ProofFacts = {
  manifest: 'src/generated/tenancy.json',
  tenantModel: 'Organization',
  migrations: { directory: 'prisma/migrations', count: 12, last: '20270101000000_policies' },
  depth: 'full',
  at: '2027-01-02T03:04:05.678Z',
  versions: { doublehull: '0.1.0', prisma: '7.10.0', postgresql: '18.4' },
}

function cell(operation: string, hull: Hull, verdict: CellProof['verdict'] = 'proven'): CellProof {
  return { operation, hull, verdict, attacks: 7 }
}

export function provenModel(name: string): ModelProof {
  const details = operations.flatMap((operation) => hulls.map((hull) => cell(operation, hull)))
  return {
    name,
    scope: 'direct',
    cells: details.length,
    leaks: 0,
    unproven: [],
    verdict: 'proven',
    details,
    findings: [],
    oracles: [],
  }
}

export function leakingModel(name: string, leaks: number = 1): ModelProof {
  const finding: ProofFinding = {
    kind: 'leak',
    model: name,
    operation: 'updateMany',
    hull: 'two',
    form: hostile.form,
    reason: hostile.reason,
    call: "{\n  where: { title: { startsWith: 'a-' } },\n  data: { title: 'mine' }\n}",
    sql: ['UPDATE "public"."invoice" SET "title" = $1 WHERE "title" LIKE $2'],
  }
  const proven = provenModel(name)
  return {
    ...proven,
    leaks,
    verdict: 'leaks',
    details: proven.details.map((one) =>
      one.operation === 'updateMany' && one.hull === 'two' ? { ...one, verdict: 'leak' } : one,
    ),
    findings: Array.from({ length: leaks }, () => finding),
  }
}

export function unprovenModel(name: string, reason: string): ModelProof {
  const proven = provenModel(name)
  return {
    ...proven,
    unproven: [reason],
    verdict: 'unproven',
    details: proven.details.map((one) =>
      one.operation === 'groupBy' && one.hull === 'one' ? { ...one, verdict: 'unproven' } : one,
    ),
    oracles: [{ model: name, kind: 'uniqueKey', columns: ['number'], tells: ['one', 'both'] }],
  }
}

export function listedModel(name: string): ModelProof {
  return {
    name,
    scope: 'global',
    cells: 0,
    leaks: 0,
    unproven: [],
    verdict: 'listed',
    details: [],
    findings: [],
    oracles: [],
  }
}

export function reportOfModels(models: readonly ModelProof[], hidden: readonly string[] = []): ProofReport {
  const leaks = models.reduce((sum, model) => sum + model.leaks, 0)
  const unproven = models.reduce((sum, model) => sum + model.unproven.length, 0)
  const verdict = leaks > 0 ? 'leaks' : unproven > 0 ? 'unproven' : 'proven'
  return { models, leaks, unproven, verdict, hidden, seconds: 31.4 }
}
