import type { Fixture } from './fixture.ts'

const mended =
  'alter table governance.branding alter column tenant_id set default tenancy.require_tenant_id()'

export const fixture: Fixture = {
  broken: 'alter table governance.branding alter column tenant_id set default gen_random_uuid()',
  mended,
  object: 'table governance.branding',
  detail: /^the default of tenant_id/,
  more: [
    {
      broken: `alter table governance.branding alter column tenant_id set default '00000000-0000-0000-0000-000000000000'`,
      mended,
      object: 'table governance.branding',
      detail: /^the default of tenant_id/,
    },
  ],
}
