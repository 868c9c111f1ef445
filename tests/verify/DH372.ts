import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.feature_flag add column nr int generated always as identity',
  mended: 'alter table governance.feature_flag drop column nr',
  object: 'schema governance',
  detail: /numbers of governance\.feature_flag\.nr$/,
  more: [
    {
      broken: `
        create sequence governance.shared_numbers;
        alter table governance.branding add column "Nr" bigint default nextval('governance.shared_numbers')`,
      mended: `
        alter table governance.branding drop column "Nr";
        drop sequence governance.shared_numbers`,
      object: 'schema governance',
      detail: /numbers of governance\.branding\."Nr"$/,
    },
  ],
}
