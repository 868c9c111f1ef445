import type { Manifest } from '../manifest/manifest.ts'
import { qualified, quoteIdentifier } from './identifier.ts'
import { policiesOf } from './policy.ts'
import { defaultRoleNames, type RoleNames } from './roles.ts'

/**
 * The SQL that gives the roles what the policies of a schema let them do, and no more: no TRUNCATE, REFERENCES or
 * TRIGGER, none of which row-level security holds. For a migration, beside `policySql`.
 *
 * @param manifest the schema
 * @param roles names of the roles
 * @returns statements in a fixed order
 *
 * @example
 * ```ts
 * const owner = `set local role ${defaultRoleNames.owner};\n` // only the owner may grant
 * writeFileSync(`${directory}/migration.sql`, owner + grantSql(manifest) + policySql(manifest))
 * ```
 */
export function grantSql(manifest: Manifest, roles: RoleNames = defaultRoleNames): string {
  const tables = policiesOf(manifest, roles)
  const [app, reader, system] = [roles.app, roles.reader, roles.system].map(quoteIdentifier)
  const everyone = `${app}, ${reader}, ${system}`
  const schemas = [...new Set(['tenancy', ...tables.map(({ schema }) => schema)])].map(quoteIdentifier)
  return [
    `grant usage on schema ${schemas.join(', ')} to ${everyone};`,
    `grant execute on function tenancy.current_tenant_id(), tenancy.require_tenant_id(), tenancy.claimed_tenant_id() to ${everyone};`,
    ...tables.flatMap(({ schema, table, commands, systemCommands }) => {
      const name = qualified(schema, table)
      return [
        `grant ${commands.join(', ')} on ${name} to ${app};`,
        `grant select on ${name} to ${reader};`,
        `grant ${systemCommands.join(', ')} on ${name} to ${system};`,
      ]
    }),
    '',
  ].join('\n')
}
