import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken:
    'alter default privileges for role doublehull_owner in schema governance grant select, insert on tables to doublehull_app',
  mended:
    'alter default privileges for role doublehull_owner in schema governance revoke select, insert on tables from doublehull_app',
  object: 'default privileges of doublehull_owner in schema governance',
  detail: /^doublehull_app has INSERT, SELECT on tables$/,
  more: [
    {
      broken: 'alter default privileges for role doublehull_owner grant execute on functions to public',
      mended: 'alter default privileges for role doublehull_owner revoke execute on functions from public',
      object: 'default privileges of doublehull_owner',
      detail: /^public has EXECUTE on functions$/,
    },
    {
      broken: 'alter default privileges for role doublehull_migrator grant select on tables to public',
      mended: 'alter default privileges for role doublehull_migrator revoke select on tables from public',
      object: 'default privileges of doublehull_migrator',
      detail: /^public has SELECT on tables$/,
    },
  ],
}
