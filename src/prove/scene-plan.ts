/**
 * Which rows a scene has and what they lead to, before the database has seen any of them: rows of tenant A, of tenant
 * B and of nobody for every model, linked by all keys of the manifest and the catalog.
 */
import { randomBytes } from 'node:crypto'
import {
  carriesTenant,
  type Manifest,
  type ModelManifest,
  type RelationManifest,
  tenantFieldOf,
} from '../manifest/manifest.ts'
import { qualified } from '../policy/identifier.ts'
import { Cell } from './cell.ts'
import { databaseValue, type FieldShape, isText, lengthOf, maximumOf, valueOf } from './field-value.ts'
import { isUnique, type ModelShape, needsValue, type SchemaShape, secretFieldOf } from './schema-shape.ts'
import type { Owner, SeedHook } from './seed-hook.ts'

/**
 * What a row is for, among the rows of its owner:
 * - `cross`: everything that the keys allow leads to the other tenant's rows, as an administrator may have planted it;
 * - `own`: everything leads to rows of the same owner;
 * - `free`: nothing that may be empty leads anywhere, and nothing leads to it but `leaf` rows;
 * - `leaf`: leads to the other tenant's rows, and nothing leads to it, so that it can be deleted;
 * - `host`: the parent of a `free` row where no other would do;
 * - `disputed`: A's by its scope, while another column says that it is B's;
 * - `spare`: never stays in the database; its values are for new rows.
 */
export type Slot = 'cross' | 'own' | 'free' | 'leaf' | 'host' | 'disputed' | 'spare'

const substitutes: Readonly<Record<Slot, readonly Slot[]>> = {
  cross: ['own', 'free'],
  own: ['cross'],
  free: ['leaf', 'own', 'cross'],
  leaf: ['free', 'own', 'cross'],
  host: ['cross'],
  disputed: [],
  spare: [],
}
const spares = 6

/** A foreign key, of the manifest or of the catalog alone, by the tables' columns. */
interface Key {
  readonly name: string
  readonly columns: readonly string[]
  readonly target: string
  readonly references: readonly string[]
  /** The row can't be without it. */
  readonly required: boolean
  readonly relation: RelationManifest | undefined
}

export interface PlanTable {
  readonly name: string
  /** Quoted, with its schema. */
  readonly table: string
  readonly model: ModelManifest | undefined
  readonly shape: ModelShape
  readonly primaryKey: readonly string[]
  readonly keys: readonly Key[]
  /** The columns of all its foreign keys, and of the tenant. */
  readonly keyColumns: ReadonlySet<string>
  readonly tenantColumn: string | undefined
  readonly secretColumn: string
  readonly index: number
}

export class PlannedRow {
  readonly table: PlanTable
  readonly owner: Owner
  readonly slot: Slot
  /** Among the rows of its table. */
  readonly number: number
  readonly cells = new Map<string, Cell>()
  /** The rows that its keys lead to. */
  readonly targets = new Map<string, PlannedRow>()
  /** Columns whose values the project's own seed gave. */
  readonly pinned = new Set<string>()
  isDropped = false
  /** As PostgreSQL's JSON has it, once it has been tried. */
  stored: string | undefined

  constructor(table: PlanTable, owner: Owner, slot: Slot, number: number) {
    this.table = table
    this.owner = owner
    this.slot = slot
    this.number = number
  }

  get values(): Readonly<Record<string, unknown>> {
    // of some types no value is known
    return Object.fromEntries(
      [...this.cells]
        .map(([column, cell]) => [column, cell.value])
        .filter(([, value]) => value !== undefined),
    )
  }

  get storedValues(): Readonly<Record<string, unknown>> {
    return this.stored === undefined ? {} : (JSON.parse(this.stored) as Record<string, unknown>)
  }
}

export class ScenePlan {
  /** Begins every secret that tenant A may not see. */
  readonly prefix = `a-${randomBytes(6).toString('hex')}`
  readonly tables: ReadonlyMap<string, PlanTable>
  readonly rows: PlannedRow[] = []
  readonly #manifest: Manifest
  readonly #ofTable = new Map<string, PlannedRow[]>()
  readonly #ofSlot = new Map<string, PlannedRow>()
  /** Keys that lead to a table. */
  readonly #referrers = new Map<string, { readonly table: PlanTable; readonly key: Key }[]>()
  #secrets = 0

  constructor(manifest: Manifest, shape: SchemaShape) {
    this.#manifest = manifest
    this.tables = new Map(
      Object.entries(shape).map(([name, own], index) => [name, planTable(manifest, shape, name, own, index)]),
    )
    for (const table of this.tables.values()) {
      for (const key of table.keys) {
        const known = this.#referrers.get(key.target)
        if (known) known.push({ table, key })
        else this.#referrers.set(key.target, [{ table, key }])
      }
    }
    for (const table of this.tables.values()) if (isPlanted(table)) this.#addRows(table)
    this.#link()
    for (const row of this.rows) this.#fillOpen(row)
  }

  find(model: string, owner: Owner, slot: Slot): PlannedRow | undefined {
    for (const candidate of [slot, ...substitutes[slot]]) {
      const found = this.#ofSlot.get(`${model} ${owner} ${candidate}`)
      if (found && !found.isDropped) return found
    }
    return undefined
  }

  rowsOf(model: string): readonly PlannedRow[] {
    return (this.#ofTable.get(model) ?? []).filter((row) => !row.isDropped)
  }

  spareOf(model: string): readonly PlannedRow[] {
    return this.rowsOf(model).filter(({ slot }) => slot === 'spare')
  }

  /** The rows that stay in the database. */
  get planted(): readonly PlannedRow[] {
    return this.rows.filter(({ isDropped, slot }) => !isDropped && slot !== 'spare')
  }

  /** Lets a project's own values replace those of the plan. */
  apply(seed: SeedHook, complain: (model: string, field: string) => void): void {
    for (const row of this.rows) {
      const { model, shape } = row.table
      if (!model) continue
      const fields = Object.entries(model.columns)
      const values = Object.fromEntries(
        fields.map(([field, column]) => [field, row.cells.get(column)?.value]),
      )
      const given = seed(row.table.name, { model: row.table.name, values }, row.owner)
      for (const [field, value] of Object.entries(given ?? {})) {
        const column = model.columns[field] ?? (shape.columns[field] ? field : undefined)
        const own = column === undefined ? undefined : shape.columns[column]
        if (column === undefined || !own) complain(row.table.name, field)
        if (value === undefined || column === undefined) continue
        // a foreign key is let go, and rows that refer to a key follow
        this.setOwn(row, column, databaseValue(value))
        row.pinned.add(column)
      }
    }
  }

  /** Gives a column of a row another value; rows that refer to it follow. */
  setOwn(row: PlannedRow, column: string, value: unknown): void {
    const shape = row.table.shape.columns[column]
    if (!shape) return
    const known = row.table.keyColumns.has(column) ? undefined : row.cells.get(column)
    const cell = known ?? new Cell(shape)
    cell.set(value)
    row.cells.set(column, cell)
  }

  /** Whether tenant A may see a row in no world: it is B's, or nobody's and not for tenants. */
  isForeign({ owner, table }: PlannedRow): boolean {
    const kind = table.model?.scope.kind
    return owner === 'b' || (owner === 'nobody' && (kind === 'direct' || kind === 'system'))
  }

  /** Takes a row away, and every row that can't be without it. */
  drop(row: PlannedRow): void {
    if (row.isDropped) return
    row.isDropped = true
    for (const { table, key } of this.#referrers.get(row.table.name) ?? []) {
      for (const referrer of this.rowsOf(table.name)) {
        if (referrer.targets.get(key.name) === row) this.#leave(referrer, key)
      }
    }
  }

  #leave(row: PlannedRow, key: Key): void {
    row.targets.delete(key.name)
    if (!key.required && key.columns.every((column) => row.table.shape.columns[column]?.nullable)) {
      const others = new Set(
        row.table.keys.filter(({ name }) => row.targets.has(name)).flatMap(({ columns }) => columns),
      )
      for (const column of key.columns) {
        const own = row.table.shape.columns[column]
        if (own && !others.has(column) && column !== row.table.tenantColumn)
          row.cells.set(column, new Cell(own))
      }
      return
    }
    if (row.slot !== 'spare' && !this.relink(row, key)) this.drop(row)
  }

  /** Leads a key that may not be empty to another row, where that changes no other key. */
  relink(row: PlannedRow, key: Key): boolean {
    const target = this.#othersFor(row, key)[0]
    if (target) this.lead(row, key, target)
    return target !== undefined
  }

  /** Leads a key to a row, or nowhere, whatever it led to before. */
  lead(row: PlannedRow, key: Key, target: PlannedRow | undefined): void {
    for (const [index, column] of key.columns.entries()) {
      const referred = target?.cells.get(key.references[index] ?? '')
      const shape = row.table.shape.columns[column]
      if (referred) row.cells.set(column, referred)
      else if (shape && this.#mayChange(row, key, column)) row.cells.set(column, new Cell(shape))
    }
    if (target) row.targets.set(key.name, target)
    else row.targets.delete(key.name)
  }

  /** Rows that a key may lead to beside the one that it leads to; nothing stands for leading nowhere. */
  alternatives(row: PlannedRow, key: Key): readonly (PlannedRow | undefined)[] {
    const others = this.#othersFor(row, key).filter((target) => target !== row.targets.get(key.name))
    const mayBeEmpty =
      !key.required && key.columns.some((column) => row.table.shape.columns[column]?.nullable)
    return mayBeEmpty && row.targets.has(key.name) ? [undefined, ...others] : others
  }

  #othersFor(row: PlannedRow, key: Key): readonly PlannedRow[] {
    return this.#targetsOf(row, key, true).filter(
      (target) =>
        !target.isDropped &&
        key.columns.every((column, index) => {
          const referred = target.cells.get(key.references[index] ?? '')
          return referred && (row.cells.get(column)?.isSame(referred) || this.#mayChange(row, key, column))
        }),
    )
  }

  /** Whether a column is of one key alone, and no row refers to it. */
  #mayChange(row: PlannedRow, key: Key, column: string): boolean {
    const { keys, tenantColumn, name } = row.table
    if (column === tenantColumn && row.slot !== 'spare') return false
    if (keys.some((other) => other.name !== key.name && other.columns.includes(column))) return false
    return (this.#referrers.get(name) ?? []).every(
      (referrer) =>
        !referrer.key.references.includes(column) ||
        this.rowsOf(referrer.table.name).every((other) => other.targets.get(referrer.key.name) !== row),
    )
  }

  /** The columns of a table that keys of others refer to. */
  referredColumns(table: string): ReadonlySet<string> {
    return new Set((this.#referrers.get(table) ?? []).flatMap(({ key }) => key.references))
  }

  /** Whether nothing in the scene refers to the row. */
  isEnd(row: PlannedRow): boolean {
    return (this.#referrers.get(row.table.name) ?? []).every(({ table, key }) =>
      this.rowsOf(table.name).every((other) => other === row || other.targets.get(key.name) !== row),
    )
  }

  /** Whether the key itself, or the scope that it gives, keeps a relation inside the tenant. */
  staysByKey(table: PlanTable, key: Key): boolean {
    const { model } = table
    if (!model) return false
    if (!key.relation) return this.#pairsTenants(table, key)
    return (
      carriesTenant(this.#manifest, model, key.name) ||
      (model.scope.kind === 'through' && model.scope.relation === key.name) ||
      this.isTenantKey(table, key)
    )
  }

  /** Whether a key of the catalog alone holds the tenants of both ends together. */
  #pairsTenants({ tenantColumn }: PlanTable, { columns, references, target }: Key): boolean {
    const position = tenantColumn === undefined ? -1 : columns.indexOf(tenantColumn)
    return position >= 0 && references[position] === this.tables.get(target)?.tenantColumn
  }

  isTenantKey(table: PlanTable, key: Key): boolean {
    return (
      key.columns.length === 1 && key.columns[0] === table.tenantColumn && table.model?.scope.kind !== 'root'
    )
  }

  #addRows(table: PlanTable): void {
    const wanted: (readonly [Owner, Slot])[] = []
    const add = (owner: Owner, list: readonly Slot[]) => {
      for (const slot of list) wanted.push([owner, slot])
    }
    const kind = table.model?.scope.kind
    switch (kind) {
      case 'root':
        add('a', ['cross'])
        // the second is a tenant's without any other rows
        add('b', ['cross', 'free'])
        break
      case 'member':
        add('a', ['cross', 'own'])
        // the last one is without a membership
        add('b', ['cross', 'own', 'free'])
        // works for both
        add('nobody', ['cross'])
        break
      case undefined:
      case 'global':
      case 'system':
        add('nobody', ['cross', 'own', 'free'])
        break
      default: {
        const leaf: readonly Slot[] = this.#leadsOutside(table) ? ['leaf'] : []
        const host: readonly Slot[] = this.#needsHost(table) ? ['host'] : []
        add('a', ['cross', 'own', 'free', ...leaf, ...host])
        add('b', ['cross', 'own', 'free', ...leaf, ...host])
        const tenant = table.shape.columns[table.tenantColumn ?? '']
        if (kind === 'shared' || (kind === 'direct' && tenant?.nullable)) add('nobody', ['cross', 'free'])
        if (this.#isDisputable(table)) add('a', ['disputed'])
      }
    }
    const ids = sortedIds(table.index, wanted.length + spares)
    for (const slot of Array.from({ length: spares }, (): Slot => 'spare')) add('a', [slot])
    const rows = wanted.map(([owner, slot], number) =>
      this.#newRow(table, owner, slot, number, ids[number] ?? ''),
    )
    this.#ofTable.set(table.name, rows)
    for (const row of rows) {
      const place = `${table.name} ${row.owner} ${row.slot}`
      if (!this.#ofSlot.has(place)) this.#ofSlot.set(place, row)
    }
    this.rows.push(...rows)
  }

  #newRow(table: PlanTable, owner: Owner, slot: Slot, number: number, id: string): PlannedRow {
    const row = new PlannedRow(table, owner, slot, number)
    const referred = this.referredColumns(table.name)
    const fieldOf = new Map(
      Object.entries(table.model?.columns ?? {}).map(([field, column]) => [column, field]),
    )
    for (const [position, [column, shape]] of Object.entries(table.shape.columns).entries()) {
      if (table.keyColumns.has(column)) {
        row.cells.set(column, new Cell(shape))
        continue
      }
      const isKey = table.primaryKey.includes(column)
      const isSecret = column === table.secretColumn
      const needed = !shape.nullable && !shape.hasDefault
      if (!isKey && !isSecret && !needed && !referred.has(column)) {
        if (!needsValue(table.shape, fieldOf.get(column) ?? column)) continue
      }
      const varied = isKey || referred.has(column) || isInUnique(table, column)
      const fill = (narrowest: FieldShape) =>
        isKey || (referred.has(column) && !isSecret)
          ? keyValue(narrowest, table.index, number, id)
          : isSecret && slot !== 'spare'
            ? this.#secretOf(narrowest, this.isForeign(row) ? 'b' : owner, number)
            : valueOf(
                narrowest,
                slot === 'spare' ? 500 + number : number + 1,
                position,
                varied || isText(narrowest) || (slot === 'spare' && /^jsonb?$/.test(narrowest.element)),
              )
      row.cells.set(column, Cell.own(shape, `${table.name}.${column}`, row, fill))
    }
    return row
  }

  /** So that B's rows stand before A's in every order, and behind them in the other world. */
  #secretOf(shape: FieldShape, owner: Owner, number: number): unknown {
    const secret = ++this.#secrets
    if (isText(shape)) {
      const length = lengthOf(shape) ?? 1000
      const letter = owner === 'b' ? 'a' : owner === 'a' ? 'm' : 'n'
      if (length >= 24) {
        return `${owner === 'b' ? this.prefix : letter}-${String(secret).padStart(4, '0')}`
      }
      return `${letter}${number.toString(36).padStart(Math.max(Math.min(length, 8) - 1, 1), '0')}`.slice(
        0,
        length,
      )
    }
    const most = maximumOf(shape)
    const shift = owner === 'b' ? 0 : most < 2_000_000 ? Math.floor(most / 3) : 500_000
    if (['date', 'timestamp', 'timestamptz'].includes(shape.element)) {
      return valueOf(shape, number - (owner === 'b' ? 9000 : 4500))
    }
    return valueOf(shape, (most < 2_000_000 ? number + 1 : secret) + shift)
  }

  /** A row's secret in the other world. */
  otherSecret(row: PlannedRow): unknown {
    const { secretColumn, shape } = row.table
    const own = shape.columns[secretColumn]
    const secret = row.storedValues[secretColumn]
    if (!own) return undefined
    if (typeof secret === 'string' && isText(own)) return secret.replace(/^a/, 'z')
    if (typeof secret === 'number') {
      const most = maximumOf(own)
      return secret + (most < 2_000_000 ? Math.floor(most / 2) : 1_000_000)
    }
    return valueOf(own, row.number + 9000)
  }

  #link(): void {
    const root = this.#manifest.tenantModel
    for (const row of this.rows) {
      const { tenantColumn, model } = row.table
      if (tenantColumn === undefined || !model || model.scope.kind === 'root' || row.owner === 'nobody')
        continue
      // new rows are mostly made for B
      const tenant = this.find(root, row.slot === 'spare' ? 'b' : row.owner, 'cross')
      const key = this.#manifest.models[root]?.scope
      const referred = key?.kind === 'root' ? this.tables.get(root)?.model?.columns[key.field] : undefined
      const [own, theirs] = [row.cells.get(tenantColumn), tenant?.cells.get(referred ?? '')]
      if (!own || !theirs) continue
      if (row.slot === 'spare') {
        row.cells.set(tenantColumn, theirs)
        continue
      }
      own.unite(theirs)
      // one row for each tenant
      if (this.#collides(row, false)) row.isDropped = true
    }
    const ranks: readonly ((row: PlannedRow, key: Key) => boolean)[] = [
      (row, key) => this.isTenantKey(row.table, key),
      (row, key) => this.staysByKey(row.table, key) || this.#isMembership(row, key),
      (_, { required }) => required,
      () => true,
    ]
    const done = new Set<string>()
    for (const rank of ranks) {
      for (const [index, row] of this.rows.entries()) {
        if (row.slot === 'spare') continue
        for (const key of row.table.keys) {
          const place = `${index} ${key.name}`
          if (row.isDropped || done.has(place) || !rank(row, key)) continue
          done.add(place)
          if (!this.#lead(row, key) && key.required) this.drop(row)
        }
      }
    }
  }

  /** Leads a key to the first row that it may lead to. */
  #lead(row: PlannedRow, key: Key): boolean {
    const cells = key.columns.map((column) => row.cells.get(column))
    const [first, ...rest] = this.#targetsOf(row, key)
    // whether a partial index stands in the way, only PostgreSQL knows; where there is a choice, none is
    const tries = [
      ...(first ? [[first, false] as const] : []),
      ...rest.map((target) => [target, true] as const),
      ...rest.map((target) => [target, false] as const),
    ]
    for (const [target, partial] of tries) {
      const referred = key.references.map((column) => target.cells.get(column))
      const fits = cells.every((cell, index) => {
        const other = referred[index]
        return cell && other && cell.mayUnite(other)
      })
      if (!fits || this.#collides(row, partial, key, target)) continue
      for (const [index, cell] of cells.entries()) {
        const other = referred[index]
        if (cell && other) cell.unite(other)
      }
      row.targets.set(key.name, target)
      return true
    }
    return false
  }

  /**
   * Whether a unique key, made of nothing but foreign keys, keeps a row from leading where it would.
   *
   * @param partial count those that hold for some rows only
   */
  #collides(row: PlannedRow, partial: boolean, key?: Key, target?: PlannedRow): boolean {
    const { uniques, columns } = row.table.shape
    const cellOf = (column: string) => {
      const at = key?.columns.indexOf(column) ?? -1
      return at < 0 ? row.cells.get(column) : target?.cells.get(key?.references[at] ?? '')
    }
    return uniques.some((unique) => {
      if ((unique.partial && !partial) || unique.columns.length === 0) return false
      if (unique.columns.some((column) => columns[column] && !row.table.keyColumns.has(column))) return false
      const cells = unique.columns.map(cellOf)
      if (cells.some((cell) => !cell || cell.isOpen)) return false
      return (this.#ofTable.get(row.table.name) ?? []).some(
        (other) =>
          other !== row &&
          !other.isDropped &&
          other.slot !== 'spare' &&
          unique.columns.every((column, index) => {
            const [one, two] = [other.cells.get(column), cells[index]]
            return one && two && one.isSame(two)
          }),
      )
    })
  }

  /** Rows that a key may lead to, the one that the row is made for first. */
  #targetsOf(row: PlannedRow, key: Key, any = key.required): readonly PlannedRow[] {
    const first = this.#targetOf(row, key)
    if (!any) return first ? [first] : []
    const other: Owner = row.owner === 'a' ? 'b' : 'a'
    const stays = this.staysByKey(row.table, key) || this.#isMembership(row, key)
    const owners: readonly Owner[] =
      row.owner === 'nobody'
        ? ['nobody', 'b', 'a']
        : stays
          ? this.#isMembership(row, key)
            ? [row.owner, 'nobody']
            : [row.owner]
          : [other, row.owner, 'nobody']
    const rest = owners.flatMap((owner) =>
      this.rowsOf(key.target)
        .filter((found) => found.owner === owner && found.slot !== 'spare')
        // nothing is to lead to those that are free, as long as others do
        .sort((one, other) => Number(one.slot === 'free') - Number(other.slot === 'free')),
    )
    return [...new Set(first ? [first, ...rest] : rest)]
  }

  #targetOf(row: PlannedRow, key: Key): PlannedRow | undefined {
    const { owner, table } = row
    const slot = row.slot === 'disputed' ? 'own' : row.slot
    const target = this.tables.get(key.target)
    const kind = target?.model?.scope.kind
    const other: Owner = owner === 'a' ? 'b' : 'a'
    if (this.isTenantKey(table, key)) {
      return owner === 'nobody' ? undefined : this.find(key.target, owner, 'cross')
    }
    if (
      row.slot === 'disputed' &&
      key.target === this.#manifest.tenantModel &&
      !this.staysByKey(table, key)
    ) {
      return this.find(key.target, 'b', 'cross')
    }
    if (kind === 'global' || kind === 'system' || kind === undefined) {
      if (slot === 'free' && !key.required) return undefined
      // all of the system's rows lead to one, whose number of them then comes before that of the others
      const isSystem = table.model?.scope.kind === 'system'
      return this.find(
        key.target,
        'nobody',
        (slot === 'cross' && !isSystem) || owner === 'b' ? 'cross' : 'own',
      )
    }
    if (owner === 'nobody') return undefined
    if (this.#isMembership(row, key)) {
      return slot === 'cross' || slot === 'own'
        ? this.find(key.target, owner, slot)
        : this.find(key.target, 'nobody', 'cross')
    }
    const unique = isUniqueKey(table, key)
    if (this.staysByKey(table, key)) {
      if (slot === 'cross' || slot === 'own') return this.find(key.target, owner, slot)
      if (!key.required) return undefined
      return this.find(key.target, owner, unique ? 'host' : 'cross')
    }
    if (slot === 'own') return this.find(key.target, owner, 'own')
    if (slot === 'cross') return this.find(key.target, other, 'cross')
    if (slot === 'leaf') {
      if (owner === 'a') return this.find(key.target, 'b', 'free')
      return unique ? undefined : this.find(key.target, 'a', 'cross')
    }
    return key.required ? this.find(key.target, other, 'cross') : undefined
  }

  #isMembership(row: PlannedRow, key: Key): boolean {
    const model = this.tables.get(key.target)?.model
    return (
      model?.scope.kind === 'member' &&
      model.relations[model.scope.relation]?.model === row.table.name &&
      model.scope.relation === key.relation?.inverse
    )
  }

  #leadsOutside(table: PlanTable): boolean {
    return table.keys.some((key) => {
      const kind = this.tables.get(key.target)?.model?.scope.kind
      return !key.required && kind !== 'global' && kind !== undefined && !this.staysByKey(table, key)
    })
  }

  /** Whether some model allows each row of this one a single child, and every child needs one. */
  #needsHost(table: PlanTable): boolean {
    return (this.#referrers.get(table.name) ?? []).some(
      ({ table: child, key }) =>
        key.required &&
        this.staysByKey(child, key) &&
        !this.isTenantKey(child, key) &&
        isUniqueKey(child, key),
    )
  }

  #isDisputable(table: PlanTable): boolean {
    return table.keys.some((key) => key.target === this.#manifest.tenantModel && !this.staysByKey(table, key))
  }

  /** What must not be empty and leads nowhere: of spare rows, and in circles of keys. */
  #fillOpen(row: PlannedRow): void {
    for (const [column, cell] of row.cells) {
      const shape = row.table.shape.columns[column]
      const isEmptyTenant = column === row.table.tenantColumn && row.slot !== 'spare'
      if (!shape || !cell.isOpen || shape.nullable || isEmptyTenant) continue
      cell.fillIfOpen((narrowest) => valueOf(narrowest, 700 + row.number))
    }
  }
}

/** Whether rows can be put into a table: not into a view. */
function isPlanted({ shape }: PlanTable): boolean {
  return shape.kind === 'r' || shape.kind === 'p' || shape.kind === 'f'
}

function planTable(
  manifest: Manifest,
  schema: SchemaShape,
  name: string,
  shape: ModelShape,
  index: number,
): PlanTable {
  const model = manifest.models[name]
  const columnOf = (field: string) => model?.columns[field] ?? field
  const keys: Key[] = []
  for (const [relationName, relation] of Object.entries(model?.relations ?? {})) {
    if (relation.fields.length === 0) continue
    const target = manifest.models[relation.model]
    keys.push({
      name: relationName,
      columns: relation.fields.map(columnOf),
      target: relation.model,
      references: relation.references.map((field) => target?.columns[field] ?? field),
      required:
        relation.required || relation.fields.every((field) => shape.fields[field]?.nullable === false),
      relation,
    })
  }
  const tableNames = new Map(
    Object.entries(schema).map(([other, { schema: inside, table }]) => [`${inside}.${table}`, other]),
  )
  for (const key of shape.foreignKeys) {
    const known = keys.some(
      ({ columns }) =>
        columns.length === key.columns.length && columns.every((column) => key.columns.includes(column)),
    )
    const target = tableNames.get(`${key.schema}.${key.table}`)
    const required = key.columns.every((column) => shape.columns[column]?.nullable === false)
    if (known || target === undefined) continue
    const { name: constraint, columns, references } = key
    keys.push({ name: `key ${constraint}`, columns, target, references, required, relation: undefined })
  }
  const tenantField = model && tenantFieldOf(model)
  const tenantColumn = tenantField === undefined ? undefined : columnOf(tenantField)
  const keyColumns = new Set(keys.flatMap(({ columns }) => columns))
  if (tenantColumn !== undefined && model?.scope.kind !== 'root') keyColumns.add(tenantColumn)
  const primary = model?.primaryKey.map(columnOf) ?? shape.uniques[0]?.columns ?? []
  return {
    name,
    table: qualified(shape.schema, shape.table),
    model,
    shape,
    primaryKey: primary,
    keys,
    keyColumns,
    tenantColumn,
    secretColumn: model ? columnOf(secretFieldOf(manifest, model, shape)) : (primary[0] ?? ''),
    index,
  }
}

function isUniqueKey(table: PlanTable, key: Key): boolean {
  const fields = new Map(Object.entries(table.model?.columns ?? {}).map(([field, column]) => [column, field]))
  const named = (column: string) => fields.get(column) ?? column
  const tenant = table.tenantColumn
  return isUnique(
    table.shape,
    key.columns.map(named),
    tenant === undefined || table.model?.scope.kind === 'root' ? undefined : named(tenant),
  )
}

function isInUnique(table: PlanTable, column: string): boolean {
  return [...table.shape.uniques, ...table.shape.exclusions].some(({ columns }) => columns.includes(column))
}

function keyValue(shape: FieldShape, table: number, number: number, id: string): unknown {
  if (shape.list) return valueOf(shape, number + 1)
  if (shape.element === 'uuid') return id
  if (isText(shape)) {
    const length = lengthOf(shape) ?? 1000
    if (length >= 36) return shape.element === 'bpchar' ? id.padEnd(length, '0').slice(0, length) : id
    // the digits that differ, as many as there is room for
    const short = `${id.slice(0, 8)}${id.slice(-12)}`
    if (length >= 20) return shape.element === 'bpchar' ? short.padEnd(length, '0') : short
    return length >= 12
      ? `k${id.slice(4, 8)}${String(number + 1).padStart(length - 5, '0')}`
      : valueOf(shape, number + 1)
  }
  if (/^(int[48]|numeric|float8|oid)$/.test(shape.element) && maximumOf(shape) > 1_000_000) {
    return (table + 1) * 1000 + number + 1
  }
  return valueOf(shape, number + 1)
}

/** The same in every run, so that the same attacks are made. */
function sortedIds(table: number, count: number): string[] {
  const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')
  return Array.from(
    { length: count },
    (_, index) => `${hex(table + 1, 8)}-0000-4000-8000-${hex(index + 1, 12)}`,
  )
}
