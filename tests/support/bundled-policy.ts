import { manifest } from '../../src/generated/tenancy.ts'
import { type Policy, policiesOf } from '../../src/policy/policy.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'

/** A policy of the bundled schema. */
export function bundledPolicy(table: string, purpose: string): Policy {
  const found = policiesOf(manifest, defaultRoleNames)
    .find((one) => `${one.schema}.${one.table}` === table)
    ?.policies.find(({ name }) => name.replace(/_[0-9a-f]{8}$/, '') === purpose)
  if (!found) throw new Error(`${table} has no policy ${purpose}`)
  return found
}

/** The name of a policy of the bundled schema, whose end is a hash of its definition. */
export function policyName(table: string, purpose: string): string {
  return bundledPolicy(table, purpose).name
}
