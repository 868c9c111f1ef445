import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create function public.all_brandings() returns bigint security definer set search_path = '' language sql
             as 'select count(*) from governance.branding';
           alter function public.all_brandings() owner to doublehull_owner;
           grant execute on function public.all_brandings() to doublehull_app`,
  mended: 'revoke execute on function public.all_brandings() from public, doublehull_app',
  object: 'function public.all_brandings()',
  detail: /^runs as doublehull_owner, whom no policy holds, for doublehull_app/,
  more: [
    {
      // the package's own, with another body
      broken: `create or replace function governance.assert_not_engaged(resource text default '') returns void
                 security definer set search_path = '' language plpgsql as 'begin end'`,
      mended: 'alter function governance.assert_not_engaged(text) security invoker',
      object: 'function governance.assert_not_engaged(text)',
      detail: /^runs as doublehull_owner, whom no policy holds, for doublehull_app$/,
    },
    {
      broken: `create role group_of_dh343; grant group_of_dh343 to doublehull_app; grant usage on schema public to group_of_dh343;
               create function public.grouped() returns integer language sql security definer set search_path = '' as 'select 1';
               revoke execute on function public.grouped() from public;
               grant execute on function public.grouped() to group_of_dh343`,
      mended:
        'drop function public.grouped(); revoke usage on schema public from group_of_dh343; drop role group_of_dh343',
      object: 'function public.grouped()',
      detail: /for group_of_dh343$/,
    },
  ],
  after: 'drop function public.all_brandings()',
}
