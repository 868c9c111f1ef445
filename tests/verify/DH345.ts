import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create view public.brandings as select * from governance.branding;
           grant select on public.brandings to doublehull_reader`,
  mended: 'alter view public.brandings set (security_invoker = true)',
  object: 'view public.brandings',
  detail: /^reads governance.branding as postgres, and doublehull_reader may use it$/,
  more: [
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
