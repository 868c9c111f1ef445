import type { TenantContext } from '../context/tenant-context.ts'
import { TenancyError } from '../errors.ts'
import type { Manifest, ModelManifest, RelationManifest } from '../manifest/manifest.ts'

/** What rewriting an operation needs to know. */
export interface Scoping {
  readonly manifest: Manifest
  readonly context: TenantContext
}

/** Arguments of a Prisma operation, or a part of them: whatever the caller wrote. */
export type Args = Readonly<Record<string, unknown>>

/**
 * Whether a value is an object whose entries Prisma reads. Only for places where Prisma expects one.
 *
 * @throws {TenancyError} `DH201` as {@link assertUndisguised}
 */
export function isArgs(value: unknown): value is Args {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
    return false
  assertUndisguised(value)
  return true
}

/**
 * The arguments at a place where Prisma takes an object or nothing. Anything else Prisma would refuse; taken for
 * nothing, an array where a filter belongs would mean every row.
 *
 * @throws {TenancyError} `DH201`
 */
export function argsOrNone(value: unknown): Args {
  if (value === undefined) return {}
  if (isArgs(value)) return value
  throw new TenancyError('DH201', 'an argument is no object where Prisma expects one')
}

/**
 * Refuses an object in whose place Prisma puts another before it reads it: one that has `toJSON` is replaced by
 * what that returns, and one that is marked as raw parameters by its `values`. Everything that was written beside
 * them, the tenant's filter included, would be thrown away. The second kind also comes out of JSON.
 *
 * @throws {TenancyError} `DH201`
 */
export function assertUndisguised(value: object): void {
  if ('__prismaRawParameters__' in value || ('toJSON' in value && typeof value.toJSON === 'function')) {
    throw new TenancyError('DH201', 'an argument is no plain object: Prisma would put another in its place')
  }
}

/** What a scalar field is set to: by its value alone or by `{ set }`. */
export function assignedValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [[operation, operand] = [], ...more] = Object.entries(value)
  return operation === 'set' && more.length === 0 ? operand : value
}

/** Prisma takes one object or a list of them in many places; the answer has the form that was given. */
export function mapOneOrMany(value: unknown, rewrite: (one: Args) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => (isArgs(one) ? rewrite(one) : one))
  return isArgs(value) ? rewrite(value) : value
}

/**
 * Rewrites the entries of an object. Entries are copied as own properties, also one that is called
 * `__proto__`, and each value is read once: the copy is what Prisma gets.
 */
export function mapEntries(args: Args, rewrite: (key: string, value: unknown) => unknown): Args {
  return Object.fromEntries(Object.entries(args).map(([key, value]) => [key, rewrite(key, value)]))
}

/** @throws {TenancyError} `DH201` for a model that the manifest does not know */
export function modelOf({ manifest }: Scoping, name: string): ModelManifest {
  const model = Object.hasOwn(manifest.models, name) ? manifest.models[name] : undefined
  if (!model) {
    throw new TenancyError('DH201', `the manifest does not know the model ${name}; run prisma generate`, {
      details: { model: name },
    })
  }
  return model
}

export function relationOf(model: ModelManifest, field: string): RelationManifest | undefined {
  return Object.hasOwn(model.relations, field) ? model.relations[field] : undefined
}

/** @throws {TenancyError} `DH203` for a model that tenants only read */
export function assertWritable(scoping: Scoping, name: string): void {
  if (modelOf(scoping, name).readOnly) {
    throw new TenancyError('DH203', `${name} is read-only for a tenant; its rows are the system's to write`, {
      details: { model: name },
    })
  }
}

/** @throws {TenancyError} `DH202` for a tenant field that was given another value than the context's */
export function assertOwnTenant(scoping: Scoping, modelName: string, field: string, given: unknown): void {
  if (typeof given === 'string' && given.toLowerCase() === scoping.context.tenantId) return
  throw new TenancyError(
    'DH202',
    `${modelName}.${field} was given another value than the context's tenant; leave it out`,
    { details: { model: modelName, field } },
  )
}
