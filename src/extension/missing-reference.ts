import { PrismaClientKnownRequestError } from '@prisma/client/runtime/client'
import { keyOf } from '../manifest/manifest.ts'
import { type Ask, noRow, type Reference } from './questions.ts'
import { and, flatWhere } from './scope-where.ts'
import { type Args, argsOrNone, modelOf, type Scoping } from './scoping.ts'

interface Sent {
  readonly action: string
  readonly args: Args
}

/**
 * What is sent instead of an operation with a foreign key that names no row which the tenant may link. Where no row
 * would get the key, because none is updated or because it is the other half of an `upsert` that is done, Prisma does
 * not notice; else it fails, as here.
 *
 * @throws {PrismaClientKnownRequestError} `P2003`, as for a row that is missing
 */
export async function withoutMissing(
  scoping: Scoping,
  modelName: string,
  { action, args }: Sent,
  missing: readonly Reference[],
  ask: Ask,
  clientMethod: string,
): Promise<Sent> {
  const [first] = missing
  if (!first) return { action, args }
  const model = modelOf(scoping, modelName)
  const isUpsert = action === 'upsert'
  if (isUpsert || action.startsWith('update')) {
    const where = flatWhere(model, args['where'])
    const isThere = (await ask(modelName, { where, take: 1 })).length > 0
    const isOnlyIn = (half: 'create' | 'update') => missing.every((one) => one.half === half)
    if (!isUpsert && !isThere) {
      // whatever comes in between, it gets no such key
      const none = and(argsOrNone(args['where']), noRow(keyOf(model)[0] ?? ''))
      return { action, args: { ...args, where: none } }
    }
    const { create, update, where: unique, ...selection } = args
    if (isUpsert && isThere && isOnlyIn('create')) {
      return { action: 'update', args: { ...selection, where: unique, data: update } }
    }
    if (isUpsert && !isThere && isOnlyIn('update')) {
      return { action: 'create', args: { ...selection, data: create } }
    }
  }
  throw foreignKeyViolation(scoping, first, modelName, clientMethod)
}

/** What Prisma says where a foreign key names a row that is not there. */
function foreignKeyViolation(
  scoping: Scoping,
  { holder, fields }: Reference,
  modelName: string,
  clientMethod: string,
): Error {
  const { table, columns } = modelOf(scoping, holder)
  // the name that Prisma gives a constraint, in PostgreSQL's length
  const start = [table, ...fields.map((field) => columns[field] ?? field)].join('_')
  const index = `${start.slice(0, 63 - '_fkey'.length)}_fkey`
  return new PrismaClientKnownRequestError(
    `\nInvalid \`prisma.${clientMethod}()\` invocation:\n\n\nForeign key constraint violated on the constraint: \`${index}\``,
    {
      code: 'P2003',
      clientVersion: '',
      meta: {
        modelName,
        // where code looks for the constraint in the errors of a driver adapter
        driverAdapterError: {
          name: 'DriverAdapterError',
          cause: { kind: 'ForeignKeyConstraintViolation', originalCode: '23503', constraint: { index } },
        },
      },
    },
  )
}
