import type { Fixture } from './fixture.ts'

const key = (actions: string) => `
  alter table governance.kill_switch drop constraint kill_switch_tenant_id_fkey,
    add constraint kill_switch_tenant_id_fkey foreign key (tenant_id) references tenancy.tenant (id) ${actions}`
const mended = key('on delete restrict on update restrict')

export const fixture: Fixture = {
  // what Prisma writes for an optional relation that does not say otherwise
  broken: key('on delete set null on update restrict'),
  mended,
  object: 'foreign key kill_switch_tenant_id_fkey on governance.kill_switch',
  detail: /^on delete set null clears tenant_id: .* shared with all tenants$/,
  more: [
    {
      broken: key('on delete restrict on update set null'),
      mended,
      object: 'foreign key kill_switch_tenant_id_fkey on governance.kill_switch',
      detail: /^on update set null/,
    },
    {
      broken: `
        alter table governance.kill_switch
          add column branding_id uuid,
          add constraint kill_switch_branding_fkey foreign key (tenant_id, branding_id)
            references governance.branding (tenant_id, id) on delete set null`,
      mended: `
        alter table governance.kill_switch drop constraint kill_switch_branding_fkey,
          add constraint kill_switch_branding_fkey foreign key (tenant_id, branding_id)
            references governance.branding (tenant_id, id) on delete set null (branding_id)`,
      object: 'foreign key kill_switch_branding_fkey on governance.kill_switch',
      detail: /^on delete set null/,
    },
  ],
  after: 'alter table governance.kill_switch drop column branding_id',
}
