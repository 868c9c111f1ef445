import fc, { type Arbitrary } from 'fast-check'
import { columnsWhere, keyOf, uniqueWhere, where } from './filters.ts'
import {
  type Args,
  addressOf,
  fieldsOf,
  joined,
  merged,
  modelOf,
  object,
  once,
  ownIdOf,
  type Relation,
  relationsOf,
  weighed,
  written,
} from './grammar.ts'
import { type ModelName, Name } from './name.ts'
import { selection } from './reads.ts'
import type { Field } from './vocabulary.ts'

/** How deep writes nest. */
const deepest = 2

const ownTenant = new Name('a', 'Tenant', 1)

/** A key that mostly is one of A's own rows, for writes that are to find one. */
const ownKey = once((model: ModelName) =>
  keyOf(model, (field) => {
    if (field.kind === 'id') return ownIdOf(model)
    if (field.kind === 'email') return ownIdOf('User').map(addressOf)
    if (field.kind === 'tenant') return weighed([4, fc.constant(ownTenant)], [1, otherTenant])
    return written(model, field)
  }),
)

const otherTenant = fc.constant(new Name('b', 'Tenant', 1))

const target = once((model: ModelName) => weighed([3, ownKey(model)], [2, uniqueWhere(model)]))

/** The fields that a create inside a parent must not give, because the parent gives them. */
function givenBy(model: ModelName, via: string): readonly string[] {
  return via === '' ? [] : (modelOf(model).relations[via]?.fields ?? [])
}

/** Columns of a create, without keys of other rows. */
const createdColumns = once((model: ModelName) => {
  const required: Record<string, Arbitrary<unknown>> = {}
  const optional: Record<string, Arbitrary<unknown>> = {}
  for (const [name, field] of fieldsOf(model)) {
    if (isForeignKey(model, name) || field.kind === 'tenant' || field.kind === 'time') continue
    // a version begins as a draft, and whatever else it is told to be is refused
    if (name === 'status') continue
    if (model === 'Tenant' && field.kind === 'id') continue
    if (field.required) required[name] = written(model, field)
    else optional[name] = written(model, field)
  }
  return mostlyAbsent(required, optional)
})

/** All of `required`, and now and then one or two of `optional`. */
function mostlyAbsent(
  required: Readonly<Record<string, Arbitrary<unknown>>>,
  optional: Readonly<Record<string, Arbitrary<unknown>>>,
): Arbitrary<Args> {
  const names = Object.keys(optional)
  const some = names.map((name) => object({ [name]: optional[name] ?? fc.constant(undefined) }))
  const more = some.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...some), { maxLength: 2 })
  return fc.tuple(object(required), more).map(([all, parts]) => Object.assign({}, ...parts, all) as Args)
}

function isForeignKey(model: ModelName, field: string): boolean {
  return relationsOf(model).some(({ fields }) => fields.includes(field))
}

/** Keys of other rows as plain columns. The tenant is left out mostly, and sometimes another's. */
function keyColumns(model: ModelName, via: string): Arbitrary<Args> {
  const given = givenBy(model, via)
  const required: Record<string, Arbitrary<unknown>> = {}
  const optional: Record<string, Arbitrary<unknown>> = {}
  for (const [name, field] of fieldsOf(model)) {
    if (!isForeignKey(model, name) || field.kind === 'tenant' || given.includes(name)) continue
    if (field.required) required[name] = written(model, field)
    else optional[name] = written(model, field)
  }
  const tenant =
    given.includes('tenantId') || model === 'User' || model === 'Tenant' ? fc.constant({}) : tenantColumn
  return joined(mostlyAbsent(required, optional), tenant)
}

const tenantColumn = weighed<Args>(
  [10, fc.constant({})],
  [1, fc.constant({ tenantId: ownTenant })],
  [1, object({ tenantId: otherTenant })],
)

/** Rows at the other end that hold the key, created or linked with the row. */
function lists(model: ModelName, via: string, depth: number): Arbitrary<Args> {
  const relations = relationsOf(model).filter(({ list, name }) => list && name !== via)
  if (depth === 0 || relations.length === 0) return fc.constant({})
  const one = fc.oneof(...relations.map((relation) => nested(relation, depth, false)))
  return weighed([2, fc.constant({})], [1, one])
}

/** The row at the other end of a to-one relation. The tenant's own is rarely named. */
function parents(model: ModelName, via: string, depth: number): Arbitrary<Args> {
  const given = givenBy(model, via)
  const toOne = relationsOf(model).filter(({ list, name }) => !list && name !== via)
  const others = toOne.filter(
    ({ fields, model: other }) => other !== 'Tenant' && fields.some((field) => !given.includes(field)),
  )
  const tenant = toOne.find(({ model: other }) => other === 'Tenant')
  const parts = others.map((relation) =>
    relation.required
      ? nested(relation, depth, false)
      : weighed([3, fc.constant({})], [1, nested(relation, depth, false)]),
  )
  const inTenant = tenant
    ? weighed<Args>(
        [4, fc.constant({})],
        [
          1,
          object({
            [tenant.name]: object({
              connect: object({ id: weighed([2, fc.constant(ownTenant)], [1, otherTenant]) }),
            }),
          }),
        ],
      )
    : fc.constant({})
  return joined(inTenant, ...parts)
}

/** The data of a create, by keys or by relations. `via` is the relation to the parent that it stands in, or empty. */
const createData = once((model: ModelName, via: string, depth: number): Arbitrary<Args> => {
  const byKeys = joined(createdColumns(model), keyColumns(model, via), lists(model, via, depth))
  if (depth === 0) return byKeys
  const byRelations = joined(createdColumns(model), parents(model, via, depth - 1), lists(model, via, depth))
  return weighed([3, byKeys], [2, byRelations])
})

/** Many rows at once, by keys alone. */
const createManyData = once((model: ModelName, via: string) =>
  fc.array(joined(createdColumns(model), keyColumns(model, via)), {
    minLength: 1,
    maxLength: 3,
  }),
)

/** The changes of columns. */
const updatedColumns = once((model: ModelName): Arbitrary<Args> => {
  const columns = fieldsOf(model).flatMap(([name, field]) => {
    if (isForeignKey(model, name) || field.kind === 'id' || field.kind === 'tenant' || field.kind === 'time')
      return []
    return [object({ [name]: changed(model, name, field) })]
  })
  return fc.array(fc.oneof(...columns), { minLength: 1, maxLength: 2 }).map(merged)
})

/** A key of several rows is not incremented: whether one meets the next depends on which is changed first. */
function changed(model: ModelName, name: string, field: Field): Arbitrary<unknown> {
  const value = written(model, field)
  if (field.kind === 'json') return value
  const isOfKey = Object.values(modelOf(model).compoundUniques).some((names) => names.includes(name))
  if (field.kind === 'number' && !isOfKey)
    return fc.oneof(value, object({ set: value }), object({ increment: fc.constantFrom(1, 2) }))
  return weighed([3, value], [1, object({ set: value })])
}

/** The data of `updateMany`: columns, now and then keys among them. */
const updateManyData = once(
  (model: ModelName): Arbitrary<Args> =>
    weighed<Args>([5, updatedColumns(model)], [1, joined(updatedColumns(model), changedKeys(model))]),
)

const changedKeys = once((model: ModelName): Arbitrary<Args> => {
  const keys = fieldsOf(model)
    .filter(([name, { kind }]) => kind === 'tenant' || isForeignKey(model, name))
    .map(([name, field]) => {
      const value =
        field.kind === 'tenant' ? fc.oneof(fc.constant(ownTenant), otherTenant) : written(model, field)
      return object({ [name]: weighed([3, value], [1, object({ set: value })]) })
    })
  return keys.length === 0 ? fc.constant({}) : fc.oneof(...keys)
})

/** The data of an update, with writes through relations. */
const updateData = once((model: ModelName, via: string, depth: number): Arbitrary<Args> => {
  if (depth === 0) return updateManyData(model)
  const relations = relationsOf(model).filter(({ name, list }) => name !== via && (list || name !== 'tenant'))
  if (relations.length === 0) return updateManyData(model)
  const through = fc.oneof(...relations.map((relation) => nested(relation, depth, true)))
  return weighed<Args>([2, updateManyData(model)], [3, joined(updatedColumns(model), through)], [1, through])
})

/** What is written through a relation. */
function nested(relation: Relation, depth: number, isUpdate: boolean): Arbitrary<Args> {
  return object({
    [relation.name]: relation.list ? toMany(relation, depth, isUpdate) : toOne(relation, depth, isUpdate),
  })
}

function toMany({ model, inverse }: Relation, depth: number, isUpdate: boolean): Arbitrary<Args> {
  const inside = depth - 1
  const create = createData(model, inverse, inside)
  const oneOrMany = (one: Arbitrary<Args>) => fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 2 }))
  const linked = [
    [3, object({ create: oneOrMany(create) })],
    [
      1,
      object({
        createMany: object({ data: createManyData(model, inverse) }, { skipDuplicates: fc.boolean() }),
      }),
    ],
    [2, object({ connect: oneOrMany(target(model)) })],
    [2, object({ connectOrCreate: oneOrMany(object({ where: target(model), create })) })],
  ] as const
  if (!isUpdate) return weighed(...linked)
  const update = updateData(model, inverse, inside)
  return weighed(
    ...linked,
    [2, object({ update: oneOrMany(object({ where: target(model), data: update })) })],
    [2, object({ updateMany: object({ where: columnsWhere(model), data: updatedColumns(model) }) })],
    [2, object({ upsert: object({ where: target(model), update, create }) })],
    [1, object({ delete: oneOrMany(target(model)) })],
    [1, object({ deleteMany: columnsWhere(model) })],
    [1, object({ set: fc.array(target(model), { maxLength: 2 }) })],
    [1, object({ disconnect: oneOrMany(target(model)) })],
  )
}

function toOne({ model, inverse, required }: Relation, depth: number, isUpdate: boolean): Arbitrary<Args> {
  const inside = Math.max(depth - 1, 0)
  const create = createData(model, inverse, inside)
  const linked = [
    [4, object({ connect: target(model) })],
    [1, object({ create })],
    [1, object({ connectOrCreate: object({ where: target(model), create }) })],
  ] as const
  if (!isUpdate) return weighed(...linked)
  const update = updateData(model, inverse, inside)
  return weighed(
    ...linked,
    [3, object({ update: fc.oneof(update, object({ where: where(model, 1), data: update })) })],
    [1, object({ upsert: object({ create, update }, { where: where(model, 1) }) })],
    [
      required ? 0 : 1,
      object({ disconnect: fc.oneof<Arbitrary<unknown>[]>(fc.constant(true), where(model, 1)) }),
    ],
    [
      required ? 0 : 1,
      object({ delete: fc.oneof<Arbitrary<unknown>[]>(fc.constant(true), where(model, 1)) }),
    ],
  )
}

/** What a write answers with: rows of relations among them. */
const answered = (model: ModelName) => selection(model, 2)

/** Rows of `…AndReturn` have relations to one only, and are told apart by their keys. */
const answeredRows = once((model: ModelName): Arbitrary<Args> => {
  const toOne = relationsOf(model).filter(({ list }) => !list)
  return toOne.length === 0
    ? fc.constant({})
    : weighed<Args>(
        [2, fc.constant({})],
        [1, fc.constantFrom(...toOne).map(({ name }) => ({ include: { [name]: true } }))],
      )
})

export const create = once((model: ModelName) =>
  joined(object({ data: createData(model, '', deepest) }), answered(model)),
)

export const createMany = once((model: ModelName) =>
  object({ data: createManyData(model, '') }, { skipDuplicates: fc.boolean() }),
)

export const createManyAndReturn = once((model: ModelName) => joined(createMany(model), answeredRows(model)))

export const update = once((model: ModelName) =>
  joined(object({ where: target(model), data: updateData(model, '', deepest) }), answered(model)),
)

export const updateMany = once((model: ModelName) =>
  // more than there are rows: which ones a limit leaves out is the database's choice
  object({ where: where(model, 2), data: updateManyData(model) }, { limit: fc.constant(100) }),
)

export const updateManyAndReturn = once((model: ModelName) => joined(updateMany(model), answeredRows(model)))

export const upsert = once((model: ModelName) =>
  joined(
    object({
      where: target(model),
      create: createData(model, '', 1),
      update: updateData(model, '', 1),
    }),
    answered(model),
  ),
)

export const remove = once((model: ModelName) => joined(object({ where: target(model) }), answered(model)))

export const deleteMany = once((model: ModelName) => object({ where: where(model, 2) }))
