import { TenancyError } from '../errors.ts'
import {
  carriesTenant,
  hasTenantAlways,
  type Manifest,
  type ModelManifest,
  type RelationManifest,
  staysInside,
  tenantFieldOf,
} from '../manifest/manifest.ts'
import { type Access, and, assertVisible, scopeWhere, tenantFilter } from './scope-where.ts'
import {
  type Args,
  argsOrNone,
  assertOwnTenant,
  assertWritable,
  assignedValue,
  isArgs,
  isUnset,
  isValue,
  mapEntries,
  mapOneOrMany,
  modelOf,
  ownTenant,
  relationOf,
  type Scoping,
} from './scoping.ts'

/**
 * Scopes the data of a create and puts the tenant in.
 *
 * @param via the relation by which a nested create hangs on its parent, as the created model calls it
 * @param isChecked rows beside it have relations where it could have keys, so it must have them too
 * @throws {TenancyError} `DH202` when another tenant is given, `DH203` for a model that tenants only read,
 *   `DH206` for a part of a scalar foreign key
 */
export function scopeCreate(
  scoping: Scoping,
  modelName: string,
  data: unknown,
  via?: string,
  isChecked?: boolean,
): unknown {
  assertWritable(scoping, modelName)
  if (!isArgs(data)) return data
  if (!scoping.half) scoping.questions.willCreate(modelName, data)
  return placeTenant(scoping, modelName, scopeFields(scoping, modelName, data), via, isChecked)
}

/** Scopes the rows of a nested `create`, of which Prisma wants one form for all. */
function scopeCreates(scoping: Scoping, modelName: string, payload: unknown, via: string): unknown {
  const model = modelOf(scoping, modelName)
  const isChecked =
    Array.isArray(payload) && payload.some((data) => isArgs(data) && usesKeyRelation(model, data))
  return mapOneOrMany(payload, (data) => scopeCreate(scoping, modelName, data, via, isChecked || undefined))
}

/** Whether data writes a relation whose key stands in the row itself: then it is what Prisma calls checked. */
function usesKeyRelation(model: ModelManifest, data: Args): boolean {
  return keyRelationsOf(model).some(([name]) => !isUnset(data[name]))
}

const knownKeyRelations = new WeakMap<ModelManifest, readonly (readonly [string, RelationManifest])[]>()

/** The relations of a model whose key stands in it. */
function keyRelationsOf(model: ModelManifest): readonly (readonly [string, RelationManifest])[] {
  const known = knownKeyRelations.get(model)
  if (known) return known
  const relations = Object.entries(model.relations).filter(([, { fields }]) => fields.length > 0)
  knownKeyRelations.set(model, relations)
  return relations
}

/** Scopes the rows of a `createMany`. */
export function scopeMany(scoping: Scoping, modelName: string, args: Args, via?: string): unknown {
  const isCertain = isUnset(args['skipDuplicates']) || args['skipDuplicates'] === false
  const rows = isCertain ? scoping : halfOf(scoping, 'nested')
  return mapOneOrMany(args['data'], (data) => scopeCreate(rows, modelName, data, via))
}

/** Scopes something that may be done or not, such as each half of an `upsert`. */
export function halfOf(scoping: Scoping, half: NonNullable<Scoping['half']>): Scoping {
  return { ...scoping, half }
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
  if (field === undefined || isUnset(scoped[field])) return scoped
  const { [field]: given, ...rest } = scoped
  const assigned = assignedValue(given)
  if (!isUnset(assigned)) assertOwnTenant(scoping, modelName, field, assigned)
  return rest
}

function scopeFields(scoping: Scoping, modelName: string, data: Args): Args {
  const model = modelOf(scoping, modelName)
  const scoped = mapEntries(data, (key, value) =>
    isUnset(value) || !relationOf(model, key) ? value : scopeNestedWrite(scoping, modelName, key, value),
  )
  for (const name of looseReferences(scoping.manifest, model)) {
    lookUpReference(scoping, modelName, name, scoped)
  }
  return scoped
}

const knownLooseReferences = new WeakMap<ModelManifest, readonly string[]>()

/** The relations of a model whose key stands in it, does not carry the tenant and could name another tenant's row. */
function looseReferences(manifest: Manifest, model: ModelManifest): readonly string[] {
  const known = knownLooseReferences.get(model)
  if (known) return known
  const loose = Object.entries(model.relations)
    .filter(
      ([name, relation]) =>
        relation.fields.length > 0 &&
        !carriesTenant(manifest, model, name) &&
        manifest.models[relation.model]?.scope.kind !== 'global',
    )
    .map(([name]) => name)
  knownLooseReferences.set(model, loose)
  return loose
}

/**
 * A foreign key that carries the tenant is held by the database: with the tenant fixed, it can only refer to
 * a row of the same tenant. Of any other one it has to be asked whose row it names.
 *
 * @throws {TenancyError} `DH206` where it is not known what the key will name
 */
function lookUpReference(scoping: Scoping, modelName: string, name: string, data: Args): void {
  const model = modelOf(scoping, modelName)
  const relation = model.relations[name]
  if (!relation) return
  const tenantField = tenantFieldOf(model)
  const given = relation.fields.filter(
    (field) => field !== tenantField && !isUnset(assignedValue(data[field])),
  )
  if (given.length === 0) return
  const values = relation.fields.map((field) =>
    field === tenantField ? ownTenant(scoping) : assignedValue(data[field]),
  )
  // a key with an empty part names nothing
  if (values.includes(null)) return
  const filter = tenantFilter(scoping, relation.model, 'read')
  if (!filter) return
  if (values.every(isValue)) {
    const { model: target, references, fields } = relation
    const { half } = scoping
    scoping.questions.mustExist({
      model: target,
      references,
      values,
      filter,
      holder: modelName,
      fields,
      ...(half === 'create' || half === 'update' ? { half } : {}),
    })
    return
  }
  throw new TenancyError(
    'DH206',
    `${modelName}.${given.join(', ')} could name another tenant's ${relation.model}; give all fields of the key (${relation.fields.join(', ')}), each as a value, or write ${name}: { connect: … }`,
    { details: { model: modelName, field: given.join(', '), relation: name } },
  )
}

/**
 * Puts the tenant into the data of a create, in the form that the data has: Prisma's inputs are either
 * unchecked (scalar keys) or checked (relations), and a mixture is no legal input.
 */
function placeTenant(
  scoping: Scoping,
  modelName: string,
  data: Args,
  via: string | undefined,
  isChecked = usesKeyRelation(modelOf(scoping, modelName), data),
): Args {
  const model = modelOf(scoping, modelName)
  const field = tenantFieldOf(model)
  if (field === undefined) return data
  const tenantId = ownTenant(scoping)
  const { [field]: given, ...rest } = data
  if (!isUnset(given)) assertOwnTenant(scoping, modelName, field, given)

  // the parent's row gives the tenant to what is created inside it
  if (via !== undefined && model.relations[via]?.fields.includes(field)) return rest
  if (!isUnset(given)) return { ...rest, [field]: tenantId }

  if (!isChecked) return { ...rest, [field]: tenantId }

  const relations = keyRelationsOf(model)
  // the row that such a relation connects is the tenant's, and Prisma copies its key
  if (relations.some(([name, { fields }]) => fields.includes(field) && !isUnset(rest[name]))) return rest
  const toTenant = relations.find(([, { fields }]) => fields.length === 1 && fields[0] === field)
  if (toTenant) {
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
  // also where nothing of the other row is named: it would tell whether there is a link
  if (Object.values(value).some((payload) => !isUnset(payload))) assertVisible(scoping, other)
  const via = relation.inverse
  const unique = (where: unknown, access: Access) => scopeWhere(scoping, other, where, access)

  const half = halfOf(scoping, 'nested')

  return mapEntries(value, (operation, payload) => {
    if (isUnset(payload)) return payload
    switch (operation) {
      case 'create':
        return scopeCreates(scoping, other, payload, via)
      case 'createMany':
        assertWritable(scoping, other)
        return mapOneOrMany(payload, (many) => ({
          ...many,
          data: scopeMany(scoping, other, many, via),
        }))
      case 'connect':
        return mapOneOrMany(payload, (where) => scopeLink(scoping, modelName, field, where))
      case 'connectOrCreate':
        return mapOneOrMany(payload, (one) => ({
          ...one,
          where: scopeLink(scoping, modelName, field, one['where']),
          create: scopeCreate(half, other, one['create'], via),
        }))
      case 'disconnect':
      case 'set':
        assertKeepsTenant(scoping, modelName, field, operation)
        return scopeUnlink(scoping, modelName, field, operation, payload)
      case 'update':
        assertWritable(scoping, other)
        return mapOneOrMany(payload, (one) => {
          if (!relation.list) return scopeToOneUpdate(scoping, modelName, field, one)
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
          const update = scopeUpdate(half, other, one['update'])
          return {
            ...one,
            where: scopeWrittenRow(scoping, other, one['where'], update),
            update,
            create: scopeCreate(half, other, one['create'], via),
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
    // it lets go of all rows but those that it names, whoever's they are
    assertNoStrays(scoping, modelName, field, access, `set on ${modelName}.${field} would let go of`)
  }
  if (payload === true && heldThere) return tenantFilter(scoping, relation.model, access) ?? true
  return mapOneOrMany(payload, (where) => scopeWhere(scoping, relation.model, where, access))
}

/**
 * Scopes the `where` of a nested `updateMany` or `deleteMany`, which takes columns and no relations: the rows of
 * a model without a tenant field can't be told apart there, so it is asked whether there are others.
 */
function scopeManyRows(scoping: Scoping, modelName: string, field: string, where: unknown): Args {
  const other = modelOf(scoping, modelName).relations[field]?.model ?? ''
  if (tenantFieldOf(modelOf(scoping, other)) !== undefined) return scopeWhere(scoping, other, where, 'write')
  if (!staysInside(scoping.manifest, modelName, field)) {
    assertNoStrays(scoping, modelName, field, 'write', `${modelName}.${field} leads to`)
  }
  return argsOrNone(where)
}

/**
 * Asks that no list of the tenant's rows has a row in it that the tenant may not have. The answer depends on links
 * alone, none of which a tenant can make: which rows the caller meant is not part of the question, for that another
 * operation of the tenant's could change before the answer is used, and it could ask for what is in the other's row.
 *
 * @throws {TenancyError} `DH207`, when the questions are asked
 */
function assertNoStrays(
  scoping: Scoping,
  modelName: string,
  field: string,
  access: Access,
  what: string,
): void {
  const relation = modelOf(scoping, modelName).relations[field]
  const own = relation && tenantFilter(scoping, relation.model, access)
  if (!own) return
  const having = tenantFilter(scoping, modelName, 'read') ?? {}
  const isList = modelOf(scoping, relation.model).relations[relation.inverse]?.list ?? false
  scoping.questions.mustNotExist({
    model: relation.model,
    where: { AND: [{ [relation.inverse]: { [isList ? 'some' : 'is']: having } }, { NOT: own }] },
    refusal: () =>
      new TenancyError(
        'DH207',
        `${what} rows of another tenant's, for there is a link that leads outside; update the ${relation.model} itself, or mend the link`,
        { details: { model: modelName, relation: field } },
      ),
  })
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

/**
 * Taking a link away empties its key. Where the tenant is part of it, the row would lose its tenant: the database
 * refuses that of any row that must have one; a row of a `shared` model would become everybody's, and any other nobody's.
 */
function assertKeepsTenant(scoping: Scoping, modelName: string, field: string, operation: string): void {
  const model = modelOf(scoping, modelName)
  const relation = model.relations[field]
  if (!relation) return
  const [holder, name] =
    relation.fields.length > 0 ? [model, field] : [modelOf(scoping, relation.model), relation.inverse]
  if (hasTenantAlways(holder) || !carriesTenant(scoping.manifest, holder, name)) return
  throw new TenancyError(
    'DH202',
    `${operation} on ${modelName}.${field} would take the tenant away from a row; change the other key field instead`,
    { details: { model: modelName, relation: field, operation } },
  )
}

/**
 * An update through a to-one relation comes as the data alone or as `{ where, data }`. It always leaves as
 * the latter, with a filter, so that a link that leads outside is not followed. To a model with a field "data" both
 * could be meant; Prisma tries the latter first, which is what it is if it fits.
 *
 * @throws {TenancyError} `DH201` for a model where Prisma could take the filter for a value
 */
function scopeToOneUpdate(scoping: Scoping, holder: string, field: string, one: Args): Args {
  const name = modelOf(scoping, holder).relations[field]?.model ?? ''
  const model = modelOf(scoping, name)
  const { where, data: inner } = one
  if (['where', 'data'].every((json) => model.jsonFields.includes(json))) {
    throw new TenancyError(
      'DH201',
      `${holder}.${field} can't be updated through the relation, for ${name} has JSON fields called "where" and "data" that a filter could be taken for; update the ${name} itself`,
      { details: { model: holder, relation: field } },
    )
  }
  const wrapped =
    Object.keys(one).every((key) => key === 'where' || key === 'data') &&
    isArgs(inner) &&
    (!Object.hasOwn(model.columns, 'data') ||
      ((isUnset(where) || isArgs(where)) &&
        Object.keys(inner).every((key) => Object.hasOwn(model.columns, key) || relationOf(model, key))))
  const data = scopeUpdate(scoping, name, wrapped ? inner : one)
  return { where: scopeWrittenRow(scoping, name, wrapped ? where : undefined, data), data }
}
