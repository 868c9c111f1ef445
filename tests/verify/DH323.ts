import { policyName, policyOf } from '../support/policy-name.ts'
import type { Fixture } from './fixture.ts'

const select = `${policyName('governance.branding', 'tenant_select')} on governance.branding`
const update = `${policyName('governance.branding', 'tenant_update')} on governance.branding`

export const fixture: Fixture = {
  broken: `alter policy ${select} using (true)`,
  mended: `alter policy ${select} using (${policyOf('governance.branding', 'tenant_select').using})`,
  object: `policy ${select}`,
  detail: /^has another condition \(using\), and not/,
  more: [
    {
      broken: `alter policy ${update} with check (tenant_id is not null)`,
      mended: `alter policy ${update} with check (tenant_id = (select tenancy.require_tenant_id()))`,
      object: `policy ${update}`,
      detail: /^has another condition \(with check\), and not/,
    },
    {
      broken: `alter policy ${select} to public`,
      mended: `alter policy ${select} to doublehull_app, doublehull_reader`,
      object: `policy ${select}`,
      detail: /^is for public, and not/,
    },
  ],
}
