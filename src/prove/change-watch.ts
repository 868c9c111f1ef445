import type pg from 'pg'
import type { Manifest } from '../manifest/manifest.ts'
import { qualified } from '../policy/identifier.ts'
import { type DatabaseState, isSame, type State } from './database-state.ts'

/** What stands in the tables after something was written, and in which of them it differs. */
export interface Changes {
  readonly state: State
  /** Positions in the state. */
  readonly tables: ReadonlySet<number>
}

/**
 * Knows whether anything was written to a database, and puts it back. Most attacks write nothing, and for those one
 * question is enough: whether any transaction that had an id was committed since. The server should be the proof's
 * alone; where others write to it too, in other databases, the tables are looked at more often, and that is all.
 */
export class ChangeWatch {
  readonly #admin: pg.Client
  readonly #database: DatabaseState
  readonly #tables: readonly Table[]
  readonly #printSql: string
  #base: State
  #prints: ReadonlyMap<number, string> = new Map()
  /** The next id that a transaction gets. */
  #next = '0'

  private constructor(admin: pg.Client, manifest: Manifest, database: DatabaseState, base: State) {
    this.#admin = admin
    this.#database = database
    this.#base = base
    const models = Object.values(manifest.models)
    this.#tables = [...models, ...manifest.joinTables].flatMap((table, index) =>
      // what is written through a view is written to its tables
      'isView' in table && table.isView ? [] : [{ index, name: qualified(table.schema, table.table) }],
    )
    this.#printSql = printsSql(this.#tables)
  }

  /** @param base what stands in the database now */
  static async begin(
    admin: pg.Client,
    manifest: Manifest,
    database: DatabaseState,
    base: State,
  ): Promise<ChangeWatch> {
    const watch = new ChangeWatch(admin, manifest, database, base)
    await watch.#mark()
    return watch
  }

  /** Puts other rows in the place of all, and from now on puts those back. */
  async move(state: State): Promise<void> {
    await this.#database.write(state, this.#base)
    this.#base = state
    await this.#mark()
  }

  /** What was written since the last time; nothing where nothing was. */
  async changes(): Promise<Changes | undefined> {
    if (!(await this.#anyCommitted())) return undefined
    const prints = await this.#printsNow()
    const tables = this.#tables.filter(({ index }) => prints.get(index) !== this.#prints.get(index))
    if (tables.length === 0) return undefined
    const parts = tables.map(
      ({ index, name }) =>
        `array(select to_jsonb(this_row)::text as r from ${name} this_row order by 1) as "${index}"`,
    )
    const { rows } = await this.#admin.query<Record<string, string[]>>(`select ${parts.join(', ')}`)
    const changed = tables.filter(({ index }) => !isSame(rows[0]?.[index] ?? [], this.#base[index] ?? []))
    // what was written may be what stood there
    this.#prints = prints
    if (changed.length === 0) return undefined
    const state = this.#base.map((table, index) => rows[0]?.[index] ?? table)
    return { state, tables: new Set(changed.map(({ index }) => index)) }
  }

  /** Puts back what was changed. */
  async restore({ state, tables }: Changes): Promise<void> {
    await this.#database.write(this.#base, state)
    await this.#mark(tables)
  }

  async #anyCommitted(): Promise<boolean> {
    const { rows } = await this.#admin.query<{ next: string; wrote: boolean }>({
      name: 'prove_committed',
      // an id whose transaction is still under way may yet be committed
      text: `select pg_catalog.pg_snapshot_xmax(s)::text as next,
                    exists (select from pg_catalog.generate_series($1::int8, pg_catalog.pg_snapshot_xmax(s)::text::int8 - 1) as x
                             where pg_catalog.pg_xact_status(x::text::xid8) is distinct from 'aborted') as wrote
               from pg_catalog.pg_current_snapshot() as s`,
      values: [this.#next],
    })
    this.#next = rows[0]?.next ?? this.#next
    return rows[0]?.wrote ?? true
  }

  /** Takes what stands in the tables for what should; in all of them unless told. */
  async #mark(tables?: ReadonlySet<number>): Promise<void> {
    this.#prints =
      tables === undefined
        ? await this.#printsNow()
        : new Map([...this.#prints, ...(await this.#printsOf(tables))])
    await this.#anyCommitted()
  }

  #printsNow(): Promise<ReadonlyMap<number, string>> {
    return this.#ask(this.#tables, { name: 'prove_prints', text: this.#printSql })
  }

  #printsOf(positions: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
    const tables = this.#tables.filter(({ index }) => positions.has(index))
    return this.#ask(tables, { text: printsSql(tables) })
  }

  async #ask(tables: readonly Table[], query: pg.QueryConfig): Promise<ReadonlyMap<number, string>> {
    const { rows } = await this.#admin.query<[readonly string[]]>({ ...query, rowMode: 'array' })
    const prints = rows[0]?.[0] ?? []
    return new Map(tables.map(({ index }, position) => [index, prints[position] ?? '']))
  }
}

interface Table {
  /** Its position in a state. */
  readonly index: number
  readonly name: string
}

/**
 * A row that is inserted or updated has the id of a later transaction than all that were there, and one that is deleted
 * is missing from the number. One select with a sub-select for each table takes a third of the time of their union.
 */
function printsSql(tables: readonly Table[]): string {
  const columns = tables.map(
    ({ name }) => `(select count(*) || ':' || coalesce(max(xmin::text::int8), 0) from ${name})`,
  )
  return `select array[${columns.join(', ')}]::text[]`
}
