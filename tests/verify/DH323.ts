import { bundledPolicy } from '../support/bundled-policy.ts'
import type { Fixture } from './fixture.ts'

const { name: selectName, using } = bundledPolicy('governance.branding', 'tenant_select')
const { name: updateName, withCheck } = bundledPolicy('governance.branding', 'tenant_update')
const select = `${selectName} on governance.branding`
const update = `${updateName} on governance.branding`

export const fixture: Fixture = {
  broken: `alter policy ${select} using (true)`,
  mended: `alter policy ${select} using (${using})`,
  object: `policy ${select}`,
  detail: /^has another condition \(using\), and not/,
  more: [
    {
      broken: `alter policy ${update} with check (tenant_id is not null)`,
      mended: `alter policy ${update} with check (${withCheck})`,
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
