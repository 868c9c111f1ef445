import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant select, insert on governance.branding to public',
  mended: 'revoke select, insert on governance.branding from public',
  object: 'table governance.branding',
  detail: /^public has INSERT, SELECT$/,
  more: [
    {
      broken: 'grant usage on schema audit to public',
      mended: 'revoke usage on schema audit from public',
      object: 'schema audit',
      detail: /^public has USAGE$/,
    },
    {
      broken: 'create sequence governance."No. 1"; grant usage on sequence governance."No. 1" to public',
      mended: 'drop sequence governance."No. 1"',
      object: 'sequence governance."No. 1"',
      detail: /^public has USAGE$/,
    },
    {
      broken: 'grant update (tokens) on governance.branding to public',
      mended: 'revoke update on governance.branding from public',
      object: 'table governance.branding',
      detail: /^public has UPDATE$/,
    },
  ],
}
