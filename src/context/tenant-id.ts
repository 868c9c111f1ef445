import { z } from 'zod'
import { TenancyError } from '../errors.ts'

// PostgreSQL also reads uuids without hyphens, in braces and in capitals. One spelling only is accepted
// here, so that two spellings of one tenant can never be two keys of a cache, a batch or a lock.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The schema behind {@link parseTenantId}: a uuid in PostgreSQL's own output form, branded. */
export const tenantIdSchema = z
  .string()
  .max(36)
  .transform((id) => id.toLowerCase())
  .pipe(z.string().regex(uuid))
  .brand<'TenantId'>()

/** A tenant's id that has been parsed. A bare string does not compile where one is asked for. */
export type TenantId = z.infer<typeof tenantIdSchema>

/**
 * Parses a tenant's id: the only way to get a {@link TenantId}.
 *
 * @param id a uuid with hyphens, in either case
 * @returns the id in lower case, branded
 * @throws {TenancyError} `DH101` when it is missing, `DH102` when it is no uuid
 *
 * @example
 * ```ts
 * const tenantId = parseTenantId(request.session.tenantId)
 * ```
 */
export function parseTenantId(id: unknown): TenantId {
  if (id === undefined || id === null || id === '') {
    throw new TenancyError('DH101', 'no tenant id was given; take it from the verified session of the caller')
  }
  const parsed = tenantIdSchema.safeParse(id)
  if (!parsed.success) {
    throw new TenancyError('DH102', 'the tenant id is not a uuid with hyphens', {
      details: { field: 'tenantId' },
    })
  }
  return parsed.data
}
