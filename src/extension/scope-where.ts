import { type ModelManifest, type RelationManifest, staysInside } from '../manifest/manifest.ts'
import {
  type Args,
  argsOrNone,
  invalidArgument,
  isArgs,
  isUnset,
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

/** The conditions of a unique `where` as those of any other, which knows no compound keys. */
export function flatWhere(model: ModelManifest, where: unknown): Args {
  if (where === undefined) return {}
  return {
    AND: Object.entries(argsOrNone(where)).map(([name, value]) =>
      Object.hasOwn(model.compoundUniques, name) ? value : { [name]: value },
    ),
  }
}

/** Rewrites the relation filters inside a `where`, at every depth. */
function scopeFilter(scoping: Scoping, modelName: string, where: Args): Args {
  const model = modelOf(scoping, modelName)
  return mapEntries(where, (key, value) => {
    if (key === 'AND' || key === 'OR' || key === 'NOT') {
      return mapOneOrMany(value, (part) => scopeFilter(scoping, modelName, part))
    }
    const relation = relationOf(model, key)
    if (!relation || isUnset(value)) return value
    const outside = staysInside(scoping.manifest, modelName, key)
      ? undefined
      : tenantFilter(scoping, relation.model, 'read')
    const scoped: RelatedFilters = {
      outside,
      inside: (part) => scopeFilter(scoping, relation.model, argsOrNone(part)),
      isEmpty: (part) => isEmpty(scoping, relation.model, part),
    }
    return relation.list ? scopeListFilter(value, scoped) : scopeToOneFilter(value, relation, scoped)
  })
}

/** How the filters of a relation are scoped. */
interface RelatedFilters {
  /** What holds the related rows inside; nothing where their key does. */
  readonly outside: Args | undefined
  /** Scopes a filter over the related rows. */
  readonly inside: (part: unknown) => Args
  readonly isEmpty: (part: Args) => boolean
}

/** `some`, `every` and `none` over the tenant's rows alone. */
function scopeListFilter(value: unknown, { inside, outside, isEmpty }: RelatedFilters): unknown {
  if (!isArgs(value)) return value
  const { every, ...others } = mapEntries(value, (key, part) => {
    if (isUnset(part)) return part
    if (key !== 'some' && key !== 'every' && key !== 'none') throw invalidArgument(`unknown argument ${key}`)
    return key === 'every' ? inside(part) : and(inside(part), outside)
  })
  if (!outside || !isArgs(every) || isEmpty(every)) return isUnset(every) ? others : { ...others, every }
  // "every one of mine is" says "none is mine and is not"
  const broken = { AND: [outside, { NOT: every }] }
  return { ...others, none: isUnset(others['none']) ? broken : { OR: [others['none'], broken] } }
}

/** A to-one relation whose row lies outside counts as absent. */
function scopeToOneFilter(
  value: unknown,
  { required }: RelationManifest,
  { inside, outside, isEmpty }: RelatedFilters,
): unknown {
  // a required relation is never null, and Prisma says so
  if (value === null) return outside && !required ? { isNot: outside } : null
  if (!isArgs(value)) return value
  const filtered = (part: unknown): Args => {
    const scoped = inside(part)
    // a filter without a condition is none, also for rows that have no such relation
    return isEmpty(scoped) ? scoped : and(scoped, outside)
  }
  if (!('is' in value) && !('isNot' in value)) return filtered(value)
  const { is, isNot } = value
  if (!outside) {
    return mapEntries(value, (_, part) => (part === null || isUnset(part) ? part : inside(part)))
  }
  if (is === null) return required ? value : { isNot: outside }
  return {
    ...(isNot === null && isUnset(is) ? { is: outside } : {}),
    ...(isUnset(is) ? {} : { is: filtered(is) }),
    ...(isUnset(isNot) || isNot === null ? {} : { isNot: and(inside(isNot), outside) }),
  }
}

/**
 * Whether a filter has no condition to Prisma, which then leaves it out. What is not known to be empty is a condition:
 * taken for none, it would be asked of another tenant's row.
 */
function isEmpty(scoping: Scoping, modelName: string, where: Args): boolean {
  const empty = (part: unknown, name = modelName) => isArgs(part) && isEmpty(scoping, name, part)
  return Object.entries(where).every(([key, value]) => {
    if (isUnset(value)) return true
    if (key === 'AND' || key === 'NOT')
      return Array.isArray(value) ? value.every((one) => empty(one)) : empty(value)
    if (key === 'OR' || !isArgs(value)) return false
    const relation = relationOf(modelOf(scoping, modelName), key)
    if (!relation) return Object.values(value).every(isUnset)
    const wrapper = relation.list ? 'every' : 'is'
    return Object.keys(value).every((name) => name === wrapper || isUnset(value[name]))
      ? isUnset(value[wrapper]) || empty(value[wrapper], relation.model)
      : !relation.list && !('isNot' in value) && empty(value, relation.model)
  })
}
