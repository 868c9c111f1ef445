import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  before: 'drop role if exists somebody_else; create role somebody_else',
  broken: 'alter table governance.branding owner to somebody_else',
  mended: 'alter table governance.branding owner to doublehull_owner',
  object: 'table governance.branding',
  detail: /^belongs to somebody_else, and not to doublehull_owner$/,
  more: [
    {
      broken: 'alter schema governance owner to somebody_else',
      mended: 'alter schema governance owner to doublehull_owner',
      object: 'schema governance',
      detail: /^belongs to somebody_else/,
    },
    {
      broken: 'alter function audit.refuse_change() owner to somebody_else',
      mended: 'alter function audit.refuse_change() owner to doublehull_owner',
      object: 'function audit.refuse_change()',
      detail: /^belongs to somebody_else/,
    },
  ],
  after: 'drop role somebody_else',
}
