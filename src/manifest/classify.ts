import type { DMMF } from '@prisma/generator-helper'
import { TenancyError } from '../errors.ts'
import type {
  Command,
  JoinTableManifest,
  Manifest,
  ModelManifest,
  RelationManifest,
  Scope,
} from './manifest.ts'

/** How the generator block names the tenant. */
export interface ClassifyOptions {
  /** The model whose rows are the tenants. */
  readonly tenantModel: string
  /** Names of the field that holds the tenant's id in the other models. */
  readonly tenantFields: readonly string[]
}

/** What a model says of itself; all but the last two settle its scope. */
type Directive =
  | { readonly kind: 'key'; readonly field: string }
  | { readonly kind: 'through'; readonly field: string }
  | { readonly kind: 'member'; readonly field: string }
  | { readonly kind: 'shared' }
  | { readonly kind: 'global' }
  | { readonly kind: 'system' }
  | { readonly kind: 'allow'; readonly commands: readonly Command[] }
  | { readonly kind: 'appendOnly' }

const everyCommand: readonly Command[] = ['select', 'insert', 'update', 'delete']

/**
 * Gives every model a scope, or says why it can't. A guess that could be wrong is never made: each problem
 * names the model and the line that settles it, and all of them are reported at once.
 *
 * @throws {TenancyError} `DH304` when a model has no scope or an ambiguous one
 */
export function classify(datamodel: DMMF.Datamodel, options: ClassifyOptions): Manifest {
  const problems: string[] = []
  const byName = new Map(datamodel.models.map((model) => [model.name, model]))
  const root = byName.get(options.tenantModel)
  if (!root) {
    throw classificationError([`tenantModel = "${options.tenantModel}" names no model of the schema`])
  }

  const scopes = new Map<string, Scope>()
  // settled as far as their children are concerned, so that one mistake is reported once
  const mistaken = new Set<string>()
  const undecided: DMMF.Model[] = []
  for (const model of datamodel.models) {
    try {
      const scope = model === root ? rootScope(model) : ownScope(model, root.name, options.tenantFields)
      if (scope) scopes.set(model.name, scope)
      else undecided.push(model)
    } catch (problem) {
      problems.push(`${model.name}: ${(problem as Error).message}`)
      mistaken.add(model.name)
    }
  }
  problems.push(...resolveThrough(undecided, scopes, mistaken, byName))
  for (const model of datamodel.models) {
    const scope = scopes.get(model.name)
    if (scope) problems.push(...checkReferences(model, scope, byName, scopes, mistaken))
  }
  if (problems.length > 0) throw classificationError(problems)

  // whoever writes a membership chooses whose people a tenant sees: such a link is read-only for tenants
  const links = new Set<string>()
  for (const [name, scope] of scopes) {
    if (scope.kind !== 'member') continue
    const link = byName.get(name)?.fields.find((field) => field.name === scope.relation)
    if (link) links.add(link.type)
  }

  const models: Record<string, ModelManifest> = {}
  const unheard: string[] = []
  for (const model of [...datamodel.models].sort((a, b) => compare(a.name, b.name))) {
    const scope = scopes.get(model.name)
    if (!scope) continue
    const possible = possibleCommands(scope, links.has(model.name))
    const directives = directivesOf(model)
    const appendOnly = directives.some((directive) => directive.kind === 'appendOnly')
    const commands = allowedCommands(possible, directives)
    if (typeof commands === 'string') unheard.push(`${model.name}: ${commands}`)
    else
      models[model.name] = {
        schema: schemaOf(model),
        table: model.dbName ?? model.name,
        isView: false,
        scope,
        readOnly: commands.every((command) => command === 'select'),
        commands,
        appendOnly,
        columns: Object.fromEntries(
          model.fields
            .filter((field) => field.kind !== 'object')
            .map((field) => [field.name, field.dbName ?? field.name]),
        ),
        jsonFields: model.fields.filter((field) => field.type === 'Json').map((field) => field.name),
        primaryKey: primaryKeyOf(model),
        uniqueFields: model.fields.filter((field) => field.isId || field.isUnique).map((field) => field.name),
        compoundUniques: compoundUniquesOf(model),
        relations: relationsOf(model, byName),
      }
  }
  if (unheard.length > 0) throw classificationError(unheard)
  return {
    version: 1,
    tenantModel: root.name,
    tenantIdType: 'uuid',
    models,
    joinTables: joinTablesOf(datamodel.models),
    hidden: [],
  }
}

/** What tenants can do with the rows of a scope, unless the model allows less. */
function possibleCommands(scope: Scope, isMembership: boolean): readonly Command[] {
  if (scope.kind === 'system') return []
  if (scope.kind === 'global' || scope.kind === 'member' || isMembership) return ['select']
  // a tenant comes into being inside its own context; ending one is the system's work
  return scope.kind === 'root' ? ['select', 'insert', 'update'] : everyCommand
}

/** The commands that a model's directives leave of the possible ones, or what is wrong with them. */
function allowedCommands(
  possible: readonly Command[],
  directives: readonly Directive[],
): readonly Command[] | string {
  const allows = directives.filter((directive) => directive.kind === 'allow')
  const [allow] = allows
  if (allows.length > 1) return 'has several @tenancy.allow; write one'
  const appendOnly = directives.some((directive) => directive.kind === 'appendOnly')
  const excess = allow?.commands.find(
    (command) =>
      !possible.includes(command) || (appendOnly && (command === 'update' || command === 'delete')),
  )
  if (excess) return `@tenancy.allow(${excess}) is more than a tenant can do with its rows; leave it out`
  // what is written is read back, by Prisma with RETURNING
  if (allow && !allow.commands.includes('select'))
    return '@tenancy.allow lacks select, which writing needs too; add it'
  return possible.filter((command) =>
    allow ? allow.commands.includes(command) : !appendOnly || command === 'select' || command === 'insert',
  )
}

function classificationError(problems: readonly string[]): TenancyError {
  const list = problems.map((problem) => `  - ${problem}`).join('\n')
  return new TenancyError('DH304', `the schema cannot be classified:\n${list}`)
}

function rootScope(model: DMMF.Model): Scope {
  if (directivesOf(model).some(({ kind }) => kind !== 'allow' && kind !== 'appendOnly')) {
    throw new Error('the tenant model has its scope already; remove the @tenancy directive')
  }
  const [key, ...rest] = primaryKeyOf(model)
  if (key === undefined || rest.length > 0) throw new Error('the tenant model needs an @id of one field')
  return { kind: 'root', field: key }
}

/** The scope that a model's own directives and fields give it; `undefined` where a parent must decide. */
function ownScope(
  model: DMMF.Model,
  tenantModel: string,
  tenantFields: readonly string[],
): Scope | undefined {
  const directives = directivesOf(model)
  const [key, ...otherKeys] = directives.filter((directive) => directive.kind === 'key')
  const shared = directives.some((directive) => directive.kind === 'shared')
  const others = directives.flatMap((directive) =>
    ['key', 'shared', 'allow', 'appendOnly'].includes(directive.kind) ? [] : [directive],
  )
  const [other] = others
  if (otherKeys.length > 0 || others.length > 1 || (other && (key || shared))) {
    throw new Error('its @tenancy directives contradict; keep one of them')
  }

  if (other) {
    if (other.kind === 'global' || other.kind === 'system') return { kind: other.kind }
    if (other.kind === 'through') {
      const relation = relationNamed(model, other.field)
      if (relation.isList || !relation.isRequired || !relation.relationFromFields?.length) {
        throw new Error(`@tenancy.through(${other.field}) must name a required relation whose key is here`)
      }
      return { kind: 'through', relation: other.field }
    }
    if (other.kind === 'member') {
      if (!relationNamed(model, other.field).isList) {
        throw new Error(`@tenancy.member(${other.field}) must name a list of memberships`)
      }
      return { kind: 'member', relation: other.field }
    }
  }

  const field = key ? key.field : tenantFieldNamed(model, tenantModel, tenantFields)
  if (field === undefined) {
    if (shared) throw new Error('@tenancy.shared needs a tenant field; name it with /// @tenancy.key(field)')
    return undefined
  }
  const scalar = model.fields.find((candidate) => candidate.name === field && candidate.kind === 'scalar')
  if (!scalar) throw new Error(`@tenancy.key(${field}) names no column of the model`)
  if (scalar.isList) throw new Error(`"${field}" is a list; a row belongs to one tenant`)
  if (shared) {
    if (scalar.isRequired) {
      throw new Error(`@tenancy.shared, but "${field}" is required; rows without a tenant can't exist`)
    }
    return { kind: 'shared', field }
  }
  if (!scalar.isRequired) {
    // whoever names the field has seen that
    if (key) return { kind: 'direct', field, nullable: true }
    throw new Error(
      `"${field}" is nullable: make it required, or write /// @tenancy.shared if rows without a tenant are for all to read`,
    )
  }
  return { kind: 'direct', field }
}

function tenantFieldNamed(
  model: DMMF.Model,
  tenantModel: string,
  tenantFields: readonly string[],
): string | undefined {
  const keyed = model.fields
    .filter((field) => field.type === tenantModel && field.relationFromFields?.length === 1)
    .flatMap((field) => field.relationFromFields ?? [])
  const named = model.fields.filter((field) => tenantFields.includes(field.name)).map((field) => field.name)
  const [first, ...rest] = named
  if (rest.length > 0) {
    throw new Error(`has several tenant fields (${named.join(', ')}); choose with /// @tenancy.key(${first})`)
  }
  if (first !== undefined) {
    if (keyed.includes(first)) return first
    throw new Error(
      `"${first}" has no relation to ${tenantModel}; add one, or write /// @tenancy.key(${first}) if it holds the tenant all the same`,
    )
  }
  if (keyed.length > 0) {
    throw new Error(
      `refers to ${tenantModel} by ${keyed.join(', ')}; write /// @tenancy.key(${keyed[0]}) if that is its owner, or give it another scope`,
    )
  }
  return undefined
}

/** Settles the models that only a parent can settle, where one parent alone leads to a tenant. */
function resolveThrough(
  undecided: DMMF.Model[],
  scopes: Map<string, Scope>,
  mistaken: Set<string>,
  byName: ReadonlyMap<string, DMMF.Model>,
): string[] {
  const problems: string[] = []
  let waiting = undecided
  for (;;) {
    const settled: [string, Scope][] = []
    const hidden: string[] = []
    const next: DMMF.Model[] = []
    for (const model of waiting) {
      const [first] = ownedParents(model, scopes)
      if (first) settled.push([model.name, { kind: 'through', relation: first.name }])
      else if (requiredParents(model).some((field) => mistaken.has(field.type))) hidden.push(model.name)
      else next.push(model)
    }
    for (const [name, scope] of settled) scopes.set(name, scope)
    for (const name of hidden) mistaken.add(name)
    if (next.length === waiting.length) break
    waiting = next
  }
  // only now, when all parents have their scope: one that is farther from the tenant is a parent none the less
  for (const model of undecided) {
    const candidates = ownedParents(model, scopes).filter(
      ({ type }) => !leadsThrough(type, model.name, byName, scopes),
    )
    if (candidates.length < 2) continue
    const lines = candidates.map((field) => `/// @tenancy.through(${field.name})`).join(' or ')
    problems.push(`${model.name}: several required parents have a tenant; choose with ${lines}`)
  }
  for (const model of waiting) {
    const nullable = model.fields.find(
      (field) => field.relationFromFields?.length && !field.isRequired && isOwned(scopes.get(field.type)),
    )
    const links = membershipsOf(model, byName, scopes)
    const member = links.map(({ name }) => `/// @tenancy.member(${name})`).join(' or ')
    problems.push(
      nullable
        ? `${model.name}: only a nullable relation (${nullable.name}) leads to a tenant; make it required, or add a tenant field`
        : `${model.name}: nothing leads to a tenant; add a tenant field, ${member && `write ${member} if a tenant may read the rows that have one with it, `}or write /// @tenancy.global if every tenant may read every row`,
    )
  }
  return problems
}

function ownedParents(model: DMMF.Model, scopes: ReadonlyMap<string, Scope>): DMMF.Field[] {
  return requiredParents(model).filter((field) => isOwned(scopes.get(field.type)))
}

/** Whether a model has its scope through another, so that it can't give that one its own. */
function leadsThrough(
  name: string,
  other: string,
  byName: ReadonlyMap<string, DMMF.Model>,
  scopes: ReadonlyMap<string, Scope>,
): boolean {
  const seen = new Set<string>()
  let current = byName.get(name)
  while (current && !seen.has(current.name)) {
    if (current.name === other) return true
    seen.add(current.name)
    const scope = scopes.get(current.name)
    if (scope?.kind !== 'through') return false
    current = byName.get(relationNamed(current, scope.relation).type)
  }
  return false
}

/** Lists that look like memberships: of rows that are a tenant's own and can't be without this model's. */
function membershipsOf(
  model: DMMF.Model,
  byName: ReadonlyMap<string, DMMF.Model>,
  scopes: ReadonlyMap<string, Scope>,
): DMMF.Field[] {
  return model.fields.filter(
    ({ isList, type, relationName }) =>
      isList &&
      scopes.get(type)?.kind === 'direct' &&
      byName
        .get(type)
        ?.fields.some(
          (field) =>
            field.relationName === relationName && field.isRequired && field.relationFromFields?.length,
        ),
  )
}

function requiredParents(model: DMMF.Model): DMMF.Field[] {
  return model.fields.filter((field) => field.isRequired && field.relationFromFields?.length)
}

function isOwned(scope: Scope | undefined): boolean {
  return scope?.kind === 'root' || scope?.kind === 'direct' || scope?.kind === 'through'
}

/** What a directive refers to must itself be a tenant's. */
function checkReferences(
  model: DMMF.Model,
  scope: Scope,
  byName: ReadonlyMap<string, DMMF.Model>,
  scopes: ReadonlyMap<string, Scope>,
  mistaken: ReadonlySet<string>,
): string[] {
  if (scope.kind === 'member') {
    const link = byName.get(relationNamed(model, scope.relation).type)
    if (link && mistaken.has(link.name)) return []
    if (!link || scopes.get(link.name)?.kind !== 'direct') {
      return [`${model.name}: @tenancy.member(${scope.relation}) must lead to a model with a tenant field`]
    }
  }
  if (scope.kind === 'through') {
    const seen = new Set([model.name])
    let current: DMMF.Model | undefined = model
    let step: Scope | undefined = scope
    while (current && step?.kind === 'through') {
      const parent: string = relationNamed(current, step.relation).type
      if (mistaken.has(parent)) return []
      if (seen.has(parent)) {
        return [
          `${model.name}: its @tenancy.through parents form a circle; add a tenant field to one of them`,
        ]
      }
      seen.add(parent)
      current = byName.get(parent)
      step = scopes.get(parent)
    }
    if (step?.kind !== 'root' && step?.kind !== 'direct') {
      return [
        `${model.name}: @tenancy.through(${scope.relation}) does not lead to a tenant; choose another relation, or add a tenant field`,
      ]
    }
  }
  return []
}

const directivePattern = /^@tenancy\.([a-zA-Z]+)(?:\(([\w, ]+)\))?$/

function directivesOf(model: DMMF.Model): Directive[] {
  for (const field of model.fields) {
    const [line] = directiveLines(field.documentation)
    if (line) throw new Error(`"${line}" stands at the field "${field.name}"; write it above the model`)
  }
  return directiveLines(model.documentation).map((line) => {
    const [, kind, list] = directivePattern.exec(line) ?? []
    const names = list?.split(',').map((name) => name.trim()) ?? []
    const [field] = names
    if ((kind === 'key' || kind === 'through' || kind === 'member') && field && names.length === 1) {
      return { kind, field }
    }
    const isBare = kind === 'shared' || kind === 'global' || kind === 'system' || kind === 'appendOnly'
    if (isBare && !field) return { kind }
    const commands = everyCommand.filter((command) => names.includes(command))
    if (kind === 'allow' && field && commands.length === names.length) return { kind, commands }
    throw new Error(
      `"${line}" is no directive; known are @tenancy.key(field), .through(relation), .member(relation), .shared, .global, .system, ` +
        `.allow(select, insert, update, delete) and .appendOnly`,
    )
  })
}

function directiveLines(documentation: string | undefined): string[] {
  const lines = (documentation ?? '').split('\n').map((line) => line.trim())
  return lines.filter((line) => line.startsWith('@tenancy'))
}

function relationNamed(model: DMMF.Model, name: string): DMMF.Field {
  const field = model.fields.find((candidate) => candidate.name === name && candidate.kind === 'object')
  if (!field) throw new Error(`"${name}" is no relation of ${model.name}`)
  return field
}

function primaryKeyOf(model: DMMF.Model): readonly string[] {
  return model.primaryKey?.fields ?? model.fields.filter((field) => field.isId).map((field) => field.name)
}

function compoundUniquesOf(model: DMMF.Model): Record<string, readonly string[]> {
  const keys = [...(model.primaryKey ? [model.primaryKey] : []), ...model.uniqueIndexes]
  return Object.fromEntries(
    keys.filter((key) => key.fields.length > 1).map((key) => [key.name ?? key.fields.join('_'), key.fields]),
  )
}

function relationsOf(
  model: DMMF.Model,
  byName: ReadonlyMap<string, DMMF.Model>,
): Record<string, RelationManifest> {
  return Object.fromEntries(
    model.fields
      .filter((field) => field.kind === 'object')
      .map((field) => {
        const inverse = byName
          .get(field.type)
          ?.fields.find(
            (candidate) =>
              candidate.relationName === field.relationName &&
              candidate.type === model.name &&
              candidate !== field,
          )
        return [
          field.name,
          {
            model: field.type,
            list: field.isList,
            required: field.isRequired,
            fields: field.relationFromFields ?? [],
            references: field.relationToFields ?? [],
            inverse: inverse?.name ?? field.name,
          },
        ]
      }),
  )
}

function joinTablesOf(models: readonly DMMF.Model[]): JoinTableManifest[] {
  const tables = new Map<string, JoinTableManifest>()
  for (const model of models) {
    for (const field of model.fields) {
      if (field.kind !== 'object' || !field.isList || !field.relationName) continue
      const other = models.find((candidate) => candidate.name === field.type)
      const inverse = other?.fields.find(
        (candidate) =>
          candidate.relationName === field.relationName &&
          candidate.type === model.name &&
          candidate !== field,
      )
      if (!other || !inverse?.isList) continue
      // Prisma names the columns A and B after the models in alphabetical order
      const [a, b] = [model, other].sort((x, y) => compare(x.name, y.name))
      if (!a || !b) continue
      const [schema, table] = [schemaOf(a), `_${field.relationName}`]
      // not by the relation's name alone: in another schema it may be another relation's
      tables.set(JSON.stringify([schema, table]), { schema, table, a: a.name, b: b.name })
    }
  }
  return [...tables.values()].sort((x, y) => compare(x.table, y.table) || compare(x.schema, y.schema))
}

function schemaOf(model: DMMF.Model): string {
  return model.schema ?? 'public'
}

// not localeCompare: the order goes into a generated file and must not depend on the machine's locale
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
