import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.activation disable trigger refuse_change',
  mended: 'alter table governance.activation enable trigger refuse_change',
  object: 'table governance.activation',
  detail: /^has switched off refuse_change$/,
  more: [
    {
      broken: 'alter table governance.branding disable trigger all',
      mended: 'alter table governance.branding enable trigger all',
      object: 'table governance.branding',
      detail: /^has switched off the foreign key branding_tenant_id_fkey$/,
    },
    {
      broken: 'alter table governance.config_version enable replica trigger hold_version_life_cycle',
      mended: 'alter table governance.config_version enable trigger hold_version_life_cycle',
      object: 'table governance.config_version',
      detail: /^has switched off hold_version_life_cycle$/,
    },
    {
      broken: 'alter table governance.kill_switch disable trigger close_kill_switch_gates',
      mended: 'alter table governance.kill_switch enable trigger close_kill_switch_gates',
      object: 'table governance.kill_switch',
      detail: /^has switched off close_kill_switch_gates$/,
    },
    {
      broken: 'alter table governance.approval_decision disable trigger hold_decision',
      mended: 'alter table governance.approval_decision enable trigger hold_decision',
      object: 'table governance.approval_decision',
      detail: /^has switched off hold_decision$/,
    },
    {
      broken: 'alter table audit.audit_checkpoint disable trigger refuse_change',
      mended: 'alter table audit.audit_checkpoint enable trigger refuse_change',
      object: 'table audit.audit_checkpoint',
      detail: /^has switched off refuse_change$/,
    },
    {
      broken: 'alter table audit.audit_event_default disable trigger chain_event',
      mended: 'alter table audit.audit_event_default enable trigger chain_event',
      object: 'table audit.audit_event_default',
      detail: /^has switched off chain_event$/,
    },
    {
      broken: 'drop trigger refuse_change on audit.system_work',
      mended: `create trigger refuse_change before update or delete or truncate on audit.system_work
                 for each statement execute function audit.refuse_change()`,
      object: 'table audit.system_work',
      detail: /^lacks the trigger refuse_change$/,
    },
  ],
}
