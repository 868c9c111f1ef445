import { type Manifest, tenantFieldOf } from '../manifest/manifest.ts'
import { policiesOf } from '../policy/policy.ts'
import type { RoleNames } from '../policy/roles.ts'

/**
 * What the checks are asked with: the manifest and the roles, in the shape that `prelude.sql` reads.
 *
 * @returns a text of JSON
 */
export function catalogInput(manifest: Manifest, roles: RoleNames): string {
  const tables = policiesOf(manifest, roles)
  const about = new Map<string, object>()
  for (const [name, model] of Object.entries(manifest.models)) {
    const field = tenantFieldOf(model)
    about.set(keyOf(model), {
      model: name,
      scope: model.scope.kind,
      tenant_column: field === undefined ? null : (model.columns[field] ?? null),
      append_only: model.appendOnly,
    })
  }
  return JSON.stringify({
    roles: Object.entries(roles).map(([purpose, role_name]) => ({ purpose, role_name })),
    tables: tables.map((table) => ({
      schema_name: table.schema,
      table_name: table.table,
      scope: 'join',
      append_only: false,
      ...about.get(keyOf(table)),
      commands: table.commands,
      system_commands: table.systemCommands,
    })),
    policies: tables.flatMap(({ schema, table, policies }) =>
      policies.map((policy) => ({
        schema_name: schema,
        table_name: table,
        name: policy.name,
        restrictive: policy.as === 'restrictive',
        command: policy.command,
        roles: policy.roles,
        using_expression: policy.using ?? null,
        check_expression: policy.withCheck ?? null,
      })),
    ),
  })
}

function keyOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return JSON.stringify([schema, table])
}
