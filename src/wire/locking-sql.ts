import pg from 'pg'
import { type ModelManifest, tenantFieldOf } from '../manifest/manifest.ts'

/**
 * Locks rows until the transaction ends, in the order of their keys, so that two who lock the same rows take turns.
 * PostgreSQL asks for the privilege to update; rows that nobody may update can only disappear, which their deletion
 * itself finds out. Rows of another tenant's are not locked, whoever logs in, where the model has a tenant field.
 *
 * @param keys values of the fields of the primary key
 * @returns none where there is nothing to lock
 */
export function lockingSql(
  model: ModelManifest,
  keys: readonly Readonly<Record<string, unknown>>[],
  tenantId: string,
): { readonly text: string; readonly values: readonly unknown[] } | undefined {
  const { schema, table, columns, primaryKey, commands, isView } = model
  if (isView || !commands.includes('update') || primaryKey.length === 0 || keys.length === 0) return undefined
  const names = primaryKey.map((field) => pg.escapeIdentifier(columns[field] ?? field)).join(', ')
  const values: unknown[] = []
  const tuples = keys.map((key) => {
    const parameters = primaryKey.map((field) => `$${values.push(key[field])}`)
    return `(${parameters.join(', ')})`
  })
  const tenantField = tenantFieldOf(model)
  const own =
    tenantField === undefined
      ? ''
      : ` and ${pg.escapeIdentifier(columns[tenantField] ?? tenantField)} = $${values.push(tenantId)}`
  return {
    text: `select 1 as locked from ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}
 where (${names}) in (${tuples.join(', ')})${own} order by ${names} for update`,
    values,
  }
}
