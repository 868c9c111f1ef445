import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import {
  numberIdSchema,
  parseTenantId,
  type TenantIdType,
  tenantIdSchemas,
  textIdSchema,
} from './tenant-id.ts'

// PostgreSQL's own range of both settings; 0 would mean no limit
const limit = z.int().min(1).max(2_147_483_647).optional()

/**
 * A {@link TenantContext} as an application gives it: plain values, not yet checked. Take them from a verified
 * session, never from what a request says of itself.
 */
export interface TenantContextInput {
  /**
   * The tenant whose rows are seen and written, as `parseTenantId` takes it for the schema's type of ids: a uuid with
   * hyphens, a text, or a number in plain digits.
   */
  readonly tenantId: string | number | bigint
  /**
   * The person who acts: `app.user_id` in the database, for audit columns and triggers. A uuid where the tenants' ids
   * are uuids; else a text by the rule of tenants' ids (`auth0|5f7c…` is one), or a whole number from 0.
   */
  readonly userId?: string | number | bigint | undefined
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

const common = {
  roles: z.array(z.string().min(1).max(64)).max(64).readonly().optional(),
  requestId: z.string().min(1).max(128).optional(),
  statementTimeoutMillis: limit,
  lockTimeoutMillis: limit,
}

const uuidUser = z.uuid().brand<'UserId'>().optional()
const anyUser = z.union([numberIdSchema, textIdSchema]).brand<'UserId'>().optional()

const schemas = {
  uuid: z.strictObject({ tenantId: tenantIdSchemas.uuid, userId: uuidUser, ...common }),
  text: z.strictObject({ tenantId: tenantIdSchemas.text, userId: anyUser, ...common }),
  int4: z.strictObject({ tenantId: tenantIdSchemas.int4, userId: anyUser, ...common }),
  int8: z.strictObject({ tenantId: tenantIdSchemas.int8, userId: anyUser, ...common }),
} satisfies Record<TenantIdType, z.ZodType<unknown, TenantContextInput>>

/** On whose behalf an operation runs. Parsed once, immutable, and carried by the client made from it. */
export type TenantContext = Readonly<z.infer<typeof schemas.uuid>>

const types = new WeakMap<TenantContext, TenantIdType>()

/** The type of ids that a context was parsed with. */
export function tenantIdTypeOf(context: TenantContext): TenantIdType {
  return types.get(context) ?? 'uuid'
}

/**
 * A context with other limits; it is the same tenant's.
 *
 * @throws {TenancyError} `DH102` for limits outside PostgreSQL's range
 */
export function limitContext(
  context: TenantContext,
  limits: Pick<TenantContextInput, 'statementTimeoutMillis' | 'lockTimeoutMillis'>,
): TenantContext {
  return parseTenantContext({ ...context, ...limits }, tenantIdTypeOf(context))
}

/**
 * Parses a tenant context.
 *
 * @param input `tenantId` and `userId` from a verified session; `roles` and `requestId` are carried for the application;
 *   `statementTimeoutMillis` and `lockTimeoutMillis` are PostgreSQL's `statement_timeout` and `lock_timeout`
 * @param type the type of the tenants' ids, as the manifest says it; `uuid` unless told
 * @returns a frozen context with branded ids
 * @throws {TenancyError} `DH101` when the tenant id is missing, `DH102` when any part is malformed
 *
 * @example
 * ```ts
 * const context = parseTenantContext({ tenantId: session.tenantId, userId: session.userId })
 * ```
 */
export function parseTenantContext(input: unknown, type: TenantIdType = 'uuid'): TenantContext {
  if (typeof input !== 'object' || input === null) {
    throw new TenancyError('DH101', 'no tenant context was given; pass { tenantId } of the verified session')
  }
  parseTenantId('tenantId' in input ? input.tenantId : undefined, type)
  const parsed = schemas[type].safeParse(input)
  if (!parsed.success) {
    // the paths say where; zod's own messages may quote the value
    const paths = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.') || 'unknown key'))]
    throw new TenancyError('DH102', `the tenant context is malformed at: ${paths.join(', ')}`, {
      details: { field: paths.join(', ') },
    })
  }
  const context = Object.freeze(parsed.data)
  types.set(context, type)
  return context
}
