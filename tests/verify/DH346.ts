import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create view public.brandings as select * from governance.branding;
           create materialized view public.summary as select count(*) from public.brandings;
           grant select on public.summary to doublehull_app`,
  mended: 'revoke select on public.summary from doublehull_app',
  object: 'materialized view public.summary',
  detail: /^holds a copy of governance.branding, and doublehull_app may read it$/,
  after: 'drop view public.brandings cascade',
}
