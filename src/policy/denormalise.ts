/**
 * A tenant column for a table whose tenant is several parents away, so that its policies compare a column instead of
 * asking table after table for each row. Triggers fill it from the parents, whatever a statement says, and follow the
 * parents where one of them changes hands.
 */
import { TenancyError } from '../errors.ts'
import { type Manifest, type ModelManifest, tenantFieldOf } from '../manifest/manifest.ts'
import { type DatabaseFacts, factsOf } from './database-facts.ts'
import { fittedName, qualified, quoteIdentifier } from './identifier.ts'

/** The way from a row to its tenant. */
interface TenantPath {
  /** The table itself, then its parents; the last one has the tenant's column. */
  readonly models: readonly ModelManifest[]
  /** Of each model but the last, the columns that lead to the next one's. */
  readonly links: readonly (readonly (readonly [string, string])[])[]
  /** The tenant's column of the last one. */
  readonly column: string
  /** Its field. */
  readonly field: string
}

/** How many parents a row is from its tenant: 0 for a model with a tenant column of its own, or without a tenant. */
export function tenantDistance(manifest: Manifest, modelName: string): number {
  return tenantPath(manifest, modelName)?.links.length ?? 0
}

/** A tenant column for a model, as SQL and in words. */
export interface Denormalisation {
  readonly schema: string
  readonly table: string
  /** None where the column is there. */
  readonly statements: readonly string[]
  /** What the Prisma schema must say. */
  readonly schemaLines: readonly string[]
}

/**
 * The statements that give a model a tenant column: the column, its values for the rows that are there, an index, and
 * the triggers that keep it right.
 *
 * @param modelName a model of the scope `through`
 * @throws {TenancyError} `DH304` for a model that is not there, or whose tenant is in no parent
 */
export function denormalisation(
  manifest: Manifest,
  modelName: string,
  facts: DatabaseFacts,
): Denormalisation {
  const model = manifest.models[modelName]
  if (model === undefined) throw unfit(`has no model ${modelName}`)
  const path = tenantPath(manifest, modelName)
  if (path === undefined || path.links.length === 0) {
    throw unfit(`has ${modelName} with a scope of ${model.scope.kind}, which finds its tenant in no parent`)
  }
  const last = path.models.at(-1) ?? model
  const [own, end] = [factsOf(facts, model.schema, model.table), factsOf(facts, last.schema, last.table)]
  const type = end?.columns.find(({ name }) => name === path.column)?.type
  if (own === undefined || type === undefined)
    throw unfit(`has a table for ${modelName} that the database lacks`)
  const mayBeNull =
    last.scope.kind !== 'root' &&
    !path.models.every((one, index) => {
      const columns = path.links[index]?.map(([column]) => column) ?? [path.column]
      const notNull = factsOf(facts, one.schema, one.table)?.notNull ?? []
      return columns.every((column) => notNull.includes(column))
    })
  const column = last.scope.kind === 'root' ? 'tenant_id' : path.column
  const field = last.scope.kind === 'root' ? 'tenantId' : path.field
  const schemaLines = [
    `model ${modelName}: ${field} ${prismaTypes[manifest.tenantIdType]}${mayBeNull ? '?' : ''}${field === column ? '' : ` @map("${column}")`}${manifest.tenantIdType === 'uuid' ? ' @db.Uuid' : ''}`,
    `model ${modelName}: @@index([${field}])`,
    `model ${modelName}: /// @tenancy.key(${field}) in the place of @tenancy.through`,
  ]
  const { schema, table } = model
  if (own.columns.some(({ name }) => name === column)) return { schema, table, statements: [], schemaLines }
  return { schema, table, statements: statementsOf(path, { column, type, mayBeNull }), schemaLines }
}

const prismaTypes = { uuid: 'String', text: 'String', int4: 'Int', int8: 'BigInt' } as const

function statementsOf(
  path: TenantPath,
  {
    column,
    type,
    mayBeNull,
  }: { readonly column: string; readonly type: string; readonly mayBeNull: boolean },
): readonly string[] {
  const [model] = path.models
  const [link] = path.links
  if (!model || !link) return []
  const name = tableOf(model)
  const tenant = quoteIdentifier(column)
  const fill = functionName(model, '_fill_tenant')
  const followed = path.models.slice(1).flatMap((parent, index) => followSql(path, index + 1, parent, tenant))
  return [
    `alter table ${name} add column ${tenant} ${type}`,
    // the rows that are there, before anybody writes more: this holds the table's lock
    `update ${name} m set ${tenant} = ${tenantOf(path, 0, 'm')}`,
    ...(mayBeNull ? [] : [`alter table ${name} alter column ${tenant} set not null`]),
    `create index ${quoteIdentifier(fittedName(`${model.table}_${column}`, '_idx'))} on ${name} (${tenant})`,
    [
      `create function ${fill}() returns trigger`,
      '  language plpgsql',
      "  set search_path = ''",
      'as $$',
      'begin',
      `  new.${tenant} := ${tenantOf(path, 0, 'new')};`,
      '  return new;',
      'end',
      '$$',
    ].join('\n'),
    `create trigger fill_tenant before insert or update of ${[...link.map(([one]) => quoteIdentifier(one)), tenant].join(', ')} on ${name}\n  for each row execute function ${fill}()`,
    ...followed,
  ]
}

/** What a parent's trigger does when it comes to have another parent, or another tenant. */
function followSql(
  path: TenantPath,
  index: number,
  parent: ModelManifest,
  tenant: string,
): readonly string[] {
  const [model] = path.models
  const [first] = path.links
  const columns = path.links[index]?.map(([column]) => column) ?? [path.column]
  // the tenant's own row keeps its key
  if (!model || !first || (path.links[index] === undefined && parent.scope.kind === 'root')) return []
  const name = functionName(model, `_follow_${index}`)
  const changed = columns.map(
    (column) => `old.${quoteIdentifier(column)} is distinct from new.${quoteIdentifier(column)}`,
  )
  // from the row of the table to this parent, whose key is in new
  const joins = path.models.slice(1, index).map((one, at) => `${tableOf(one)} t${at + 1}`)
  const conditions = path.links.slice(0, index).map((link, at) => {
    const left = at === 0 ? 'm' : `t${at}`
    return matched(link, left, at + 1 === index ? 'new' : `t${at + 1}`)
  })
  const where =
    joins.length === 0
      ? conditions.join(' and ')
      : `exists (select from ${joins.join(', ')} where ${conditions.join(' and ')})`
  return [
    [
      `create function ${name}() returns trigger`,
      '  language plpgsql',
      "  set search_path = ''",
      'as $$',
      'begin',
      `  if ${tenantOf(path, index, 'old')} is distinct from ${tenantOf(path, index, 'new')} then`,
      `    update ${tableOf(model)} m set ${tenant} = ${tenantOf(path, 0, 'm')} where ${where};`,
      '  end if;',
      '  return null;',
      'end',
      '$$',
    ].join('\n'),
    `create trigger ${quoteIdentifier(fittedName(`follow_tenant_${model.table}`, `_${index}`))} after update of ${columns.map(quoteIdentifier).join(', ')} on ${tableOf(parent)}\n  for each row when (${changed.join(' or ')}) execute function ${name}()`,
  ]
}

/** The tenant of a row of the path's model `index`, which the SQL around it calls `row`. */
function tenantOf(path: TenantPath, index: number, row: string): string {
  const parents = path.models.slice(index + 1)
  if (parents.length === 0) return `${row}.${quoteIdentifier(path.column)}`
  const tables = parents.map((one, at) => `${tableOf(one)} p${at + 1}`)
  const conditions = path.links
    .slice(index)
    .map((link, at) => matched(link, at === 0 ? row : `p${at}`, `p${at + 1}`))
  return `(select p${parents.length}.${quoteIdentifier(path.column)} from ${tables.join(', ')} where ${conditions.join(' and ')})`
}

function matched(link: readonly (readonly [string, string])[], left: string, right: string): string {
  return link
    .map(([one, other]) => `${right}.${quoteIdentifier(other)} = ${left}.${quoteIdentifier(one)}`)
    .join(' and ')
}

function tenantPath(manifest: Manifest, modelName: string): TenantPath | undefined {
  const models: ModelManifest[] = []
  const links: (readonly (readonly [string, string])[])[] = []
  let model = manifest.models[modelName]
  while (model !== undefined && !models.includes(model)) {
    models.push(model)
    const field = tenantFieldOf(model)
    if (field !== undefined) return { models, links, column: model.columns[field] ?? field, field }
    if (model.scope.kind !== 'through') return undefined
    const relation = model.relations[model.scope.relation]
    const next = relation && manifest.models[relation.model]
    const inverse = relation && next?.relations[relation.inverse]
    if (!relation || !next) return undefined
    const here = model
    links.push(
      relation.fields.length > 0
        ? relation.fields.map((one, index) => pairOf(here, one, next, relation.references[index]))
        : (inverse?.fields ?? []).map((one, index) => pairOf(here, inverse?.references[index], next, one)),
    )
    model = next
  }
  return undefined
}

function pairOf(
  model: ModelManifest,
  field: string | undefined,
  other: ModelManifest,
  reference: string | undefined,
): readonly [string, string] {
  return [model.columns[field ?? ''] ?? '', other.columns[reference ?? ''] ?? '']
}

function tableOf({ schema, table }: ModelManifest): string {
  return qualified(schema, table)
}

function functionName({ schema, table }: ModelManifest, ending: string): string {
  return qualified(schema, fittedName(table, ending))
}

function unfit(what: string): TenancyError {
  return new TenancyError(
    'DH304',
    `the manifest ${what}; --denormalise takes a model that finds its tenant through parents`,
  )
}
