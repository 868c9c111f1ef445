import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `alter role doublehull_app set log_statement = 'all'`,
  mended: 'alter role doublehull_app reset log_statement',
  object: 'role doublehull_app',
  detail: /^writes into its log the values of statements .log_statement.$/,
  more: [
    {
      broken: 'create extension pg_stat_statements with schema public',
      mended: 'drop extension pg_stat_statements',
      object: 'view public.pg_stat_statements',
      detail: /^shows the application/,
    },
  ],
}
