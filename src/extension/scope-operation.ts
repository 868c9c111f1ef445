import { TenancyError } from '../errors.ts'
import { halfOf, scopeCreate, scopeMany, scopeUpdate, scopeWrittenRow } from './scope-data.ts'
import { scopeRead, scopeRows, scopeSelection } from './scope-selection.ts'
import { scopeHaving, scopeWhere } from './scope-where.ts'
import { type Args, argsOrNone, assertWritable, modelOf, type Scoping } from './scoping.ts'

type Rewrite = (scoping: Scoping, model: string, args: Args) => Args

const scopeCreates: Rewrite = (scoping, model, args) => ({
  ...scopeSelection(scoping, model, args),
  data: scopeMany(scoping, model, { ...args, data: args['data'] ?? {} }),
})

const scopeUpdates: Rewrite = (scoping, model, args) => {
  const data = scopeUpdate(scoping, model, args['data'])
  return {
    ...scopeSelection(scoping, model, args),
    where: scopeWrittenRow(scoping, model, args['where'], data),
    data,
  }
}

const scopeDeletes: Rewrite = (scoping, model, args) => {
  assertWritable(scoping, model)
  return {
    ...scopeSelection(scoping, model, args),
    where: scopeWhere(scoping, model, args['where'], 'write'),
  }
}

const scopeUpsert: Rewrite = (scoping, model, args) => {
  const update = scopeUpdate(halfOf(scoping, 'update'), model, args['update'])
  return {
    ...scopeSelection(scoping, model, args),
    where: scopeWrittenRow(scoping, model, args['where'], update),
    create: scopeCreate(halfOf(scoping, 'create'), model, args['create']),
    update,
  }
}

const scopeGroups: Rewrite = (scoping, model, args) => {
  const { having, ...rows } = scopeRows(scoping, model, args)
  return having === undefined ? rows : { ...rows, having: scopeHaving(scoping, model, having) }
}

// every operation of Prisma 7 on PostgreSQL; what is not here is refused, never passed through
const rewrites = new Map<string, Rewrite>([
  ['findUnique', scopeRead],
  ['findUniqueOrThrow', scopeRead],
  ['findFirst', scopeRead],
  ['findFirstOrThrow', scopeRead],
  ['findMany', scopeRead],
  // their `select` names numbers, not relations
  ['count', scopeRows],
  ['aggregate', scopeRows],
  ['groupBy', scopeGroups],
  ['create', scopeCreates],
  ['createMany', scopeCreates],
  ['createManyAndReturn', scopeCreates],
  ['update', scopeUpdates],
  ['updateMany', scopeUpdates],
  ['updateManyAndReturn', scopeUpdates],
  ['upsert', scopeUpsert],
  ['delete', scopeDeletes],
  ['deleteMany', scopeDeletes],
])

/** The names of the operations that hull one knows. */
export const knownOperations: readonly string[] = [...rewrites.keys()]

/**
 * Rewrites the arguments of an operation so that it reads and writes the tenant's rows alone, once the questions of
 * the scoping are settled and with its links trimmed.
 *
 * @throws {TenancyError} `DH201` for an operation or a model that is not known; `DH202`, `DH203`, `DH206` for
 *   arguments that reach outside
 */
export function scopeOperation(scoping: Scoping, model: string, operation: string, args: unknown): Args {
  const rewrite = rewrites.get(operation)
  if (!rewrite) {
    throw new TenancyError('DH201', `hull one does not know the operation ${operation}; it is refused`, {
      details: { model, operation },
    })
  }
  modelOf(scoping, model)
  return rewrite(scoping, model, argsOrNone(args ?? undefined))
}
