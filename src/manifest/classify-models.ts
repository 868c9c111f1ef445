import type { DMMF } from '@prisma/generator-helper'
import type { Classification, ClassifyOptions, ModelClassification } from './classification.ts'
import {
  type Directive,
  directivesOf,
  isScopeDirective,
  type ScopeDirective,
  suggestedDirectives,
} from './directive.ts'
import { plainName, resembles } from './key-name.ts'
import type { Scope } from './manifest.ts'
import { primaryKeyOf, relationNamed, StudiedSchema } from './studied-schema.ts'
import { tenantIdTypeOf, typeName } from './tenant-id-type.ts'
import { unsettledReason } from './unsettled-reason.ts'

/** What was found of a model. */
type Verdict =
  | { readonly scope: Scope; readonly why: string }
  | {
      readonly why: string
      /** Asked when all other models have been looked at: what can be suggested depends on their scopes. */
      readonly suggest: () => readonly string[]
      /** The model itself says something that is wrong: that is mended, never guessed over. */
      readonly isMistake: boolean
    }
  | 'waiting'

/** A guess that `strict = false` asks for. */
interface Guess {
  readonly lines: string
  readonly why: string
}

/**
 * Finds each model's scope, or says what stands in its way and what would settle it. A guess that could be wrong is
 * made with `strict: false` alone, and is told as one.
 *
 * Ownership is followed along required foreign keys: a row that can be without its parent would be nobody's. It is
 * never concluded from a name: a column that is named like a key and has no relation is reported.
 *
 * @example
 * ```ts
 * const { models } = classifyModels(readSchema('prisma').datamodel, { tenantModel: 'Team', tenantFields: ['teamId'] })
 * for (const { model, why, suggestions } of models) console.log(model, why, suggestions)
 * ```
 */
export function classifyModels(datamodel: DMMF.Datamodel, options: ClassifyOptions): Classification {
  const guesses = new Map<string, Guess>()
  for (;;) {
    const { classification, guessable } = settle(datamodel, options, guesses)
    if ((options.strict ?? true) || guessable.length === 0) return classification
    // at once, and then again from the start: a parent's guess settles its children
    for (const { model, why, suggestions } of guessable) {
      const [lines] = suggestions
      if (lines !== undefined) guesses.set(model, { lines, why })
    }
  }
}

function settle(
  datamodel: DMMF.Datamodel,
  options: ClassifyOptions,
  guesses: ReadonlyMap<string, Guess>,
): { readonly classification: Classification; readonly guessable: readonly ModelClassification[] } {
  const root = datamodel.models.find(({ name }) => name === options.tenantModel)
  const problems = problemsOf(datamodel, root, options)
  if (!root || problems.length > 0) return { classification: { models: [], problems }, guessable: [] }

  const schema = new StudiedSchema(datamodel, root, options)
  const verdicts = new Map<string, Verdict>()
  const said = new Map<string, readonly Directive[]>()
  const undecided: DMMF.Model[] = []
  for (const model of schema.models) {
    try {
      const own = directivesOf(model, options.models?.[model.name])
      const guess = guesses.get(model.name)
      const directives = guess
        ? [...own.filter((one) => !isScopeDirective(one)), ...suggestedDirectives(guess.lines)]
        : own
      said.set(model.name, directives)
      const verdict = model === root ? rootVerdict(model, directives) : ownVerdict(model, directives, schema)
      if (verdict) verdicts.set(model.name, verdict)
      else undecided.push(model)
      if (verdict && verdict !== 'waiting' && 'scope' in verdict) schema.scopes.set(model.name, verdict.scope)
    } catch (mistake) {
      verdicts.set(model.name, mistakeOf((mistake as Error).message))
    }
  }
  resolveThrough(undecided, schema, verdicts, said)
  for (const model of schema.models) {
    const scope = schema.scopeOf(model.name)
    const verdict =
      scope && (checkType(model, scope, schema) ?? checkReferences(model, scope, schema, verdicts))
    if (verdict) verdicts.set(model.name, verdict)
  }
  return tell(schema.models, verdicts, guesses)
}

function tell(
  models: readonly DMMF.Model[],
  verdicts: ReadonlyMap<string, Verdict>,
  guesses: ReadonlyMap<string, Guess>,
): { readonly classification: Classification; readonly guessable: readonly ModelClassification[] } {
  const guessable: ModelClassification[] = []
  const told = models.map(({ name }): ModelClassification => {
    const verdict = verdicts.get(name)
    const none = { model: name, scope: undefined, suggestions: [] }
    if (verdict === undefined || verdict === 'waiting')
      return { ...none, why: 'goes as its parents go, and one of them is not settled', severity: 'waiting' }
    const guess = guesses.get(name)
    if ('scope' in verdict) {
      const { scope, why } = verdict
      if (!guess) return { model: name, scope, why, severity: 'settled', suggestions: [] }
      return { model: name, scope, why: guess.why, severity: 'guess', suggestions: [guess.lines] }
    }
    const suggestions = verdict.suggest()
    const problem: ModelClassification = { ...none, why: verdict.why, severity: 'problem', suggestions }
    if (!verdict.isMistake && suggestions.length > 0 && !guess) guessable.push(problem)
    return problem
  })
  return { classification: { models: told, problems: [] }, guessable }
}

/** What is wrong with the options or the tenant model. */
function problemsOf(
  { models }: DMMF.Datamodel,
  root: DMMF.Model | undefined,
  options: ClassifyOptions,
): string[] {
  if (!root) {
    const meant = models.find(({ name }) => plainName(name) === plainName(options.tenantModel))
    const question = meant ? `; did you mean "${meant.name}"?` : ''
    return [`tenantModel = "${options.tenantModel}" names no model of the schema${question}`]
  }
  const [key, ...rest] = primaryKeyOf(root)
  if (key === undefined || rest.length > 0)
    return [`${root.name}: the tenant model needs an @id of one field`]
  const id = root.fields.find(({ name }) => name === key)
  if (!id || tenantIdTypeOf(id) === undefined) {
    const type = id ? typeName(id) : 'unknown'
    return [
      `${root.name}: its key "${key}" is ${type}; a tenant's id is a String with @db.Uuid, another String, an Int or a BigInt`,
    ]
  }
  const known = new Set(models.map(({ name }) => name))
  return Object.keys(options.models ?? {})
    .filter((name) => !known.has(name))
    .map((name) => `"models" of doublehull.json has "${name}", which is no model that Prisma's client has`)
}

function rootVerdict(model: DMMF.Model, directives: readonly Directive[]): Verdict {
  if (directives.some(({ kind }) => kind !== 'allow' && kind !== 'appendOnly')) {
    throw new Error('the tenant model has its scope already; remove the @tenancy directive')
  }
  return { scope: { kind: 'root', field: primaryKeyOf(model)[0] ?? '' }, why: 'the tenant model' }
}

function mistakeOf(why: string, suggest: () => readonly string[] = () => []): Verdict {
  return { why, suggest, isMistake: true }
}

function doubtOf(why: string, suggest: () => readonly string[]): Verdict {
  return { why, suggest, isMistake: false }
}

/** What a model's own directives and fields say of it; `undefined` where a parent must decide. */
function ownVerdict(
  model: DMMF.Model,
  directives: readonly Directive[],
  schema: StudiedSchema,
): Verdict | undefined {
  const scopes = directives.filter(isScopeDirective)
  const keys = scopes.flatMap((one) => (one.kind === 'key' ? [one.field] : []))
  const [key] = keys
  const shared = scopes.some(({ kind }) => kind === 'shared')
  const others = scopes.filter(({ kind }) => kind !== 'key' && kind !== 'shared')
  const [other] = others
  const not = deniedColumns(model, directives)
  if (
    keys.length > 1 ||
    others.length > 1 ||
    (other && (key || shared)) ||
    not.some((one) => keys.includes(one))
  ) {
    throw new Error('its @tenancy directives contradict; keep one of them')
  }
  if (other) return liesOf(model, other, not, schema) ?? declaredVerdict(model, other)

  const found = key === undefined ? tenantFieldOf(model, not, schema) : { field: key }
  if (found === undefined) {
    if (shared) throw new Error('@tenancy.shared needs a tenant field; name it with /// @tenancy.key(field)')
    return undefined
  }
  if (found === 'waiting' || !('field' in found)) return found
  return keyVerdict(model, found.field, { isSaid: key !== undefined, shared }, schema)
}

/** The columns that a model says are not its owner's. */
function deniedColumns(model: DMMF.Model, directives: readonly Directive[]): readonly string[] {
  const not = directives.flatMap((directive) => (directive.kind === 'not' ? directive.fields : []))
  const stray = not.find(
    (name) => !model.fields.some((field) => field.name === name && field.kind !== 'object'),
  )
  if (stray) throw new Error(`@tenancy.not(${stray}) names no column of the model`)
  return not
}

/** A scope without the tenant field, said of a model that has one: confirmed column by column, or a mistake. */
function liesOf(
  model: DMMF.Model,
  said: ScopeDirective,
  not: readonly string[],
  schema: StudiedSchema,
): Verdict | undefined {
  const line = `@tenancy.${said.kind}${'field' in said ? `(${said.field})` : ''}`
  const [claim, ...more] = claimsAgainst(model, said.kind, schema).filter((name) => !not.includes(name))
  if (claim === undefined) return undefined
  return mistakeOf(
    `${line} stands against "${claim}", which says whose the row is; keep one of them, or confirm that it is not the owner's`,
    () => [`/// @tenancy.key(${claim})`, `/// ${line}\n/// @tenancy.not(${[claim, ...more].join(', ')})`],
  )
}

/** Columns that say of a row whose it is, so that another scope would hide or show the wrong rows. */
function claimsAgainst(
  model: DMMF.Model,
  kind: ScopeDirective['kind'],
  schema: StudiedSchema,
): readonly string[] {
  // no tenant sees a row of the system's, whoever's it is
  if (kind === 'system') return []
  const keys = schema.referencesToTenant(model).map(({ key }) => key)
  return schema
    .claims(model)
    .filter(
      (name) =>
        (schema.tenantFields.includes(name) && keys.includes(name)) || kind === 'global' || kind === 'member',
    )
}

function declaredVerdict(model: DMMF.Model, said: ScopeDirective): Verdict {
  const why = 'its directive says so'
  if (said.kind === 'global' || said.kind === 'system') return { scope: { kind: said.kind }, why }
  if (said.kind === 'through') {
    const relation = relationNamed(model, said.field)
    if (relation.isList || !relation.isRequired || !relation.relationFromFields?.length) {
      throw new Error(`@tenancy.through(${said.field}) must name a required relation whose key is here`)
    }
    return { scope: { kind: 'through', relation: said.field }, why }
  }
  if (said.kind !== 'member') throw new Error(`@tenancy.${said.kind} stands alone`)
  if (!relationNamed(model, said.field).isList) {
    throw new Error(`@tenancy.member(${said.field}) must name a list of memberships`)
  }
  return { scope: { kind: 'member', relation: said.field }, why }
}

/** What a tenant field makes of a model. */
function keyVerdict(
  model: DMMF.Model,
  field: string,
  { isSaid, shared }: { readonly isSaid: boolean; readonly shared: boolean },
  schema: StudiedSchema,
): Verdict {
  const column = model.fields.find(({ name, kind }) => name === field && kind !== 'object')
  if (!column) throw new Error(`@tenancy.key(${field}) names no column of the model`)
  if (column.isList) {
    return mistakeOf(`"${field}" is a list; a row belongs to one tenant`, () => alternatives(model, schema))
  }
  const reference = schema.referencesToTenant(model).find(({ key }) => key === field)
  if (reference && !reference.byId) {
    const { name, relationToFields } = reference.relation
    return mistakeOf(
      `"${field}" holds ${schema.root.name}.${relationToFields?.[0]}, not the tenant's id`,
      () => (reference.relation.isRequired ? [`/// @tenancy.through(${name})`] : []),
    )
  }
  const why = isSaid ? 'its directive says so' : `"${field}" refers to ${schema.root.name}`
  if (shared) {
    if (!column.isRequired) return { scope: { kind: 'shared', field }, why: 'its directive says so' }
    throw new Error(`@tenancy.shared, but "${field}" is required; rows without a tenant can't exist`)
  }
  if (column.isRequired) return { scope: { kind: 'direct', field }, why }
  // whoever names the field has seen that rows without a tenant are nobody's
  if (isSaid) return { scope: { kind: 'direct', field, nullable: true }, why }
  return doubtOf(
    `"${field}" is nullable; make it required, or say whose the rows without a tenant are`,
    () => [...throughLines(model, schema), `/// @tenancy.key(${field})`, '/// @tenancy.shared'],
  )
}

/** The model's tenant field, or what keeps it from having one. */
function tenantFieldOf(
  model: DMMF.Model,
  not: readonly string[],
  schema: StudiedSchema,
): { readonly field: string } | Verdict | undefined {
  const tenant = schema.root.name
  const references = schema.referencesToTenant(model).filter(({ key }) => !not.includes(key))
  const keyed = references.flatMap(({ key }) => key)
  const named = schema.tenantNamed(model).flatMap(({ name }) => (not.includes(name) ? [] : [name]))
  const [first, ...rest] = named
  if (rest.length > 0) {
    const byRelation = named.toSorted((a, b) => Number(keyed.includes(b)) - Number(keyed.includes(a)))
    return doubtOf(`has several tenant fields (${named.join(', ')}); choose one`, () =>
      byRelation.map((name) => `/// @tenancy.key(${name})`),
    )
  }
  if (first !== undefined) {
    if (keyed.includes(first) || schema.isView(model)) return { field: first }
    return doubtOf(`"${first}" has no relation to ${tenant}; add one, or say what it holds`, () => [
      `/// @tenancy.key(${first})`,
      ...alternatives(model, schema),
    ])
  }
  if (references.length > 0) {
    const owner = `is that its owner? if it is not, /// @tenancy.not(${keyed.join(', ')}) says so`
    return doubtOf(`refers to ${tenant} by ${keyed.join(', ')}; ${owner}`, () => {
      const lines = references
        .toSorted((a, b) => likeness(b, schema) - likeness(a, schema))
        .map(
          ({ relation, key, byId }) => `/// @tenancy.${byId ? `key(${key})` : `through(${relation.name})`}`,
        )
      return [...throughLines(model, schema), ...lines, ...alternatives(model, schema, { through: false })]
    })
  }
  const near = schema.nearMisses(model).filter(({ name }) => !not.includes(name))
  const [miss] = near
  if (miss) {
    const names = near.map(({ name }) => `"${name}"`).join(', ')
    return doubtOf(
      `${names} is named almost like the tenant field (${schema.tenantFields.join(', ')}), and has no relation to ${tenant}`,
      () => [
        ...near.map(({ name }) => `/// @tenancy.key(${name})`),
        ...throughLines(
          model,
          schema,
          near.map(({ name }) => name),
        ),
        ...alternatives(model, schema, { through: false }),
      ],
    )
  }
  return undefined
}

/** How likely a reference to the tenant is the owner's: by its name, then by its being required. */
function likeness(
  { key, relation }: { readonly key: string; readonly relation: DMMF.Field },
  { tenantFields, root }: StudiedSchema,
): number {
  return Number(resembles(key, [...tenantFields, `${root.name}Id`])) * 2 + Number(relation.isRequired)
}

/** Required relations to models that are not the tenant, whose key is here: what can give a model its scope. */
function requiredParents(
  model: DMMF.Model,
  schema: StudiedSchema,
  directives: readonly Directive[] = [],
): readonly DMMF.Field[] {
  const not = directives.flatMap((directive) => (directive.kind === 'not' ? directive.fields : []))
  const toTenant = schema.referencesToTenant(model).map(({ relation }) => relation)
  return model.fields.filter(
    (field) =>
      field.isRequired &&
      field.relationFromFields?.length &&
      !toTenant.includes(field) &&
      !field.relationFromFields.some((name) => not.includes(name)),
  )
}

/** The required parents that lead to a tenant, the nearest first. */
function ownedParents(
  model: DMMF.Model,
  schema: StudiedSchema,
  directives?: readonly Directive[],
): readonly DMMF.Field[] {
  return requiredParents(model, schema, directives)
    .filter(({ type }) => schema.isOwned(type) && !schema.leadsThrough(type, model.name))
    .toSorted((a, b) => schema.depthOf(a.type) - schema.depthOf(b.type))
}

/** The lines that give a model its scope through a parent, against the columns that say otherwise. */
function throughLines(
  model: DMMF.Model,
  schema: StudiedSchema,
  more: readonly string[] = [],
): readonly string[] {
  const not = [...new Set([...claimsAgainst(model, 'through', schema), ...more])]
  const denied = not.length > 0 ? `\n/// @tenancy.not(${not.join(', ')})` : ''
  return ownedParents(model, schema).map(({ name }) => `/// @tenancy.through(${name})${denied}`)
}

/** The scopes that need no tenant field, from the one that shows a tenant least. */
function alternatives(
  model: DMMF.Model,
  schema: StudiedSchema,
  { through = true }: { readonly through?: boolean } = {},
): readonly string[] {
  const not = claimsAgainst(model, 'global', schema)
  const denied = not.length > 0 ? `\n/// @tenancy.not(${not.join(', ')})` : ''
  return [
    ...(through ? throughLines(model, schema) : []),
    ...schema.memberships(model).map(({ name }) => `/// @tenancy.member(${name})${denied}`),
    '/// @tenancy.system',
    `/// @tenancy.global${denied}`,
  ]
}

/** Settles the models that only a parent can settle, where one parent alone leads to a tenant. */
function resolveThrough(
  undecided: readonly DMMF.Model[],
  schema: StudiedSchema,
  verdicts: Map<string, Verdict>,
  said: ReadonlyMap<string, readonly Directive[]>,
): void {
  // a model without a scope is open, and so are those that go as it goes, so that one mistake is told once
  const isOpen = (name: string) => verdicts.has(name) && !schema.scopes.has(name)
  let waiting = undecided
  for (;;) {
    const settled: [DMMF.Model, DMMF.Field][] = []
    const open: DMMF.Model[] = []
    const next: DMMF.Model[] = []
    for (const model of waiting) {
      const directives = said.get(model.name)
      const [first] = ownedParents(model, schema, directives)
      if (first) settled.push([model, first])
      else if (requiredParents(model, schema, directives).some(({ type }) => isOpen(type))) open.push(model)
      else next.push(model)
    }
    for (const [{ name }, relation] of settled) {
      const scope = { kind: 'through', relation: relation.name } as const
      schema.scopes.set(name, scope)
      verdicts.set(name, { scope, why: `"${relation.name}" is required, and leads to the tenant` })
    }
    for (const { name } of open) verdicts.set(name, 'waiting')
    if (next.length === waiting.length) break
    waiting = next
  }
  // only now, when all parents have their scope: one that is farther from the tenant is a parent none the less
  for (const model of undecided) {
    const candidates = ownedParents(model, schema, said.get(model.name))
    if (candidates.length < 2) continue
    const names = candidates.map(({ name }) => name).join(', ')
    verdicts.set(
      model.name,
      doubtOf(`several required parents have a tenant (${names}); choose one`, () =>
        throughLines(model, schema),
      ),
    )
  }
  for (const model of waiting) {
    const not = said.get(model.name)?.flatMap((one) => (one.kind === 'not' ? one.fields : [])) ?? []
    verdicts.set(
      model.name,
      doubtOf(unsettledReason(model, schema, not), () => alternatives(model, schema, { through: false })),
    )
  }
}

/** A tenant field holds what the tenant's key holds. */
function checkType(model: DMMF.Model, scope: Scope, schema: StudiedSchema): Verdict | undefined {
  if (scope.kind !== 'direct' && scope.kind !== 'shared') return undefined
  const column = model.fields.find(({ name }) => name === scope.field)
  const key = schema.root.fields.find(({ name }) => name === primaryKeyOf(schema.root)[0])
  if (!column || !key || tenantIdTypeOf(column) === tenantIdTypeOf(key)) return undefined
  return mistakeOf(
    `"${scope.field}" is ${typeName(column)}, but ${schema.root.name}.${key.name} is ${typeName(key)}; give both the same type`,
  )
}

/** What a scope refers to must itself be a tenant's. */
function checkReferences(
  model: DMMF.Model,
  scope: Scope,
  schema: StudiedSchema,
  verdicts: ReadonlyMap<string, Verdict>,
): Verdict | undefined {
  const isOpen = (name: string) => verdicts.has(name) && !schema.scopes.has(name)
  if (scope.kind === 'member') {
    const link = relationNamed(model, scope.relation).type
    if (isOpen(link)) return 'waiting'
    if (schema.scopeOf(link)?.kind !== 'direct') {
      return mistakeOf(`@tenancy.member(${scope.relation}) must lead to a model with a tenant field`)
    }
  }
  if (scope.kind !== 'through') return undefined
  const seen = new Set([model.name])
  let current: DMMF.Model | undefined = model
  let step: Scope | undefined = scope
  while (current && step?.kind === 'through') {
    const parent: string = relationNamed(current, step.relation).type
    if (isOpen(parent)) return 'waiting'
    if (seen.has(parent)) {
      return mistakeOf('its @tenancy.through parents form a circle; add a tenant field to one of them')
    }
    seen.add(parent)
    current = schema.model(parent)
    step = schema.scopeOf(parent)
  }
  if (step?.kind === 'root' || step?.kind === 'direct') return undefined
  return mistakeOf(
    `@tenancy.through(${scope.relation}) does not lead to a tenant; choose another relation, or add a tenant field`,
  )
}
