import pg from 'pg'
import type { Manifest } from '../manifest/manifest.ts'
import { qualified, quoteIdentifier } from '../policy/identifier.ts'
import { type Link, type Row, World } from './world.ts'

/** All rows of each table, as jsonb prints them, in order. */
export type State = readonly (readonly string[])[]

/** What writing a table's rows must know of it. */
interface TableFacts {
  readonly kind: string
  /** Those that PostgreSQL does not compute. */
  readonly columns: ReadonlySet<string>
}

/** Reads and restores all of a schema's tables as an administrator; every table is small. */
export class DatabaseState {
  readonly admin: pg.Client
  readonly #manifest: Manifest
  readonly #tables: readonly string[]
  readonly #readSql: string
  #facts: Promise<readonly TableFacts[]> | undefined

  constructor(admin: pg.Client, manifest: Manifest) {
    this.admin = admin
    this.#manifest = manifest
    this.#tables = [...Object.values(manifest.models), ...manifest.joinTables].map(({ schema, table }) =>
      qualified(schema, table),
    )
    const parts = this.#tables.map(
      (table) => `array(select to_jsonb(this_row)::text as r from ${table} this_row order by 1)`,
    )
    this.#readSql = `select ${parts.map((part, index) => `to_json(${part}) as "${index}"`).join(', ')}`
  }

  async read(): Promise<State> {
    const { rows } = await this.admin.query<Record<string, string[]>>(this.#readSql)
    return this.#tables.map((_, index) => rows[0]?.[index] ?? [])
  }

  /** Puts rows in place of those that are there, in the tables that are not as they should be. */
  async write(state: State, current: State = []): Promise<void> {
    const facts = await this.#readFacts()
    const stale = this.#tables.flatMap((table, index) => {
      const { kind = 'r', columns = new Set<string>() } = facts[index] ?? {}
      const rows = state[index] ?? []
      return current[index] && isSame(current[index], rows) ? [] : [{ table, kind, columns, rows }]
    })
    if (stale.length === 0) return
    // what a view shows follows from its tables
    const tables = stale.filter(({ kind }) => kind !== 'v' && kind !== 'm')
    const materialized = this.#tables.filter((_, index) => facts[index]?.kind === 'm')
    await this.admin.query(writeSql(tables, materialized))
  }

  /** Puts rows into tables that belong to no model and never change. */
  async plantAside(tables: readonly TableRows[]): Promise<void> {
    if (tables.length > 0) await this.admin.query(writeSql(tables, []))
  }

  #readFacts(): Promise<readonly TableFacts[]> {
    this.#facts ??= (async () => {
      const tables = [...Object.values(this.#manifest.models), ...this.#manifest.joinTables]
      const { rows } = await this.admin.query<{
        schema: string
        table: string
        kind: string
        columns: string[]
      }>(factsSql, [tables.map(({ schema }) => schema), tables.map(({ table }) => table)])
      const found = new Map(rows.map((row) => [qualified(row.schema, row.table), row]))
      return this.#tables.map((table) => {
        const { kind = 'r', columns = [] } = found.get(table) ?? {}
        return { kind, columns: new Set(columns) }
      })
    })()
    return this.#facts
  }

  /** What tenant A may see and write of a state. */
  worldOf(state: State, tenantId: string): World {
    const models = Object.entries(this.#manifest.models)
    const rows = new Map<string, readonly Row[]>()
    for (const [index, [name, model]] of models.entries()) {
      const columns = Object.entries(model.columns)
      rows.set(
        name,
        (state[index] ?? []).map((text) => {
          const row = JSON.parse(text) as Record<string, unknown>
          return {
            model: name,
            values: Object.fromEntries(columns.map(([field, column]) => [field, row[column]])),
          }
        }),
      )
    }
    const links = state.slice(models.length).map((table) => table.map((text) => JSON.parse(text) as Link))
    return new World(this.#manifest, tenantId, rows, links)
  }
}

const factsSql = `
  select n.nspname as schema, c.relname as table, c.relkind::text as kind,
         array(select a.attname::text from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                order by a.attnum) as columns
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[]))`

interface TableRows {
  /** Its quoted name. */
  readonly table: string
  /** Those that can be written. */
  readonly columns: ReadonlySet<string>
  readonly rows: readonly string[]
}

function writeSql(tables: readonly TableRows[], materialized: readonly string[]): string {
  return [
    // neither foreign keys nor triggers are in the way, whatever the order
    'begin; set local session_replication_role = replica',
    ...tables.map(({ table }) => `delete from ${table}`),
    ...tables.flatMap(({ table, columns, rows }) =>
      rows.length === 0 ? [] : [insertSql(table, columns, rows)],
    ),
    ...materialized.map((view) => `refresh materialized view ${view}`),
    'commit',
  ].join(';\n')
}

export function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((row, index) => row === other[index])
}

function insertSql(table: string, insertable: ReadonlySet<string>, rows: readonly string[]): string {
  // a column that is not named gets its default
  const columns = Object.keys(JSON.parse(rows[0] ?? '{}') as object)
    .filter((column) => insertable.has(column))
    .map(quoteIdentifier)
    .join(', ')
  const json = pg.escapeLiteral(`[${rows.join(',')}]`)
  return `insert into ${table} (${columns}) overriding system value
          select ${columns} from jsonb_populate_recordset(null::${table}, ${json})`
}
