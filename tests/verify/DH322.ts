import { policyName } from '../support/bundled-policy.ts'
import type { Fixture } from './fixture.ts'

const guard = policyName('governance.branding', 'tenant_guard')
const select = policyName('governance.branding', 'tenant_select')

export const fixture: Fixture = {
  broken: `alter policy ${guard} on governance.branding rename to elsewhere`,
  mended: `alter policy elsewhere on governance.branding rename to ${guard}`,
  object: 'table governance.branding',
  detail: new RegExp(`^lacks ${guard}$`),
  more: [
    {
      broken: `alter policy ${select} on governance.branding rename to tenant_select_00000000`,
      mended: `alter policy tenant_select_00000000 on governance.branding rename to ${select}`,
      object: 'table governance.branding',
      detail: new RegExp(`^has tenant_select_00000000, which is of another definition than ${select}$`),
    },
  ],
}
