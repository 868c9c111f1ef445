import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant select on governance.branding, governance.kill_switch to doublehull_app with grant option',
  mended: 'revoke grant option for select on governance.branding, governance.kill_switch from doublehull_app',
  object: 'role doublehull_app',
  detail: /^has the grant option on table governance.branding, table governance.kill_switch$/,
  more: [
    {
      broken: 'grant usage on schema audit to doublehull_system with grant option',
      mended: 'revoke grant option for usage on schema audit from doublehull_system',
      object: 'role doublehull_system',
      detail: /^has the grant option on schema audit$/,
    },
  ],
}
