/** The second world: the same rows of A's and of everybody's, while those that A may not see say something else. */
import type pg from 'pg'
import type { Manifest } from '../manifest/manifest.ts'
import type { State } from './database-state.ts'
import type { PlannedRow, ScenePlan } from './scene-plan.ts'
import { inTrial } from './trial.ts'

type Values = Readonly<Record<string, unknown>>

interface OtherWorld {
  readonly other: State
  /** Models of which B's rows are the same in both worlds, and why. */
  readonly alike: ReadonlyMap<string, string>
}

/** The state in which B's rows have other secrets and no links that could be away. */
export async function otherStateOf(
  admin: pg.Client,
  plan: ScenePlan,
  manifest: Manifest,
  state: State,
): Promise<OtherWorld> {
  const names = Object.keys(manifest.models)
  const isForeign = (row: PlannedRow) => row.table.model !== undefined && plan.isForeign(row)
  const foreign = plan.planted.filter(isForeign)
  const away = new Set(foreign.filter((row) => mayBeAway(plan, row)))
  const changing = foreign.filter((row) => !away.has(row))
  const patches = changing.map((row) => changesOf(plan, row))
  const tables = [...new Set(foreign.map(({ table }) => table.table))]
  const changed = await inTrial(admin, tables, async ({ tryRows }) => {
    const rest = plan.planted.filter((row) => !isForeign(row) && tables.includes(row.table.table))
    await tryRows(rest.map((row) => ({ table: row.table.table, values: givenOf(row), patches: [] })))
    // the first try is the first change, and the last is to leave the row as it is
    return tryRows(
      changing.map((row, index) => {
        const [first = {}, ...others] = patches[index] ?? []
        const values = givenOf(row)
        return {
          table: row.table.table,
          values: { ...values, ...first },
          patches: [...others, {}].map((patch) => ({ ...values, ...patch })),
        }
      }),
    )
  })
  const others = new Map<string, string[]>()
  const telling = new Set([...away].map(({ table }) => table.name))
  for (const [index, row] of changing.entries()) {
    const stored = changed[index]?.stored ?? row.stored ?? ''
    if (stored !== row.stored) telling.add(row.table.name)
    others.set(row.table.name, [...(others.get(row.table.name) ?? []), stored])
  }
  const own = new Map<string, string[]>()
  for (const row of plan.planted) {
    const { table, stored } = row
    if (isForeign(row) || stored === undefined) continue
    own.set(table.name, [...(own.get(table.name) ?? []), stored])
  }
  const keys = new Map<string, Set<unknown>>()
  for (const row of foreign) {
    const known = keys.get(row.table.name) ?? new Set<unknown>()
    known.add(row.storedValues[row.table.primaryKey[0] ?? ''])
    keys.set(row.table.name, known)
  }
  const joins = manifest.joinTables.map(({ a, b }, index) =>
    (state[names.length + index] ?? []).filter((text) => {
      const link = JSON.parse(text) as Values
      return !keys.get(a)?.has(link['A']) && !keys.get(b)?.has(link['B'])
    }),
  )
  const alike = new Map<string, string>()
  for (const name of new Set(foreign.map(({ table }) => table.name))) {
    if (telling.has(name)) continue
    alike.set(name, 'no column of its rows can say something else: all are keys, or conditions hold them')
  }
  return {
    other: [...names.map((name) => [...(own.get(name) ?? []), ...(others.get(name) ?? [])]), ...joins],
    alike,
  }
}

/** The columns that a row may be given again. */
function givenOf(row: PlannedRow): Values {
  const stored = row.storedValues
  return Object.fromEntries(Object.keys(row.table.shape.columns).map((column) => [column, stored[column]]))
}

/** Where nothing can refer to it, a row can be away. Where nothing else can differ, all rows are to which none refers. */
function mayBeAway(plan: ScenePlan, row: PlannedRow): boolean {
  const { model } = row.table
  if (!model || model.scope.kind === 'root') return false
  if (!hasSecret(row)) return plan.isEnd(row)
  return row.slot === 'free' && Object.values(model.relations).every(({ fields }) => fields.length > 0)
}

function hasSecret({ table }: PlannedRow): boolean {
  return !table.primaryKey.includes(table.secretColumn) && !table.keyColumns.has(table.secretColumn)
}

/** Changes of a row to try, the one that says most first. */
function changesOf(plan: ScenePlan, row: PlannedRow): readonly Values[] {
  const { table } = row
  const empty: Record<string, unknown> = {}
  for (const key of table.keys) {
    if (key.required || plan.staysByKey(table, key)) continue
    const shared = new Set(
      table.keys.filter(({ name }) => name !== key.name).flatMap(({ columns }) => columns),
    )
    for (const column of key.columns) {
      const isFree = column !== table.tenantColumn && !shared.has(column)
      if (isFree && table.shape.columns[column]?.nullable) empty[column] = null
    }
  }
  const kept = new Set([...table.primaryKey, ...table.keyColumns, ...plan.referredColumns(table.name)])
  // a spare row's values meet all conditions together
  const whole = plan.spareOf(table.name).map((spare) => {
    const given = [...spare.cells.keys()].filter((column) => !kept.has(column))
    return Object.fromEntries(given.map((column) => [column, spare.storedValues[column]]))
  })
  if (!hasSecret(row)) return [...whole.map((values) => ({ ...empty, ...values })), ...whole, empty]
  const secrets = [
    plan.otherSecret(row),
    ...plan.spareOf(table.name).map((spare) => spare.storedValues[table.secretColumn]),
  ]
    .filter((secret) => secret !== undefined && secret !== row.storedValues[table.secretColumn])
    .map((secret) => ({ [table.secretColumn]: secret }))
  return [...secrets.map((secret) => ({ ...empty, ...secret })), ...secrets, ...whole, empty]
}
