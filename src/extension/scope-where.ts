import { TenancyError } from '../errors.ts'
import { staysInside } from '../manifest/manifest.ts'
import {
  type Args,
  argsOrNone,
  isArgs,
  mapEntries,
  mapOneOrMany,
  modelOf,
  relationOf,
  type Scoping,
} from './scoping.ts'

/** What the rows are wanted for: a `shared` row may be read by all and written by none. */
export type Access = 'read' | 'write'

/**
 * The filter that only the tenant's rows of a model pass, or `undefined` for a global model, all of whose
 * rows a tenant may read.
 */
export function tenantFilter(scoping: Scoping, modelName: string, access: Access): Args | undefined {
  const { scope, relations } = modelOf(scoping, modelName)
  const { tenantId } = scoping.context
  switch (scope.kind) {
    case 'root':
    case 'direct':
      return { [scope.field]: tenantId }
    case 'shared':
      return access === 'write'
        ? { [scope.field]: tenantId }
        : { OR: [{ [scope.field]: tenantId }, { [scope.field]: null }] }
    case 'through': {
      const parent = relations[scope.relation]?.model ?? ''
      return { [scope.relation]: { is: tenantFilter(scoping, parent, access) } }
    }
    case 'member': {
      const link = relations[scope.relation]?.model ?? ''
      return { [scope.relation]: { some: tenantFilter(scoping, link, access) } }
    }
    case 'global':
      return undefined
  }
}

/**
 * Adds the tenant's filter to a `where`. Where the caller wrote something of the same name it goes into AND beside
 * that, so that no value of theirs, `undefined` and `{ in: undefined }` included, can take its place. Serves `where` of every
 * operation, of unique look-ups and of cursors alike: Prisma allows AND in all of them.
 */
export function scopeWhere(scoping: Scoping, modelName: string, where: unknown, access: Access): Args {
  const rewritten = scopeFilter(scoping, modelName, argsOrNone(where))
  return and(rewritten, tenantFilter(scoping, modelName, access))
}

/** Adds a filter to a `where`, beside whatever is there; all of an object's entries must be true, so one is enough. */
export function and(where: Args, filter: Args | undefined): Args {
  if (!filter) return where
  const names = Object.keys(filter)
  if (names.length > 0 && !names.some((name) => Object.hasOwn(where, name))) return { ...where, ...filter }
  const own = where['AND']
  return { ...where, AND: [filter, ...(Array.isArray(own) ? own : own === undefined ? [] : [own])] }
}

/** Rewrites the relation filters inside a `where`, at every depth. */
function scopeFilter(scoping: Scoping, modelName: string, where: Args): Args {
  const model = modelOf(scoping, modelName)
  return mapEntries(where, (key, value) => {
    if (key === 'AND' || key === 'OR' || key === 'NOT') {
      return mapOneOrMany(value, (part) => scopeFilter(scoping, modelName, part))
    }
    const relation = relationOf(model, key)
    if (!relation || value === undefined) return value
    const outside = staysInside(scoping.manifest, modelName, key)
      ? undefined
      : tenantFilter(scoping, relation.model, 'read')
    const inside = (part: unknown) => scopeFilter(scoping, relation.model, argsOrNone(part))
    return relation.list ? scopeListFilter(value, inside, outside) : scopeToOneFilter(value, inside, outside)
  })
}

type ScopePart = (part: unknown) => Args

/** `some`, `every` and `none` over the tenant's rows alone. */
function scopeListFilter(value: unknown, inside: ScopePart, outside: Args | undefined): unknown {
  if (!isArgs(value)) return value
  const { every, ...others } = value
  const scoped = mapEntries(others, (_, part) => (part === undefined ? part : and(inside(part), outside)))
  if (every === undefined) return scoped
  if (!outside) return { ...scoped, every: inside(every) }
  // "every one of mine is" says "none is mine and is not"
  const broken = { AND: [outside, { NOT: inside(every) }] }
  return { ...scoped, none: scoped['none'] === undefined ? broken : { OR: [scoped['none'], broken] } }
}

/** A to-one relation whose row lies outside counts as absent. */
function scopeToOneFilter(value: unknown, inside: ScopePart, outside: Args | undefined): unknown {
  if (value === null) return outside ? { isNot: outside } : null
  if (!isArgs(value)) return value
  if (!('is' in value) && !('isNot' in value)) return and(inside(value), outside)
  const { is, isNot } = value
  if (!outside) {
    return mapEntries(value, (_, part) => (part === null || part === undefined ? part : inside(part)))
  }
  if (is === null) return { isNot: outside }
  return {
    ...(isNot === null && is === undefined ? { is: outside } : {}),
    ...(is === undefined ? {} : { is: and(inside(is), outside) }),
    ...(isNot === undefined || isNot === null ? {} : { isNot: and(inside(isNot), outside) }),
  }
}

/**
 * Refuses an order by a relation that leaves the tenant: the order of one's own rows would tell about the
 * values of another's.
 *
 * @throws {TenancyError} `DH207`
 */
export function assertOrderBy(scoping: Scoping, modelName: string, orderBy: unknown): void {
  const parts = Array.isArray(orderBy) ? orderBy : [orderBy]
  for (const part of parts) {
    if (!isArgs(part)) continue
    for (const [key, value] of Object.entries(part)) {
      const relation = relationOf(modelOf(scoping, modelName), key)
      if (!relation || value === undefined) continue
      assertFollowable(scoping, modelName, key)
      if (!relation.list) assertOrderBy(scoping, relation.model, value)
    }
  }
}

/** @throws {TenancyError} `DH207` for a relation that could lead to another tenant's row */
export function assertFollowable(scoping: Scoping, modelName: string, field: string): void {
  if (staysInside(scoping.manifest, modelName, field)) return
  throw new TenancyError(
    'DH207',
    `${modelName}.${field} could lead to another tenant's row, for its key does not carry the tenant; query ${modelOf(scoping, modelName).relations[field]?.model} instead`,
    { details: { model: modelName, relation: field } },
  )
}
