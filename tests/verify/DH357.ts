import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken:
    'create table governance.invoice (tenant_id uuid, total numeric); grant select on governance.invoice to doublehull_app',
  mended: 'revoke select on governance.invoice from doublehull_app; drop table governance.invoice',
  object: 'table governance.invoice',
  detail: /^doublehull_app has SELECT, and row-level security is not enabled$/,
  more: [
    {
      broken:
        'create schema "Other App"; create table "Other App"."_AToB" ("A" uuid, "B" uuid) partition by hash ("A"); grant usage on schema "Other App" to public; grant insert ("A"), select ("B") on "Other App"."_AToB" to public',
      mended: 'drop schema "Other App" cascade',
      object: 'table "Other App"."_AToB"',
      detail: /^public has INSERT, SELECT, and/,
    },
  ],
}
