import fc, { type Arbitrary } from 'fast-check'
import { comparison, keyOf, optionalWhere, uniqueWhere, where } from './filters.ts'
import {
  type Args,
  comparedWith,
  direction,
  entries,
  fieldsOf,
  joined,
  modelOf,
  object,
  once,
  type Relation,
  relationsOf,
  weighed,
} from './grammar.ts'
import type { ModelName } from './name.ts'
import type { Field } from './vocabulary.ts'

/** How deep relations of relations are read. */
const deepest = 3

/** What Prisma can sort or group by without a doubt: times differ from run to run, documents have no order. */
function isSortable([, { kind }]: readonly [string, Field]): boolean {
  return !unsortable.includes(kind)
}

const unsortable: readonly Field['kind'][] = ['time', 'json', 'hash', 'span', 'people']

const sortedByColumn = once((model: ModelName) =>
  fc.oneof(
    ...fieldsOf(model)
      .filter(isSortable)
      .map(([name, field]) =>
        object({
          [name]: field.nullable
            ? fc.oneof(direction, object({ sort: direction, nulls: fc.constantFrom('first', 'last') }))
            : direction,
        }),
      ),
  ),
)

/**
 * An order by a row at the other end of a relation, or by how many rows there are. People are not sorted by their
 * memberships: hull one refuses it only where a membership could lead outside, which is documented.
 */
function sortedByRelation({ name, model, list, inverse }: Relation): readonly Arbitrary<Args>[] {
  if (model === 'Membership' && inverse === 'user') return []
  return [object({ [name]: list ? object({ _count: direction }) : sortedByColumn(model) })]
}

/** An order with no two rows in one place: where the database may choose, it may choose differently. */
const orderBy = once((model: ModelName) => {
  const { primaryKey } = modelOf(model)
  const last = fc.tuple(...primaryKey.map((name) => object({ [name]: direction })))
  const relations = relationsOf(model).flatMap(sortedByRelation)
  const first = fc.array(
    relations.length === 0
      ? sortedByColumn(model)
      : weighed([2, sortedByColumn(model)], [1, fc.oneof(...relations)]),
    { maxLength: 1 },
  )
  return fc.tuple(first, last).map((parts) => parts.flat())
})

/** Which rows of a list are wanted, and in which order. */
const page = once((model: ModelName, depth: number) =>
  joined(
    optionalWhere(model, depth),
    weighed<Args>(
      // in whatever order the database likes
      [1, fc.constant({})],
      [
        4,
        object(
          { orderBy: orderBy(model) },
          { take: fc.constantFrom(1, 2, 5, -1, -2), skip: fc.constantFrom(0, 1) },
        ),
      ],
      [
        1,
        object(
          {
            orderBy: orderBy(model),
            cursor: keyOf(model, (field) => comparedWith(model, field)),
          },
          { take: fc.constantFrom(1, 2, -2), skip: fc.constantFrom(0, 1) },
        ),
      ],
      [
        1,
        object({
          orderBy: orderBy(model),
          distinct: fc.subarray(fieldsOf(model).filter(isSortable).map(nameOfField), {
            minLength: 1,
            maxLength: 2,
          }),
        }),
      ],
    ),
  ),
)

function nameOfField([name]: readonly [string, Field]): string {
  return name
}

const counts = once((model: ModelName): Arbitrary<Args> => {
  const lists = relationsOf(model).filter(({ list }) => list)
  const each = lists.map(({ name, model }) =>
    object({ [name]: weighed<unknown>([1, fc.constant(true)], [1, object({ where: where(model, 1) })]) }),
  )
  return weighed<Args>(
    [1, fc.constant({ _count: true })],
    [3, entries(fc.oneof(...each), { minLength: 1, maxLength: 2 }).map((select) => ({ _count: { select } }))],
  )
})

/** `include`, `select` or `omit`, or none of them. */
export const selection = once((model: ModelName, depth: number): Arbitrary<Args> => {
  const columns = fieldsOf(model).map(([name]) => object({ [name]: fc.constant(true) }))
  const relations =
    depth === 0 ? [] : relationsOf(model).map((relation) => selectedRelation(relation, depth - 1))
  const counted = depth > 0 && relationsOf(model).some(({ list }) => list) ? [counts(model)] : []
  const read = [...relations, ...counted]
  const chosen = object({ select: entries(fc.oneof(...columns, ...read), { minLength: 1, maxLength: 3 }) })
  return weighed(
    [4, fc.constant({})],
    [1, chosen],
    ...(read.length === 0
      ? []
      : [[3, object({ include: entries(fc.oneof(...read), { minLength: 1, maxLength: 2 }) })] as const]),
    [
      depth === 0 ? 0 : 1,
      fc.constantFrom(...fieldsOf(model).map(nameOfField)).map((name) => ({ omit: { [name]: true } })),
    ],
  )
})

function selectedRelation({ name, model, list }: Relation, depth: number): Arbitrary<Args> {
  const chosen = selection(model, depth)
  return object({
    [name]: weighed<unknown>([1, fc.constant(true)], [2, list ? joined(page(model, depth), chosen) : chosen]),
  })
}

/** The arguments of an operation that looks one row up by its key. */
export const lookup = once((model: ModelName) =>
  joined(object({ where: uniqueWhere(model) }), selection(model, deepest - 1)),
)

/** The arguments of `findMany` and `findFirst`. */
export const search = once((model: ModelName) => joined(page(model, 2), selection(model, deepest)))

/** As {@link search}, for one row: where there is no order, any row may come first. */
export const searchOne = once((model: ModelName) =>
  search(model)
    .filter(({ orderBy }) => orderBy !== undefined)
    .map(({ take, ...rest }) => (take === undefined ? rest : { ...rest, take: Math.sign(Number(take)) })),
)

export const count = once((model: ModelName) => {
  const some = fc.subarray(fieldsOf(model).map(nameOfField), { minLength: 1, maxLength: 2 })
  const select = some.map((names) => ({
    _all: true,
    ...Object.fromEntries(names.map((name) => [name, true])),
  }))
  return joined(
    optionalWhere(model, 2),
    weighed<Args>([3, fc.constant({})], [1, object({ select })], [1, firstFew(model)]),
  )
})

/** As many rows as are wanted, and no more. */
function firstFew(model: ModelName): Arbitrary<Args> {
  return object({ orderBy: orderBy(model), take: fc.constantFrom(1, 2) })
}

const namesOfKind = (model: ModelName, ...kinds: readonly Field['kind'][]): readonly string[] =>
  fieldsOf(model)
    .filter(([, { kind }]) => kinds.includes(kind))
    .map(nameOfField)

/** `_sum`, `_min` and their likes, for the columns that they take. */
const figures = once((model: ModelName): Arbitrary<Args> => {
  const numbers = namesOfKind(model, 'number')
  const comparable = namesOfKind(model, 'number', 'text', 'choice', 'email')
  const of = (figure: string, names: readonly string[]) =>
    fc.constantFrom(...names).map((name) => ({ [figure]: { [name]: true } }))
  return entries(
    fc.oneof(
      fc.constant({ _count: { _all: true } }),
      ...['_min', '_max'].map((figure) => of(figure, comparable)),
      ...(numbers.length === 0 ? [] : ['_sum', '_avg'].map((figure) => of(figure, numbers))),
    ),
    { minLength: 1, maxLength: 3 },
  )
})

export const aggregate = once((model: ModelName) =>
  joined(figures(model), optionalWhere(model, 2), weighed<Args>([2, fc.constant({})], [1, firstFew(model)])),
)

export const groupBy = once((model: ModelName) => {
  const sortable = fieldsOf(model).filter(([name, field]) => isSortable([name, field]) && field.kind !== 'id')
  return fc.subarray([...sortable], { minLength: 1, maxLength: 2 }).chain((by) => {
    const names = by.map(nameOfField)
    const having = entries(
      fc.oneof(
        ...by.map(([name, field]) => object({ [name]: comparison(model, field) })),
        ...names.map((name) =>
          object({ [name]: object({ _count: object({ gt: fc.constantFrom(0, 1, 2) }) }) }),
        ),
      ),
      { minLength: 1, maxLength: 2 },
    )
    const sorted = fc.tuple(...names.map((name) => object({ [name]: direction })))
    return joined(
      figures(model),
      optionalWhere(model, 1),
      object({ by: fc.constant(names), orderBy: sorted }, { having, take: fc.constantFrom(1, 5) }),
    )
  })
})
