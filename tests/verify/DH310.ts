import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter role doublehull_app bypassrls',
  mended: 'alter role doublehull_app nobypassrls',
  object: 'role doublehull_app',
  detail: /^has BYPASSRLS$/,
  more: [
    {
      broken: 'alter role doublehull_reader superuser bypassrls',
      mended: 'alter role doublehull_reader nosuperuser nobypassrls',
      object: 'role doublehull_reader',
      detail: /^has BYPASSRLS and SUPERUSER$/,
    },
    {
      broken:
        'create role "Team ""A""" nologin; create role powerful nologin bypassrls; grant powerful to "Team ""A"""; grant "Team ""A""" to doublehull_app',
      mended: 'drop role "Team ""A"""; drop role powerful',
      object: 'role doublehull_app',
      detail: /^may become powerful, which has BYPASSRLS$/,
    },
    {
      broken: 'create role billing login in role doublehull_app bypassrls',
      mended: 'drop role billing',
      object: 'role billing',
      detail: /^has BYPASSRLS$/,
    },
  ],
}
