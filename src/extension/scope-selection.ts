import { keyOf, type RelationManifest, staysInside } from '../manifest/manifest.ts'
import { withFields, witnessFields } from './outside-links.ts'
import { noRow } from './questions.ts'
import { scopeOrder } from './scope-order.ts'
import { and, assertVisible, scopeWhere, tenantFilter } from './scope-where.ts'
import {
  type Args,
  argsOrNone,
  isArgs,
  isOwnTenant,
  mapEntries,
  modelOf,
  ownTenant,
  relationOf,
  type Scoping,
} from './scoping.ts'

/** The relations that lead from the rows of an operation to where something is read. */
type Path = readonly string[]

/**
 * Scopes what an operation reads along with its rows: `include`, `select` and `_count`, to any depth. A list and an
 * optional relation are filtered; a required one takes no filter in Prisma, so if it could leave the tenant it is
 * looked at in the result.
 */
export function scopeSelection(scoping: Scoping, modelName: string, args: Args, path: Path = []): Args {
  return mapEntries(args, (key, value) => {
    if (!isArgs(value)) return value
    if (key === 'include' || key === 'select') return scopeFields(scoping, modelName, value, path)
    return key === 'omit' ? scopeOmit(scoping, modelName, value) : value
  })
}

/** Leaves columns in an `omit`, and nothing else: of a relation that is not omitted Prisma takes it that it is read. */
function scopeOmit(scoping: Scoping, modelName: string, omit: Args): Args {
  const model = modelOf(scoping, modelName)
  return Object.fromEntries(
    Object.entries(omit).filter(([key]) => key !== '_count' && !relationOf(model, key)),
  )
}

/** Scopes a read: `where`, `cursor`, `orderBy` and the selection. */
export function scopeRead(scoping: Scoping, modelName: string, args: Args, path: Path = []): Args {
  return scopeSelection(scoping, modelName, scopeRows(scoping, modelName, args), path)
}

/** Scopes which rows are read, and the arguments that choose a page of them. */
export function scopeRows(scoping: Scoping, modelName: string, args: Args): Args {
  const where = scopeWhere(scoping, modelName, args['where'], 'read')
  const guard = scopeOrder(scoping, modelName, args['orderBy'], () => where)
  return scopeCursor(scoping, modelName, { ...args, where: and(where, guard) })
}

/**
 * A cursor takes fields and no filter. Where the rows have a tenant field, that holds it; else it is asked whether
 * the cursor's row is the tenant's. From one that isn't no page begins, as from one that isn't there.
 */
function scopeCursor(scoping: Scoping, modelName: string, args: Args): Args {
  const { cursor } = args
  if (!isArgs(cursor)) return args
  const own = tenantFilter(scoping, modelName, 'read')
  if (!own) return args
  const close = (condition: Args): Args => ({ ...args, where: and(argsOrNone(args['where']), condition) })
  const model = modelOf(scoping, modelName)
  if (model.scope.kind === 'root' || model.scope.kind === 'direct') {
    const { field } = model.scope
    return cursor[field] === undefined || isOwnTenant(scoping, cursor[field])
      ? { ...args, cursor: { ...cursor, [field]: ownTenant(scoping) } }
      : close(noRow(field))
  }
  const row = Object.entries(cursor).map(([name, value]) =>
    Object.hasOwn(model.compoundUniques, name) ? value : { [name]: value },
  )
  const [field = ''] = keyOf(model)
  return close(scoping.questions.gate(modelName, { AND: [...row, own] }, field))
}

function scopeFields(scoping: Scoping, modelName: string, fields: Args, path: Path): Args {
  const model = modelOf(scoping, modelName)
  return mapEntries(fields, (key, value) => {
    if (value === undefined || value === false) return value
    if (key === '_count') return scopeCounts(scoping, modelName, value)
    const relation = relationOf(model, key)
    if (!relation) return value
    const there = [...path, key]
    const isInside = staysInside(scoping.manifest, modelName, key)
    if (relation.list) {
      if (!isInside) return scopeRead(scoping, relation.model, value === true ? {} : argsOrNone(value), there)
      return isArgs(value) ? scopeNestedRead(scoping, relation.model, value, there) : value
    }
    const read = scopeToOne(scoping, relation, value, isInside, there)
    return isArgs(read) ? scopeSelection(scoping, relation.model, read, there) : read
  })
}

/** A nested read whose rows are the tenant's by their key: only what it filters, orders and selects needs scoping. */
function scopeNestedRead(scoping: Scoping, modelName: string, args: Args, path: Path): Args {
  const where = isArgs(args['where']) ? scopeWhere(scoping, modelName, args['where'], 'read') : undefined
  const guard = scopeOrder(
    scoping,
    modelName,
    args['orderBy'],
    () => where ?? tenantFilter(scoping, modelName, 'read') ?? {},
  )
  const scoped = where || guard ? { ...args, where: and(where ?? {}, guard) } : args
  const rows = scopeCursor(scoping, modelName, scoped)
  return scopeSelection(scoping, modelName, rows, path)
}

function scopeToOne(
  scoping: Scoping,
  relation: RelationManifest,
  value: unknown,
  isInside: boolean,
  path: Path,
): unknown {
  const { model, required } = relation
  const own = isInside ? undefined : tenantFilter(scoping, model, 'read')
  const where = isArgs(value) ? value['where'] : undefined
  if (where !== undefined || (own && !required)) {
    return { ...(isArgs(value) ? value : {}), where: scopeWhere(scoping, model, where, 'read') }
  }
  if (!own) return value
  const fields = witnessFields(scoping, relation)
  const { args, added } = withFields(scoping, model, value, fields)
  scoping.links.push({ path, model, fields, added })
  return args
}

function scopeCounts(scoping: Scoping, modelName: string, value: unknown): unknown {
  const { relations } = modelOf(scoping, modelName)
  const all = Object.entries(relations).filter(([, relation]) => relation.list)
  const lists = all.filter(([, { model }]) => modelOf(scoping, model).scope.kind !== 'system')
  // a selection of nothing is none to Prisma
  if (lists.length === 0 && all[0]) assertVisible(scoping, all[0][1].model)
  const chosen =
    isArgs(value) && isArgs(value['select'])
      ? value['select']
      : Object.fromEntries(lists.map(([name]) => [name, true]))
  return {
    select: mapEntries(chosen, (key, part) => {
      const relation = relationOf(modelOf(scoping, modelName), key)
      if (!relation || part === undefined || part === false) return part
      const where = isArgs(part) ? part['where'] : undefined
      if (where === undefined && staysInside(scoping.manifest, modelName, key)) return part
      if (where === undefined && !tenantFilter(scoping, relation.model, 'read')) return part
      return { where: scopeWhere(scoping, relation.model, where, 'read') }
    }),
  }
}
