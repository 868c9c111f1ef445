/**
 * Makes the rows of a plan fit their tables: PostgreSQL tries each, says what it breaks, and tries other values until
 * one is right. What nothing is found for is left out, and named.
 */
import type pg from 'pg'
import { qualified } from '../policy/identifier.ts'
import { candidatesFor, combinations } from './check-candidates.ts'
import { valueOf } from './field-value.ts'
import type { PlannedRow, PlanTable, ScenePlan } from './scene-plan.ts'
import type { CheckShape } from './schema-shape.ts'
import type { MissingSeed } from './seed-hook.ts'
import { inTrial, type Trial, type TrialFailure } from './trial.ts'

type Values = Readonly<Record<string, unknown>>

/** One way to change a row. */
interface Option {
  readonly patch: Values
  readonly accept: () => void
}

/** How many changes of one row are tried at a time. */
const most = 600
const rounds = 12

interface Trouble {
  failure: TrialFailure
  readonly suspects: Set<string>
  /** How often its conditions were gone through. */
  solved: number
  /** How many values of a column were tried, with whatever else they ask for. */
  readonly detours: Map<string, number>
  attempts: number
}

/**
 * Tries the rows of a plan until all that are left fit.
 *
 * @returns what a person has to give for the tables that are left without rows
 */
export async function fitRows(admin: pg.Client, plan: ScenePlan): Promise<readonly MissingSeed[]> {
  const troubles = new Map<PlannedRow, Trouble>()
  const tables = [...plan.tables.values()]
    .filter(({ shape }) => ['r', 'p', 'f'].includes(shape.kind))
    .map(({ table }) => table)
  for (let round = 0; round < rounds; round++) {
    const isDone = await inTrial(admin, tables, async ({ tryRows, solve }) => {
      const rows = plan.rows.filter(({ isDropped }) => !isDropped)
      // spare rows come last, so that they are in nobody's way
      rows.sort((one, other) => Number(one.slot === 'spare') - Number(other.slot === 'spare'))
      const results = await tryRows(
        rows.map((row) => ({ table: row.table.table, values: row.values, patches: [] })),
      )
      const failed: PlannedRow[] = []
      for (const [index, row] of rows.entries()) {
        const result = results[index]
        row.stored = result?.stored
        if (!result?.failure) continue
        failed.push(row)
        suspect(troubles, row, result.failure)
      }
      if (failed.length === 0) return true
      const unsolved = await solveChecks(plan, failed, troubles, solve)
      await searchOn(plan, unsolved, troubles, tryRows, round >= rounds - 2)
      return false
    })
    if (isDone) break
    if (round === rounds - 1) for (const row of plan.rows) if (row.stored === undefined) plan.drop(row)
  }
  return missingOf(plan, troubles)
}

/**
 * Meets each broken condition by itself, by the columns that it is about.
 *
 * @returns the rows that it changed nothing of
 */
async function solveChecks(
  plan: ScenePlan,
  failed: readonly PlannedRow[],
  troubles: ReadonlyMap<PlannedRow, Trouble>,
  solve: Trial['solve'],
): Promise<readonly PlannedRow[]> {
  const rows = failed.filter((row) => {
    const trouble = troubles.get(row)
    return trouble?.failure.code === '23514' && trouble.solved < 2
  })
  const changed = new Set<PlannedRow>()
  const take = async (some: readonly PlannedRow[], stages: readonly (readonly StageOptions[])[]) => {
    const taken = await solve(
      some.map((row, index) => ({
        table: row.table.table,
        values: row.values,
        stages: (stages[index] ?? []).map(({ columns, checks, options }) => ({
          columns,
          checks,
          patches: options.map(patchOf),
        })),
      })),
    )
    for (const [index, row] of some.entries()) {
      const trouble = troubles.get(row)
      if (trouble) trouble.solved++
      for (const [stage, choice] of taken[index] ?? []) {
        for (const { accept } of stages[index]?.[stage]?.options[choice] ?? []) accept()
        changed.add(row)
      }
    }
    return taken
  }
  // rows of a table fail alike, and what helps the first mostly helps all
  const leaders = [...new Map(rows.toReversed().map((row) => [row.table, row])).values()]
  const ways = await take(
    leaders,
    leaders.map((row) => stagesOf(plan, row, most)),
  )
  const wayOf = new Map(leaders.map((row, index) => [row.table, new Map(ways[index])]))
  const isLeader = new Set(leaders)
  const others = rows.filter((row) => !isLeader.has(row))
  await take(
    others,
    others.map((row) => {
      const way = wayOf.get(row.table)
      const isAgain = (troubles.get(row)?.solved ?? 0) > 0
      return stagesOf(plan, row, isAgain ? most : 40, way)
    }),
  )
  return failed.filter((row) => !changed.has(row))
}

interface StageOptions {
  readonly columns: readonly string[]
  readonly checks: readonly string[]
  readonly options: readonly (readonly Option[])[]
}

/**
 * The conditions of a row's table, those about few columns first.
 *
 * @param least how many changes are tried for each, at least
 * @param way what helped another row of the table: the number of the change by that of the condition
 */
function stagesOf(
  plan: ScenePlan,
  row: PlannedRow,
  least: number,
  way: ReadonlyMap<number, number> = new Map(),
): readonly StageOptions[] {
  return conditionsOf(row.table).map(({ columns, checks, own }, index) => {
    const known = way.get(index)
    return {
      columns,
      checks,
      options: changesOf(plan, row, own, Math.max(least, (known ?? 0) + 4)),
    }
  })
}

const knownConditions = new WeakMap<PlanTable, ReturnType<typeof sortedConditions>>()

function conditionsOf(table: PlanTable): ReturnType<typeof sortedConditions> {
  const known = knownConditions.get(table) ?? sortedConditions(table)
  knownConditions.set(table, known)
  return known
}

function sortedConditions({ shape: { checks } }: PlanTable) {
  return [...checks]
    .sort((one, other) => one.columns.length - other.columns.length)
    .map((check) => {
      const neighbours = checks.filter(
        (other) => other !== check && other.columns.some((column) => check.columns.includes(column)),
      )
      const all = [check, ...neighbours]
      return {
        own: new Set(check.columns),
        columns: [...new Set(all.flatMap(({ columns }) => columns))],
        checks: all.map(({ expression }) => expression),
      }
    })
}

/** Tries other values of all columns that are suspect together, the database's own keys and conditions deciding. */
async function searchOn(
  plan: ScenePlan,
  rows: readonly PlannedRow[],
  troubles: Map<PlannedRow, Trouble>,
  tryRows: Trial['tryRows'],
  isLast: boolean,
): Promise<void> {
  const searched = new Map<PlanTable, number>()
  const options = rows.map((row) => {
    // rows of a table fail alike: what is in vain for the first ones is in vain for all
    const count = searched.get(row.table) ?? 0
    searched.set(row.table, count + 1)
    const { suspects, attempts } = troubles.get(row) ?? { suspects: new Set<string>(), attempts: 0 }
    return changesOf(plan, row, suspects, count < 2 ? most : 100, attempts > 0)
  })
  const changed = await tryRows(
    rows.map((row, index) => ({
      table: row.table.table,
      values: row.values,
      patches: (options[index] ?? []).map(patchOf),
    })),
  )
  for (const [index, row] of rows.entries()) {
    const { choice, failure } = changed[index] ?? {}
    if (choice !== undefined) {
      for (const { accept } of options[index]?.[choice - 1] ?? []) accept()
      continue
    }
    const trouble = troubles.get(row)
    const known = trouble?.suspects.size ?? 0
    if (failure) suspect(troubles, row, failure)
    if (!trouble) continue
    trouble.attempts++
    // the same columns have been tried in vain
    if (detour(plan, row, trouble)) continue
    const isInVain = trouble.suspects.size === known && (row.slot !== 'spare' || trouble.attempts > 1)
    if (isInVain || trouble.attempts > 2 || isLast) plan.drop(row)
  }
}

/**
 * Where a unique key holds for some rows only, or a column has few values, leaves its part and lets the other conditions
 * be met anew: other columns may have to follow.
 */
function detour(plan: ScenePlan, row: PlannedRow, trouble: Trouble): boolean {
  const { shape, keyColumns } = row.table
  const unique = shape.uniques.find(({ name }) => name === trouble.failure.constraint)
  const column = unique?.about.find(
    (name) =>
      shape.columns[name] &&
      !keyColumns.has(name) &&
      (trouble.detours.has(name) || !row.pinned.has(name)) &&
      shape.checks.some(({ columns }) => columns.includes(name)),
  )
  const own = shape.columns[column ?? '']
  if (trouble.failure.code !== '23505' || !unique || column === undefined || !own) return false
  const taken = trouble.detours.get(column) ?? 0
  const expressions = limitsOf(shape)
    .filter(({ columns }) => columns.includes(column))
    .map(({ expression }) => expression)
  const now = row.values[column]
  const value = candidatesFor(own, expressions, row.number, []).filter((other) => other !== now)[taken]
  if (value === undefined || taken > 2) return false
  trouble.detours.set(column, taken + 1)
  trouble.solved = 0
  plan.setOwn(row, column, value)
  row.pinned.add(column)
  return true
}

function patchOf(options: readonly Option[]): Values {
  return Object.assign({}, ...options.map(({ patch }) => patch)) as Values
}

function suspect(troubles: Map<PlannedRow, Trouble>, row: PlannedRow, failure: TrialFailure): void {
  const trouble = troubles.get(row) ?? {
    failure,
    suspects: new Set<string>(),
    attempts: 0,
    solved: 0,
    detours: new Map(),
  }
  trouble.failure = failure
  for (const column of columnsOf(row.table, failure)) trouble.suspects.add(column)
  troubles.set(row, trouble)
}

/** The columns that a failure is about, as far as PostgreSQL says. */
function columnsOf({ shape }: PlanTable, failure: TrialFailure): readonly string[] {
  const found = new Set<string>(failure.column === '' ? [] : [failure.column])
  for (const name of new Set([failure.constraint, ...failure.broken])) {
    for (const { columns } of limitsOf(shape).filter((limit) => limit.name === name)) {
      for (const column of columns) found.add(column)
    }
  }
  // the indexes of a partition have names of their own
  if (found.size === 0 && failure.code === '23505') {
    for (const { columns } of shape.uniques) for (const column of columns) found.add(column)
  }
  return [...found]
}

/** What limits the rows of a table, and the columns that decide about it. */
function limitsOf({ checks, uniques, exclusions }: PlanTable['shape']): readonly CheckShape[] {
  const unique = uniques.map(({ name, about, expression }) => ({ name, columns: about, expression }))
  return [...checks, ...unique, ...exclusions]
}

/** Changes of a row to try, those that change least first. */
function changesOf(
  plan: ScenePlan,
  row: PlannedRow,
  suspects: ReadonlySet<string>,
  limit: number,
  isInVain = false,
): readonly (readonly Option[])[] {
  const { shape, keys, keyColumns } = row.table
  const values = row.values
  const lists: (readonly Option[])[] = []
  const nothing: Option = { patch: {}, accept: () => {} }
  for (const column of suspects) {
    const own = shape.columns[column]
    if (!own || keyColumns.has(column) || row.pinned.has(column)) continue
    const about = limitsOf(shape).filter(({ columns }) => columns.includes(column))
    const siblings = about.flatMap(({ columns }) =>
      columns.flatMap((name) => (name === column ? [] : [values[name]])),
    )
    const candidates = candidatesFor(
      own,
      about.map(({ expression }) => expression),
      row.number,
      siblings,
    )
    lists.push([
      nothing,
      ...candidates.map((value) => ({
        patch: { [column]: value },
        accept: () => plan.setOwn(row, column, value),
      })),
    ])
  }
  const { tenantColumn = '' } = row.table
  const isSpare = row.slot === 'spare'
  for (const key of keys) {
    if (!key.columns.some((column) => suspects.has(column) && !row.pinned.has(column))) continue
    if (!isSpare) lists.push([nothing, ...linksOf(plan, row, key)])
    else if (!key.columns.includes(tenantColumn)) lists.push([nothing, ...spareKeys(plan, row, key.columns)])
  }
  if (lists.length === 0 && !suspects.has(tenantColumn)) lists.push([nothing, ...everyDefault(plan, row)])
  const found = combinations(lists, limit)
  // where each tenant has all that it may have, a new row is one of a tenant that there isn't
  return isSpare && isInVain && suspects.has(tenantColumn)
    ? [...found, ...spareKeys(plan, row, [tenantColumn]).map((option) => [option])]
    : found
}

/** Other rows for a key to lead to, and none. */
function linksOf(plan: ScenePlan, row: PlannedRow, key: PlanTable['keys'][number]): readonly Option[] {
  return plan
    .alternatives(row, key)
    .slice(0, 12)
    .map((target) => ({
      patch: Object.fromEntries(
        key.columns.map((column, index) => [
          column,
          target ? target.cells.get(key.references[index] ?? '')?.value : null,
        ]),
      ),
      accept: () => plan.lead(row, key, target),
    }))
}

/** A spare row leads nowhere: its keys are empty, or have values that stand in no other row. */
function spareKeys(plan: ScenePlan, row: PlannedRow, columns: readonly string[]): readonly Option[] {
  const shapes = columns.flatMap((column) => row.table.shape.columns[column] ?? [])
  const fills: readonly Values[] = [
    Object.fromEntries(shapes.map((shape) => [shape.column, valueOf(shape, 900 + row.number)])),
    ...(shapes.every(({ nullable }) => nullable)
      ? [Object.fromEntries(shapes.map((shape) => [shape.column, null]))]
      : []),
  ]
  return fills.map((patch) => ({
    patch,
    accept: () => {
      for (const [column, value] of Object.entries(patch)) plan.setOwn(row, column, value)
    },
  }))
}

/** Where no column is named, a default may have failed: every column gets a value. */
function everyDefault(plan: ScenePlan, row: PlannedRow): readonly Option[] {
  const patch: Record<string, unknown> = {}
  for (const [position, shape] of Object.values(row.table.shape.columns).entries()) {
    if (row.cells.has(shape.column) || !shape.hasDefault) continue
    patch[shape.column] = valueOf(shape, row.number, position, false)
  }
  const accept = () => {
    for (const [column, value] of Object.entries(patch)) plan.setOwn(row, column, value)
  }
  return Object.keys(patch).length === 0 ? [] : [{ patch, accept }]
}

function missingOf(plan: ScenePlan, troubles: ReadonlyMap<PlannedRow, Trouble>): readonly MissingSeed[] {
  const missing: MissingSeed[] = []
  for (const table of plan.tables.values()) {
    const { model, shape, name } = table
    if (!model || !['r', 'p', 'f'].includes(shape.kind)) continue
    const rows = plan.rowsOf(name).filter(({ slot }) => slot !== 'spare')
    const isOwned = ['root', 'direct', 'through', 'member', 'shared'].includes(model.scope.kind)
    const owners = new Set(rows.map(({ owner }) => owner))
    if (isOwned ? owners.has('a') && owners.has('b') : rows.length > 0) continue
    const troubled = plan.rows.find((row) => row.table === table && troubles.has(row))
    const trouble = troubled && troubles.get(troubled)
    missing.push(trouble ? ofTrouble(table, trouble) : ofParent(plan, table))
  }
  return missing
}

function ofTrouble({ name, model, shape }: PlanTable, { failure, suspects }: Trouble): MissingSeed {
  const fieldOf = new Map(Object.entries(model?.columns ?? {}).map(([field, column]) => [column, field]))
  const columns = [...suspects]
  const named = columns.length > 0 ? columns : Object.keys(shape.columns).slice(0, 1)
  const fields = named.map((column) => `${JSON.stringify(fieldOf.get(column) ?? column)}: …`)
  return {
    model: name,
    table: `${shape.schema}.${shape.table}`,
    ...(failure.constraint === '' ? {} : { constraint: failure.constraint }),
    columns,
    reason: `${reasonOf(shape, failure)}; no values were found that it takes`,
    hint: `{ ${JSON.stringify(name)}: { ${fields.join(', ')} } }`,
  }
}

function reasonOf(shape: PlanTable['shape'], { code, constraint, column }: TrialFailure): string {
  const table = qualified(shape.schema, shape.table)
  const type = shape.columns[column]?.type
  switch (code) {
    case '23514':
      return `a row of ${table} breaks the check "${constraint}"`
    case '23505':
      return `a row of ${table} breaks the unique key "${constraint}"`
    case '23P01':
      return `a row of ${table} breaks the exclusion constraint "${constraint}"`
    case '23502':
      return `${table} needs a value in "${column}"${type === undefined ? '' : `, of the type ${type}`}`
    default:
      return `PostgreSQL refuses a row of ${table} with the code ${code}`
  }
}

function ofParent(plan: ScenePlan, table: PlanTable): MissingSeed {
  const { name, shape, keys } = table
  const parent = keys.find(
    ({ required, target }) =>
      required && plan.rowsOf(target).filter(({ slot }) => slot !== 'spare').length === 0,
  )
  return {
    model: name,
    table: `${shape.schema}.${shape.table}`,
    columns: parent?.columns ?? [],
    reason: parent
      ? `it needs a row of ${parent.target}, of which none could be planted`
      : 'its keys can’t lead to rows of both tenants',
    hint: parent ? `{ ${JSON.stringify(parent.target)}: { … } }` : `{ ${JSON.stringify(name)}: { … } }`,
  }
}
