import type { Fixture } from './fixture.ts'

const key = (onUpdate: string) => `
  alter table governance.branding drop constraint branding_tenant_id_fkey,
    add constraint branding_tenant_id_fkey foreign key (tenant_id) references tenancy.tenant (id)
      on delete restrict on update ${onUpdate}`

export const fixture: Fixture = {
  broken: key('cascade'),
  mended: key('restrict'),
  object: 'table governance.branding',
  detail: /moves rows between tenants: branding_tenant_id_fkey$/,
}
