import type { Manifest } from '../../src/manifest/manifest.ts'
import { qualified, quoteIdentifier } from '../../src/policy/identifier.ts'
import { grantSql, policySql } from '../../src/policy/index.ts'

/**
 * SQL that makes a schema beside the bundled one, and protects its tables.
 *
 * @param manifest of all schemas
 * @param tables SQL that creates the tables of this one
 */
export function schemaSql(manifest: Manifest, schema: string, tables: string): string {
  const own = new Set(
    [...Object.values(manifest.models), ...manifest.joinTables]
      .filter((table) => table.schema === schema)
      .map((table) => qualified(table.schema, table.table)),
  )
  // the others have theirs
  const policies = policySql(manifest)
    .split(/(?<=;)\n+/)
    .filter((statement) => own.has(/^(?:alter table|create policy \S+ on) (\S+)/.exec(statement)?.[1] ?? ''))
  return [
    `create schema ${quoteIdentifier(schema)} authorization doublehull_owner;`,
    'set role doublehull_owner;',
    tables,
    grantSql(manifest),
    ...policies,
    'reset role',
  ].join('\n')
}
