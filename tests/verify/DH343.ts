import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create function public.all_brandings() returns bigint security definer set search_path = '' language sql
             as 'select count(*) from governance.branding';
           alter function public.all_brandings() owner to doublehull_owner;
           grant execute on function public.all_brandings() to doublehull_app`,
  mended: 'revoke execute on function public.all_brandings() from public, doublehull_app',
  object: 'function public.all_brandings()',
  detail: /^runs as doublehull_owner, whom no policy holds, for doublehull_app/,
  after: 'drop function public.all_brandings()',
}
