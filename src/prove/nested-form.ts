import { RelationSide } from './relation-side.ts'
import {
  changeOf,
  isDeletable,
  isReferredToAsIs,
  isTenantRelation,
  moveTo,
  newRow,
  pullsOthers,
} from './row-data.ts'
import { filterOf, tenantColumn, uniqueWhere } from './row-filter.ts'
import type { Scene } from './scene.ts'
import { isUnique } from './schema-shape.ts'
import type { Row } from './world.ts'

/** What is written through one relation of one row. */
export interface NestedForm {
  readonly operation: string
  readonly form: string
  /** The row that the relation belongs to. */
  readonly parent: Row
  readonly write: object
  /** Also a new row may bring it along. */
  readonly inCreate: boolean
  readonly heldBySchema?: string | undefined
}

/** Every nested operation that Prisma has for a relation, aimed at rows that are not A's to write. */
export function* nestedForms(scene: Scene, model: string, name: string): Generator<NestedForm> {
  const side = new RelationSide(scene, model, name)
  yield* links(side)
  yield* newRows(side)
  yield* changes(side)
  yield* moves(side)
  yield* removals(side)
  if (!side.relation.list) yield* pushes(side)
}

/** Links to rows of B's, or writes of nobody's. */
function* links(side: RelationSide): Generator<NestedForm> {
  const { scene, relation, target: parent } = side
  const victim = side.victim
  if (!parent || !victim || isTenantRelation(scene, side.model, side.name)) return
  // whose key is here only refers to the row, and all may refer to what all may see
  const writes = side.keyIsThere || !scene.world.isWritable(parent)
  if (scene.world.isVisible(victim) && !writes) return
  const where = uniqueWhere(scene, victim)
  const held = heldLink(side, parent, victim)
  const form = (operation: string, write: unknown, more: Partial<NestedForm> = {}): NestedForm => ({
    operation,
    form: 'another’s row',
    parent,
    write: { [operation]: write },
    inCreate: true,
    heldBySchema: held,
    ...more,
  })
  yield form('connect', relation.list ? [where] : where)
  const made = { where, create: side.newOwn() }
  yield form('connectOrCreate', relation.list ? [made] : made)
  if (!relation.list) return
  const empties =
    side.keyIsThere && side.inverse?.required && scene.world.follow(parent, side.name).length > 0
  yield form('set', [where], {
    inCreate: false,
    heldBySchema: empties ? 'the row can’t do without the key' : held,
  })
  const nobodys = side.scope.kind === 'shared' ? scene.row(side.other, 'nobody', 'free') : undefined
  if (nobodys && side.keyIsThere) {
    yield form('connect', [uniqueWhere(scene, nobodys)], { form: 'nobody’s row' })
  }
}

/** Why the keys of the schema don't let a link be made. */
function heldLink(side: RelationSide, parent: Row, victim: Row): string | undefined {
  const { scene } = side
  if (side.keyIsThere) {
    return scene.appendOnly.get(side.other) ?? otherKeys(scene, victim, side.via)
  }
  return side.keyIsHere
    ? (scene.appendOnly.get(side.model) ?? otherKeys(scene, parent, side.name))
    : undefined
}

/** Whether a row has keys with the tenant in them beside the one that is written. */
export function otherKeys(scene: Scene, row: Row, written: string): string | undefined {
  const { relations } = scene.world.model(row.model)
  const tenant = tenantColumn(scene, row.model)
  const writtenFields = new Set(relations[written]?.fields)
  // a key without the tenant leaves the others as they are
  if (tenant === undefined || !writtenFields.has(tenant)) return undefined
  const others = Object.entries(relations).some(
    ([name, { fields }]) =>
      name !== written &&
      fields.length > 1 &&
      fields.includes(tenant) &&
      fields.every((field) => row.values[field] !== null) &&
      !fields.every((field) => writtenFields.has(field)),
  )
  return others ? 'the row’s other keys carry the tenant' : undefined
}

/** Whether a new row has required keys with the tenant in them beside a relation's. */
export function otherRequiredKeys(scene: Scene, model: string, name: string): string | undefined {
  const { relations } = scene.world.model(model)
  const tenant = tenantColumn(scene, model)
  if (tenant === undefined || (relations[name]?.fields.length ?? 0) < 2) return undefined
  const others = Object.entries(relations).some(
    ([key, { fields, required }]) => key !== name && required && fields.length > 1 && fields.includes(tenant),
  )
  return others ? 'the row’s other keys carry the tenant' : undefined
}

/** New rows for B, or for nobody, made inside a row of A's. */
function* newRows(side: RelationSide): Generator<NestedForm> {
  const { scene, relation, target: parent } = side
  const owner = side.strangerThere
  if (!parent || owner === undefined) return
  const whose = owner === 'b' ? 'for another' : owner === 'a' ? 'read-only' : 'for nobody'
  const held = side.keyIsHere
    ? (scene.appendOnly.get(side.model) ?? otherKeys(scene, parent, side.name))
    : undefined
  const form = (operation: string, write: object, more: Partial<NestedForm> = {}): NestedForm => ({
    operation,
    form: whose,
    parent,
    write: { [operation]: write },
    inCreate: true,
    heldBySchema: held,
    ...more,
  })
  const one = (data: object) => (relation.list ? [data] : data)
  yield form('create', one(side.newStrange(owner, 'unchecked')))
  const checked = side.newStrange(owner, 'checked')
  if (owner !== 'nobody' && Object.values(checked).some((value) => isConnect(value))) {
    yield form('create', one(checked), { form: `${whose}, by connect` })
  }
  const nowhere = uniqueWhere(scene, {
    model: side.other,
    values: {
      ...side.victim?.values,
      ...newRow(scene, side.other, { owner: owner === 'nobody' ? 'nobody' : 'b', form: 'unchecked' }),
    },
  })
  yield form('connectOrCreate', one({ where: nowhere, create: side.newStrange(owner, 'unchecked') }), {
    form: `${whose}, of a row that is missing`,
  })
  if (relation.list) {
    yield form('upsert', [{ where: nowhere, update: {}, create: side.newStrange(owner, 'unchecked') }], {
      form: `${whose}, of a row that is missing`,
      inCreate: false,
    })
  }
  if (!relation.list || !side.keyIsThere) return
  yield form('createMany', { data: [side.newStrange(owner, 'unchecked')] })
  yield form(
    'createMany',
    { data: side.newStrange(owner, 'unchecked'), skipDuplicates: true },
    { form: `${whose}, skipping duplicates` },
  )
}

function isConnect(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'connect' in value
}

/** Changes of rows of B's, or of nobody's, to which a link leads. */
function* changes(side: RelationSide): Generator<NestedForm> {
  const { scene, relation } = side
  for (const { parent, row } of side.reached(() => true)) {
    const whose = scene.world.isVisible(row) ? 'a row that all see' : 'another’s linked row'
    const held = scene.appendOnly.get(side.other)
    const data = changeOf(scene, row)
    const where = uniqueWhere(scene, row)
    const form = (operation: string, write: unknown, how = ''): NestedForm => ({
      operation,
      form: whose + how,
      parent,
      write: { [operation]: write },
      inCreate: false,
      heldBySchema: held,
    })
    if (!relation.list) {
      yield form('update', data)
      yield form('update', { where: {}, data }, ', with a filter')
      yield form('upsert', { update: data, create: side.newOwn() })
      yield form('upsert', { where: {}, update: data, create: side.newOwn() }, ', with a filter')
      continue
    }
    yield form('update', [{ where, data }])
    yield form('updateMany', { where: filterOf(scene, row), data }, ', by key')
    if (!isUniqueKeyField(scene, side.other)) yield form('updateMany', { where: {}, data }, ', among all')
    yield form('upsert', [{ where, update: data, create: side.newOwn() }])
  }
}

function isUniqueKeyField(scene: Scene, model: string): boolean {
  const secret = scene.secretField(model)
  const shape = scene.shape[model]
  return (
    scene.world.model(model).primaryKey.includes(secret) ||
    (shape !== undefined && isUnique(shape, [secret], tenantColumn(scene, model)))
  )
}

/** Rows of A's given to B or to nobody, by an update that comes through a relation. */
function* moves(side: RelationSide): Generator<NestedForm> {
  const { scene, relation } = side
  // a key that this end gives is no field of such an update
  if (side.givesTenantThere || side.scope.kind === 'root') return
  const { world } = scene
  for (const parent of world.rowsOf(side.model)) {
    if (!world.isVisible(parent)) continue
    const row = world.follow(parent, side.name).find((found) => world.isWritable(found))
    const data = row && moveTo(scene, row, 'b')
    if (!row || !data) continue
    const held = scene.appendOnly.get(side.other) ?? heldMove(side, row)
    const form = (operation: string, how: string, write: unknown): NestedForm => ({
      operation,
      form: `an own row ${how}`,
      parent,
      write: { [operation]: write },
      inCreate: false,
      heldBySchema: held,
    })
    const update = (values: object) =>
      relation.list ? [{ where: uniqueWhere(scene, row), data: values }] : values
    yield form('update', 'moved', update(data))
    if (relation.list) yield form('updateMany', 'moved', { where: filterOf(scene, row), data })
    const field = tenantColumn(scene, side.other)
    if (side.scope.kind === 'shared' && field !== undefined) {
      yield form('update', 'given to all', update({ [field]: null }))
      yield form('upsert', 'given to all', {
        ...(relation.list ? { where: uniqueWhere(scene, row) } : {}),
        update: { [field]: null },
        create: side.newOwn(),
      })
    }
    return
  }
}

function heldMove(side: RelationSide, row: Row): string | undefined {
  const referred =
    isReferredToAsIs(side.scene, row) || (side.keyIsThere && (side.inverse?.fields.length ?? 0) > 1)
  return referred ? 'other rows refer to the row by a key with the tenant' : undefined
}

/** Rows of B's deleted, or links of theirs cut. */
function* removals(side: RelationSide): Generator<NestedForm> {
  const { scene, relation } = side
  const form = (operation: string, parent: Row, write: unknown, how = '', held?: string): NestedForm => ({
    operation,
    form: `another’s linked row${how}`,
    parent,
    write: { [operation]: write },
    inCreate: false,
    heldBySchema: scene.appendOnly.get(side.other) ?? held,
  })
  const optional = relation.list || !relation.required
  for (const { parent, row } of side.reached((found) => isDeletable(scene, found))) {
    if (!optional) break
    if (relation.list) {
      yield form('delete', parent, [uniqueWhere(scene, row)])
      yield form('deleteMany', parent, filterOf(scene, row), ', by key')
      const linked = scene.world.follow(parent, side.name)
      if (linked.every((other) => isDeletable(scene, other) && !pullsOthers(scene, other)))
        yield form('deleteMany', parent, {}, ', among all')
    } else {
      yield form('delete', parent, true)
      yield form('delete', parent, {}, ', with a filter')
    }
  }
  if (side.keyIsHere) return
  for (const { parent, row } of side.reached(() => true)) {
    if (!side.keyIsThere && scene.world.isWritable(parent)) break
    const held = side.keyIsThere && side.inverse?.required ? 'the row can’t do without the key' : undefined
    if (relation.list) {
      yield form('disconnect', parent, [uniqueWhere(scene, row)], '', held)
      yield form('set', parent, [], ' left out', held)
    } else if (optional && !side.inverse?.required) {
      yield form('disconnect', parent, true)
      yield form('disconnect', parent, {}, ', with a filter')
    }
  }
}

/** Own rows put where B's row is: to make room, Prisma empties the key of the one that is there. */
function* pushes(side: RelationSide): Generator<NestedForm> {
  const { scene, relation, inverse } = side
  const { world } = scene
  const form = (operation: string, parent: Row, write: unknown, inCreate: boolean): NestedForm => ({
    operation,
    form: 'another’s row pushed off',
    parent,
    write: { [operation]: write },
    inCreate,
  })
  if (side.keyIsThere && !inverse?.required) {
    for (const { parent } of side.reached(() => true)) {
      const own = scene.row(side.other, 'a', 'free')
      yield form('create', parent, side.newOwn(), false)
      if (!own) continue
      yield form('connect', parent, uniqueWhere(scene, own), false)
      yield form('connectOrCreate', parent, { where: uniqueWhere(scene, own), create: side.newOwn() }, false)
    }
  }
  if (!side.keyIsHere || !inverse || inverse.list || relation.required) return
  const parent = scene.row(side.model, 'a', 'free')
  const taken = world
    .rowsOf(side.other)
    .find(
      (row) => world.isWritable(row) && world.follow(row, side.via).some((held) => !world.isWritable(held)),
    )
  if (!parent || !taken) return
  yield form('connect', parent, uniqueWhere(scene, taken), true)
  yield form('connectOrCreate', parent, { where: uniqueWhere(scene, taken), create: side.newOwn() }, true)
}
