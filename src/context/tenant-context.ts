import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import { parseTenantId, tenantIdSchemas } from './tenant-id.ts'

// PostgreSQL's own range of both settings; 0 would mean no limit
const limit = z.int().min(1).max(2_147_483_647).optional()

/**
 * A {@link TenantContext} as an application gives it: plain strings, not yet checked. Take them from a verified
 * session, never from what a request says of itself.
 */
export interface TenantContextInput {
  /** The tenant whose rows are seen and written: a uuid with hyphens. */
  readonly tenantId: string
  /** The person who acts, as a uuid: `app.user_id` in the database, for audit columns and triggers. */
  readonly userId?: string | undefined
  /** What the person may do, for the application's own checks; at most 64 names. Doublehull only carries them. */
  readonly roles?: readonly string[] | undefined
  /** What the request is called in the application's logs; at most 128 characters. Doublehull only carries it. */
  readonly requestId?: string | undefined
  /**
   * Longest that one statement may take, in milliseconds: PostgreSQL's `statement_timeout`. Then the statement is
   * cancelled, and fails with `DH108`. As the tenancy has it unless told.
   */
  readonly statementTimeoutMillis?: number | undefined
  /**
   * Longest that one statement may wait for a lock, in milliseconds: PostgreSQL's `lock_timeout`. Then it fails with
   * `DH108`. As the tenancy has it unless told.
   */
  readonly lockTimeoutMillis?: number | undefined
}

const fields = {
  tenantId: tenantIdSchemas.uuid,
  userId: z.uuid().brand<'UserId'>().optional(),
  roles: z.array(z.string().min(1).max(64)).max(64).readonly().optional(),
  requestId: z.string().min(1).max(128).optional(),
  statementTimeoutMillis: limit,
  lockTimeoutMillis: limit,
} satisfies Record<keyof TenantContextInput, z.ZodType>

const tenantContextSchema = z.strictObject(fields) satisfies z.ZodType<unknown, TenantContextInput>

/** On whose behalf an operation runs. Parsed once, immutable, and carried by the client made from it. */
export type TenantContext = Readonly<z.infer<typeof tenantContextSchema>>

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
