import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant select (inner_pad) on tenancy.context_key to doublehull_app',
  mended: 'revoke all on tenancy.context_key from doublehull_app',
  object: 'table tenancy.context_key',
  detail: /^is granted to doublehull_app$/,
  more: [
    {
      broken: `create policy careless on tenancy.context_key using (true)`,
      mended: 'drop policy careless on tenancy.context_key',
      object: 'table tenancy.context_key',
      detail: /^has a policy for everybody$/,
    },
    {
      broken: 'alter table tenancy.context_key disable row level security',
      mended: 'alter table tenancy.context_key enable row level security',
      object: 'table tenancy.context_key',
      detail: /^has no forced row-level security$/,
    },
  ],
}
