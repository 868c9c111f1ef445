import type { Fixture } from './fixture.ts'

const left = (isValid: boolean) => `
  update pg_catalog.pg_index set indisvalid = ${isValid}
   where indexrelid = 'governance.branding_tenant_id_number_key'::regclass`

export const fixture: Fixture = {
  // as a concurrent build does that fails, which would need rows and a statement of its own
  broken: left(false),
  mended: left(true),
  object: 'index governance.branding_tenant_id_number_key',
  detail: /^is invalid: its key may not be unique/,
}
