import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken:
    'create publication "To: warehouse" for table governance.branding, governance.kill_switch where (tenant_id is null)',
  mended: 'drop publication "To: warehouse"',
  object: 'publication "To: warehouse"',
  detail: /^has no row filter for governance.branding$/,
  more: [
    {
      broken: 'create publication everything for all tables',
      mended: 'drop publication everything',
      object: 'publication everything',
      detail:
        /^has no row filter for audit.audit_checkpoint, audit.audit_event, governance.activation and \d+ more$/,
    },
    {
      broken: 'create publication partly for tables in schema tenancy',
      mended: 'drop publication partly',
      object: 'publication partly',
      detail: /^has no row filter for tenancy."user", tenancy.membership, tenancy.tenant$/,
    },
  ],
}
