import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { type DatabaseState, isSame, type State } from './database-state.ts'
import { isText, prismaValue, sameText } from './field-value.ts'
import { otherStateOf } from './other-world.ts'
import { fitRows } from './planting.ts'
import { type PlannedRow, ScenePlan, type Slot } from './scene-plan.ts'
import { type ModelShape, type SchemaShape, secretFieldOf } from './schema-shape.ts'
import type { MissingSeed, Owner, SeedHook } from './seed-hook.ts'
import { advanceSequences, completePartitions } from './trial.ts'
import type { Row, World } from './world.ts'

export type { Owner } from './seed-hook.ts'

/** Two tenants with rows of every model, the rows of nobody beside them, and two worlds that differ in B's alone. */
export interface Scene {
  readonly manifest: Manifest
  readonly shape: SchemaShape
  readonly world: World
  readonly tenantA: string
  readonly tenantB: string
  /** As planted, for restoring it. */
  readonly state: State
  /** The same with other secrets, and without the links that stand in B's rows. What A is told must not differ. */
  readonly otherState: State
  /** Texts and keys that only B's rows have. */
  readonly markers: ReadonlySet<string>
  /** Models whose rows the database lets nobody change or delete, and why. */
  readonly appendOnly: ReadonlyMap<string, string>
  /** Models without the rows that an attack needs, and why. */
  readonly unplanted: ReadonlyMap<string, string>
  /** What a person has to give for each of them. */
  readonly missing: readonly MissingSeed[]
  /** Models whose rows of B's are the same in both worlds, so that reads of them can't be compared, and why. */
  readonly alike: ReadonlyMap<string, string>
  /** Models of which Prisma's client can't create a row, because it does not know a column that each needs. */
  readonly uncreatable: ReadonlyMap<string, string>
  /** The tenants' ids as Prisma takes them in a filter or in data. */
  readonly tenantValues: { readonly a: unknown; readonly b: unknown }
  /** The row of an owner for a purpose, or the nearest there is. */
  row(model: string, owner: Owner, slot: Slot): Row | undefined
  /** A row of A's by its scope, of which another column says that it is B's; only where a model has such a column. */
  disputed(model: string): Row | undefined
  /** Values for the fields of a new row that lead nowhere, as Prisma takes them; others each time. */
  fresh(model: string): Readonly<Record<string, unknown>>
  /** Whether a new row of a model has to lead somewhere by a key that may be empty: a condition asks for it. */
  mustLead(model: string, field: string): boolean
  /** Whether the other world is without the row. */
  isAway(row: Row): boolean
  /** Values of columns that every row of a model needs and Prisma's client does not know, as JSON has them. */
  hidden(model: string): Readonly<Record<string, unknown>>
  secretField(model: string): string
  /** A row's secret as Prisma takes it in a filter. */
  secretOf(row: Row): unknown
}

interface SceneOptions {
  /** A project's own values, for columns whose conditions can't be guessed. */
  readonly seed?: SeedHook | undefined
}

/**
 * Plants a scene made from nothing but the manifest and the catalog, in a database that may be thrown away: its rows
 * are deleted, partitions are made, sequences go on.
 *
 * @throws {TenancyError} `DH309` when not even the tenants themselves can be planted, or when the seed names a field
 * that there isn't
 */
export async function plantScene(
  database: DatabaseState,
  manifest: Manifest,
  shape: SchemaShape,
  appendOnly: ReadonlyMap<string, string> = new Map(),
  { seed }: SceneOptions = {},
): Promise<Scene> {
  const { admin } = database
  assertTables(manifest, shape)
  const plan = new ScenePlan(manifest, shape)
  if (seed) plan.apply(seed, noSuchField)
  await completePartitions(admin)
  const missing = await fitRows(admin, plan)
  assertTenants(manifest, missing)

  const tables = Object.values(shape).map((own) => [own.schema, own.table] as const)
  await database.plantAside(asideOf(plan))
  await database.write(stateOf(plan, manifest))
  await advanceSequences(admin, tables)
  const state = await database.read()
  const tenants = tenantsOf(plan, manifest, shape)
  const { other, alike } = await otherStateOf(admin, plan, manifest, state)
  await database.write(other)
  const otherState = await database.read()
  await database.write(state)

  const world = database.worldOf(state, tenants.a.id)
  const rowOf = rowFinder(world, shape)
  const views = new Views(world, database.worldOf(state, tenants.b.id), shape, state, otherState)
  const secrets = new Map(
    Object.entries(manifest.models).map(([name, model]) => [
      name,
      views.secretField(name) ?? secretFieldOf(manifest, model, shapeOf(shape, name)),
    ]),
  )
  const secretField = (model: string) => secrets.get(model) ?? never(model)
  const spares = new Spares(plan)
  const elsewhere = database.worldOf(otherState, tenants.a.id)
  return {
    manifest,
    shape,
    world,
    tenantA: tenants.a.id,
    tenantB: tenants.b.id,
    tenantValues: { a: tenants.a.value, b: tenants.b.value },
    state,
    otherState,
    markers: markersOf(world, shape, plan.prefix),
    appendOnly,
    missing,
    unplanted: unplantedOf(manifest, missing, views),
    alike,
    uncreatable: uncreatableOf(manifest, shape),
    row: (model, owner, slot) => views.row(model, owner, slot) ?? rowOf(plan.find(model, owner, slot)),
    disputed: (model) => rowOf(plan.find(model, 'a', 'disputed')),
    fresh: (model) => spares.next(model),
    mustLead: (model, field) => spares.mustLead(model, field),
    isAway: (row) =>
      elsewhere.rowsOf(row.model).every((other) => elsewhere.keyOf(other) !== world.keyOf(row)),
    hidden: (model) => spares.hidden(model),
    secretField,
    secretOf: (row) => {
      const field = secretField(row.model)
      return prismaValue(shape[row.model]?.fields[field], row.values[field])
    },
  }
}

function assertTables(manifest: Manifest, shape: SchemaShape): void {
  const gone = Object.entries(manifest.models).find(([name]) => !shape[name]?.kind)
  if (!gone) return
  const [name, { schema, table }] = gone
  throw new TenancyError(
    'DH309',
    `the database has no table ${schema}.${table} of the model ${name}; apply the project's migrations to it first`,
  )
}

function assertTenants({ tenantModel }: Manifest, missing: readonly MissingSeed[]): void {
  const tenant = missing.find(({ model }) => model === tenantModel)
  if (!tenant) return
  throw new TenancyError(
    'DH309',
    `no two tenants can be planted in ${tenant.table}: ${tenant.reason}; give a seed file with ${tenant.hint}`,
  )
}

function noSuchField(model: string, field: string): never {
  throw new TenancyError(
    'DH309',
    `the seed gives ${model}.${field}, which is neither a field nor a column that can be written; correct the name`,
  )
}

function stateOf(plan: ScenePlan, manifest: Manifest): State {
  const rows = new Map<string, string[]>()
  for (const { table, stored } of plan.planted) {
    if (stored === undefined) continue
    const known = rows.get(table.name)
    if (known) known.push(stored)
    else rows.set(table.name, [stored])
  }
  return [
    ...Object.keys(manifest.models).map((name) => rows.get(name) ?? []),
    ...manifest.joinTables.map(({ a, b }) => joinRows(plan, a, b)),
  ]
}

/** Rows of tables that no model stands for and required keys lead to. */
function asideOf(plan: ScenePlan) {
  return [...plan.tables.values()]
    .filter(({ model }) => model === undefined)
    .map(({ table, name, shape }) => ({
      table,
      columns: new Set(Object.keys(shape.columns)),
      rows: plan
        .rowsOf(name)
        .flatMap(({ stored, slot }) => (stored === undefined || slot === 'spare' ? [] : [stored])),
    }))
}

function joinRows(plan: ScenePlan, a: string, b: string): string[] {
  const pairs: readonly (readonly [Owner, Slot, Owner, Slot])[] = [
    // more of B's than others have, and none without B's: an order by the number tells
    ['a', 'cross', 'b', 'cross'],
    ['a', 'cross', 'b', 'own'],
    ['b', 'cross', 'a', 'cross'],
    ['b', 'own', 'a', 'cross'],
    ['a', 'own', 'a', 'own'],
    ['b', 'cross', 'b', 'cross'],
    ['nobody', 'cross', 'b', 'cross'],
    ['nobody', 'cross', 'b', 'own'],
    ['nobody', 'own', 'a', 'own'],
    ['nobody', 'own', 'a', 'cross'],
    ['a', 'own', 'nobody', 'cross'],
    ['b', 'cross', 'nobody', 'cross'],
    ['nobody', 'cross', 'nobody', 'cross'],
  ]
  const links = pairs.flatMap(([ownerA, slotA, ownerB, slotB]) => {
    const [x, y] = [plan.find(a, ownerA, slotA), plan.find(b, ownerB, slotB)]
    return x && y ? [JSON.stringify({ A: keyOf(x), B: keyOf(y) })] : []
  })
  return [...new Set(links)]
}

function keyOf(row: PlannedRow): unknown {
  return row.storedValues[row.table.primaryKey[0] ?? '']
}

function tenantsOf(plan: ScenePlan, { models, tenantModel }: Manifest, shape: SchemaShape) {
  const model = models[tenantModel]
  const field = model?.scope.kind === 'root' ? model.scope.field : (model?.primaryKey[0] ?? '')
  const of = (owner: Owner) => {
    const raw = plan.find(tenantModel, owner, 'cross')?.storedValues[model?.columns[field] ?? '']
    return { id: String(raw), value: prismaValue(shape[tenantModel]?.fields[field], raw) }
  }
  return { a: of('a'), b: of('b') }
}

/** Finds the row of the world that a planned one has become. */
function rowFinder(world: World, shape: SchemaShape): (planned: PlannedRow | undefined) => Row | undefined {
  const rows = new Map<string, Row>()
  const textOf = (model: string, values: Readonly<Record<string, unknown>>) => {
    const { primaryKey } = world.model(model)
    const fields = shape[model]?.fields ?? {}
    return JSON.stringify([model, ...primaryKey.map((field) => sameText(fields[field], values[field]))])
  }
  for (const name of Object.keys(world.manifest.models)) {
    for (const row of world.rowsOf(name)) rows.set(textOf(name, row.values), row)
  }
  return (planned) => {
    const model = planned?.table.model
    if (!planned || !model) return undefined
    const stored = planned.storedValues
    const values = Object.fromEntries(
      Object.entries(model.columns).map(([field, column]) => [field, stored[column]]),
    )
    return rows.get(textOf(planned.table.name, values))
  }
}

/** Rows that nobody planted: a view's, which appear with those of its tables. */
class Views {
  readonly #rows = new Map<string, Readonly<Record<Owner, readonly Row[]>>>()
  readonly #secrets = new Map<string, string>()

  constructor(world: World, other: World, shape: SchemaShape, state: State, otherState: State) {
    for (const [index, [name, model]] of Object.entries(world.manifest.models).entries()) {
      if (!isView(shape[name])) continue
      const rows: Record<Owner, Row[]> = { a: [], b: [], nobody: [] }
      for (const row of world.rowsOf(name)) {
        const [mine, theirs] = [world.isVisible(row), other.isVisible(row)]
        rows[mine === theirs ? 'nobody' : mine ? 'a' : 'b'].push(row)
      }
      this.#rows.set(name, rows)
      const [here, there] = [state[index] ?? [], otherState[index] ?? []]
      const keys = new Set([...model.primaryKey, ...('field' in model.scope ? [model.scope.field] : [])])
      const telling = Object.entries(shape[name]?.fields ?? {}).filter(
        ([field, { column }]) => !keys.has(field) && !isSame(valuesIn(here, column), valuesIn(there, column)),
      )
      const secret = telling.find(([, own]) => isText(own)) ?? telling[0]
      if (secret) this.#secrets.set(name, secret[0])
    }
  }

  row(model: string, owner: Owner, slot: Slot): Row | undefined {
    const rows = this.#rows.get(model)?.[owner] ?? []
    return slot === 'cross' ? rows[0] : slot === 'own' ? (rows[1] ?? rows[0]) : rows.at(-1)
  }

  secretField(model: string): string | undefined {
    return this.#secrets.get(model)
  }

  /** Views in which a tenant has no row, or none is another's. */
  *empty(manifest: Manifest): Generator<string> {
    for (const [name, rows] of this.#rows) {
      const kind = manifest.models[name]?.scope.kind
      const isOwned = kind !== 'global' && kind !== 'system'
      const all = [...rows.a, ...rows.b, ...rows.nobody]
      if (isOwned ? rows.a.length === 0 || rows.b.length === 0 : all.length === 0) yield name
    }
  }
}

function isView(shape: ModelShape | undefined): boolean {
  return shape?.kind === 'v' || shape?.kind === 'm'
}

function valuesIn(rows: readonly string[], column: string): string[] {
  return rows.map((text) => JSON.stringify((JSON.parse(text) as Record<string, unknown>)[column])).sort()
}

function unplantedOf(
  manifest: Manifest,
  missing: readonly MissingSeed[],
  views: Views,
): ReadonlyMap<string, string> {
  const unplanted = new Map(
    missing.map(({ model, reason, hint }) => [model, `${reason}; a seed file may give ${hint}`]),
  )
  for (const view of views.empty(manifest)) {
    unplanted.set(view, 'the view shows no row of each tenant from what was planted in its tables')
  }
  return unplanted
}

function uncreatableOf(manifest: Manifest, shape: SchemaShape): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const name of Object.keys(manifest.models)) {
    const hidden = shape[name]?.hiddenRequired ?? []
    if (isView(shape[name])) found.set(name, 'a view takes no new rows')
    else if (hidden.length > 0) {
      found.set(name, `every row needs ${hidden.join(', ')}, which Prisma’s client does not know`)
    }
  }
  return found
}

/** Values for new rows, taken from rows that fitted and were not planted. */
class Spares {
  readonly #plan: ScenePlan
  readonly #known = new Map<string, readonly Readonly<Record<string, unknown>>[]>()
  readonly #leading = new Map<string, ReadonlySet<string>>()
  #turn = 0

  constructor(plan: ScenePlan) {
    this.#plan = plan
  }

  next(model: string): Readonly<Record<string, unknown>> {
    const rows = this.#of(model)
    return rows[this.#turn++ % Math.max(rows.length, 1)] ?? {}
  }

  hidden(model: string): Readonly<Record<string, unknown>> {
    const [spare] = this.#plan.spareOf(model)
    const columns = spare?.table.shape.hiddenRequired ?? []
    return Object.fromEntries(columns.map((column) => [column, spare?.storedValues[column]]))
  }

  mustLead(model: string, field: string): boolean {
    this.#of(model)
    return this.#leading.get(model)?.has(field) ?? false
  }

  #of(name: string): readonly Readonly<Record<string, unknown>>[] {
    const known = this.#known.get(name)
    if (known) return known
    const leading = new Set<string>()
    const rows = this.#plan.spareOf(name).map((row) => {
      const values: Record<string, unknown> = {}
      const stored = row.storedValues
      for (const [field, column] of Object.entries(row.table.model?.columns ?? {})) {
        if (!row.cells.has(column) || stored[column] === null) continue
        if (row.table.keyColumns.has(column)) {
          if (row.table.shape.columns[column]?.nullable) leading.add(field)
        } else values[field] = prismaValue(row.table.shape.columns[column], stored[column])
      }
      return values
    })
    this.#known.set(name, rows)
    this.#leading.set(name, leading)
    return rows
  }
}

/** Texts that are found in rows which tenant A may not see, and nowhere else. */
function markersOf(world: World, shape: SchemaShape, prefix: string): ReadonlySet<string> {
  const markers = new Set<string>()
  const shown = new Set<unknown>()
  for (const [name, model] of Object.entries(world.manifest.models)) {
    const foreign = new Set(Object.values(model.relations).flatMap(({ fields }) => fields))
    for (const row of world.rowsOf(name)) {
      if (world.isVisible(row)) {
        for (const [field, value] of Object.entries(row.values)) if (!foreign.has(field)) shown.add(value)
        for (const field of model.primaryKey) shown.add(row.values[field])
        continue
      }
      for (const field of model.primaryKey) {
        const value = row.values[field]
        const own = shape[name]?.fields[field]
        // a short one may be part of any text, and a date that of any row
        const tells =
          own && (own.type === 'uuid' || isText(own)) && typeof value === 'string' && value.length >= 12
        if (tells) markers.add(value)
      }
    }
  }
  for (const value of shown) if (typeof value === 'string') markers.delete(value)
  markers.add(prefix)
  return markers
}

function shapeOf(shape: SchemaShape, name: string): ModelShape {
  return shape[name] ?? never(name)
}

function never(name: string): never {
  throw new Error(`the schema has no ${name}`)
}
