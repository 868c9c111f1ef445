import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  // restrictive, so that it is no finding by itself
  broken: `create function public.whose() returns uuid immutable language sql as 'select tenancy.require_tenant_id()';
           create policy narrower on governance.branding as restrictive using (tenant_id = (select public.whose()))`,
  mended: 'alter function public.whose() stable',
  object: 'function public.whose()',
  detail: /^is IMMUTABLE, and asked by the policy narrower on governance.branding$/,
  more: [
    {
      // through an operator, and a function that takes something
      broken: `create function public.is_mine(uuid, uuid) returns boolean immutable language plpgsql
                 as $$ begin return $1 = current_setting('app.tenant_id', true)::uuid; end $$;
               create operator public.=== (function = public.is_mine, leftarg = uuid, rightarg = uuid);
               alter policy narrower on governance.branding using (tenant_id operator(public.===) tenant_id)`,
      mended: 'alter function public.is_mine(uuid, uuid) stable',
      object: 'function public.is_mine(uuid,uuid)',
      detail: /^is IMMUTABLE/,
    },
  ],
  after: `drop policy narrower on governance.branding;
          drop operator public.=== (uuid, uuid);
          drop function public.is_mine(uuid, uuid), public.whose()`,
}
