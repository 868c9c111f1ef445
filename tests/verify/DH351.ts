import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant update, delete on audit.audit_event to doublehull_app',
  mended: 'revoke update, delete on audit.audit_event from doublehull_app',
  object: 'table audit.audit_event',
  detail: /^doublehull_app may delete, update$/,
  more: [
    {
      broken: 'grant update (tokens) on governance.branding to doublehull_reader',
      mended: 'revoke update on governance.branding from doublehull_reader',
      object: 'table governance.branding',
      detail: /^doublehull_reader may update$/,
    },
    {
      broken:
        'create role crew nologin; grant crew to doublehull_app; grant insert on tenancy.membership to crew',
      mended: 'drop owned by crew; drop role crew',
      object: 'table tenancy.membership',
      detail: /^crew may insert$/,
    },
    {
      broken: 'grant delete on governance.activation to doublehull_system',
      mended: 'revoke delete on governance.activation from doublehull_system',
      object: 'table governance.activation',
      detail: /^doublehull_system may delete$/,
    },
  ],
}
