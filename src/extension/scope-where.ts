import { TenancyError } from '../errors.ts'
import {
  hasTenantAlways,
  type ModelManifest,
  type RelationManifest,
  staysInside,
} from '../manifest/manifest.ts'
import {
  type Args,
  argsOrNone,
  invalidArgument,
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

/** What the rows are wanted for: a `shared` row may be read by all and written by none. */
export type Access = 'read' | 'write'

/**
 * The filter that only the tenant's rows of a model pass, or `undefined` for a global model, all of whose
 * rows a tenant may read.
 *
 * @throws {TenancyError} `DH204` for a model that no tenant sees
 */
export function tenantFilter(scoping: Scoping, modelName: string, access: Access): Args | undefined {
  const model = modelOf(scoping, modelName)
  const { scope, relations } = model
  switch (scope.kind) {
    case 'root':
      return { [scope.field]: ownTenant(scoping) }
    case 'direct':
    case 'shared': {
      const own = { [scope.field]: ownTenant(scoping) }
      if (hasTenantAlways(model)) return own
      const nobodys = { [scope.field]: null }
      if (scope.kind === 'shared' && access === 'read') return { OR: [own, nobodys] }
      // said of nobody's row it is false and not unknown, for then it would be as unknown with a NOT before it
      return { ...own, NOT: nobodys }
    }
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
    case 'system':
      throw unseen(modelName)
  }
}

/**
 * Refuses a model whose rows are the system's.
 *
 * @throws {TenancyError} `DH204`
 */
export function assertVisible(scoping: Scoping, modelName: string): void {
  if (modelOf(scoping, modelName).scope.kind === 'system') throw unseen(modelName)
}

function unseen(modelName: string): TenancyError {
  return new TenancyError(
    'DH204',
    `${modelName} is the system's, and no tenant reads it; ask through tenancy.system`,
    { details: { model: modelName } },
  )
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

/**
 * Rewrites the relation filters inside a `where`, at every depth.
 *
 * @param isNested it is a filter over the rows of a relation
 */
function scopeFilter(scoping: Scoping, modelName: string, where: Args, isNested = false): Args {
  const model = modelOf(scoping, modelName)
  return mapEntries(where, (key, value) => {
    if (key === 'AND' || key === 'OR' || key === 'NOT') {
      return mapOneOrMany(value, (part) => scopeFilter(scoping, modelName, part, isNested))
    }
    if (isUnset(value)) return value
    const relation = relationOf(model, key)
    if (!relation) return scopePattern(value)
    const outside = staysInside(scoping.manifest, modelName, key)
      ? undefined
      : tenantFilter(scoping, relation.model, 'read')
    const scoped: RelatedFilters = {
      outside,
      isNested,
      inside: (part) => scopeFilter(scoping, relation.model, argsOrNone(part), true),
      isEmpty: (part) => isEmpty(scoping, relation.model, part),
    }
    return relation.list ? scopeListFilter(value, scoped) : scopeToOneFilter(value, relation, scoped)
  })
}

const patterns: ReadonlySet<string> = new Set(['endsWith', 'string_ends_with'])
const insensitivePatterns: ReadonlySet<string> = new Set([...patterns, 'equals', 'not'])

/**
 * Ends a pattern that its own last backslash leaves open, so that it means that backslash: that of an `endsWith`, and
 * of a comparison in which case does not count, which Prisma makes with ILIKE. PostgreSQL raises an error for such a
 * pattern, but only at a row that fits all the rest of it, and it may try it on rows before it knows whose they are.
 */
function scopePattern(value: unknown, isWithinInsensitive = false): unknown {
  if (isValue(value) || !isPlainFilter(value)) return value
  const isInsensitive = isWithinInsensitive || value['mode'] === 'insensitive'
  const closed = isInsensitive ? insensitivePatterns : patterns
  const isAffected = Object.keys(value).some((key) => key === 'not' || closed.has(key))
  if (!isAffected) return value
  return mapEntries(value, (key, part) => {
    if (typeof part !== 'string') return key === 'not' ? scopePattern(part, isInsensitive) : part
    const [backslashes = ''] = /\\*$/.exec(part) ?? []
    return closed.has(key) && backslashes.length % 2 === 1 ? `${part}\\` : part
  })
}

/** Whether it is an object of operators, and no value that Prisma has a class for. */
function isPlainFilter(value: unknown): value is Args {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Scopes a `having`, which PostgreSQL may ask of rows before they are grouped: see {@link scopePattern}. */
export function scopeHaving(scoping: Scoping, modelName: string, having: unknown): unknown {
  return isArgs(having) ? scopeFilter(scoping, modelName, having) : having
}

/** How the filters of a relation are scoped. */
interface RelatedFilters {
  /** What holds the related rows inside; nothing where their key does. */
  readonly outside: Args | undefined
  /** The relation is filtered within the filter of another one. */
  readonly isNested: boolean
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
  if (isUnset(every)) return others
  if (!outside || !isArgs(every) || isEmpty(every)) return { ...others, every }
  // "every one of mine is" says "none is mine and is not"
  const broken = { AND: [outside, { NOT: every }] }
  return { ...others, none: isUnset(others['none']) ? broken : { OR: [others['none'], broken] } }
}

/** A to-one relation whose row lies outside counts as absent. */
function scopeToOneFilter(
  value: unknown,
  { required }: RelationManifest,
  { inside, outside, isNested, isEmpty }: RelatedFilters,
): unknown {
  // a required relation is never null, and Prisma says so
  if (value === null) return outside && !required ? { isNot: outside } : null
  if (!isArgs(value)) return value
  const filtered = (part: unknown): Args => {
    const scoped = inside(part)
    return !isNested && isEmpty(scoped) ? scoped : and(scoped, outside)
  }
  // Without a condition it is no filter, also for rows that have no such relation. Within the filter of another
  // relation anything but nothing at all says that there is one.
  if (Object.values(value).every(isUnset)) return value
  const { is, isNot, ...rest } = value
  if (isUnset(is) && isUnset(isNot)) return filtered(rest)
  const other = Object.keys(rest).find((key) => !isUnset(rest[key]))
  if (other !== undefined) throw invalidArgument(`unknown argument ${other} beside is and isNot`)
  if (!outside) {
    return mapEntries({ is, isNot }, (_, part) => (part === null || isUnset(part) ? part : inside(part)))
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
  const empty = (part: unknown) => isArgs(part) && isEmpty(scoping, modelName, part)
  return Object.entries(where).every(([key, value]) => {
    if (isUnset(value)) return true
    if (key === 'AND' || key === 'NOT') return Array.isArray(value) ? value.every(empty) : empty(value)
    // a filter of a relation says that there is one, whatever else it says
    if (key === 'OR' || relationOf(modelOf(scoping, modelName), key)) return false
    return !isValue(value) && isPlainFilter(value) && Object.values(value).every(isUnset)
  })
}
