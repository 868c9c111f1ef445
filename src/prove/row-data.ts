import { carriesTenant, type RelationManifest, tenantFieldOf } from '../manifest/manifest.ts'
import { newValue, prismaValue, sameText } from './field-value.ts'
import { uniqueWhere } from './row-filter.ts'
import type { Owner, Scene } from './scene.ts'
import { isUnique, needsValue } from './schema-shape.ts'
import type { Row } from './world.ts'

type Data = Record<string, unknown>

interface NewRow {
  readonly owner: Owner
  /** Prisma's inputs name foreign keys by their fields, or relations by `connect`; a mixture is no legal input. */
  readonly form: 'unchecked' | 'checked'
  /** The relation by which the row hangs on its parent, which gives it its key. */
  readonly via?: string | undefined
}

const integers: ReadonlySet<string> = new Set(['int2', 'int4', 'int8'])

/** Data for a create that the database takes, with a new key. */
export function newRow(scene: Scene, model: string, { owner, form, via }: NewRow): Data {
  const { relations, scope, primaryKey } = scene.world.model(model)
  const shape = shapeOf(scene, model)
  const given = new Set(via === undefined ? [] : (relations[via]?.fields ?? []))
  const linked = new Set(Object.values(relations).flatMap(({ fields }) => fields))
  const data: Data = {}
  const fresh = scene.fresh(model)
  const tenantField = tenantFieldOf(scene.world.model(model))
  for (const [field, own] of Object.entries(shape.fields)) {
    if (linked.has(field) || given.has(field) || own.identity === 'a') continue
    // what a sequence numbers is no field of such an input
    if (form === 'checked' && own.hasDefault && integers.has(own.type)) continue
    const wanted =
      primaryKey.includes(field) || field === scene.secretField(model) || needsValue(shape, field)
    if (field in fresh) data[field] = fresh[field]
    // a key that Prisma knows no relation of
    else if (shape.foreignKeys.some(({ columns }) => columns.includes(own.column))) {
      const like = (scene.row(model, owner, 'own') ?? scene.row(model, 'nobody', 'own'))?.values[field]
      if (like !== undefined && like !== null) data[field] = prismaValue(own, like)
    } else if (wanted && field !== tenantField) data[field] = newValue(own)
  }
  if (scope.kind === 'root') {
    if (owner === 'a') data[scope.field] = scene.tenantValues.a
  } else if (tenantField !== undefined && !linked.has(tenantField) && !given.has(tenantField)) {
    data[tenantField] = owner === 'nobody' ? null : tenantFor(scene, model, owner)
  }
  for (const [name, relation] of Object.entries(relations)) {
    const fields = relation.fields.filter((field) => !given.has(field))
    if (name === via || fields.length === 0) continue
    const isTenant = relation.fields.length === 1 && fields[0] === tenantField
    if (isTenant && owner === 'nobody') {
      data[fields[0] ?? ''] = null
      continue
    }
    const mustLead = fields.some((field) => field !== tenantField && scene.mustLead(model, field))
    if (!relation.required && !isTenant && !mustLead) continue
    const target = (isTenant && freeTenant(scene, model, owner)) || parentFor(scene, model, name, owner)
    if (!target) continue
    if (form === 'checked') data[name] = { connect: uniqueWhere(scene, target) }
    else Object.assign(data, keyOf(scene, model, relation, target, given))
  }
  return data
}

/** The tenant of a new row. */
function tenantFor(scene: Scene, model: string, owner: 'a' | 'b'): unknown {
  const { tenantModel, models } = scene.manifest
  const free = freeTenant(scene, model, owner)
  const root = models[tenantModel]
  const field = (root && tenantFieldOf(root)) ?? ''
  return free
    ? prismaValue(shapeOf(scene, tenantModel).fields[field], free.values[field])
    : scene.tenantValues[owner]
}

/** Where each tenant has one row at most, the tenant that has none. */
function freeTenant(scene: Scene, model: string, owner: Owner): Row | undefined {
  const tenantField = tenantFieldOf(scene.world.model(model))
  const isOnly = shapeOf(scene, model).uniqueSets.some((set) => set.length === 1 && set[0] === tenantField)
  const isRoot = model === scene.manifest.tenantModel
  return isOnly && !isRoot && owner === 'b' ? scene.row(scene.manifest.tenantModel, 'b', 'free') : undefined
}

/** The fields of a foreign key that refers to a row. */
export function keyTo(scene: Scene, model: string, relationName: string, target: Row): Data {
  const { relation } = scene.world.relation(model, relationName)
  return keyOf(scene, model, relation, target, new Set())
}

function keyOf(
  scene: Scene,
  model: string,
  { fields, references }: RelationManifest,
  target: Row,
  given: ReadonlySet<string>,
): Data {
  const shapes = shapeOf(scene, model).fields
  return Object.fromEntries(
    fields.flatMap((field, index) =>
      given.has(field)
        ? []
        : [[field, prismaValue(shapes[field], target.values[references[index] ?? ''])] as const],
    ),
  )
}

/** The row that a new one of an owner's hangs on. */
function parentFor(scene: Scene, model: string, relationName: string, owner: Owner): Row | undefined {
  const { relation, inverse } = scene.world.relation(model, relationName)
  const { scope } = scene.world.model(relation.model)
  // administrators alone may name a row of the system's, and without one some rows can't be
  if (scope.kind === 'global' || scope.kind === 'system') {
    return scene.row(
      relation.model,
      'nobody',
      scope.kind === 'system' && isAlone(scene, model, relation) ? 'free' : 'cross',
    )
  }
  // a membership for a person who has none yet
  if (scope.kind === 'member' && inverse && scope.relation === relation.inverse) {
    return scene.row(relation.model, 'b', 'free')
  }
  const slot = isAlone(scene, model, relation) ? 'free' : 'cross'
  return scene.row(relation.model, owner === 'nobody' ? 'a' : owner, slot)
}

/** Whether a parent has one such child at most. */
function isAlone(scene: Scene, model: string, { fields }: RelationManifest): boolean {
  return isUnique(shapeOf(scene, model), fields, tenantFieldOf(scene.world.model(model)))
}

/** Data for an update that changes something of a row and nothing of whose it is. */
export function changeOf(scene: Scene, row: { readonly model: string }): Data {
  const { fields, uniqueSets } = shapeOf(scene, row.model)
  const { primaryKey, relations } = scene.world.model(row.model)
  const secret = scene.secretField(row.model)
  const keys = new Set([...primaryKey, ...Object.values(relations).flatMap((relation) => relation.fields)])
  const tenantField = tenantFieldOf(scene.world.model(row.model))
  if (tenantField !== undefined) keys.add(tenantField)
  const unique = new Set(uniqueSets.flat())
  // where a row has nothing but keys to tell, any other field shows that it was written
  const field = keys.has(secret)
    ? (Object.keys(fields).find((name) => !keys.has(name) && !unique.has(name)) ?? secret)
    : secret
  const shape = fields[field]
  return shape ? { [field]: scene.fresh(row.model)[field] ?? newValue(shape) } : {}
}

/**
 * Data for an update that moves a row of A's to B, with every key that goes with it.
 *
 * @returns `undefined` where nothing of the row says whose it is
 */
export function moveTo(scene: Scene, row: Row, owner: 'a' | 'b'): Data | undefined {
  const model = scene.world.model(row.model)
  const data: Data = {}
  for (const [name, relation] of Object.entries(model.relations)) {
    if (relation.fields.length === 0 || row.values[relation.fields[0] ?? ''] === undefined) continue
    if (!givesTenant(scene, row.model, name)) continue
    if (
      relation.fields.some((field) => row.values[field] === null) &&
      !relation.required &&
      !isTenantRelation(scene, row.model, name)
    )
      continue
    const target = parentFor(scene, row.model, name, owner)
    if (target) Object.assign(data, keyTo(scene, row.model, name, target))
  }
  return Object.keys(data).length === 0 ? undefined : data
}

/** Whether a unique key keeps a row of a model from having these values. */
export function collides(scene: Scene, row: Row, changes: Data): boolean {
  const changed: Data = { ...row.values, ...changes }
  const { fields, uniqueSets } = shapeOf(scene, row.model)
  return uniqueSets.some(
    (set) =>
      set.some((field) => field in changes) &&
      scene.world
        .rowsOf(row.model)
        .some(
          (other) =>
            other !== row &&
            set.every(
              (field) =>
                sameText(fields[field], other.values[field]) === sameText(fields[field], changed[field]),
            ),
        ),
  )
}

/** Whether no key keeps all rows of a model from having these values at once. */
export function mayAllHave(scene: Scene, model: string, changes: Data): boolean {
  const { world } = scene
  const { fields, uniqueSets } = shapeOf(scene, model)
  const rows = world.rowsOf(model)
  const isFree = Object.keys(world.model(model).relations).every((name) => {
    const { relation, inverse } = world.relation(model, name)
    if (relation.fields.length > 0) {
      // of a key, all or nothing
      const changed = relation.fields.filter((field) => field in changes)
      return changed.length === 0 || changed.length === relation.fields.length
    }
    const isReferredBy = inverse?.references.some((field) => field in changes) ?? false
    return !isReferredBy || rows.every((row) => world.follow(row, name).length === 0)
  })
  return (
    isFree &&
    uniqueSets.every((set) => {
      if (!set.some((field) => field in changes)) return true
      const keys = rows
        .map((row) => set.map((field) => sameText(fields[field], { ...row.values, ...changes }[field])))
        .map((key) => JSON.stringify(key))
      return new Set(keys).size === keys.length
    })
  )
}

/** Whether no required key leads to the row, but for its own. */
export function isDeletable(scene: Scene, row: Row): boolean {
  const { world } = scene
  return Object.keys(world.model(row.model).relations).every((name) => {
    const { relation, inverse } = world.relation(row.model, name)
    const isReferredTo = relation.fields.length === 0 && (inverse?.fields.length ?? 0) > 0
    return !isReferredTo || !inverse?.required || world.follow(row, name).every((other) => other === row)
  })
}

/**
 * Whether deleting a row of A's empties keys of rows that are not: `on delete set null` is PostgreSQL's own update,
 * which no hull sees where the key does not carry the tenant. That limit is documented, and no attack.
 */
export function pullsOthers(scene: Scene, row: Row): boolean {
  const { world } = scene
  if (!world.isWritable(row)) return false
  return Object.keys(world.model(row.model).relations).some((name) => {
    const { relation, inverse } = world.relation(row.model, name)
    const isReferredTo = relation.fields.length === 0 && (inverse?.fields.length ?? 0) > 0
    return isReferredTo && world.follow(row, name).some((other) => !world.isWritable(other))
  })
}

/** Whether rows refer to a row by a key with its tenant that PostgreSQL does not change along: it can't be moved then. */
export function isReferredToAsIs(scene: Scene, row: Row): boolean {
  const { world } = scene
  const tenantField = tenantFieldOf(world.model(row.model))
  if (tenantField === undefined) return false
  return Object.keys(world.model(row.model).relations).some((name) => {
    const { relation, inverse } = world.relation(row.model, name)
    if (relation.fields.length > 0 || !inverse?.references.includes(tenantField)) return false
    if (inverse.fields.length < 2 || world.follow(row, name).length === 0) return false
    const { fields, foreignKeys } = shapeOf(scene, relation.model)
    const columns = inverse.fields.map((field) => fields[field]?.column)
    return foreignKeys.some(
      (key) =>
        (key.onUpdate === 'a' || key.onUpdate === 'r') &&
        key.columns.length === columns.length &&
        key.columns.every((column) => columns.includes(column)),
    )
  })
}

/** Whether a relation's key says whose a row is. */
export function givesTenant(scene: Scene, model: string, relationName: string): boolean {
  const found = scene.world.model(model)
  return (
    carriesTenant(scene.manifest, found, relationName) ||
    (found.scope.kind === 'through' && found.scope.relation === relationName)
  )
}

/** Whether a relation's key is the tenant's own field and nothing beside it. */
export function isTenantRelation(scene: Scene, model: string, relationName: string): boolean {
  const { fields } = scene.world.relation(model, relationName).relation
  return fields.length === 1 && fields[0] === tenantFieldOf(scene.world.model(model))
}

/** Whether a row has keys beside the tenant's own field that must go along if it changes. */
export function hasKeysWithTenant(scene: Scene, row: Row): boolean {
  return Object.entries(scene.world.model(row.model).relations).some(
    ([name, { fields }]) =>
      fields.length > 1 &&
      carriesTenant(scene.manifest, scene.world.model(row.model), name) &&
      fields.every((field) => row.values[field] !== null),
  )
}

function shapeOf(scene: Scene, model: string) {
  const shape = scene.shape[model]
  if (!shape) throw new Error(`no shape of ${model}`)
  return shape
}
