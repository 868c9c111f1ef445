import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create function public.copy_row() returns trigger security definer set search_path = '' language plpgsql
             as $$ begin return new; end $$;
           create trigger copy_row after insert on governance.branding
             for each row execute function public.copy_row();
           create trigger copy_row after insert on governance.approval
             for each row execute function public.copy_row()`,
  mended: 'alter function public.copy_row() security invoker',
  object: 'function public.copy_row()',
  detail:
    /^runs as postgres, whom no policy holds, for the trigger copy_row on governance.approval and 1 more$/,
  more: [
    {
      // the package's own, with another body
      broken: `create or replace function governance.audit_package() returns trigger security definer
                 set search_path = '' language plpgsql as 'begin return null; end'`,
      mended: 'alter function governance.audit_package() security invoker',
      object: 'function governance.audit_package()',
      detail:
        /^runs as doublehull_owner, whom no policy holds, for the trigger audit_creation_and_deletion on governance.config_package and 1 more$/,
    },
    {
      broken: `create view public.asked as select 1 as n;
               grant insert on public.asked to doublehull_app;
               create function public.answer() returns trigger language plpgsql security definer set search_path = ''
                 as 'begin return new; end';
               create trigger answer instead of insert on public.asked for each row execute function public.answer()`,
      mended: 'drop view public.asked; drop function public.answer()',
      object: 'function public.answer()',
      detail: /for the trigger answer on public.asked$/,
    },
  ],
  after: 'drop function public.copy_row() cascade',
}
