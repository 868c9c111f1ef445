import { randomBytes } from 'node:crypto'
import type { Manifest, ModelManifest, RelationManifest } from '../manifest/manifest.ts'
import { carriesTenant, tenantFieldOf } from '../manifest/manifest.ts'
import { type DatabaseState, type State } from './database-state.ts'
import { isText, isUnique, needsValue, newValue, type SchemaShape, secretFieldOf } from './schema-shape.ts'
import type { MissingSeed, Owner, SeedHook } from './seed-hook.ts'
import type { Row, World } from './world.ts'

export type { Owner } from './seed-hook.ts'

/**
 * What a row is for, among the rows of its owner:
 * - `cross`: everything that the keys allow leads to the other tenant's rows, as an administrator may have planted it;
 * - `own`: everything leads to rows of the same owner;
 * - `free`: nothing that may be empty leads anywhere, and nothing leads to it but `leaf` rows;
 * - `leaf`: leads to the other tenant's rows, and nothing leads to it, so that it can be deleted;
 * - `host`: the parent of a `free` row where no other would do.
 */
type Slot = 'cross' | 'own' | 'free' | 'leaf' | 'host'

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
  /** Models without any planted row, and why. */
  readonly unplanted: ReadonlyMap<string, string>
  /** What a person has to give for each of them. */
  readonly missing: readonly MissingSeed[]
  /** Models whose rows of B's are the same in both worlds, so that reads of them can't be compared, and why. */
  readonly alike: ReadonlyMap<string, string>
  /** The tenants' ids as Prisma takes them in a filter or in data. */
  readonly tenantValues: { readonly a: unknown; readonly b: unknown }
  /** The row of an owner for a purpose, or the nearest there is. */
  row(model: string, owner: Owner, slot: Slot): Row | undefined
  /** A row of A's by its scope, of which another column says that it is B's; only where a model has such a column. */
  disputed(model: string): Row | undefined
  secretField(model: string): string
  secretOf(row: Row): unknown
}

const slots: readonly Slot[] = ['cross', 'own', 'free', 'leaf', 'host']
const substitutes: Readonly<Record<Slot, readonly Slot[]>> = {
  cross: ['own', 'free'],
  own: ['cross'],
  free: ['leaf', 'own', 'cross'],
  leaf: ['free', 'own', 'cross'],
  host: ['cross'],
}

/** Plants a scene made from nothing but the manifest and the catalog, in a database without rows. */
export async function plantScene(
  database: DatabaseState,
  manifest: Manifest,
  shape: SchemaShape,
  appendOnly: ReadonlyMap<string, string> = new Map(),
  options: { readonly seed?: SeedHook | undefined } = {},
): Promise<Scene> {
  void options
  const seeds = new Seeds(manifest, shape)
  await database.write(seeds.state())
  const state = await database.read()
  const { tenantA, tenantB } = seeds
  const world = database.worldOf(state, tenantA)
  const find = (seed: Seed | undefined) =>
    seed && world.rowsOf(seed.model).find((row) => world.keyOf(row) === world.keyOf(seed))
  await database.write(seeds.otherState(state))
  const otherState = await database.read()
  await database.write(state)
  const secretField = (model: string) => secretFieldOf(modelOf(manifest, model), shapeOf(shape, model))
  return {
    manifest,
    shape,
    world,
    tenantA,
    tenantB,
    state,
    otherState,
    markers: markersOf(world, seeds.prefix),
    appendOnly,
    unplanted: new Map(),
    missing: [],
    alike: new Map(),
    tenantValues: { a: tenantA, b: tenantB },
    disputed: () => undefined,
    row: (model, owner, slot) => find(seeds.find(model, owner, slot)),
    secretField,
    secretOf: (row) => row.values[secretField(row.model)],
  }
}

interface Seed extends Row {
  readonly owner: Owner
  readonly slot: Slot
  readonly values: Record<string, unknown>
}

class Seeds {
  /** Begins every secret of B's. */
  readonly prefix = `a-${randomBytes(6).toString('hex')}`
  readonly tenantA: string
  readonly tenantB: string
  readonly #manifest: Manifest
  readonly #shape: SchemaShape
  readonly #seeds: Seed[] = []
  #number = 0

  constructor(manifest: Manifest, shape: SchemaShape) {
    this.#manifest = manifest
    this.#shape = shape
    for (const name of Object.keys(manifest.models)) this.#addRows(name)
    for (const seed of this.#seeds) this.#link(seed)
    const rootKey = (owner: Owner) => {
      const key = this.find(manifest.tenantModel, owner, 'cross')?.values[
        this.#model(manifest.tenantModel).primaryKey[0] ?? ''
      ]
      return String(key)
    }
    this.tenantA = rootKey('a')
    this.tenantB = rootKey('b')
    for (const seed of this.#seeds) {
      const field = tenantFieldOf(this.#model(seed.model))
      if (field === undefined || this.#model(seed.model).scope.kind === 'root') continue
      seed.values[field] = seed.owner === 'nobody' ? null : seed.owner === 'a' ? this.tenantA : this.tenantB
    }
  }

  find(model: string, owner: Owner, slot: Slot): Seed | undefined {
    for (const candidate of [slot, ...substitutes[slot]]) {
      const found = this.#seeds.find(
        (seed) => seed.model === model && seed.owner === owner && seed.slot === candidate,
      )
      if (found) return found
    }
    return undefined
  }

  #addRows(name: string): void {
    const kind = this.#model(name).scope.kind
    const keys = sortedIds(Object.keys(this.#manifest.models).indexOf(name), 3 * slots.length)
    const add = (owner: Owner, wanted: readonly Slot[]) => {
      for (const slot of wanted) this.#seeds.push(this.#newSeed(name, owner, slot, keys.shift() ?? ''))
    }
    switch (kind) {
      case 'root':
        add('a', ['cross'])
        // the second is a tenant's without any other rows
        add('b', ['cross', 'free'])
        return
      case 'member':
        add('a', ['cross', 'own'])
        // the last one is without a membership
        add('b', ['cross', 'own', 'free'])
        // works for both
        add('nobody', ['cross'])
        return
      case 'global':
        add('nobody', ['cross', 'own', 'free'])
        return
      default: {
        const leaf: readonly Slot[] = this.#leadsOutside(name) ? ['leaf'] : []
        const host: readonly Slot[] = this.#needsHost(name) ? ['host'] : []
        add('a', ['cross', 'own', 'free', ...leaf, ...host])
        add('b', ['cross', 'own', 'free', ...leaf, ...host])
        if (kind === 'shared') add('nobody', ['cross', 'free'])
      }
    }
  }

  #newSeed(name: string, owner: Owner, slot: Slot, key: string): Seed {
    const model = this.#model(name)
    const shape = shapeOf(this.#shape, name)
    const values: Record<string, unknown> = {}
    const linked = new Set(Object.values(model.relations).flatMap(({ fields }) => fields))
    for (const [field, own] of Object.entries(shape.fields)) {
      if (linked.has(field)) values[field] = null
      else if (model.primaryKey.includes(field)) values[field] = this.#newKey(name, field, key)
      else if (needsValue(shape, field)) values[field] = newValue(own)
    }
    const secretField = secretFieldOf(model, shape)
    if (!model.primaryKey.includes(secretField)) {
      const number = ++this.#number
      // so that B's rows stand before A's in every order, and behind them in the other world
      values[secretField] = isText(shape.fields[secretField] ?? never(secretField))
        ? `${owner === 'b' ? this.prefix : owner === 'a' ? 'm' : 'n'}-${String(number).padStart(4, '0')}`
        : number + (owner === 'b' ? 0 : 500_000)
    }
    return { model: name, owner, slot, values }
  }

  #newKey(name: string, field: string, key: string): unknown {
    const shape = shapeOf(this.#shape, name).fields[field] ?? never(field)
    return shape.type === 'uuid' || isText(shape) ? key : newValue(shape)
  }

  /** Fills the foreign keys of a row. */
  #link(seed: Seed): void {
    const model = this.#model(seed.model)
    for (const [name, relation] of Object.entries(model.relations)) {
      if (relation.fields.length === 0) continue
      const target = this.#targetOf(seed, name, relation)
      if (!target) continue
      for (const [index, field] of relation.fields.entries()) {
        seed.values[field] = target.values[relation.references[index] ?? '']
      }
    }
  }

  #targetOf(seed: Seed, name: string, relation: RelationManifest): Seed | undefined {
    const { owner, slot } = seed
    const model = this.#model(seed.model)
    const kind = this.#model(relation.model).scope.kind
    const other: Owner = owner === 'a' ? 'b' : 'a'
    const isTenant = relation.fields.length === 1 && relation.fields[0] === tenantFieldOf(model)
    if (isTenant) return owner === 'nobody' ? undefined : this.find(relation.model, owner, 'cross')
    if (kind === 'global') {
      return slot === 'free' && !relation.required
        ? undefined
        : this.find(relation.model, 'nobody', slot === 'cross' || owner === 'b' ? 'cross' : 'own')
    }
    if (owner === 'nobody') return undefined
    if (this.#isMembership(seed.model, relation)) {
      return slot === 'cross' || slot === 'own'
        ? this.find(relation.model, owner, slot)
        : this.find(relation.model, 'nobody', 'cross')
    }
    const tenantField = tenantFieldOf(model)
    const unique = isUnique(shapeOf(this.#shape, seed.model), relation.fields, tenantField)
    if (this.#staysByKey(model, name)) {
      if (slot === 'cross' || slot === 'own') return this.find(relation.model, owner, slot)
      if (!relation.required) return undefined
      return this.find(relation.model, owner, unique ? 'host' : 'cross')
    }
    if (slot === 'own') return this.find(relation.model, owner, 'own')
    if (slot === 'cross') return this.find(relation.model, other, 'cross')
    if (slot === 'leaf') {
      if (owner === 'a') return this.find(relation.model, 'b', 'free')
      return unique ? undefined : this.find(relation.model, 'a', 'cross')
    }
    return relation.required ? this.find(relation.model, other, 'cross') : undefined
  }

  /** Whether the key itself, or the scope that it gives, keeps a relation inside the tenant. */
  #staysByKey(model: ModelManifest, name: string): boolean {
    return (
      carriesTenant(this.#manifest, model, name) ||
      (model.scope.kind === 'through' && model.scope.relation === name)
    )
  }

  #isMembership(modelName: string, relation: RelationManifest): boolean {
    const { scope, relations } = this.#model(relation.model)
    return (
      scope.kind === 'member' &&
      relations[scope.relation]?.model === modelName &&
      scope.relation === relation.inverse
    )
  }

  #leadsOutside(name: string): boolean {
    const model = this.#model(name)
    return Object.entries(model.relations).some(
      ([key, relation]) =>
        relation.fields.length > 0 &&
        !relation.required &&
        this.#model(relation.model).scope.kind !== 'global' &&
        !this.#staysByKey(model, key),
    )
  }

  /** Whether some model allows each row of this one a single child, and every child needs one. */
  #needsHost(name: string): boolean {
    return Object.entries(this.#manifest.models).some(([childName, child]) =>
      Object.entries(child.relations).some(
        ([key, relation]) =>
          relation.model === name &&
          relation.required &&
          relation.fields.length > 0 &&
          this.#staysByKey(child, key) &&
          !(relation.fields.length === 1 && relation.fields[0] === tenantFieldOf(child)) &&
          isUnique(shapeOf(this.#shape, childName), relation.fields, tenantFieldOf(child)),
      ),
    )
  }

  state(): State {
    const models = Object.entries(this.#manifest.models).map(([name, model]) =>
      this.#seeds
        .filter((seed) => seed.model === name)
        .map(({ values }) =>
          JSON.stringify(
            Object.fromEntries(Object.entries(values).map(([field, value]) => [model.columns[field], value])),
          ),
        ),
    )
    return [...models, ...this.#joinRows()]
  }

  #joinRows(): string[][] {
    return this.#manifest.joinTables.map(({ a, b }) => {
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
        const [x, y] = [this.find(a, ownerA, slotA), this.find(b, ownerB, slotB)]
        return x && y
          ? [
              JSON.stringify({
                A: x.values[this.#model(a).primaryKey[0] ?? ''],
                B: y.values[this.#model(b).primaryKey[0] ?? ''],
              }),
            ]
          : []
      })
      return [...new Set(links)]
    })
  }

  /** The state in which B's rows have other secrets and no links that could be away. */
  otherState(state: State): State {
    const models = Object.entries(this.#manifest.models)
    const foreign = new Map(
      this.#seeds
        .filter(({ owner }) => owner === 'b')
        .map((seed) => [this.#keyText(seed.model, seed.values), seed]),
    )
    const changed = models.map(([name, model], index) =>
      (state[index] ?? []).flatMap((text) => {
        const row = JSON.parse(text) as Record<string, unknown>
        const values = Object.fromEntries(
          Object.entries(model.columns).map(([field, column]) => [field, row[column]]),
        )
        const seed = foreign.get(this.#keyText(name, values))
        if (!seed) return [text]
        // where nothing can refer to it, a row can be away
        if (seed.slot === 'free' && this.#isEnd(name)) return []
        return [JSON.stringify({ ...row, ...this.#otherValues(seed) })]
      }),
    )
    const foreignKeys = new Set(
      [...foreign.values()].map(({ model, values }) => values[this.#model(model).primaryKey[0] ?? '']),
    )
    const joins = state.slice(models.length).map((rows) =>
      rows.filter((text) => {
        const link = JSON.parse(text) as Record<string, unknown>
        return !foreignKeys.has(link['A']) && !foreignKeys.has(link['B'])
      }),
    )
    return [...changed, ...joins]
  }

  /** Whether nothing refers to the rows of a model. */
  #isEnd(name: string): boolean {
    return Object.values(this.#model(name).relations).every(({ fields }) => fields.length > 0)
  }

  #otherValues(seed: Seed): Record<string, unknown> {
    const model = this.#model(seed.model)
    const shape = shapeOf(this.#shape, seed.model)
    const secretField = secretFieldOf(model, shape)
    const secret = seed.values[secretField]
    const other: Record<string, unknown> = {}
    for (const [name, relation] of Object.entries(model.relations)) {
      if (relation.required || this.#staysByKey(model, name)) continue
      for (const field of relation.fields) other[model.columns[field] ?? ''] = null
    }
    other[model.columns[secretField] ?? ''] = model.primaryKey.includes(secretField)
      ? newValue(shape.fields[secretField] ?? never(secretField))
      : typeof secret === 'number'
        ? secret + 1_000_000
        : String(secret).replace(/^a/, 'z')
    return other
  }

  #keyText(model: string, values: Readonly<Record<string, unknown>>): string {
    return JSON.stringify([model, ...this.#model(model).primaryKey.map((field) => values[field])])
  }

  #model(name: string): ModelManifest {
    return modelOf(this.#manifest, name)
  }
}

/** Texts that are found in rows which tenant A may not see, and nowhere else. */
function markersOf(world: World, prefix: string): ReadonlySet<string> {
  const markers = new Set([prefix])
  for (const [name, model] of Object.entries(world.manifest.models)) {
    for (const row of world.rowsOf(name)) {
      if (world.isVisible(row)) continue
      for (const field of model.primaryKey) {
        const value = row.values[field]
        if (typeof value === 'string') markers.add(value)
      }
    }
  }
  return markers
}

/** The same in every run, so that the same attacks are made. */
function sortedIds(table: number, count: number): string[] {
  const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')
  return Array.from(
    { length: count },
    (_, index) => `${hex(table + 1, 8)}-0000-4000-8000-${hex(index + 1, 12)}`,
  )
}

function modelOf(manifest: Manifest, name: string): ModelManifest {
  return manifest.models[name] ?? never(name)
}

function shapeOf(shape: SchemaShape, name: string) {
  return shape[name] ?? never(name)
}

function never(name: string): never {
  throw new Error(`the schema has no ${name}`)
}
