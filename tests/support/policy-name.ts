import { manifest } from '../../src/generated/tenancy.ts'
import { policiesOf } from '../../src/policy/policy.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'

/** The name of a policy of the bundled schema, whose end is a hash of its definition. */
export function policyName(table: string, purpose: string): string {
  const found = policiesOf(manifest, defaultRoleNames)
    .find((one) => `${one.schema}.${one.table}` === table)
    ?.policies.find(({ name }) => name.startsWith(`${purpose}_`))
  if (!found) throw new Error(`${table} has no policy ${purpose}`)
  return found.name
}
