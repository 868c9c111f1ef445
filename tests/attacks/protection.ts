import type { JoinTableManifest, Manifest, ModelManifest, Scope } from '../../src/manifest/manifest.ts'
import { grantSql, policySql } from '../../src/policy/index.ts'
import { policiesOf } from '../../src/policy/policy.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'

/** Hull two on tables of the schema `attacks`, as the package writes it. */
export interface Protection {
  /** Grants and policies, to be run as the owner. */
  readonly sql: string
  /** SQL that lets everything pass a policy, such as `tenant_guard` of `note`. */
  open(table: string, ...purposes: readonly string[]): string
}

/** A table of the schema `attacks` with a tenant column, where its scope is not another. */
export function model(
  table: string,
  columns: readonly string[],
  scope: Scope = { kind: 'direct', field: 'tenant_id' },
  more: Partial<ModelManifest> = {},
): ModelManifest {
  return {
    schema: 'attacks',
    table,
    isView: false,
    scope,
    readOnly: false,
    commands: ['select', 'insert', 'update', 'delete'],
    appendOnly: false,
    columns: Object.fromEntries(['id', 'tenant_id', ...columns].map((column) => [column, column])),
    jsonFields: [],
    primaryKey: ['id'],
    uniqueFields: ['id'],
    compoundUniques: {},
    relations: {},
    ...more,
  }
}

export function protectionOf(
  models: Readonly<Record<string, ModelManifest>>,
  joinTables: readonly JoinTableManifest[] = [],
): Protection {
  const manifest: Manifest = {
    version: 1,
    tenantModel: 'Tenant',
    tenantIdType: 'uuid',
    models,
    joinTables,
    hidden: [],
  }
  const tables = policiesOf(manifest, defaultRoleNames)
  return {
    sql: grantSql(manifest) + policySql(manifest),
    open: (table, ...purposes) =>
      purposes
        .map((purpose) => {
          const found = tables
            .find((one) => one.table === table)
            ?.policies.find(({ name }) => name.startsWith(`${purpose}_`))
          if (!found) throw new Error(`${table} has no policy ${purpose}`)
          const using = found.using === undefined ? '' : 'using (true)'
          const withCheck = found.withCheck === undefined ? '' : 'with check (true)'
          return `alter policy "${found.name}" on attacks."${table}" ${using} ${withCheck};`
        })
        .join('\n'),
  }
}

/** What every attack finds: `attacks.note`, with one row of each tenant. */
export const notes = protectionOf({ Note: model('note', ['secret']) })
