import type { TenantContextInput } from '../context/tenant-context.ts'

/** A tenant in a test: its id, or a whole context. */
export type TestTenant = TenantContextInput['tenantId'] | TenantContextInput

export function contextOf(tenant: TestTenant): TenantContextInput {
  return typeof tenant === 'object' ? tenant : { tenantId: tenant }
}
