import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant pg_read_server_files, pg_execute_server_program to doublehull_app',
  mended: 'revoke pg_read_server_files, pg_execute_server_program from doublehull_app',
  object: 'role doublehull_app',
  detail: /^may become pg_execute_server_program, pg_read_server_files$/,
  more: [
    {
      broken: 'grant select on pg_catalog.pg_statistic to doublehull_app',
      mended: 'revoke select on pg_catalog.pg_statistic from doublehull_app',
      object: 'role doublehull_app',
      detail: /^may read pg_statistic$/,
    },
    {
      broken: 'create role analysts nologin in role pg_read_all_data; grant analysts to doublehull_reader',
      mended: 'drop role analysts',
      object: 'role doublehull_reader',
      detail: /^may become pg_read_all_data$/,
    },
    {
      broken: 'grant execute on function pg_catalog.lo_export(oid, text) to doublehull_app',
      mended: 'revoke execute on function pg_catalog.lo_export(oid, text) from doublehull_app',
      object: 'role doublehull_app',
      detail: /^may execute (pg_catalog\.)?lo_export/,
    },
    {
      broken: 'grant execute on function pg_catalog.pg_read_file(text) to public',
      mended: 'revoke execute on function pg_catalog.pg_read_file(text) from public',
      object: 'role public',
      detail: /^may execute (pg_catalog\.)?pg_read_file/,
    },
  ],
}
