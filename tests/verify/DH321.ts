import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.branding no force row level security',
  mended: 'alter table governance.branding force row level security',
  object: 'table governance.branding',
  detail: /not forced/,
  more: [
    {
      broken: 'alter table governance.branding disable row level security',
      mended: 'alter table governance.branding enable row level security',
      object: 'table governance.branding',
      detail: /not enabled/,
    },
  ],
}
