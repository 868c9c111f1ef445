import { manifest as bundled } from '../../src/generated/tenancy.ts'
import type { Manifest, ModelManifest } from '../../src/manifest/manifest.ts'
import { schemaSql } from './protection.ts'

const schema = 'many'

/** Tables of tenants, each with a row's tenant and parent in foreign keys, and three indexes. */
export function manyTables(count: number): { readonly manifest: Manifest; readonly sql: string } {
  const names = Array.from({ length: count }, (_, index) => `table_${index}`)
  const models = names.map((name, index): readonly [string, ModelManifest] => [
    `Table${index}`,
    {
      schema,
      table: name,
      isView: false,
      scope: { kind: 'direct', field: 'tenantId' },
      readOnly: false,
      commands: ['select', 'insert', 'update', 'delete'],
      appendOnly: false,
      columns: { id: 'id', tenantId: 'tenant_id', parentId: 'parent_id', name: 'name' },
      jsonFields: [],
      primaryKey: ['id'],
      uniqueFields: ['id'],
      compoundUniques: { tenantId_id: ['tenantId', 'id'], tenantId_name: ['tenantId', 'name'] },
      relations: {
        tenant: {
          model: 'Tenant',
          list: false,
          required: true,
          fields: ['tenantId'],
          references: ['id'],
          inverse: `tables${index}`,
        },
        parent: {
          model: `Table${Math.max(0, index - 1)}`,
          list: false,
          required: false,
          fields: ['tenantId', 'parentId'],
          references: ['tenantId', 'id'],
          inverse: 'children',
        },
      },
    },
  ])
  const manifest = { ...bundled, models: { ...bundled.models, ...Object.fromEntries(models) } }
  const tables = names.map(
    (name, index) => `
      create table ${schema}.${name} (
        id uuid primary key,
        tenant_id uuid not null default tenancy.require_tenant_id()
          references tenancy.tenant (id) on delete restrict on update restrict,
        parent_id uuid,
        name text not null,
        constraint ${name}_in_tenant unique (tenant_id, id),
        constraint ${name}_named_once unique (tenant_id, name),
        foreign key (tenant_id, parent_id) references ${schema}.${names[Math.max(0, index - 1)]} (tenant_id, id)
          on delete set null (parent_id) on update restrict
      );`,
  )
  return { manifest, sql: schemaSql(manifest, schema, tables.join('\n')) }
}
