import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `
    alter table governance.trace_step
      drop constraint trace_step_tenant_id_trace_id_fkey,
      add constraint trace_step_trace_id_fkey foreign key (trace_id) references governance.execution_trace (id)
        on delete cascade`,
  mended: `
    alter table governance.trace_step add constraint trace_step_tenant_id_trace_id_fkey
      foreign key (tenant_id, trace_id) references governance.execution_trace (tenant_id, id)
      on delete restrict on update restrict not valid;
    alter table governance.trace_step validate constraint trace_step_tenant_id_trace_id_fkey;
    alter table governance.trace_step drop constraint trace_step_trace_id_fkey`,
  object: 'foreign key trace_step_trace_id_fkey on governance.trace_step',
  detail: /^refers to governance.execution_trace by \(id\) alone/,
  more: [
    {
      // a tenant writes its own row
      broken: 'alter table tenancy.tenant add column branding_id uuid references governance.branding (id)',
      mended: 'alter table tenancy.tenant drop column branding_id',
      object: 'foreign key tenant_branding_id_fkey on tenancy.tenant',
      detail: /^refers to governance.branding by \(id\) alone/,
    },
  ],
}
