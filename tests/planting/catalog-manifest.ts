import type pg from 'pg'
import type {
  Manifest,
  ModelManifest,
  RelationManifest,
  Scope,
  TenantIdType,
} from '../../src/manifest/manifest.ts'

interface Options {
  readonly tenantModel: string
  readonly tenantIdType: TenantIdType
  /** Of each model, by the name of its table. */
  readonly scopes: Readonly<Record<string, Scope>>
  /** Columns that Prisma's client hides, as `table.column`. */
  readonly hidden?: readonly string[]
  /** Relations that no foreign key of the database stands for: `[table, column, target, referenced column]`. */
  readonly relations?: readonly (readonly [string, string, string, string])[]
  readonly joinTables?: Manifest['joinTables']
}

/** A manifest as the generator would write it, whose fields are called as the columns are. */
export async function manifestOfCatalog(admin: pg.Client, options: Options): Promise<Manifest> {
  const { scopes, hidden = [] } = options
  const names = Object.keys(scopes)
  const { rows: tables } = await admin.query<{
    schema: string
    table: string
    view: boolean
    columns: string[]
    json: string[]
  }>(
    `select n.nspname as schema, c.relname as table, c.relkind in ('v', 'm') as view,
            array_agg(a.attname::text order by a.attnum) as columns,
            coalesce(array_agg(a.attname::text) filter (where a.atttypid in ('json'::regtype, 'jsonb'::regtype)), '{}') as json
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relname = any ($1) and c.relkind in ('r', 'p', 'v', 'm') and n.nspname not like 'pg_%'
      group by n.nspname, c.relname, c.relkind`,
    [names],
  )
  const { rows: uniques } = await admin.query<{ table: string; columns: string[]; primary: boolean }>(
    `select c.relname as table, i.indisprimary as primary,
            array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k (num, at)
                    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.num order by k.at) as columns
       from pg_index i join pg_class c on c.oid = i.indrelid
      where c.relname = any ($1) and i.indisunique and i.indpred is null and i.indexprs is null
      order by not i.indisprimary, i.indexrelid`,
    [names],
  )
  const { rows: keys } = await admin.query<{
    table: string
    columns: string[]
    target: string
    references: string[]
    required: boolean
  }>(
    `select c.relname as table, t.relname as target,
            array(select a.attname::text from unnest(k.conkey) with ordinality o (num, at)
                    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.num order by o.at) as columns,
            array(select a.attname::text from unnest(k.confkey) with ordinality o (num, at)
                    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.num order by o.at) as references,
            (select bool_and(a.attnotnull) from pg_attribute a
              where a.attrelid = k.conrelid and a.attnum = any (k.conkey)) as required
       from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class t on t.oid = k.confrelid
      where c.relname = any ($1) and t.relname = any ($1) and k.contype = 'f' and k.conparentid = 0`,
    [names],
  )
  const extra = (options.relations ?? []).map(([table, column, target, reference]) => ({
    table,
    columns: [column],
    target,
    references: [reference],
    required: false,
  }))
  const links = [...keys, ...extra].filter(
    ({ table, columns }) => !columns.some((column) => hidden.includes(`${table}.${column}`)),
  )
  const models: Record<string, ModelManifest> = {}
  for (const name of names) {
    const found = tables.find(({ table }) => table === name)
    if (!found) throw new Error(`no table ${name}`)
    const columns = found.columns.filter((column) => !hidden.includes(`${name}.${column}`))
    const own = uniques.filter(({ table }) => table === name)
    const relations: Record<string, RelationManifest> = {}
    for (const link of links) {
      const here = link.columns.join('_')
      if (link.table === name) {
        relations[`by_${here}`] = {
          model: link.target,
          list: false,
          required: link.required,
          fields: link.columns,
          references: link.references,
          inverse: `${name}_by_${here}`,
        }
      }
      if (link.target === name) {
        relations[`${link.table}_by_${here}`] = {
          model: link.table,
          list: !own.some(
            ({ table, columns }) => table === link.table && columns.join() === link.columns.join(),
          ),
          required: false,
          fields: [],
          references: [],
          inverse: `by_${here}`,
        }
      }
    }
    models[name] = {
      schema: found.schema,
      table: name,
      isView: found.view,
      scope: scopes[name] ?? { kind: 'global' },
      readOnly: found.view,
      commands: found.view ? ['select'] : ['select', 'insert', 'update', 'delete'],
      appendOnly: false,
      columns: Object.fromEntries(columns.map((column) => [column, column])),
      jsonFields: found.json,
      primaryKey: own[0]?.columns ?? columns.slice(0, 1),
      uniqueFields: own.filter(({ columns }) => columns.length === 1).map(({ columns }) => columns[0] ?? ''),
      compoundUniques: Object.fromEntries(
        own.filter(({ columns }) => columns.length > 1).map(({ columns }) => [columns.join('_'), columns]),
      ),
      relations,
    }
  }
  return {
    version: 1,
    tenantModel: options.tenantModel,
    tenantIdType: options.tenantIdType,
    models,
    joinTables: options.joinTables ?? [],
    hidden: [],
  }
}
