import type { DMMF } from '@prisma/generator-helper'
import { TenancyError } from '../errors.ts'
import type { Classification, ClassifyOptions, ModelClassification } from './classification.ts'
import { classifyModels } from './classify-models.ts'
import { type Directive, directivesOf } from './directive.ts'
import { type SchemaElements, schemaElements } from './hidden-elements.ts'
import {
  type Command,
  everyCommand,
  type JoinTableManifest,
  type Manifest,
  type ModelManifest,
  type RelationManifest,
  type Scope,
} from './manifest.ts'
import { primaryKeyOf } from './studied-schema.ts'
import { tenantIdTypeOf } from './tenant-id-type.ts'

/** What became of a schema: its manifest, or what must be settled first. */
export interface ClassifyOutcome {
  /** Undefined where anything is a problem. */
  readonly manifest: Manifest | undefined
  /** One sentence for each problem, that begins with the model it is about. */
  readonly problems: readonly string[]
  readonly models: readonly ModelClassification[]
}

/**
 * Gives every model a scope, or says why it can't. A guess that could be wrong is never made, unless `strict` is `false`:
 * each problem names the model and the line that settles it, and all of them are reported at once.
 *
 * @throws {TenancyError} `DH304` when a model has no scope or an ambiguous one
 */
export function classify(datamodel: DMMF.Datamodel, options: ClassifyOptions): Manifest {
  return manifestOrThrow(outcomeOf(datamodel, options))
}

/**
 * The manifest of an outcome.
 *
 * @throws {TenancyError} `DH304` with all problems, where there is none
 */
export function manifestOrThrow({ manifest, problems }: ClassifyOutcome): Manifest {
  if (manifest) return manifest
  throw new TenancyError('DH304', `the schema cannot be classified:\n${problemList(problems)}`)
}

/** The problems of {@link ClassifyOutcome} for people, with what the lines mean that are offered. */
export function problemList(problems: readonly string[]): string {
  const offered = Object.entries(meanings).filter(([line]) =>
    problems.some((problem) => problem.includes(`/// @tenancy.${line}`)),
  )
  return [
    ...problems.map((problem) => `  - ${problem}`),
    ...(offered.length > 0
      ? ['The lines stand above the model, or without /// @tenancy. in doublehull.json:']
      : []),
    ...offered.map(([line, meaning]) => `    .${line.padEnd(8)} ${meaning}`),
  ].join('\n')
}

const meanings: Readonly<Record<string, string>> = {
  key: "rows are the tenant's whose id the column holds; rows without one are nobody's",
  shared: 'rows without a tenant are read by all and written by none',
  through: "rows are the tenant's whose parent is",
  member: 'a tenant reads the rows that its memberships name',
  system: 'no tenant sees the rows',
  global: 'every tenant reads every row',
  not: 'the column says nothing of whose the row is',
}

/** What {@link classify} does, as data. */
export function outcomeOf(datamodel: DMMF.Datamodel, options: ClassifyOptions): ClassifyOutcome {
  const classification = classifyModels(datamodel, options)
  const unsettled = problemsOf(classification)
  const { models } = classification
  if (unsettled.length > 0) return { manifest: undefined, problems: unsettled, models }
  const elements = schemaElements(options.files ?? [])
  const { manifest, problems } = manifestOf(datamodel, options, models, elements)
  return { manifest: problems.length > 0 ? undefined : manifest, problems, models }
}

function problemsOf({ problems, models }: Classification): string[] {
  const told = [
    ...problems,
    ...models.flatMap(({ model, severity, why, suggestions }) =>
      severity === 'problem' ? [`${model}: ${why}${adviceOf(suggestions)}`] : [],
    ),
  ]
  // whom they wait for is told; should nobody be, they are not forgotten
  const waiting = models.filter(({ severity }) => severity === 'waiting')
  return told.length > 0 ? told : waiting.map(({ model, why }) => `${model}: ${why}`)
}

function adviceOf(suggestions: readonly string[]): string {
  const lines = suggestions.map((lines) => lines.split('\n').join(' with '))
  return lines.length > 0 ? `; write ${lines.join(' or ')}` : ''
}

function manifestOf(
  datamodel: DMMF.Datamodel,
  options: ClassifyOptions,
  classified: readonly ModelClassification[],
  { views, hidden }: SchemaElements,
): { readonly manifest: Manifest; readonly problems: readonly string[] } {
  const byName = new Map(datamodel.models.map((model) => [model.name, model]))
  const scopes = new Map(classified.flatMap(({ model, scope }) => (scope ? [[model, scope]] : [])))
  // whoever writes a membership chooses whose people a tenant sees: such a link is read-only for tenants
  const links = new Set<string>()
  for (const [name, scope] of scopes) {
    if (scope.kind !== 'member') continue
    const link = byName.get(name)?.fields.find((field) => field.name === scope.relation)
    if (link) links.add(link.type)
  }

  const models: Record<string, ModelManifest> = {}
  const problems: string[] = []
  for (const model of [...datamodel.models].sort((a, b) => compare(a.name, b.name))) {
    const scope = scopes.get(model.name)
    if (!scope) continue
    const isView = views.has(model.name)
    const possible = possibleCommands(scope, { isMembership: links.has(model.name), isView })
    const directives = directivesOf(model, options.models?.[model.name])
    const commands = allowedCommands(possible, directives)
    const disowned = directives.flatMap((directive) => (directive.kind === 'not' ? directive.fields : []))
    if (typeof commands === 'string') problems.push(`${model.name}: ${commands}`)
    else
      models[model.name] = {
        schema: schemaOf(model),
        table: model.dbName ?? model.name,
        isView,
        scope,
        readOnly: commands.every((command) => command === 'select'),
        commands,
        appendOnly: directives.some((directive) => directive.kind === 'appendOnly'),
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
        ...(disowned.length > 0 && { disowned }),
      }
  }
  const root = byName.get(options.tenantModel)
  const id = root?.fields.find(({ name }) => name === primaryKeyOf(root)[0])
  const manifest: Manifest = {
    version: 1,
    tenantModel: options.tenantModel,
    tenantIdType: (id && tenantIdTypeOf(id)) ?? 'uuid',
    models,
    joinTables: joinTablesOf(datamodel.models),
    hidden,
  }
  return { manifest, problems }
}

/** What tenants can do with the rows of a scope, unless the model allows less. */
function possibleCommands(
  scope: Scope,
  { isMembership, isView }: { readonly isMembership: boolean; readonly isView: boolean },
): readonly Command[] {
  if (scope.kind === 'system') return []
  if (isView || scope.kind === 'global' || scope.kind === 'member' || isMembership) return ['select']
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
