import { z } from 'zod'
import { TenancyError } from '../errors.ts'

/** PostgreSQL's types that the ids of tenants may have; `varchar` is `text`. */
export const tenantIdTypes = ['uuid', 'text', 'int4', 'int8'] as const

/** PostgreSQL's type of the tenants' ids: that of the tenant model's key and of every tenant column. */
export type TenantIdType = (typeof tenantIdTypes)[number]

/** Whether a type of PostgreSQL is one that the ids of tenants may have. */
export function isTenantIdType(type: string): type is TenantIdType {
  return (tenantIdTypes as readonly string[]).includes(type)
}

// PostgreSQL also reads uuids without hyphens, in braces and in capitals. One spelling only is accepted
// here, so that two spellings of one tenant can never be two keys of a cache, a batch or a lock.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The schema of a uuid in PostgreSQL's own output form. */
const uuidSchema = z
  .string()
  .max(36)
  .transform((id) => id.toLowerCase())
  .pipe(z.string().regex(uuid))

// The same rule as in `src/policy/tenant-id-sql.ts`. No colon is in it: what is signed joins with colons.
const text = /^[A-Za-z0-9_.@|~-]{1,128}$/

/** The schema of an id that is any text. Its case counts. */
export const textIdSchema = z.string().regex(text)

/** The schema of a number in plain digits, which may be given as one. */
export const numberIdSchema = z
  // of numbers above 2^53, JavaScript can't tell one from the next
  .union([z.string().max(19), z.int().transform(String), z.bigint().transform(String)])
  .pipe(z.string().regex(/^(0|[1-9]\d*)$/))

const largest = { int4: 2_147_483_647n, int8: 9_223_372_036_854_775_807n } as const

const upTo = (most: bigint) =>
  numberIdSchema.refine((digits) => /^\d+$/.test(digits) && BigInt(digits) <= most).brand<'TenantId'>()

/** The schemas behind {@link parseTenantId}: one spelling of each id, branded. */
export const tenantIdSchemas = {
  uuid: uuidSchema.brand<'TenantId'>(),
  text: textIdSchema.brand<'TenantId'>(),
  int4: upTo(largest.int4),
  int8: upTo(largest.int8),
} as const satisfies Record<TenantIdType, z.ZodType>

/** A tenant's id that has been parsed. A bare string does not compile where one is asked for. */
export type TenantId = z.infer<typeof tenantIdSchemas.uuid>

const what: Readonly<Record<TenantIdType, string>> = {
  uuid: 'a uuid with hyphens',
  text: 'a text of 1 to 128 of the characters A-Z a-z 0-9 _ . @ | ~ -',
  int4: `a whole number from 0 to ${largest.int4}, as such or in plain digits`,
  int8: `a whole number from 0 to ${largest.int8}, as such or in plain digits`,
}

/**
 * The value that Prisma wants for a tenant's id: a `number` for `int4`, a `bigint` for `int8`, else the text itself.
 *
 * @param id the id as text, such as a {@link TenantId}
 */
export function tenantIdValue(id: string, type: TenantIdType): string | number | bigint {
  if (type === 'int4') return Number(id)
  return type === 'int8' ? BigInt(id) : id
}

/**
 * Parses a tenant's id: the only way to get a {@link TenantId}.
 *
 * @param id for `uuid` a uuid with hyphens, in either case; for `text` a string of 1 to 128 of the characters
 *   `A-Z a-z 0-9 _ . @ | ~ -`, whose case counts; for `int4` and `int8` a number, a bigint or a string of plain digits
 * @param type the type of the tenants' ids, as the manifest says it; `uuid` unless told
 * @returns the id in its one spelling, branded; that of a uuid is lower case
 * @throws {TenancyError} `DH101` when it is missing, `DH102` when it is no id of the type
 *
 * @example
 * ```ts
 * const tenantId = parseTenantId(request.session.tenantId)
 * const teamId = parseTenantId(request.session.teamId, manifest.tenantIdType)
 * ```
 */
export function parseTenantId(id: unknown, type: TenantIdType = 'uuid'): TenantId {
  if (id === undefined || id === null || id === '') {
    throw new TenancyError('DH101', 'no tenant id was given; take it from the verified session of the caller')
  }
  const parsed = tenantIdSchemas[type].safeParse(id)
  if (!parsed.success) {
    throw new TenancyError('DH102', `the tenant id is not ${what[type]}`, {
      details: { field: 'tenantId' },
    })
  }
  return parsed.data
}
