import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create view public.brandings as select * from governance.branding;
           grant select on public.brandings to doublehull_reader`,
  mended: 'alter view public.brandings set (security_invoker = true)',
  object: 'view public.brandings',
  detail: /^reads governance.branding as postgres, and doublehull_reader may use it$/,
  more: [
    {
      // the application's role has it only when it puts the group on
      broken: `create role group_of_dh345; grant group_of_dh345 to doublehull_app; grant usage on schema public to group_of_dh345;
               create view public.grouped as select * from governance.branding; grant select on public.grouped to group_of_dh345`,
      mended:
        'drop view public.grouped; revoke usage on schema public from group_of_dh345; drop role group_of_dh345',
      object: 'view public.grouped',
      detail: /^reads governance.branding as postgres, and group_of_dh345 may use it$/,
    },
    {
      broken: `create view public.keys as select * from tenancy.context_key; grant select on public.keys to doublehull_app`,
      mended: 'drop view public.keys',
      object: 'view public.keys',
      detail: /^reads tenancy.context_key as postgres, and doublehull_app may use it$/,
    },
    {
      // the outermost view decides, even where an inner one asks for its caller's rights; one column is enough
      broken: `create view public."All of them" as select id from public.brandings;
               grant select (id) on public."All of them" to public`,
      mended: 'drop view public."All of them"',
      object: 'view public."All of them"',
      detail: /^reads governance.branding as postgres, and doublehull_app, doublehull_reader may use it$/,
    },
    {
      broken: `alter view public.brandings reset (security_invoker);
               revoke all on public.brandings from doublehull_reader;
               grant delete on public.brandings to doublehull_app`,
      mended: 'revoke all on public.brandings from doublehull_app',
      object: 'view public.brandings',
      detail: /doublehull_app may use it$/,
    },
  ],
  after: 'drop view public.brandings',
}
