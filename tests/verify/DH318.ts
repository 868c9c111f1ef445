import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant pg_monitor to doublehull_app',
  mended: 'revoke pg_monitor from doublehull_app',
  object: 'role doublehull_app',
  detail: /^may become pg_monitor, pg_read_all_settings, pg_read_all_stats, pg_stat_scan_tables$/,
  more: [
    {
      broken: 'grant pg_maintain to doublehull_reader',
      mended: 'revoke pg_maintain from doublehull_reader',
      object: 'role doublehull_reader',
      detail: /^may become pg_maintain$/,
      since: 17,
    },
  ],
}
