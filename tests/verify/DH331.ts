import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.branding alter column tenant_id drop not null',
  mended: `
    alter table governance.branding add constraint branding_tenant_is_set check (tenant_id is not null) not valid;
    alter table governance.branding validate constraint branding_tenant_is_set;
    alter table governance.branding alter column tenant_id set not null;
    alter table governance.branding drop constraint branding_tenant_is_set`,
  object: 'table governance.branding',
  detail: /^tenant_id may be null/,
}
