import fc, { type Arbitrary } from 'fast-check'
import { Prisma } from '../../src/bundled.ts'
import {
  type Args,
  comparedWith,
  entries,
  fieldsOf,
  idOf,
  leadsOutside,
  modelOf,
  object,
  once,
  type Relation,
  relationsOf,
  weighed,
} from './grammar.ts'
import type { ModelName } from './name.ts'
import { plantedTime } from './planted-rows.ts'
import type { Field } from './vocabulary.ts'

/** A filter over a model's rows; `depth` bounds relations within relations. */
export const where = once((model: ModelName, depth: number) =>
  weighed<Args>([1, fc.constant({})], [6, entries(condition(model, depth), { minLength: 1, maxLength: 2 })]),
)

/** A filter that an operation may do without. */
export const optionalWhere = once((model: ModelName, depth: number) =>
  weighed<Args>([1, fc.constant({})], [3, object({ where: where(model, depth) })]),
)

/** A filter over columns alone, as a nested `updateMany` takes it. */
export const columnsWhere = once((model: ModelName) => entries(columnCondition(model), { maxLength: 2 }))

/** The key of one row, whose ever it is, and sometimes a further condition. */
export const uniqueWhere = once((model: ModelName) => unique(model, (field) => comparedWith(model, field)))

/** @param value the values of the fields of the key */
function unique(model: ModelName, value: (field: Field) => Arbitrary<unknown>): Arbitrary<Args> {
  return weighed(
    [6, keyOf(model, value)],
    [1, fc.tuple(keyOf(model, value), condition(model, 1)).map(([key, more]) => ({ ...more, ...key }))],
  )
}

/** One of the keys by which Prisma finds a row. */
export function keyOf(model: ModelName, value: (field: Field) => Arbitrary<unknown>): Arbitrary<Args> {
  const { uniqueFields, compoundUniques } = modelOf(model)
  const fields = Object.fromEntries(fieldsOf(model))
  const valuesOf = (names: readonly string[]) =>
    Object.fromEntries(
      names.flatMap((name) => {
        const field = fields[name]
        if (!field) return []
        return [[name, field.kind === 'time' ? fc.constant(plantedTime) : value(field)]]
      }),
    )
  return weighed(
    ...uniqueFields.map((name) => [3, object(valuesOf([name]))] as const),
    ...Object.entries(compoundUniques).map(
      ([key, names]) => [1, object({ [key]: object(valuesOf(names)) })] as const,
    ),
  )
}

const condition = once((model: ModelName, depth: number): Arbitrary<Args> => {
  if (depth === 0) return columnCondition(model)
  const often = leadsOutside(model) ? 3 : 1
  return weighed(
    [6, columnCondition(model)],
    [2 * often, logical(model, depth)],
    [4 * often, fc.oneof(...relationsOf(model).map((relation) => relationCondition(relation, depth)))],
  )
})

function logical(model: ModelName, depth: number): Arbitrary<Args> {
  const part = where(model, depth - 1)
  return fc.oneof(
    object({ NOT: part }),
    object({ OR: fc.array(part, { maxLength: 2 }) }),
    object({ AND: fc.oneof(part, fc.array(part, { maxLength: 2 })) }),
  )
}

function relationCondition({ name, model, list, required }: Relation, depth: number): Arbitrary<Args> {
  const part = where(model, depth - 1)
  if (list) {
    return fc
      .constantFrom('some', 'every', 'none')
      .chain((quantor) => object({ [name]: object({ [quantor]: part }) }))
  }
  const partOrNone = required ? part : weighed([3, part], [1, fc.constant(null)])
  return fc.oneof(
    object({ [name]: partOrNone }),
    object({ [name]: object({ is: partOrNone }) }),
    object({ [name]: object({ isNot: partOrNone }) }),
  )
}

const columnCondition = once((model: ModelName) =>
  weighed(
    ...fieldsOf(model).map(
      ([name, field]) => [isKey(field) ? 3 : 1, object({ [name]: comparison(model, field) })] as const,
    ),
  ),
)

function isKey({ kind }: Field): boolean {
  return kind === 'id' || kind === 'reference' || kind === 'tenant'
}

/** What a column is asked. */
export function comparison(model: ModelName, field: Field): Arbitrary<unknown> {
  const value = comparedWith(model, field)
  const values = fc.array(value, { minLength: 1, maxLength: 3 })
  const either = (...operators: readonly string[]) =>
    fc.oneof(...operators.map((operator) => object({ [operator]: value })))
  const among = fc.oneof(object({ in: values }), object({ notIn: values }))
  const plain = fc.oneof(value, either('equals', 'not'))
  const comparisons = {
    id: () => fc.oneof(plain, plain, among, either('gt', 'lte')),
    reference: () => fc.oneof(plain, plain, among),
    tenant: () => fc.oneof(plain, among),
    email: () => fc.oneof(plain, among),
    text: () =>
      fc.oneof(
        plain,
        among,
        either('contains', 'startsWith', 'endsWith', 'gt', 'lte'),
        value.map((equals) => ({ equals, mode: 'insensitive' })),
      ),
    number: () => fc.oneof(plain, among, either('gt', 'lte')),
    choice: () => fc.oneof(plain, among),
    boolean: () => plain,
    hash: () => fc.oneof(plain, among),
    span: () => fc.oneof(plain, among),
    people: () =>
      fc.oneof(
        value.map((equals) => ({ equals })),
        idOf('User').map((has) => ({ has })),
        fc.array(idOf('User'), { maxLength: 2 }).map((hasSome) => ({ hasSome })),
        fc.boolean().map((isEmpty) => ({ isEmpty })),
      ),
    json: () =>
      fc.oneof(
        either('equals', 'not'),
        fc.constantFrom(
          { path: ['mark'], equals: 'secret' },
          { path: ['mark'], string_contains: 'plain' },
          { path: ['list'], array_contains: [7] },
        ),
      ),
    time: () => either('gt', 'lt'),
  } satisfies Record<Field['kind'], () => Arbitrary<unknown>>
  const made: Arbitrary<unknown> = comparisons[field.kind]()
  if (!field.nullable) return made
  const nothing =
    field.kind === 'json'
      ? fc.constantFrom({ equals: Prisma.DbNull }, { not: Prisma.AnyNull })
      : fc.constantFrom(null, { not: null })
  return weighed([4, made], [1, nothing])
}
