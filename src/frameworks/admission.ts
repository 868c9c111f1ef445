import type { ContextRunner } from '../context/ambient-context.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { errorCodes, isTenancyError, type TenancyError, type TenancyErrorCode } from '../errors.ts'
import { resolveTenant, type TenantRequest, type TenantResolver } from '../resolve/tenant-resolver.ts'

/** What every adapter takes beside the tenancy and the resolver. */
export interface TenantAdapterOptions<Request> {
  /**
   * Is told of each request that is refused: for logs, as the answer says nothing of why. The error's `cause` does,
   * without anything out of a token.
   */
  readonly onRefusal?: (error: TenancyError, request: Request) => void
}

/** The answer to a request that is let in for no tenant. */
export interface Refusal {
  readonly status: 401 | 404 | 503
  readonly headers: Readonly<Record<string, string>>
  /** The same for everybody: what was wrong with a token is nobody's business but the log's. */
  readonly body: { readonly code: TenancyErrorCode; readonly message: string }
  readonly error: TenancyError
}

const statuses = { DH111: 401, DH112: 404, DH114: 503 } as const

/**
 * Lets a request in for its tenant, or refuses it.
 *
 * @param tenancy whose tenants they are
 * @throws whatever else the resolver fails with, which is for the framework's own error handling
 */
export async function admit(
  tenancy: ContextRunner,
  resolve: TenantResolver,
  request: TenantRequest,
  onRefusal: ((error: TenancyError) => void) | undefined,
): Promise<{ readonly context: TenantContext } | { readonly refusal: Refusal }> {
  try {
    return { context: await resolveTenant(resolve, request, tenancy.tenantIdType) }
  } catch (error) {
    const refusal = refusalOf(error)
    if (!refusal) throw error
    onRefusal?.(refusal.error)
    return { refusal }
  }
}

function refusalOf(error: unknown): Refusal | undefined {
  if (!isTenancyError(error) || !Object.hasOwn(statuses, error.code)) return undefined
  const status = statuses[error.code as keyof typeof statuses]
  return {
    status,
    headers: status === 401 ? { 'www-authenticate': 'Bearer' } : {},
    body: { code: error.code, message: errorCodes[error.code] },
    error,
  }
}
