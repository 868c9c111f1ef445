import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter role doublehull_owner login',
  mended: 'alter role doublehull_owner nologin',
  object: 'role doublehull_owner',
  detail: /^may log in$/,
  more: [
    {
      broken: 'alter role doublehull_system bypassrls createdb',
      mended: 'alter role doublehull_system nobypassrls nocreatedb',
      object: 'role doublehull_system',
      detail: /^has BYPASSRLS, has CREATEDB$/,
    },
  ],
}
