import { type Manifest, type ModelManifest, tenantFieldOf } from '../manifest/manifest.ts'
import {
  type ContextFunction,
  commonContextFunctions,
  plainContextFunctions,
  signedContextFunctions,
} from '../policy/context-sql.ts'
import { policiesOf } from '../policy/policy.ts'
import type { RoleNames } from '../policy/roles.ts'
import type { OwnDefiner } from './own-definers.ts'
import { type ServerFlaw, serverFlaws } from './server-flaws.ts'
import { readSqlFiles } from './sql-files.ts'

/**
 * What the checks are asked with: the manifest, the roles and what is known of servers, in the shape that `prelude.sql` reads.
 *
 * @param options `flaws`: what is known of servers; `guardsOnly`: leave out the permissive policies, all of which the
 * guards restrict
 * @returns a text of JSON
 */
export function catalogInput(
  manifest: Manifest,
  roles: RoleNames,
  {
    flaws = serverFlaws,
    guardsOnly = false,
  }: { readonly flaws?: readonly ServerFlaw[] | undefined; readonly guardsOnly?: boolean } = {},
): string {
  const { tenantIdType } = manifest
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
    flaws: flaws.map(({ cve, what, fixedIn, needs }) => ({ cve, what, fixed_in: fixedIn, needs })),
    roles: Object.entries(roles).map(([purpose, role_name]) => ({ purpose, role_name })),
    tables: tables.map((table) => ({
      schema_name: table.schema,
      table_name: table.table,
      is_view: table.isView,
      scope: 'join',
      append_only: false,
      ...about.get(keyOf(table)),
      commands: table.commands,
      system_commands: table.systemCommands,
    })),
    policies: tables.flatMap(({ schema, table, policies }) =>
      policies
        .filter(({ as }) => !guardsOnly || as === 'restrictive')
        .map((policy) => ({
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
    relations: [...modelRelations(manifest), ...joinRelations(manifest)],
    functions: [
      ...plainContextFunctions(tenantIdType).map((one) => functionInput(one, 'plain')),
      ...signedContextFunctions(tenantIdType).map((one) => functionInput(one, 'signed')),
      ...commonContextFunctions(tenantIdType).map((one) => functionInput(one, 'either')),
    ],
    // no check at start-up asks about them
    definers: guardsOnly ? [] : (definers ??= readSqlFiles().definers),
  })
}

let definers: readonly OwnDefiner[] | undefined

/** The foreign keys of models; `purpose` says which of them a policy follows. */
function modelRelations(manifest: Manifest): readonly object[] {
  return Object.values(manifest.models).flatMap((model) =>
    Object.entries(model.relations).flatMap(([name, relation]) => {
      const target = manifest.models[relation.model]
      if (!target || relation.fields.length === 0) return []
      const isThrough = model.scope.kind === 'through' && model.scope.relation === name
      const isMember = target.scope.kind === 'member' && target.scope.relation === relation.inverse
      return [
        {
          schema_name: model.schema,
          table_name: model.table,
          columns: columnsOf(model, relation.fields),
          target_schema: target.schema,
          target_table: target.table,
          target_columns: columnsOf(target, relation.references),
          purpose: isThrough ? 'through' : isMember ? 'member' : null,
        },
      ]
    }),
  )
}

/** Prisma calls the columns of the table that it makes for a many-to-many relation A and B. */
function joinRelations(manifest: Manifest): readonly object[] {
  return manifest.joinTables.flatMap(({ schema, table, a, b }) =>
    [['A', a] as const, ['B', b] as const].flatMap(([column, name]) => {
      const target = manifest.models[name]
      if (!target) return []
      return [
        {
          schema_name: schema,
          table_name: table,
          columns: [column],
          target_schema: target.schema,
          target_table: target.table,
          target_columns: columnsOf(target, target.primaryKey),
          purpose: 'join',
        },
      ]
    }),
  )
}

function columnsOf(model: ModelManifest, fields: readonly string[]): readonly (string | undefined)[] {
  return fields.map((field) => model.columns[field])
}

function functionInput(
  { name, language, returns, body, securityDefiner }: ContextFunction,
  mode: string,
): object {
  const [, function_name] = /^tenancy\.(\w+)\(\)$/.exec(name) ?? []
  return { function_name, mode, language, returns, body, security_definer: securityDefiner }
}

function keyOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return JSON.stringify([schema, table])
}
