import {
  type Manifest,
  type ModelManifest,
  type RelationManifest,
  tenantFieldOf,
} from '../manifest/manifest.ts'

/** A row by the names that Prisma gives its fields. */
type Values = Readonly<Record<string, unknown>>

export interface Row {
  readonly model: string
  readonly values: Values
}

/** A row of the table of an implicit many-to-many relation. */
export interface Link {
  readonly A: unknown
  readonly B: unknown
}

/** All rows of a database at one moment, and whose they are in tenant A's eyes. */
export class World {
  readonly manifest: Manifest
  readonly #tenantId: string
  readonly #rows: ReadonlyMap<string, readonly Row[]>
  readonly #links: readonly (readonly Link[])[]
  /** Rows by the texts of some of their fields, made when they are asked for. */
  readonly #indexes = new Map<string, ReadonlyMap<string, readonly Row[]>>()
  readonly #visible = new Map<Row, boolean>()

  /** @param links of each of the manifest's join tables, in its order */
  constructor(
    manifest: Manifest,
    tenantId: string,
    rows: ReadonlyMap<string, readonly Row[]>,
    links: readonly (readonly Link[])[],
  ) {
    this.manifest = manifest
    this.#tenantId = tenantId
    this.#rows = rows
    this.#links = links
  }

  rowsOf(model: string): readonly Row[] {
    return this.#rows.get(model) ?? []
  }

  linksOf(joinTable: number): readonly Link[] {
    return this.#links[joinTable] ?? []
  }

  /** The same world with some models' rows, and all links, of a later one. */
  changedTo(later: World, models: readonly string[]): World {
    const rows = new Map(this.#rows)
    for (const model of models) rows.set(model, later.rowsOf(model))
    return new World(this.manifest, this.#tenantId, rows, later.#links)
  }

  /** The rows that a relation of a row leads to, whosever they are. */
  follow(row: Row, relationName: string): readonly Row[] {
    const { relation, inverse } = this.relation(row.model, relationName)
    if (relation.fields.length > 0) {
      return this.#found(relation.model, relation.references, row, relation.fields)
    }
    if (inverse && inverse.fields.length > 0) {
      return this.#found(relation.model, inverse.fields, row, inverse.references)
    }
    return this.#linkedWith(row, relation.model)
  }

  /** The rows of a model in whose fields the values of a row's fields stand. */
  #found(model: string, fields: readonly string[], row: Row, own: readonly string[]): readonly Row[] {
    const key = textOf(row, own)
    return (key !== undefined && this.#index(model, fields).get(key)) || []
  }

  #index(model: string, fields: readonly string[]): ReadonlyMap<string, readonly Row[]> {
    const name = JSON.stringify([model, ...fields])
    const known = this.#indexes.get(name)
    if (known) return known
    const index = new Map<string, Row[]>()
    for (const row of this.rowsOf(model)) {
      const key = textOf(row, fields)
      if (key === undefined) continue
      const rows = index.get(key)
      if (rows) rows.push(row)
      else index.set(key, [row])
    }
    this.#indexes.set(name, index)
    return index
  }

  #linkedWith(row: Row, other: string): readonly Row[] {
    const own = this.keyOf(row)
    const keys = new Set<unknown>()
    for (const [index, { a, b }] of this.manifest.joinTables.entries()) {
      for (const { A, B } of this.#links[index] ?? []) {
        if (a === row.model && b === other && A === own) keys.add(B)
        if (b === row.model && a === other && B === own) keys.add(A)
      }
    }
    return keys.size === 0 ? [] : this.rowsOf(other).filter((found) => keys.has(this.keyOf(found)))
  }

  /** Whether tenant A may see the row. */
  isVisible(row: Row): boolean {
    const known = this.#visible.get(row)
    if (known !== undefined) return known
    const visible = this.#sees(row)
    this.#visible.set(row, visible)
    return visible
  }

  #sees(row: Row): boolean {
    const { scope } = this.model(row.model)
    switch (scope.kind) {
      case 'root':
      case 'direct':
        // a row of nobody's, where there may be one, is for no tenant to see
        return this.#isTenant(row.values[scope.field])
      case 'shared':
        return this.#isTenant(row.values[scope.field]) || row.values[scope.field] === null
      case 'through':
      case 'member':
        return this.follow(row, scope.relation).some((parent) => this.isVisible(parent))
      case 'global':
        return true
      case 'system':
        return false
    }
  }

  /** A context names its tenant by a text, whatever the column's type. */
  #isTenant(value: unknown): boolean {
    return (typeof value === 'string' || typeof value === 'number') && String(value) === this.#tenantId
  }

  /** Whether tenant A may write the row: it is its own, and of a model that tenants write. */
  isWritable(row: Row): boolean {
    const model = this.model(row.model)
    if (model.readOnly || model.scope.kind === 'global' || model.scope.kind === 'member') return false
    if (model.scope.kind === 'shared') return this.#isTenant(row.values[model.scope.field])
    return this.isVisible(row)
  }

  /** Whether tenant A may see a link: both of its ends. */
  seesLink(index: number, link: Link): boolean {
    return this.#endsOf(index, link).every((row) => row && this.isVisible(row))
  }

  /** Whether tenant A may make a link between two rows in a join table, or cut one. */
  mayLink(index: number, link: Link): { readonly make: boolean; readonly cut: boolean } {
    const ends = this.#endsOf(index, link)
    const cut = ends.some((row) => row && this.isWritable(row))
    return { cut, make: cut && ends.every((row) => row && this.isVisible(row)) }
  }

  #endsOf(index: number, link: Link): readonly (Row | undefined)[] {
    const join = this.manifest.joinTables[index]
    const end = (model: string, key: unknown) => this.rowsOf(model).find((row) => this.keyOf(row) === key)
    return [end(join?.a ?? '', link.A), end(join?.b ?? '', link.B)]
  }

  /**
   * The relations of a row that lead to one that tenant A may not see.
   *
   * @param isNew those that no row can be without and that lead to the system's rows are none: which it names is only
   * told by a change
   */
  linksOutside(row: Row, isNew = false): readonly string[] {
    return Object.entries(this.model(row.model).relations)
      .filter(([, { fields }]) => fields.length > 0)
      .filter(([, { model, required }]) => !isNew || !required || this.model(model).scope.kind !== 'system')
      .filter(([name]) => this.follow(row, name).some((other) => !this.isVisible(other)))
      .map(([name, { fields }]) => `${name}=${fields.map((field) => String(row.values[field])).join()}`)
  }

  model(name: string): ModelManifest {
    const model = this.manifest.models[name]
    if (!model) throw new Error(`no model ${name}`)
    return model
  }

  relation(
    modelName: string,
    name: string,
  ): { readonly relation: RelationManifest; readonly inverse: RelationManifest | undefined } {
    const relation = this.model(modelName).relations[name]
    if (!relation) throw new Error(`no relation ${modelName}.${name}`)
    return { relation, inverse: this.model(relation.model).relations[relation.inverse] }
  }

  keyOf(row: Row): unknown {
    const { primaryKey } = this.model(row.model)
    return primaryKey.length === 1
      ? row.values[primaryKey[0] ?? '']
      : JSON.stringify(primaryKey.map((field) => row.values[field]))
  }

  tenantFieldOf(modelName: string): string | undefined {
    return tenantFieldOf(this.model(modelName))
  }
}

/** The values of fields as one text; nothing where one is null, since null equals nothing. */
function textOf(row: Row, fields: readonly string[]): string | undefined {
  const values = fields.map((field) => row.values[field])
  return values.some((value) => value === null || value === undefined) ? undefined : JSON.stringify(values)
}
