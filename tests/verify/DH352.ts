import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'revoke insert, update on governance.branding from doublehull_app',
  mended: 'grant insert, update on governance.branding to doublehull_app',
  object: 'table governance.branding',
  detail: /^doublehull_app may not insert, update$/,
  more: [
    {
      broken: 'revoke usage on schema audit from doublehull_app',
      mended: 'grant usage on schema audit to doublehull_app',
      object: 'schema audit',
      detail: /^doublehull_app may not use it$/,
    },
    {
      broken: 'revoke execute on function tenancy.require_tenant_id() from doublehull_app',
      mended: 'grant execute on function tenancy.require_tenant_id() to doublehull_app',
      object: 'function tenancy.require_tenant_id()',
      detail: /^doublehull_app may not execute it$/,
    },
  ],
}
