import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant doublehull_system to doublehull_reader',
  mended: 'revoke doublehull_system from doublehull_reader',
  object: 'role doublehull_reader',
  detail: /^may become doublehull_system$/,
  more: [
    {
      broken:
        'create role crew nologin; grant doublehull_migrator to crew; create role billing login in role doublehull_app, crew',
      mended: 'drop role billing; drop role crew',
      object: 'role billing',
      detail: /^may become doublehull_migrator, doublehull_owner$/,
    },
    {
      broken: 'grant doublehull_app to doublehull_reader',
      mended: 'revoke doublehull_app from doublehull_reader',
      object: 'role doublehull_reader',
      detail: /^may become doublehull_app, which writes$/,
    },
  ],
}
