import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create rule copied as on insert to governance.branding
             do also update governance.config_package set name = name`,
  mended: 'drop rule copied on governance.branding',
  object: 'rule copied on governance.branding',
  detail: /^does as doublehull_owner what is written to governance.branding$/,
  more: [
    {
      // security_invoker holds what the view reads, and not what its rules do
      broken: `create view public.brandings with (security_invoker = true) as select * from governance.branding;
               grant select, delete on public.brandings to doublehull_app;
               create rule removed as on delete to public.brandings
                 do instead delete from governance.branding where id = old.id`,
      mended: 'drop rule removed on public.brandings; drop view public.brandings',
      object: 'rule removed on public.brandings',
      detail: /^does as postgres what is written to public.brandings$/,
    },
  ],
}
