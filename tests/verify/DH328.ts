import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  // restrictive, so that it is no finding by itself
  broken: `create policy slow on governance.branding as restrictive using (tenant_id = tenancy.require_tenant_id())`,
  mended: `alter policy slow on governance.branding using (tenant_id = (select tenancy.require_tenant_id()))`,
  object: 'policy slow on governance.branding',
  detail: /^calls tenancy.require_tenant_id for each row/,
  more: [
    {
      broken: `alter policy slow on governance.branding using (exists (
                 select from tenancy.membership m where m.tenant_id = tenancy.require_tenant_id()))`,
      mended: `alter policy slow on governance.branding using (exists (
                 select from tenancy.membership m where m.tenant_id = (select tenancy.require_tenant_id())))`,
      object: 'policy slow on governance.branding',
      detail: /^calls tenancy.require_tenant_id for each row/,
    },
  ],
  after: 'drop policy slow on governance.branding',
}
