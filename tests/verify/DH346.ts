import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create view public.brandings as select * from governance.branding;
           create materialized view public.summary as select count(*) from public.brandings;
           grant select on public.summary to doublehull_app`,
  mended: 'revoke select on public.summary from doublehull_app',
  object: 'materialized view public.summary',
  detail: /^holds a copy of governance.branding, and doublehull_app may read it$/,
  more: [
    {
      broken: `create role group_of_dh346; grant group_of_dh346 to doublehull_app; grant usage on schema public to group_of_dh346;
               create materialized view public.grouped as select * from governance.branding;
               grant select on public.grouped to group_of_dh346`,
      mended:
        'drop materialized view public.grouped; revoke usage on schema public from group_of_dh346; drop role group_of_dh346',
      object: 'materialized view public.grouped',
      detail: /and group_of_dh346 may read it$/,
    },
    {
      broken: `create materialized view public.keys as select * from tenancy.context_key;
               grant select on public.keys to doublehull_app`,
      mended: 'drop materialized view public.keys',
      object: 'materialized view public.keys',
      detail: /^holds a copy of tenancy.context_key, and doublehull_app may read it$/,
    },
  ],
  after: 'drop view public.brandings cascade',
}
