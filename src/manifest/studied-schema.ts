import type { DMMF } from '@prisma/generator-helper'
import type { ClassifyOptions } from './classification.ts'
import { type SchemaElements, schemaElements } from './hidden-elements.ts'
import { isPluralOf, plainName, resembles, stemOf } from './key-name.ts'
import type { Scope } from './manifest.ts'
import { tenantIdTypeOf } from './tenant-id-type.ts'

/** A schema with the scopes found so far, and what a rule asks of it. */
export class StudiedSchema {
  readonly models: readonly DMMF.Model[]
  readonly root: DMMF.Model
  readonly tenantFields: readonly string[]
  readonly elements: SchemaElements
  /** The scopes found so far. */
  readonly scopes = new Map<string, Scope>()
  readonly #byName: ReadonlyMap<string, DMMF.Model>
  readonly #rootKey: DMMF.Field | undefined
  /** Fields of the relations' keys, of all models. */
  readonly #keyFields: ReadonlyMap<string, ReadonlySet<string>>
  readonly #indexed: ReadonlyMap<string, ReadonlySet<string>>

  constructor(datamodel: DMMF.Datamodel, root: DMMF.Model, options: ClassifyOptions) {
    this.models = datamodel.models
    this.root = root
    this.tenantFields = options.tenantFields
    this.elements = schemaElements(options.files ?? [])
    this.#byName = new Map(datamodel.models.map((model) => [model.name, model]))
    this.#rootKey = root.fields.find(({ name }) => name === primaryKeyOf(root)[0])
    this.#keyFields = new Map(
      datamodel.models.map(({ name, fields }) => [
        name,
        new Set(fields.flatMap((field) => field.relationFromFields ?? [])),
      ]),
    )
    const indexed = new Map<string, Set<string>>()
    for (const { model, type, fields } of datamodel.indexes) {
      const [first] = fields
      if (first && type !== 'id') indexed.set(model, (indexed.get(model) ?? new Set()).add(first.name))
    }
    this.#indexed = indexed
  }

  model(name: string): DMMF.Model | undefined {
    return this.#byName.get(name)
  }

  isView(model: DMMF.Model): boolean {
    return this.elements.views.has(model.name)
  }

  scopeOf(model: string): Scope | undefined {
    return this.scopes.get(model)
  }

  /** Whether each row of a model is one tenant's, so that a row that needs one of them is its tenant's too. */
  isOwned(model: string): boolean {
    const kind = this.scopes.get(model)?.kind
    return kind === 'root' || kind === 'direct' || kind === 'through'
  }

  /** How many parents lie between a model's rows and the tenant's own. */
  depthOf(model: string): number {
    const seen = new Set<string>()
    let current = this.model(model)
    while (current && !seen.has(current.name)) {
      seen.add(current.name)
      const scope = this.scopes.get(current.name)
      if (scope?.kind !== 'through') return seen.size - (scope?.kind === 'root' ? 1 : 0)
      current = this.model(relationNamed(current, scope.relation).type)
    }
    return Number.POSITIVE_INFINITY
  }

  /** Whether a model has its scope through another, so that it can't give that one its own. */
  leadsThrough(name: string, other: string): boolean {
    const seen = new Set<string>()
    let current = this.model(name)
    while (current && !seen.has(current.name)) {
      if (current.name === other) return true
      seen.add(current.name)
      const scope = this.scopes.get(current.name)
      if (scope?.kind !== 'through') return false
      current = this.model(relationNamed(current, scope.relation).type)
    }
    return false
  }

  /** Relations to the tenant model whose key is one column and here: by its id, or by another of its fields. */
  referencesToTenant(
    model: DMMF.Model,
  ): readonly { readonly relation: DMMF.Field; readonly key: string; readonly byId: boolean }[] {
    return model.fields.flatMap((relation) => {
      const [key, ...more] = relation.relationFromFields ?? []
      if (relation.type !== this.root.name || key === undefined || more.length > 0) return []
      return [{ relation, key, byId: relation.relationToFields?.[0] === this.#rootKey?.name }]
    })
  }

  /** Columns that bear a name of the tenant field. */
  tenantNamed(model: DMMF.Model): readonly DMMF.Field[] {
    return model.fields.filter(({ name, kind }) => kind !== 'object' && this.tenantFields.includes(name))
  }

  /** Columns without a relation whose name is almost a tenant field's, and whose type is that of a tenant's id. */
  nearMisses(model: DMMF.Model): readonly DMMF.Field[] {
    return this.looseColumns(model).filter(
      (field) =>
        !this.tenantFields.includes(field.name) &&
        this.#hasTenantType(field) &&
        resembles(field.name, this.#tenantNames()) &&
        this.#modelOfKey(field.name, this.root) === undefined,
    )
  }

  /** Lists of columns that seem to hold several tenants. */
  tenantLists(model: DMMF.Model): readonly DMMF.Field[] {
    return model.fields.filter(
      ({ kind, isList, name }) => kind === 'scalar' && isList && isPluralOf(name, this.#tenantNames()),
    )
  }

  /** Columns that are, but for their spelling, a tenant field: what a tenant may be shown by mistake. */
  claims(model: DMMF.Model): readonly string[] {
    const names = this.tenantFields.map(plainName)
    return model.fields
      .filter(({ kind, isList, name }) => kind === 'scalar' && !isList && names.includes(plainName(name)))
      .map(({ name }) => name)
  }

  /** Columns that no relation refers by, but for the model's id. */
  looseColumns(model: DMMF.Model): readonly DMMF.Field[] {
    return model.fields.filter(
      ({ kind, isList, isId, name }) =>
        kind === 'scalar' && !isList && !isId && !this.#keyFields.get(model.name)?.has(name),
    )
  }

  /** Columns that look like the key of a row that is, or may yet be, a tenant's, with the model they seem to refer to. */
  softKeys(
    model: DMMF.Model,
  ): readonly { readonly field: string; readonly model: string; readonly isOwned: boolean }[] {
    return this.looseColumns(model).flatMap(({ name }) => {
      const other = this.#modelOfKey(name, model)?.name
      if (other === undefined || (this.scopes.has(other) && !this.isOwned(other))) return []
      return [{ field: name, model: other, isOwned: this.isOwned(other) }]
    })
  }

  /** Columns that look like a key of nobody knows what: named like one, and found by an index. */
  strayKeys(model: DMMF.Model): readonly string[] {
    return this.looseColumns(model)
      .filter(
        ({ name, type }) =>
          ['String', 'Int', 'BigInt'].includes(type) &&
          stemOf(name) !== undefined &&
          this.#indexed.get(model.name)?.has(name),
      )
      .map(({ name }) => name)
  }

  /** Pairs of columns that name a row of any model: its kind and its key. */
  anyModelKeys(model: DMMF.Model): readonly string[] {
    const names = new Map(model.fields.map(({ name }) => [plainName(name), name]))
    return this.looseColumns(model).flatMap(({ name }) => {
      const stem = stemOf(name)
      const kind = stem && names.get(`${plainName(stem)}type`)
      return kind ? [`"${name}" with "${kind}"`] : []
    })
  }

  /** Lists that look like memberships: of rows that are a tenant's own and can't be without this model's. */
  memberships(model: DMMF.Model): readonly DMMF.Field[] {
    return model.fields.filter(
      ({ isList, type, relationName }) =>
        isList &&
        this.scopes.get(type)?.kind === 'direct' &&
        this.model(type)?.fields.some(
          (field) =>
            field.relationName === relationName && field.isRequired && field.relationFromFields?.length,
        ),
    )
  }

  /** The other end of a relation. */
  inverseOf(model: DMMF.Model, field: DMMF.Field): DMMF.Field | undefined {
    return this.model(field.type)?.fields.find(
      (candidate) =>
        candidate.relationName === field.relationName && candidate.type === model.name && candidate !== field,
    )
  }

  #tenantNames(): readonly string[] {
    return [...this.tenantFields, `${this.root.name}Id`]
  }

  #hasTenantType(field: DMMF.Field): boolean {
    const type = tenantIdTypeOf(field)
    return type !== undefined && this.#rootKey !== undefined && type === tenantIdTypeOf(this.#rootKey)
  }

  /** The model that a column's name says it is the key of. */
  #modelOfKey(name: string, except: DMMF.Model): DMMF.Model | undefined {
    const stem = stemOf(name)
    if (stem === undefined) return undefined
    const plain = plainName(stem)
    return this.models.find((model) => model !== except && plainName(model.name) === plain)
  }
}

/** A relation of a model by its name. */
export function relationNamed(model: DMMF.Model, name: string): DMMF.Field {
  const field = model.fields.find((candidate) => candidate.name === name && candidate.kind === 'object')
  if (!field) throw new Error(`"${name}" is no relation of ${model.name}`)
  return field
}

/**
 * The fields that a row is known by: those of the id, else of the first unique key that has a value in every row. A
 * view may have none.
 */
export function primaryKeyOf(model: DMMF.Model): readonly string[] {
  if (model.primaryKey) return model.primaryKey.fields
  const single = model.fields.find(({ isId }) => isId) ?? model.fields.find(isKey)
  if (single) return [single.name]
  const compound = model.uniqueIndexes.find(({ fields }) =>
    fields.every((name) => model.fields.some((field) => field.name === name && field.isRequired)),
  )
  return compound?.fields ?? []
}

function isKey({ isUnique, isRequired }: DMMF.Field): boolean {
  return isUnique && isRequired
}
