import type { Manifest } from '../manifest/manifest.ts'
import { qualified, quoteIdentifier } from './identifier.ts'
import { type ProtectedTable, policiesOf } from './policy.ts'
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
  const schemas = schemasOf(tables).map(quoteIdentifier)
  return [
    `grant usage on schema ${schemas.join(', ')} to ${everyone};`,
    `grant execute on function ${contextFunctions.join(', ')} to ${everyone};`,
    ...tables.flatMap((table) =>
      tableGrants(table, roles)
        .filter(({ privileges }) => privileges.length > 0)
        .map(
          ({ role, privileges }) =>
            `grant ${privileges.join(', ')} on ${qualified(table.schema, table.table)} to ${quoteIdentifier(role)};`,
        ),
    ),
    '',
  ].join('\n')
}

/** The functions that policies and column defaults call as whoever queries. */
export const contextFunctions = [
  'tenancy.current_tenant_id()',
  'tenancy.require_tenant_id()',
  'tenancy.claimed_tenant_id()',
  'tenancy.read_tenant_id()',
  'tenancy.missing_tenant_id()',
]

/** What each role may do with a table, in the order of the roles. */
export function tableGrants(
  { commands, readerCommands, systemCommands }: ProtectedTable,
  roles: RoleNames,
): readonly { readonly role: string; readonly privileges: readonly string[] }[] {
  return [
    { role: roles.app, privileges: commands },
    { role: roles.reader, privileges: readerCommands },
    { role: roles.system, privileges: systemCommands },
  ]
}

/** The grants that all tables need, one statement for each role and object. */
export function schemaGrants(
  tables: readonly ProtectedTable[],
  roles: RoleNames,
): readonly { readonly role: string; readonly object: string; readonly statement: string }[] {
  return [roles.app, roles.reader, roles.system].flatMap((role) => [
    ...schemasOf(tables).map((object) => ({
      role,
      object,
      statement: `grant usage on schema ${quoteIdentifier(object)} to ${quoteIdentifier(role)}`,
    })),
    ...contextFunctions.map((object) => ({
      role,
      object,
      statement: `grant execute on function ${object} to ${quoteIdentifier(role)}`,
    })),
  ])
}

function schemasOf(tables: readonly ProtectedTable[]): readonly string[] {
  return [...new Set(['tenancy', ...tables.map(({ schema }) => schema)])]
}
