import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import { parseTenantId, tenantIdSchema } from './tenant-id.ts'

// PostgreSQL's own range of both settings; 0 would mean no limit
const limit = z.int().min(1).max(2_147_483_647).optional()

const tenantContextSchema = z.strictObject({
  tenantId: tenantIdSchema,
  userId: z.uuid().brand<'UserId'>().optional(),
  roles: z.array(z.string().min(1).max(64)).max(64).readonly().optional(),
  requestId: z.string().min(1).max(128).optional(),
  statementTimeoutMillis: limit,
  lockTimeoutMillis: limit,
})

/** On whose behalf an operation runs. Parsed once, immutable, and carried by the client made from it. */
export type TenantContext = Readonly<z.infer<typeof tenantContextSchema>>

/** A {@link TenantContext} as an application gives it: plain strings, not yet checked. */
export type TenantContextInput = z.input<typeof tenantContextSchema>

/**
 * Parses a tenant context.
 *
 * @param input `tenantId` and `userId` are uuids; `roles` and `requestId` are carried for the application;
 *   `statementTimeoutMillis` and `lockTimeoutMillis` are PostgreSQL's `statement_timeout` and `lock_timeout`
 * @returns a frozen context with branded ids
 * @throws {TenancyError} `DH101` when the tenant id is missing, `DH102` when any part is malformed
 *
 * @example
 * ```ts
 * const context = parseTenantContext({ tenantId: session.tenantId, userId: session.userId })
 * ```
 */
export function parseTenantContext(input: unknown): TenantContext {
  if (typeof input !== 'object' || input === null) {
    throw new TenancyError('DH101', 'no tenant context was given; pass { tenantId } of the verified session')
  }
  parseTenantId('tenantId' in input ? input.tenantId : undefined)
  const parsed = tenantContextSchema.safeParse(input)
  if (!parsed.success) {
    // the paths say where; zod's own messages may quote the value
    const paths = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.') || 'unknown key'))]
    throw new TenancyError('DH102', `the tenant context is malformed at: ${paths.join(', ')}`, {
      details: { field: paths.join(', ') },
    })
  }
  return Object.freeze(parsed.data)
}
