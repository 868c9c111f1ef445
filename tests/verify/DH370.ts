import { documents } from './documents.ts'
import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  ...documents,
  broken: 'grant select on documents.event_2026 to doublehull_app',
  mended: 'revoke all on documents.event_2026 from doublehull_app',
  object: 'table documents.event_2026',
  detail: /^is part of documents.event, .* doublehull_app may select$/,
  more: [
    {
      broken: 'grant update (at) on documents.event_2026 to public',
      mended: 'revoke all on documents.event_2026 from public',
      object: 'table documents.event_2026',
      detail: /public may update$/,
    },
    {
      broken: `
        create table governance.branding_of_before () inherits (governance.branding);
        grant select, delete on governance.branding_of_before to doublehull_reader`,
      mended: 'drop table governance.branding_of_before',
      object: 'table governance.branding_of_before',
      detail: /doublehull_reader may delete, select$/,
    },
    {
      broken: `
        grant select on documents.event_2026 to doublehull_app;
        alter table documents.event_2026 enable row level security, force row level security;
        create policy everything on documents.event_2026 using (true)`,
      // row-level security without a policy shows nothing, whoever is granted it
      mended: 'drop policy everything on documents.event_2026',
      object: 'table documents.event_2026',
      detail: /doublehull_app may select$/,
    },
  ],
}
