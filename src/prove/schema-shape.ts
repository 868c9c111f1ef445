import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { Manifest, ModelManifest } from '../manifest/manifest.ts'

/** What the catalog knows of a field and the manifest doesn't. */
export interface FieldShape {
  /** PostgreSQL's name of the type. */
  readonly type: string
  readonly nullable: boolean
  readonly hasDefault: boolean
  readonly labels: readonly string[]
}

export interface ModelShape {
  readonly fields: Readonly<Record<string, FieldShape>>
  /** The fields of each unique index, partial ones included. */
  readonly uniqueSets: readonly (readonly string[])[]
}

export type SchemaShape = Readonly<Record<string, ModelShape>>

/** Reads types, defaults and unique indexes of every model from the catalog. */
export async function readSchemaShape(admin: pg.Client, manifest: Manifest): Promise<SchemaShape> {
  const shape: Record<string, ModelShape> = {}
  for (const [name, model] of Object.entries(manifest.models)) {
    const fieldOf = new Map(Object.entries(model.columns).map(([field, column]) => [column, field]))
    const named = (columns: readonly string[]) => columns.map((column) => fieldOf.get(column) ?? column)
    const table = [model.schema, model.table]
    const columns = await admin.query<FieldShape & { column: string }>(columnsSql, table)
    const indexes = await admin.query<{ columns: string[] }>(uniqueIndexesSql, table)
    shape[name] = {
      fields: Object.fromEntries(
        columns.rows.flatMap(({ column, ...field }) => {
          const own = fieldOf.get(column)
          return own === undefined ? [] : [[own, field]]
        }),
      ),
      uniqueSets: indexes.rows.map((index) => named(index.columns)),
    }
  }
  return shape
}

const columnsSql = `
  select a.attname as column, t.typname as type, not a.attnotnull as nullable, a.atthasdef as "hasDefault",
         coalesce((select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_catalog.pg_enum e
                    where e.enumtypid = t.oid), '{}') as labels
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_type t on t.oid = a.atttypid
   where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
   order by a.attnum`

const uniqueIndexesSql = `
  select (select array_agg(a.attname::text) from pg_catalog.pg_attribute a
           where a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[])) as columns
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relname = $2 and i.indisunique
   order by i.indexrelid`

const texts: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'citext'])
const numbers: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'])

let counter = 0

/** A new value of a field's type, which both Prisma and PostgreSQL take; unequal to all others where it can be. */
export function newValue({ type, labels }: FieldShape): unknown {
  if (type === 'uuid') return randomUUID()
  if (texts.has(type)) return `x-${randomUUID()}`
  if (numbers.has(type)) return 2_000_000 + ++counter
  if (labels.length > 0) return labels[0]
  if (type.startsWith('_')) return []
  if (type === 'bool') return false
  if (type === 'json' || type === 'jsonb') return {}
  if (type === 'timestamptz' || type === 'timestamp' || type === 'date') return '2026-01-01T00:00:00.000Z'
  throw new Error(`the matrix knows no value of the type ${type}`)
}

/**
 * The field in which a row's secret stands: a text that is no key, else a number, else the primary key itself.
 */
export function secretFieldOf(model: ModelManifest, shape: ModelShape): string {
  const keys = new Set(Object.values(model.relations).flatMap(({ fields }) => fields))
  for (const field of model.primaryKey) keys.add(field)
  const candidates = Object.keys(shape.fields).filter((field) => !keys.has(field))
  const unique = new Set(shape.uniqueSets.flat())
  const isOf = (types: ReadonlySet<string>) => (field: string) => types.has(shape.fields[field]?.type ?? '')
  const found =
    candidates.filter((field) => !unique.has(field)).find(isOf(texts)) ??
    candidates.find(isOf(texts)) ??
    candidates.find(isOf(numbers)) ??
    model.primaryKey[0]
  if (found === undefined) throw new Error(`${model.table} has no field for a secret`)
  return found
}

export function isText({ type }: FieldShape): boolean {
  return texts.has(type)
}

/** Whether every row needs a value of its own in a field: nothing else gives it one, or two would be equal. */
export function needsValue(shape: ModelShape, name: string): boolean {
  const field = shape.fields[name]
  if (!field) return false
  if (!field.nullable && !field.hasDefault) return true
  return (isText(field) || numbers.has(field.type)) && shape.uniqueSets.some((set) => set.includes(name))
}

/** Whether a value of these fields may stand in one row alone, or in one for each tenant. */
export function isUnique(
  shape: ModelShape,
  fields: readonly string[],
  tenantField: string | undefined,
): boolean {
  return shape.uniqueSets.some(
    (set) =>
      set.some((field) => field !== tenantField && fields.includes(field)) &&
      set.every((field) => fields.includes(field) || field === tenantField),
  )
}
