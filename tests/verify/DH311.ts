import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken:
    'alter table governance.branding owner to doublehull_app; grant select, insert, update, delete on governance.branding to doublehull_owner',
  mended:
    'alter table governance.branding owner to doublehull_owner; grant select, insert, update, delete on governance.branding to doublehull_app',
  object: 'role doublehull_app',
  detail: /^owns table governance.branding$/,
  more: [
    {
      broken:
        'create role keepers nologin; grant keepers to doublehull_reader; alter schema audit owner to keepers; grant usage, create on schema audit to doublehull_owner',
      mended: 'alter schema audit owner to doublehull_owner; drop role keepers',
      object: 'role doublehull_reader',
      detail: /^may become keepers, which owns schema audit$/,
    },
    {
      broken: 'create sequence audit.tickets; alter sequence audit.tickets owner to doublehull_reader',
      mended: 'drop sequence audit.tickets',
      object: 'role doublehull_reader',
      detail: /^owns sequence audit.tickets$/,
    },
  ],
}
