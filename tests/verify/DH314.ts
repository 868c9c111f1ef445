import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant doublehull_app to doublehull_migrator',
  mended: 'revoke doublehull_app from doublehull_migrator',
  object: 'role doublehull_migrator',
  detail: /is a member of doublehull_app$/,
  more: [
    {
      broken: 'create role "The Admin" login superuser in role doublehull_reader',
      mended: 'drop role "The Admin"',
      object: 'role The Admin',
      detail: /is a member of doublehull_reader$/,
    },
    {
      broken: 'create role chief login superuser; alter role chief set role = doublehull_app',
      mended: 'drop role chief',
      object: 'role chief',
      detail: /logs in with its role set to doublehull_app$/,
    },
  ],
}
