import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.branding drop constraint branding_tenant_id_fkey',
  mended: `
    alter table governance.branding add constraint branding_tenant_id_fkey
      foreign key (tenant_id) references tenancy.tenant (id) on delete restrict on update restrict`,
  object: 'schema governance',
  detail: /of governance\.branding$/,
}
