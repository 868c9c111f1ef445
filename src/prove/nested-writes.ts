import type { Attack } from './attack.ts'
import { type NestedForm, nestedForms, otherKeys, otherRequiredKeys } from './nested-form.ts'
import { newRow } from './row-data.ts'
import { tenantColumn, uniqueWhere } from './row-filter.ts'
import type { Scene } from './scene.ts'
import { isUnique } from './schema-shape.ts'
import type { Row } from './world.ts'

/** Every nested write, inside an update, an upsert and a create; two relations deep; and inside B's own rows. */
export function* nestedWrites(scene: Scene, model: string): Generator<Attack> {
  for (const name of Object.keys(scene.world.model(model).relations)) {
    // each operation once in an upsert, which takes the same data
    const upserted = new Set<string>()
    for (const nested of nestedForms(scene, model, name)) {
      const isFirst = !upserted.has(nested.operation)
      upserted.add(nested.operation)
      yield inUpdate(scene, model, name, nested)
      if (isFirst) yield inUpsert(scene, model, name, nested)
      if (nested.inCreate) yield* inCreate(scene, model, name, nested, isFirst)
    }
    yield* twoDeep(scene, model, name)
    yield* insideAnothers(scene, model, name)
  }
}

function attack(model: string, operation: string, name: string, nested: NestedForm, args: object): Attack {
  return {
    model,
    operation,
    form: `${name}.${nested.operation}, ${nested.form}`,
    args,
    kind: 'write',
    ...(nested.heldBySchema === undefined ? {} : { heldBySchema: nested.heldBySchema }),
  }
}

function inUpdate(scene: Scene, model: string, name: string, nested: NestedForm): Attack {
  const where = uniqueWhere(scene, nested.parent)
  return attack(model, 'update', name, nested, { where, data: { [name]: nested.write } })
}

function inUpsert(scene: Scene, model: string, name: string, nested: NestedForm): Attack {
  const where = uniqueWhere(scene, nested.parent)
  const global = ['global', 'member'].includes(scene.world.model(model).scope.kind)
  const create = newRow(scene, model, { owner: global ? 'nobody' : 'a', form: 'unchecked' })
  return attack(model, 'upsert', name, nested, { where, update: { [name]: nested.write }, create })
}

function* inCreate(
  scene: Scene,
  model: string,
  name: string,
  nested: NestedForm,
  alsoInUpsert: boolean,
): Generator<Attack> {
  const { scope, readOnly } = scene.world.model(model)
  // a new tenant, or a new row of nobody's, is an attack by itself
  if (scope.kind === 'root' || scope.kind === 'global' || scope.kind === 'member' || readOnly) return
  const data = { ...newRow(scene, model, { owner: 'a', form: 'checked' }), [name]: nested.write }
  const keyIsHere = scene.world.relation(model, name).relation.fields.length > 0
  const held = keyIsHere ? { ...nested, heldBySchema: otherRequiredKeys(scene, model, name) } : nested
  yield attack(model, 'create', name, held, { data })
  if (!alsoInUpsert) return
  const missing = uniqueWhere(scene, {
    model,
    values: { ...nested.parent.values, ...newRow(scene, model, { owner: 'a', form: 'unchecked' }) },
  })
  yield attack(
    model,
    'upsert',
    name,
    { ...held, form: `${held.form}, in the create` },
    { where: missing, update: {}, create: data },
  )
}

const carriedFurther: ReadonlySet<string> = new Set(['connect', 'create', 'update', 'delete'])

/** The same from a row one relation away, which is A's own. */
function* twoDeep(scene: Scene, model: string, name: string): Generator<Attack> {
  const { relation } = scene.world.relation(model, name)
  const done = new Set<string>()
  for (const second of Object.keys(scene.world.model(relation.model).relations)) {
    if (second === relation.inverse) continue
    for (const nested of nestedForms(scene, relation.model, second)) {
      const key = `${second}.${nested.operation}`
      if (!carriedFurther.has(nested.operation) || done.has(key) || nested.heldBySchema !== undefined)
        continue
      const start = startOf(scene, model, name, nested.parent)
      if (!start) continue
      done.add(key)
      const data = { [second]: nested.write }
      const update = relation.list ? [{ where: uniqueWhere(scene, nested.parent), data }] : data
      const deep = { ...nested, form: `${nested.form}, from ${name}` }
      yield attack(model, 'update', second, deep, {
        where: uniqueWhere(scene, start),
        data: { [name]: { update } },
      })
    }
  }
}

function startOf(scene: Scene, model: string, name: string, end: Row): Row | undefined {
  const { world } = scene
  return world
    .rowsOf(model)
    .find((row) => world.isWritable(row) && world.isWritable(end) && world.follow(row, name).includes(end))
}

/** Rows put into B's: B's row is what the operation begins with. */
function* insideAnothers(scene: Scene, model: string, name: string): Generator<Attack> {
  const { relation, inverse } = scene.world.relation(model, name)
  const shape = scene.shape[relation.model]
  const takesOne = inverse && shape && isUnique(shape, inverse.fields, tenantColumn(scene, relation.model))
  const isMember = scene.world.model(model).scope.kind === 'member'
  const parent = scene.row(model, 'b', relation.list && !takesOne && !isMember ? 'cross' : 'free')
  const { scope, readOnly } = scene.world.model(relation.model)
  if (!parent || scene.world.isVisible(parent) || scope.kind === 'root') return
  const where = uniqueWhere(scene, parent)
  const own = scene.row(relation.model, 'a', 'free')
  const keyIsThere = relation.fields.length === 0 && (inverse?.fields.length ?? 0) > 0
  const put = (operation: string, form: string, write: unknown, heldBySchema?: string): Attack => ({
    model,
    operation: 'update',
    form: `${name}.${operation}, ${form}`,
    args: { where, data: { [name]: { [operation]: relation.list ? [write] : write } } },
    kind: 'write',
    ...(heldBySchema === undefined ? {} : { heldBySchema }),
  })
  if (relation.list) {
    const owner = scope.kind === 'global' || scope.kind === 'member' ? 'nobody' : 'b'
    const data = newRow(scene, relation.model, { owner, form: 'unchecked', via: relation.inverse })
    yield put('create', 'inside another’s row', data)
  }
  if (!own || readOnly) return
  const held = keyIsThere
    ? (scene.appendOnly.get(relation.model) ?? otherKeys(scene, own, relation.inverse))
    : relation.fields.length > 0
      ? (scene.appendOnly.get(model) ?? otherKeys(scene, parent, name))
      : undefined
  yield put('connect', 'an own row into another’s', uniqueWhere(scene, own), held)
}
