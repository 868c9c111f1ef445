import { TenancyError } from '../errors.ts'
import { carriesTenant, type ModelManifest, staysInside, tenantFieldOf } from '../manifest/manifest.ts'
import { type Access, and, scopeWhere, tenantFilter } from './scope-where.ts'
import {
  type Args,
  argsOrNone,
  assertOwnTenant,
  assertWritable,
  assignedValue,
  isArgs,
  mapEntries,
  mapOneOrMany,
  modelOf,
  relationOf,
  type Scoping,
} from './scoping.ts'

/**
 * Scopes the data of a create and puts the tenant in.
 *
 * @param via the relation by which a nested create hangs on its parent, as the created model calls it
 * @throws {TenancyError} `DH202` when another tenant is given, `DH203` for a model that tenants only read,
 *   `DH206` for a scalar foreign key that does not carry the tenant
 */
export function scopeCreate(scoping: Scoping, modelName: string, data: unknown, via?: string): unknown {
  assertWritable(scoping, modelName)
  if (!isArgs(data)) return data
  return placeTenant(scoping, modelName, scopeFields(scoping, modelName, data), via)
}

/**
 * Scopes the data of an update. The tenant of a row never changes.
 *
 * @throws {TenancyError} as {@link scopeCreate}
 */
export function scopeUpdate(scoping: Scoping, modelName: string, data: unknown): unknown {
  assertWritable(scoping, modelName)
  if (!isArgs(data)) return data
  const field = tenantFieldOf(modelOf(scoping, modelName))
  const scoped = scopeFields(scoping, modelName, data)
  if (field === undefined || scoped[field] === undefined) return scoped
  const { [field]: given, ...rest } = scoped
  assertOwnTenant(scoping, modelName, field, assignedValue(given))
  return rest
}

function scopeFields(scoping: Scoping, modelName: string, data: Args): Args {
  const model = modelOf(scoping, modelName)
  return mapEntries(data, (key, value) => {
    if (value === undefined) return value
    if (relationOf(model, key)) return scopeNestedWrite(scoping, modelName, key, value)
    assertOwnReference(scoping, modelName, key, value)
    return value
  })
}

/**
 * A foreign key that carries the tenant is held by the database: with the tenant fixed, it can only refer to
 * a row of the same tenant. One that doesn't could name anybody's row, so it is refused as a scalar; as
 * `connect` it goes through a scoped look-up.
 */
function assertOwnReference(scoping: Scoping, modelName: string, field: string, value: unknown): void {
  if (assignedValue(value) === null) return
  const model = modelOf(scoping, modelName)
  if (field === tenantFieldOf(model)) return
  for (const [name, relation] of Object.entries(model.relations)) {
    if (!relation.fields.includes(field) || carriesTenant(scoping.manifest, model, name)) continue
    if (modelOf(scoping, relation.model).scope.kind === 'global') continue
    throw new TenancyError(
      'DH206',
      `${modelName}.${field} could name another tenant's ${relation.model}, for the key does not carry the tenant; write ${name}: { connect: … }`,
      { details: { model: modelName, field, relation: name } },
    )
  }
}

/**
 * Puts the tenant into the data of a create, in the form that the data has: Prisma's inputs are either
 * unchecked (scalar keys) or checked (relations), and a mixture is no legal input.
 */
function placeTenant(scoping: Scoping, modelName: string, data: Args, via: string | undefined): Args {
  const model = modelOf(scoping, modelName)
  const field = tenantFieldOf(model)
  if (field === undefined) return data
  const { tenantId } = scoping.context
  const { [field]: given, ...rest } = data
  if (given !== undefined) assertOwnTenant(scoping, modelName, field, given)

  // the parent's row gives the tenant to what is created inside it
  if (via !== undefined && model.relations[via]?.fields.includes(field)) return rest
  if (given !== undefined) return { ...rest, [field]: tenantId }

  const used = Object.entries(model.relations).filter(
    ([name, relation]) => rest[name] !== undefined && relation.fields.length > 0,
  )
  // the row that such a relation connects is the tenant's, and Prisma copies its key
  if (used.some(([, relation]) => relation.fields.includes(field))) return rest
  const toTenant = Object.entries(model.relations).find(
    ([, relation]) => relation.fields.length === 1 && relation.fields[0] === field,
  )
  if (used.length > 0 && toTenant) {
    const [name, { references }] = toTenant
    return { ...rest, [name]: { connect: { [references[0] ?? '']: tenantId } } }
  }
  return { ...rest, [field]: tenantId }
}

/** Scopes everything that Prisma lets one write through a relation. */
function scopeNestedWrite(scoping: Scoping, modelName: string, field: string, value: unknown): unknown {
  if (!isArgs(value)) return value
  const model = modelOf(scoping, modelName)
  const relation = relationOf(model, field)
  if (!relation) return value
  const other = relation.model
  const via = relation.inverse
  const unique = (where: unknown, access: Access) => scopeWhere(scoping, other, where, access)

  return mapEntries(value, (operation, payload) => {
    if (payload === undefined) return payload
    switch (operation) {
      case 'create':
        return mapOneOrMany(payload, (data) => scopeCreate(scoping, other, data, via))
      case 'createMany':
        assertWritable(scoping, other)
        return mapOneOrMany(payload, (many) => ({
          ...many,
          data: mapOneOrMany(many['data'], (data) => scopeCreate(scoping, other, data, via)),
        }))
      case 'connect':
        return mapOneOrMany(payload, (where) => scopeLink(scoping, modelName, field, where))
      case 'connectOrCreate':
        return mapOneOrMany(payload, (one) => ({
          ...one,
          where: scopeLink(scoping, modelName, field, one['where']),
          create: scopeCreate(scoping, other, one['create'], via),
        }))
      case 'disconnect':
      case 'set':
        assertKeepsTenant(scoping, modelName, field, operation)
        return scopeUnlink(scoping, modelName, field, operation, payload)
      case 'update':
        assertWritable(scoping, other)
        return mapOneOrMany(payload, (one) => {
          if (!relation.list) return scopeToOneUpdate(scoping, modelOf(scoping, other), other, one)
          const data = scopeUpdate(scoping, other, one['data'])
          return { ...one, where: scopeWrittenRow(scoping, other, one['where'], data), data }
        })
      case 'updateMany':
        assertWritable(scoping, other)
        return mapOneOrMany(payload, (one) => ({
          ...one,
          where: scopeManyRows(scoping, modelName, field, one['where']),
          data: scopeUpdate(scoping, other, one['data']),
        }))
      case 'upsert':
        assertWritable(scoping, other)
        return mapOneOrMany(payload, (one) => {
          const update = scopeUpdate(scoping, other, one['update'])
          return {
            ...one,
            where: scopeWrittenRow(scoping, other, one['where'], update),
            update,
            create: scopeCreate(scoping, other, one['create'], via),
          }
        })
      case 'delete':
        assertWritable(scoping, other)
        if (payload === true) return tenantFilter(scoping, other, 'write') ?? true
        return mapOneOrMany(payload, (where) => unique(where, 'write'))
      case 'deleteMany':
        assertWritable(scoping, other)
        return mapOneOrMany(payload, (where) => scopeManyRows(scoping, modelName, field, where))
      default:
        throw new TenancyError(
          'DH201',
          `hull one does not know the nested operation ${operation} on ${modelName}.${field}`,
          { details: { model: modelName, relation: field, operation } },
        )
    }
  })
}

/** Scopes the look-up of a row that is to be linked. */
function scopeLink(scoping: Scoping, modelName: string, field: string, where: unknown): Args {
  const relation = modelOf(scoping, modelName).relations[field]
  if (!relation) return {}
  const scoped = scopeWhere(scoping, relation.model, where, linkAccess(scoping, modelName, field))
  // the key is here, and unique: a row that has it now must make room
  return relation.fields.length > 0 && !relation.list
    ? and(scoped, roomFilter(scoping, relation.model, relation.inverse))
    : scoped
}

/** Scopes taking a link away. Where the other side holds the key, that writes the other row. */
function scopeUnlink(
  scoping: Scoping,
  modelName: string,
  field: string,
  operation: string,
  payload: unknown,
): unknown {
  const access = linkAccess(scoping, modelName, field)
  const relation = modelOf(scoping, modelName).relations[field]
  if (!relation) return payload
  const heldThere = keyHeldThere(scoping, modelName, field)
  if (operation === 'set' && heldThere && !staysInside(scoping.manifest, modelName, field)) {
    throw new TenancyError(
      'DH207',
      `set on ${modelName}.${field} would also let go of another tenant's ${relation.model}, for its key does not carry the tenant; write disconnect and connect`,
      { details: { model: modelName, relation: field, operation } },
    )
  }
  if (payload === true && heldThere) return tenantFilter(scoping, relation.model, access) ?? true
  return mapOneOrMany(payload, (where) => scopeWhere(scoping, relation.model, where, access))
}

/**
 * Scopes the `where` of a nested `updateMany` or `deleteMany`, which takes columns and no relations: the rows of
 * a model without a tenant field can't be told apart there.
 *
 * @throws {TenancyError} `DH207` where such rows may be another tenant's
 */
function scopeManyRows(scoping: Scoping, modelName: string, field: string, where: unknown): Args {
  const other = modelOf(scoping, modelName).relations[field]?.model ?? ''
  if (tenantFieldOf(modelOf(scoping, other)) !== undefined) return scopeWhere(scoping, other, where, 'write')
  if (staysInside(scoping.manifest, modelName, field)) return argsOrNone(where)
  throw new TenancyError(
    'DH207',
    `${modelName}.${field} could lead to another tenant's rows, for ${other} does not name its tenant; update or delete the ${other} itself`,
    { details: { model: modelName, relation: field } },
  )
}

/**
 * Scopes the `where` of an update: the row is the tenant's, and the data pushes no other tenant's row off it.
 *
 * @param data as {@link scopeUpdate} returned it, so that what is looked at is what Prisma gets
 */
export function scopeWrittenRow(scoping: Scoping, modelName: string, where: unknown, data: unknown): Args {
  const model = modelOf(scoping, modelName)
  let scoped = scopeWhere(scoping, modelName, where, 'write')
  for (const [name, write] of isArgs(data) ? Object.entries(data) : []) {
    if (!relationOf(model, name) || !isArgs(write)) continue
    const links = pushing.some((operation) => write[operation] !== undefined)
    if (links) scoped = and(scoped, roomFilter(scoping, modelName, name))
  }
  return scoped
}

/** What puts a row in the place of the one that a one-to-one relation has. */
const pushing = ['create', 'connect', 'connectOrCreate', 'upsert']

/**
 * That a one-to-one relation whose key stands at the other end has no row of another tenant's: to put one
 * there, Prisma empties the key of the row that has the place.
 */
function roomFilter(scoping: Scoping, modelName: string, field: string): Args | undefined {
  const relation = modelOf(scoping, modelName).relations[field]
  if (!relation || relation.list || !keyHeldThere(scoping, modelName, field)) return undefined
  if (staysInside(scoping.manifest, modelName, field)) return undefined
  const own = tenantFilter(scoping, relation.model, 'write')
  return own && { OR: [{ [field]: { is: null } }, { [field]: { is: own } }] }
}

/** Whether the foreign key stands in the table at the other end, and not here or in a table of its own. */
function keyHeldThere(scoping: Scoping, modelName: string, field: string): boolean {
  const relation = modelOf(scoping, modelName).relations[field]
  if (!relation || relation.fields.length > 0) return false
  return (modelOf(scoping, relation.model).relations[relation.inverse]?.fields.length ?? 0) > 0
}

/**
 * Which rows may be linked. Where this side holds the key, linking only refers to the row, and any row that
 * the tenant may read will do; unless the key carries the tenant, for then the row's tenant is copied, and a
 * shared row has none. Where the other side holds the key, linking writes the row.
 */
function linkAccess(scoping: Scoping, modelName: string, field: string): Access {
  const model = modelOf(scoping, modelName)
  const relation = model.relations[field]
  if (!relation) return 'write'
  if (keyHeldThere(scoping, modelName, field)) {
    assertWritable(scoping, relation.model)
    return 'write'
  }
  return carriesTenant(scoping.manifest, model, field) ? 'write' : 'read'
}

/** Taking a link away empties its key; where the tenant is part of it, the row would lose its tenant. */
function assertKeepsTenant(scoping: Scoping, modelName: string, field: string, operation: string): void {
  const model = modelOf(scoping, modelName)
  const relation = model.relations[field]
  if (!relation) return
  const [holder, name] =
    relation.fields.length > 0 ? [model, field] : [modelOf(scoping, relation.model), relation.inverse]
  if (!carriesTenant(scoping.manifest, holder, name)) return
  throw new TenancyError(
    'DH202',
    `${operation} on ${modelName}.${field} would take the tenant away from a row; change the other key field instead`,
    { details: { model: modelName, relation: field, operation } },
  )
}

/**
 * An update through a to-one relation comes as the data alone or as `{ where, data }`. It always leaves as
 * the latter, with a filter, so that a link that leads outside is not followed.
 */
function scopeToOneUpdate(scoping: Scoping, model: ModelManifest, name: string, one: Args): Args {
  const keys = Object.keys(one)
  const wrapped = keys.every((key) => key === 'where' || key === 'data') && isArgs(one['data'])
  if (wrapped && 'data' in model.columns && !('where' in one)) {
    throw new TenancyError(
      'DH209',
      `an update of ${name} through a relation is ambiguous, for ${name} has a field "data"; write { where: {}, data: { … } }`,
      { details: { model: name, field: 'data' } },
    )
  }
  const data = scopeUpdate(scoping, name, wrapped ? one['data'] : one)
  return { where: scopeWrittenRow(scoping, name, wrapped ? one['where'] : undefined, data), data }
}
