import { PrismaClientValidationError, skip } from '@prisma/client/runtime/client'
import type { TenantContext } from '../context/tenant-context.ts'
import { tenantIdValue } from '../context/tenant-id.ts'
import { TenancyError } from '../errors.ts'
import {
  hasTenantAlways,
  type Manifest,
  type ModelManifest,
  type RelationManifest,
} from '../manifest/manifest.ts'
import type { OutsideLink } from './outside-links.ts'
import type { Questions } from './questions.ts'
import type { GlobalOmit } from './unique-batch.ts'

/** What hull one does where the tenant field is given another tenant than the context's. */
export type OnMismatch = 'refuse' | 'overwrite'

/** What rewriting operations needs to know. */
export interface Rewriting {
  readonly manifest: Manifest
  /** `refuse` unless told. */
  readonly onMismatch?: OnMismatch
  /** The client's own `omit`: which fields of which model its results lack. */
  readonly globalOmit?: GlobalOmit
}

/** What rewriting one operation needs to know, and what it leaves to do before and behind the operation. */
export interface Scoping extends Rewriting {
  readonly context: TenantContext
  /** What to ask before. */
  readonly questions: Questions
  /** What to take out of the result. */
  readonly links: OutsideLink[]
  /** What is being rewritten may not be done at all: it is one of the two halves of an operation, or of one nested in it. */
  readonly half?: 'create' | 'update' | 'nested'
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
 * @throws {PrismaClientValidationError} as Prisma does
 */
export function argsOrNone(value: unknown): Args {
  if (isUnset(value)) return {}
  if (isArgs(value)) return value
  throw invalidArgument('an argument is no object where Prisma expects one')
}

/** What Prisma says of arguments that it does not take, for those that hull one does not hand on to it. */
export function invalidArgument(what: string): Error {
  return new PrismaClientValidationError(`Invalid invocation: ${what}`, { clientVersion: '' })
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

/** Whether Prisma takes an entry as not written: `undefined`, or its own `Prisma.skip`. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === skip
}

/** Whether Prisma takes something as a value: neither an operation on a field nor a condition. */
export function isValue(value: unknown): boolean {
  if (value === null || isUnset(value)) return false
  if (typeof value !== 'object') return true
  return value instanceof Date || ArrayBuffer.isView(value) || isDecimal(value)
}

function isDecimal(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Decimal]'
}

/** A name for the values of a key: two keys of the same type have the same name if, and only if, they are the same. */
export function nameOfKey(values: readonly unknown[]): string {
  return JSON.stringify(values.map(canonical))
}

function canonical(value: unknown): string {
  // a Date says no milliseconds of itself, and bytes that are no text are all alike as text
  if (value instanceof Date) return String(value.getTime())
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  }
  return String(value)
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
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(args)) {
    const value = rewrite(key, args[key])
    if (key === '__proto__') Object.defineProperty(copy, key, { value, enumerable: true, writable: true })
    else copy[key] = value
  }
  return copy
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

/** The context's tenant as Prisma takes it in a filter or in data: a number or a bigint where the ids are numbers. */
export function ownTenant({ manifest, context }: Rewritten): string | number | bigint {
  return tenantIdValue(context.tenantId, manifest.tenantIdType)
}

type Rewritten = Pick<Scoping, 'manifest' | 'context'>

/** Whether a value of a tenant field is the context's tenant. */
export function isOwnTenant({ manifest, context }: Rewritten, given: unknown): boolean {
  if (!isTenantValue(manifest, given)) return false
  // PostgreSQL reads a uuid in either case; a text is what it is
  return (manifest.tenantIdType === 'uuid' ? String(given).toLowerCase() : String(given)) === context.tenantId
}

/** Whether a tenant field takes something of the type as its value. */
function isTenantValue({ tenantIdType }: Manifest, given: unknown): boolean {
  const isNumeric = tenantIdType === 'int4' || tenantIdType === 'int8'
  return typeof given === 'string' || (isNumeric && (typeof given === 'number' || typeof given === 'bigint'))
}

/**
 * Looks at the value that a tenant field was given, which hull one then puts its own in the place of.
 *
 * @throws {TenancyError} `DH202` for another value than the context's, unless that is to be overwritten
 * @throws {PrismaClientValidationError} for what Prisma does not take
 */
export function assertOwnTenant(scoping: Scoping, modelName: string, field: string, given: unknown): void {
  if (isOwnTenant(scoping, given)) return
  if (!isTenantValue(scoping.manifest, given) && typeof given !== 'object') {
    throw invalidArgument(`${field} takes a tenant's id`)
  }
  // a row is given away, too, where it is given to nobody
  if (given === null && hasTenantAlways(modelOf(scoping, modelName)))
    throw invalidArgument(`${field} is not nullable`)
  if (scoping.onMismatch === 'overwrite') return
  throw new TenancyError(
    'DH202',
    `${modelName}.${field} was given another value than the context's tenant; leave it out`,
    { details: { model: modelName, field } },
  )
}
