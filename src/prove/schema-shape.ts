import type pg from 'pg'
import type { Manifest, ModelManifest } from '../manifest/manifest.ts'
import { type FieldShape, isText } from './field-value.ts'

export { isText, newValue } from './field-value.ts'

/** A condition that every row of a table must meet, of its own or of a domain's. */
export interface CheckShape {
  readonly name: string
  readonly columns: readonly string[]
  readonly expression: string
}

/** A unique index. */
interface UniqueShape {
  readonly name: string
  /** Those that it has as they are, and those that its expressions name. */
  readonly columns: readonly string[]
  /** Those, and the ones that its predicate names. */
  readonly about: readonly string[]
  /** The expressions and the predicate, where it has any. */
  readonly expression: string
  readonly partial: boolean
}

interface ForeignKeyShape {
  readonly name: string
  readonly columns: readonly string[]
  readonly schema: string
  readonly table: string
  readonly references: readonly string[]
  /** What a change of the row that it names does, as `pg_constraint.confupdtype` has it. */
  readonly onUpdate: string
}

export interface ModelShape {
  readonly fields: Readonly<Record<string, FieldShape>>
  /** The fields of each unique index, partial ones included. */
  readonly uniqueSets: readonly (readonly string[])[]
  readonly schema: string
  readonly table: string
  /** Of a table, a partitioned one, a view, a materialized view or a foreign table, as `pg_class.relkind` has it. */
  readonly kind: string
  /** By the columns' names; also those that Prisma's client hides, and none that PostgreSQL computes. */
  readonly columns: Readonly<Record<string, FieldShape>>
  readonly checks: readonly CheckShape[]
  readonly uniques: readonly UniqueShape[]
  /** Exclusion constraints. */
  readonly exclusions: readonly CheckShape[]
  readonly foreignKeys: readonly ForeignKeyShape[]
  /** Columns that every row needs and Prisma's client can't give. */
  readonly hiddenRequired: readonly string[]
}

/**
 * The shape of every model, and of tables without a model that required keys lead to: by the name of the model, or
 * that of the table with its schema, which has a dot in it.
 */
export type SchemaShape = Readonly<Record<string, ModelShape>>

/** Prisma's names of an enum's values by PostgreSQL's, by the name of PostgreSQL's type. */
export type EnumNames = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Reads types, defaults, keys and conditions of every model from the catalog. */
export async function readSchemaShape(
  admin: pg.Client,
  manifest: Manifest,
  enumNames: EnumNames = new Map(),
): Promise<SchemaShape> {
  const shape: Record<string, ModelShape> = {}
  const known = new Set<string>(manifest.joinTables.map(({ schema, table }) => tableName(schema, table)))
  let wanted: (readonly [string, string, string, ModelManifest | undefined])[] = Object.entries(
    manifest.models,
  ).map(([name, model]) => [name, model.schema, model.table, model])
  while (wanted.length > 0) {
    const tables = await readTables(
      admin,
      wanted.map(([, schema, table]) => [schema, table]),
    )
    const next = new Map<string, (typeof wanted)[number]>()
    for (const [, schema, table] of wanted) known.add(tableName(schema, table))
    for (const [name, schema, table, model] of wanted) {
      const found = tables.get(tableName(schema, table))
      shape[name] = shapeOf(schema, table, found, model, enumNames)
      for (const key of found?.foreignKeys ?? []) {
        const target = tableName(key.schema, key.table)
        const required = key.columns.every((column) => shape[name]?.columns[column]?.nullable === false)
        if (required && !known.has(target)) next.set(target, [target, key.schema, key.table, undefined])
      }
    }
    wanted = [...next.values()]
  }
  return shape
}

function tableName(schema: string, table: string): string {
  return `${schema}.${table}`
}

interface TableRead {
  kind: string
  columns: (FieldShape & { readonly generated: boolean })[]
  checks: CheckShape[]
  uniques: UniqueShape[]
  exclusions: CheckShape[]
  foreignKeys: ForeignKeyShape[]
}

function shapeOf(
  schema: string,
  table: string,
  read: TableRead | undefined,
  model: ModelManifest | undefined,
  enumNames: EnumNames,
): ModelShape {
  const given = (read?.columns ?? [])
    .filter(({ generated }) => !generated)
    .map(({ generated, ...column }): FieldShape => {
      void generated
      const names = column.labels.length > 0 ? enumNames.get(column.element) : undefined
      return names === undefined ? column : { ...column, names: Object.fromEntries(names) }
    })
  const columns = Object.fromEntries(given.map((column) => [column.column, column]))
  const fieldOf = new Map(
    Object.entries(model?.columns ?? Object.fromEntries(given.map(({ column }) => [column, column]))).map(
      ([field, column]) => [column, field],
    ),
  )
  const fields: Record<string, FieldShape> = {}
  for (const column of given) {
    const field = fieldOf.get(column.column)
    if (field !== undefined) fields[field] = column
  }
  const uniques = read?.uniques ?? []
  return {
    schema,
    table,
    kind: read?.kind ?? '',
    fields,
    columns,
    uniqueSets: uniques.map((unique) => unique.columns.map((column) => fieldOf.get(column) ?? column)),
    uniques,
    checks: read?.checks ?? [],
    exclusions: read?.exclusions ?? [],
    foreignKeys: read?.foreignKeys ?? [],
    hiddenRequired: given
      .filter(({ column, nullable, hasDefault }) => !fieldOf.has(column) && !nullable && !hasDefault)
      .map(({ column }) => column),
  }
}

async function readTables(
  admin: pg.Client,
  tables: readonly (readonly [string, string])[],
): Promise<ReadonlyMap<string, TableRead>> {
  const names = [tables.map(([schema]) => schema), tables.map(([, table]) => table)]
  const found = new Map<string, TableRead>()
  const of = ({ schema, table, kind = '' }: { schema: string; table: string; kind?: string }): TableRead => {
    const key = tableName(schema, table)
    const read = found.get(key) ?? {
      kind,
      columns: [],
      checks: [],
      uniques: [],
      exclusions: [],
      foreignKeys: [],
    }
    found.set(key, read)
    return read
  }
  type Place = { schema: string; table: string; kind: string }
  const columns = await admin.query<
    Place & FieldShape & { generated: boolean; domainChecks: { name: string; expression: string }[] }
  >(columnsSql, names)
  for (const { schema, table, kind, domainChecks, ...column } of columns.rows) {
    const read = of({ schema, table, kind })
    read.columns.push(column)
    for (const { name, expression } of domainChecks) {
      read.checks.push({ name, columns: [column.column], expression })
    }
  }
  const indexes = await admin.query<
    Place & {
      name: string
      columns: string[]
      expressions: string
      predicate: string
      exclusion: boolean
      primary: boolean
    }
  >(indexesSql, names)
  for (const row of indexes.rows) {
    const read = of(row)
    const named = read.columns
      .map(({ column }) => column)
      .filter((column) => row.columns.includes(column) || mentions(row.expressions, column))
    const expression = [row.expressions, row.predicate].filter(Boolean).join(' and ')
    if (row.exclusion) read.exclusions.push({ name: row.name, columns: named, expression })
    else {
      const about = read.columns
        .map(({ column }) => column)
        .filter((column) => named.includes(column) || mentions(row.predicate, column))
      read.uniques.push({ name: row.name, columns: named, about, expression, partial: row.predicate !== '' })
    }
  }
  const constraints = await admin.query<Place & CheckShape>(checksSql, names)
  for (const { name, columns: own, expression, ...place } of constraints.rows) {
    of(place).checks.push({ name, columns: own, expression })
  }
  const keys = await admin.query<
    Place & Omit<ForeignKeyShape, 'schema' | 'table'> & { toSchema: string; toTable: string }
  >(foreignKeysSql, names)
  for (const { name, columns: own, toSchema, toTable, references, onUpdate, ...place } of keys.rows) {
    of(place).foreignKeys.push({ name, columns: own, schema: toSchema, table: toTable, references, onUpdate })
  }
  return found
}

/** Whether an expression, as PostgreSQL prints it, names a column. */
function mentions(expression: string, column: string): boolean {
  const escaped = column.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(^|[^\\w$])"?${escaped}"?($|[^\\w$])`).test(expression)
}

const columnsSql = `
  with recursive resolved as (
    select t.oid as root, t.oid, -1 as modifier, false as not_null, 0 as depth
      from pg_catalog.pg_type t
    union all
    select r.root, t.typbasetype, case when t.typtypmod <> -1 then t.typtypmod else r.modifier end,
           r.not_null or t.typnotnull, r.depth + 1
      from resolved r join pg_catalog.pg_type t on t.oid = r.oid
     where t.typtype = 'd'
  ), base as (
    select distinct on (root) root, oid, modifier, not_null from resolved order by root, depth desc
  )
  select n.nspname as schema, c.relname as table, c.relkind::text as kind, a.attname as column,
         bt.typname as type, et.typname as element, bt.oid <> et.oid as list, et.typtype::text as category,
         case when a.atttypmod <> -1 then a.atttypmod
              when b.modifier <> -1 then b.modifier
              else e.modifier end as modifier,
         not (a.attnotnull or b.not_null) as nullable,
         a.atthasdef or a.attidentity <> '' or ct.typdefault is not null as "hasDefault",
         a.attidentity::text as identity, a.attgenerated <> '' as generated,
         coalesce((select array_agg(l.enumlabel::text order by l.enumsortorder) from pg_catalog.pg_enum l
                    where l.enumtypid = et.oid), '{}') as labels,
         coalesce((select jsonb_agg(jsonb_build_object('name', k.conname, 'expression',
                            pg_catalog.regexp_replace(pg_catalog.pg_get_expr(k.conbin, 0), '\\mVALUE\\M',
                                                      pg_catalog.quote_ident(a.attname), 'g')))
                     from resolved r join pg_catalog.pg_constraint k on k.contypid = r.oid and k.contype = 'c'
                    where r.root = a.atttypid), '[]') as "domainChecks"
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join base b on b.root = a.atttypid
    join pg_catalog.pg_type ct on ct.oid = a.atttypid
    join pg_catalog.pg_type bt on bt.oid = b.oid
    left join base e on e.root = bt.typelem and bt.typcategory = 'A'
    join pg_catalog.pg_type et on et.oid = coalesce(e.oid, bt.oid)
   where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[]))
     and a.attnum > 0 and not a.attisdropped
   order by a.attrelid, a.attnum`

const indexesSql = `
  select n.nspname as schema, c.relname as table, c.relkind::text as kind, x.relname as name,
         coalesce((select array_agg(a.attname::text) from pg_catalog.pg_attribute a
                    where a.attrelid = i.indrelid
                      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])), '{}') as columns,
         coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), '') as expressions,
         coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') as predicate,
         i.indisexclusion as exclusion, i.indisprimary as primary
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indrelid
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[]))
     and (i.indisunique or i.indisexclusion)
   order by i.indexrelid`

const checksSql = `
  select n.nspname as schema, c.relname as table, c.relkind::text as kind, k.conname as name,
         coalesce((select array_agg(a.attname::text order by a.attnum) from pg_catalog.pg_attribute a
                    where a.attrelid = k.conrelid and a.attnum = any (k.conkey)), '{}') as columns,
         pg_catalog.pg_get_expr(k.conbin, k.conrelid) as expression
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[])) and k.contype = 'c'
   order by k.oid`

const foreignKeysSql = `
  select n.nspname as schema, c.relname as table, c.relkind::text as kind, k.conname as name,
         (select array_agg(a.attname::text order by o.at) from unnest(k.conkey) with ordinality o (num, at)
            join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.num) as columns,
         tn.nspname as "toSchema", t.relname as "toTable", k.confupdtype::text as "onUpdate",
         (select array_agg(a.attname::text order by o.at) from unnest(k.confkey) with ordinality o (num, at)
            join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.num) as references
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_class t on t.oid = k.confrelid
    join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
   where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[]))
     and k.contype = 'f' and k.conparentid = 0
   order by k.oid`

const numbers: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'])
const narrowNumbers: ReadonlySet<string> = new Set(['int2'])
const moments: ReadonlySet<string> = new Set(['timestamp', 'timestamptz', 'date'])

/**
 * The field in which a row's secret stands: a text that is no key, else a number or a time, else the primary key
 * itself. One that no condition limits comes first.
 */
export function secretFieldOf(manifest: Manifest, model: ModelManifest, shape: ModelShape): string {
  const keys = new Set(Object.values(model.relations).flatMap(({ fields }) => fields))
  // what other rows refer to stays as it is
  for (const { model: other, inverse } of Object.values(model.relations)) {
    for (const field of manifest.models[other]?.relations[inverse]?.references ?? []) keys.add(field)
  }
  for (const field of model.primaryKey) keys.add(field)
  if ('field' in model.scope) keys.add(model.scope.field)
  const keyColumns = new Set(shape.foreignKeys.flatMap(({ columns }) => columns))
  const candidates = Object.entries(shape.fields).filter(
    ([field, { column, identity }]) => !keys.has(field) && !keyColumns.has(column) && identity === '',
  )
  const unique = new Set(shape.uniqueSets.flat())
  const limited = new Set([...shape.checks, ...shape.exclusions].flatMap(({ columns }) => columns))
  const length = (field: FieldShape) =>
    field.type === 'text' || field.type === 'citext' || field.modifier === -1 ? 1000 : field.modifier - 4
  const tests: readonly ((field: FieldShape, name: string) => boolean)[] = [
    (field, name) => isText(field) && length(field) >= 24 && !unique.has(name),
    (field) => isText(field) && length(field) >= 24,
    (field) => isText(field) && length(field) >= 6,
    (field) => numbers.has(field.type) && !narrowNumbers.has(field.type),
    (field) => moments.has(field.type),
  ]
  const listed = new Set(
    shape.checks
      .filter(({ expression }) => /\bARRAY\[|= '/.test(expression))
      .flatMap(({ columns }) => columns),
  )
  const loose = candidates.filter(([, { column }]) => !limited.has(column))
  const open = candidates.filter(([, { column }]) => !listed.has(column))
  for (const list of [loose, open, candidates]) {
    for (const test of tests) {
      const found = list.find(([name, field]) => test(field, name))
      if (found) return found[0]
    }
  }
  return model.primaryKey[0] ?? candidates[0]?.[0] ?? Object.keys(model.columns)[0] ?? ''
}

type Uniqueness = Pick<ModelShape, 'fields' | 'uniqueSets'>

/** Whether every row needs a value of its own in a field: nothing else gives it one, or two would be equal. */
export function needsValue(shape: Uniqueness, name: string): boolean {
  const field = shape.fields[name]
  if (!field) return false
  if (!field.nullable && !field.hasDefault) return true
  return (isText(field) || numbers.has(field.type)) && shape.uniqueSets.some((set) => set.includes(name))
}

/** Whether a value of these fields may stand in one row alone, or in one for each tenant. */
export function isUnique(
  shape: Uniqueness,
  fields: readonly string[],
  tenantField: string | undefined,
): boolean {
  return shape.uniqueSets.some(
    (set) =>
      set.some((field) => field !== tenantField && fields.includes(field)) &&
      set.every((field) => fields.includes(field) || field === tenantField),
  )
}
