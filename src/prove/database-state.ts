import pg from 'pg'
import type { Manifest } from '../manifest/manifest.ts'
import { qualified, quoteIdentifier } from '../policy/identifier.ts'
import { type Link, type Row, World } from './world.ts'

/** All rows of each table, as jsonb prints them, in order. */
export type State = readonly (readonly string[])[]

/** Reads and restores all of a schema's tables as an administrator; every table is small. */
export class DatabaseState {
  readonly #admin: pg.Client
  readonly #manifest: Manifest
  readonly #tables: readonly string[]
  readonly #readSql: string

  constructor(admin: pg.Client, manifest: Manifest) {
    this.#admin = admin
    this.#manifest = manifest
    this.#tables = [...Object.values(manifest.models), ...manifest.joinTables].map(({ schema, table }) =>
      qualified(schema, table),
    )
    const parts = this.#tables.map(
      (table) => `array(select to_jsonb(t)::text as r from ${table} t order by 1)`,
    )
    this.#readSql = `select ${parts.map((part, index) => `${part} as "${index}"`).join(', ')}`
  }

  async read(): Promise<State> {
    const { rows } = await this.#admin.query<Record<string, string[]>>(this.#readSql)
    return this.#tables.map((_, index) => rows[0]?.[index] ?? [])
  }

  /** Puts rows in place of those that are there, in the tables that are not as they should be. */
  async write(state: State, current: State = []): Promise<void> {
    const stale = this.#tables.flatMap((table, index) =>
      current[index] && isSame(current[index], state[index] ?? [])
        ? []
        : [{ table, rows: state[index] ?? [] }],
    )
    if (stale.length === 0) return
    await this.#admin.query(
      [
        // neither foreign keys nor triggers are in the way, whatever the order
        'begin; set local session_replication_role = replica',
        ...stale.map(({ table }) => `delete from ${table}`),
        ...stale.flatMap(({ table, rows }) => (rows.length === 0 ? [] : [insertSql(table, rows)])),
        'commit',
      ].join(';\n'),
    )
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

export function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((row, index) => row === other[index])
}

function insertSql(table: string, rows: readonly string[]): string {
  // a column that is not named gets its default
  const columns = Object.keys(JSON.parse(rows[0] ?? '{}') as object)
    .map(quoteIdentifier)
    .join(', ')
  const json = pg.escapeLiteral(`[${rows.join(',')}]`)
  return `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, ${json})`
}
