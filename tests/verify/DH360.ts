import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `alter role doublehull_app set app.tenant_id = '00000000-0000-0000-0000-000000000001'`,
  mended: 'alter role doublehull_app reset app.tenant_id',
  object: 'role doublehull_app',
  detail: /^sets app.tenant_id:/,
  more: [
    {
      broken: `do $$ begin execute format('alter database %I set app.user_id = %L', current_database(), '00000000-0000-0000-0000-000000000001'); end $$`,
      mended: `do $$ begin execute format('alter database %I reset app.user_id', current_database()); end $$`,
      object: 'this database',
      detail: /^sets app.user_id:/,
    },
    {
      broken: `create role billing login in role doublehull_app; do $$ begin execute format('alter role billing in database %I set app.tenant_id = %L', current_database(), '00000000-0000-0000-0000-000000000001'); end $$`,
      mended: 'drop role billing',
      object: 'role billing',
      detail: /^sets app.tenant_id:/,
    },
    {
      broken: `alter role all set app.tenant_id = '00000000-0000-0000-0000-000000000001'`,
      mended: 'alter role all reset app.tenant_id',
      object: 'all roles',
      detail: /^sets app.tenant_id:/,
    },
  ],
}
