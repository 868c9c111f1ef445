import { TenancyError } from '../errors.ts'
import { staysInside } from '../manifest/manifest.ts'
import { assertFollowable, assertOrderBy, scopeWhere, tenantFilter } from './scope-where.ts'
import {
  type Args,
  argsOrNone,
  assertOwnTenant,
  isArgs,
  mapEntries,
  modelOf,
  relationOf,
  type Scoping,
} from './scoping.ts'

/**
 * Scopes what an operation reads along with its rows: `include`, `select` and `_count`, to any depth. A list
 * is filtered; a to-one relation takes no filter in Prisma, so one that could leave the tenant is refused.
 *
 * @throws {TenancyError} `DH207`
 */
export function scopeSelection(scoping: Scoping, modelName: string, args: Args): Args {
  return mapEntries(args, (key, value) =>
    (key === 'include' || key === 'select') && isArgs(value) ? scopeFields(scoping, modelName, value) : value,
  )
}

/** Scopes a read: `where`, `cursor`, `orderBy` and the selection. */
export function scopeRead(scoping: Scoping, modelName: string, args: Args): Args {
  return {
    ...scopeSelection(scoping, modelName, scopeWindow(scoping, modelName, args)),
    where: scopeWhere(scoping, modelName, args['where'], 'read'),
  }
}

/** Scopes the arguments that choose a page: a cursor is a look-up, and an order can tell of other rows. */
export function scopeWindow(scoping: Scoping, modelName: string, args: Args): Args {
  assertOrderBy(scoping, modelName, args['orderBy'])
  const { cursor } = args
  return isArgs(cursor) ? { ...args, cursor: scopeCursor(scoping, modelName, cursor) } : args
}

/**
 * A cursor takes fields and no filter, so only the tenant's own field can hold it inside.
 *
 * @throws {TenancyError} `DH207` for a model whose rows have no such field
 */
function scopeCursor(scoping: Scoping, modelName: string, cursor: Args): Args {
  const { scope } = modelOf(scoping, modelName)
  if (scope.kind === 'global') return cursor
  if (scope.kind === 'root' || scope.kind === 'direct') {
    const { [scope.field]: given } = cursor
    if (given !== undefined) assertOwnTenant(scoping, modelName, scope.field, given)
    return { ...cursor, [scope.field]: scoping.context.tenantId }
  }
  throw new TenancyError(
    'DH207',
    `a cursor over ${modelName} could stand on another tenant's row, for its rows do not name their tenant; page with where and orderBy`,
    { details: { model: modelName } },
  )
}

function scopeFields(scoping: Scoping, modelName: string, fields: Args): Args {
  const model = modelOf(scoping, modelName)
  return mapEntries(fields, (key, value) => {
    if (value === undefined || value === false) return value
    if (key === '_count') return scopeCounts(scoping, modelName, value)
    const relation = relationOf(model, key)
    if (!relation) return value
    if (relation.list) {
      const args = value === true ? {} : argsOrNone(value)
      return staysInside(scoping.manifest, modelName, key)
        ? isArgs(value)
          ? scopeNestedRead(scoping, relation.model, args)
          : value
        : scopeRead(scoping, relation.model, args)
    }
    assertFollowable(scoping, modelName, key)
    return isArgs(value) ? scopeSelection(scoping, relation.model, value) : value
  })
}

/** A nested read whose rows are the tenant's by their key: only what it filters and selects needs scoping. */
function scopeNestedRead(scoping: Scoping, modelName: string, args: Args): Args {
  const scoped = scopeSelection(scoping, modelName, scopeWindow(scoping, modelName, args))
  return isArgs(args['where'])
    ? { ...scoped, where: scopeWhere(scoping, modelName, args['where'], 'read') }
    : scoped
}

function scopeCounts(scoping: Scoping, modelName: string, value: unknown): unknown {
  const { relations } = modelOf(scoping, modelName)
  const lists = Object.entries(relations).filter(([, relation]) => relation.list)
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
