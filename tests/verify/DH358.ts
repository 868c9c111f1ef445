import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant execute on function tenancy.current_tenant_id() to public',
  mended: 'revoke execute on function tenancy.current_tenant_id() from public',
  object: 'function tenancy.current_tenant_id()',
  detail: /^public may execute it$/,
}
