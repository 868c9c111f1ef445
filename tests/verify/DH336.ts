import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `
    alter table governance.trace_step
      drop constraint trace_step_tenant_id_trace_id_fkey,
      add constraint trace_step_tenant_id_trace_id_fkey foreign key (tenant_id, trace_id)
        references governance.execution_trace (tenant_id, id) on delete restrict on update restrict not valid`,
  mended: 'alter table governance.trace_step validate constraint trace_step_tenant_id_trace_id_fkey',
  object: 'constraint trace_step_tenant_id_trace_id_fkey on governance.trace_step',
  detail: /not validated/,
  more: [
    {
      broken: 'alter table governance.branding alter constraint branding_tenant_id_fkey not enforced',
      mended: 'alter table governance.branding alter constraint branding_tenant_id_fkey enforced',
      object: 'constraint branding_tenant_id_fkey on governance.branding',
      detail: /not enforced/,
      since: 18,
    },
  ],
}
