import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant truncate, trigger on governance.branding to doublehull_app',
  mended: 'revoke truncate, trigger on governance.branding from doublehull_app',
  object: 'table governance.branding',
  detail: /^doublehull_app has TRIGGER, TRUNCATE$/,
  more: [
    {
      broken: 'grant references (id) on tenancy."user" to public',
      mended: 'revoke references on tenancy."user" from public',
      object: 'table tenancy."user"',
      detail: /^public has REFERENCES$/,
    },
    {
      broken: 'grant truncate on audit.audit_event to doublehull_system',
      mended: 'revoke truncate on audit.audit_event from doublehull_system',
      object: 'table audit.audit_event',
      detail: /^doublehull_system has TRUNCATE$/,
    },
    {
      broken: 'grant maintain on governance.branding to doublehull_reader',
      mended: 'revoke maintain on governance.branding from doublehull_reader',
      object: 'table governance.branding',
      detail: /^doublehull_reader has MAINTAIN$/,
      since: 17,
    },
  ],
}
