import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  // of an owner without rights, so that it is no finding otherwise
  before: 'drop role if exists somebody_else; create role somebody_else',
  broken: `create function public.count_words(text) returns integer security definer language plpgsql
             as $$ begin return array_length(string_to_array($1, ' '), 1); end $$;
           alter function public.count_words(text) owner to somebody_else`,
  mended: `alter function public.count_words(text) set search_path = ''`,
  object: 'function public.count_words(text)',
  detail: /^runs as somebody_else with the search_path of its caller$/,
  more: [
    {
      broken: `create schema scratch;
               grant create on schema scratch to public;
               alter function public.count_words(text) set search_path = scratch, pg_temp`,
      mended: `alter function public.count_words(text) set search_path = ''; drop schema scratch`,
      besides: ['DH354'],
      object: 'function public.count_words(text)',
      detail: /^runs as somebody_else and looks in scratch, where the application may create objects$/,
    },
  ],
  after: 'drop function public.count_words(text); drop role somebody_else',
}
