import type { Manifest } from '../manifest/manifest.ts'
import { qualified, quoteIdentifier } from './identifier.ts'
import { type Policy, type ProtectedTable, policiesOf } from './policy.ts'
import { defaultRoleNames, type RoleNames } from './roles.ts'

/**
 * The SQL that puts hull two on a schema: enable and force row-level security on every table of the
 * manifest, create its policies, and let its views ask their tables as whoever queries them. For a migration; PostgreSQL 15 or newer.
 *
 * @param manifest the schema
 * @param roles names of the roles that the policies are for
 * @returns statements in a fixed order, so that the text only changes when the policies do
 *
 * @example
 * ```ts
 * const owner = `set local role ${defaultRoleNames.owner};\n` // what a migration creates is the owner's
 * writeFileSync(`${directory}/migration.sql`, owner + grantSql(manifest) + policySql(manifest))
 * ```
 */
export function policySql(manifest: Manifest, roles: RoleNames = defaultRoleNames): string {
  return policiesOf(manifest, roles).map(tableSql).join('\n')
}

function tableSql(table: ProtectedTable): string {
  const name = qualified(table.schema, table.table)
  if (table.isView) return `alter view ${name} set (security_invoker = true);\n`
  return [
    `alter table ${name} enable row level security;`,
    `alter table ${name} force row level security;`,
    ...table.policies.map((policy) => createPolicySql(name, policy)),
    '',
  ].join('\n')
}

/** The statement that creates a policy on a table, whose name is quoted already. */
export function createPolicySql(table: string, policy: Policy): string {
  const roles = policy.roles.map(quoteIdentifier).join(', ')
  return [
    `create policy ${quoteIdentifier(policy.name)} on ${table}`,
    `  as ${policy.as} for ${policy.command} to ${roles}`,
    ...(policy.using === undefined ? [] : [`  using (${policy.using})`]),
    ...(policy.withCheck === undefined ? [] : [`  with check (${policy.withCheck})`]),
  ]
    .join('\n')
    .concat(';')
}
