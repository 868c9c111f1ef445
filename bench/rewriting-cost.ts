import { Questions } from '../src/extension/questions.ts'
import { scopeOperation } from '../src/extension/scope-operation.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { parseTenantContext } from '../src/index.ts'
import { tenantIdOf } from './load.ts'
import { median } from './measure.ts'

/** Microseconds that hull one takes to rewrite the arguments of an operation, the median of many. */
export interface RewritingCost {
  /** A page of a model with filters, an include, a count and an order. */
  readonly typical: number
  /** A write with 50 rows nested in it, the dearest of several kinds. */
  readonly nestedWrite: number
}

const rows = Array.from({ length: 50 }, (_, number) => ({ number, content: { color: 'blue' } }))

const typical: readonly [string, object] = [
  'findMany',
  {
    where: {
      archivedAt: null,
      name: { contains: 'x' },
      OR: [{ key: { startsWith: 'a' } }, { versions: { some: { status: 'ACTIVE' } } }],
    },
    include: {
      versions: { where: { status: 'ACTIVE' }, orderBy: { number: 'desc' }, take: 1 },
      _count: { select: { versions: true } },
    },
    orderBy: { name: 'asc' },
    take: 20,
  },
]

const nestedWrites: readonly (readonly [string, object])[] = [
  ['create', { data: { key: 'key', name: 'name', versions: { create: rows } } }],
  ['create', { data: { key: 'key', name: 'name', versions: { createMany: { data: rows } } } }],
  [
    'update',
    {
      where: { id: tenantIdOf(0) },
      data: {
        versions: {
          upsert: rows.map((row) => ({
            where: { packageId_number: { packageId: tenantIdOf(0), number: row.number } },
            create: row,
            update: { content: row.content },
          })),
        },
      },
    },
  ],
]

/** What rewriting costs by itself: no statement is sent. */
export function measureRewriting(operations: number): RewritingCost {
  return {
    typical: costOf(typical, operations),
    nestedWrite: Math.max(...nestedWrites.map((write) => costOf(write, operations / 10))),
  }
}

function costOf([operation, args]: readonly [string, object], operations: number): number {
  const context = parseTenantContext({ tenantId: tenantIdOf(0) })
  const rewrite = () =>
    scopeOperation(
      { manifest, context, questions: new Questions(), links: [] },
      'ConfigPackage',
      operation,
      args,
    )
  for (let warmUp = 0; warmUp < 2_000; warmUp++) rewrite()
  const times = Array.from({ length: operations }, () => {
    const start = performance.now()
    rewrite()
    return performance.now() - start
  })
  return median(times) * 1_000
}
