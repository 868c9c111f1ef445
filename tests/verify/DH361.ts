import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter role doublehull_app set row_security = off',
  mended: 'alter role doublehull_app reset row_security',
  object: 'role doublehull_app',
  detail: /^sets row_security to off/,
  more: [
    {
      broken: `do $$ begin execute format('alter database %I set role = %L', current_database(), 'doublehull_app'); end $$`,
      mended: `do $$ begin execute format('alter database %I reset role', current_database()); end $$`,
      object: 'this database',
      detail: /^sets the role/,
    },
  ],
}
