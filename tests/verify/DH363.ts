import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'create extension dblink with schema public',
  mended: 'drop extension dblink',
  object: 'extension dblink',
  detail: /^has functions that the application may execute, such as/,
  more: [
    {
      broken: `create extension postgres_fdw with schema public; create server "Loop" foreign data wrapper postgres_fdw options (host 'localhost'); grant usage on foreign server "Loop" to doublehull_app`,
      mended: 'drop extension postgres_fdw cascade',
      object: 'server "Loop"',
      detail: /^doublehull_app may use it$/,
    },
    {
      broken:
        'create extension file_fdw with schema public; grant usage on foreign data wrapper file_fdw to public',
      mended: 'drop extension file_fdw cascade',
      object: 'data wrapper file_fdw',
      detail: /^public may use it$/,
    },
  ],
}
