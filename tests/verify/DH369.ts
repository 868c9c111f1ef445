import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant set on parameter session_replication_role to doublehull_app',
  mended: 'revoke set on parameter session_replication_role from doublehull_app',
  object: 'role doublehull_app',
  detail: /^may set session_replication_role$/,
  more: [
    {
      broken: 'grant alter system on parameter archive_command to public',
      mended: 'revoke alter system on parameter archive_command from public',
      object: 'role public',
      detail: /^may set archive_command$/,
    },
    {
      broken: `do $$ begin execute format('alter database %I set session_replication_role = replica', current_database()); end $$`,
      mended: `do $$ begin execute format('alter database %I reset session_replication_role', current_database()); end $$`,
      object: 'this database',
      detail: /^begins with session_replication_role = replica/,
    },
  ],
}
