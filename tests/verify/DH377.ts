import type { Fixture } from './fixture.ts'

// the bundled ids are uuids, whose policies would have to go before a column could get another type
const collate = (collation: string) => `
  update pg_catalog.pg_attribute set attcollation = ${collation}
   where attrelid = 'governance.branding'::regclass and attname = 'tenant_id'`

export const fixture: Fixture = {
  before: `create collation public.regardless_of_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
  broken: collate(`'public.regardless_of_case'::regcollation`),
  mended: collate('0'),
  after: 'drop collation public.regardless_of_case',
  object: 'column governance.branding.tenant_id',
  detail: /^has the collation public\.regardless_of_case, which is not deterministic/,
}
