/**
 * The steps that let the keys of a filled schema carry the tenant. Invariant: nothing here scans a table under a
 * lock that stops a writer, and an old key goes only when the new one holds every row.
 */
import { createHash } from 'node:crypto'
import {
  type Manifest,
  type ModelManifest,
  type RelationManifest,
  tenantFieldOf,
} from '../manifest/manifest.ts'
import { type DatabaseFacts, type ForeignKeyFacts, factsOf, type TableFacts } from './database-facts.ts'
import { fittedName, qualified, quoteIdentifier } from './identifier.ts'
import type { OnlineFinding, OnlinePlan, OnlineStep } from './online-step.ts'

/**
 * Which tenant-leading indexes and composite foreign keys a schema lacks, and the steps that make them.
 *
 * Only relations between two models that each have a tenant column of their own are touched: the manifest knows the
 * tenant column of both ends, so nothing is guessed.
 */
export function keySteps(manifest: Manifest, facts: DatabaseFacts): OnlinePlan {
  const names = new Names(facts)
  const indexes = new Map<string, OnlineStep[]>()
  const keys: OnlineStep[] = []
  const findings: OnlineFinding[] = []
  const want = (table: TableFacts, columns: readonly string[], unique: boolean, model: string) => {
    const id = JSON.stringify([table.schema, table.table, columns, unique])
    if (indexes.has(id)) return
    const fields = fieldsOf(manifest.models[model], columns)
    const schemaLine = `model ${model}: @@${unique ? 'unique' : 'index'}([${fields.join(', ')}])`
    indexes.set(
      id,
      indexSteps(names, table, columns, unique).map((step) => ({ ...step, schemaLine })),
    )
  }
  for (const [modelName, model] of Object.entries(manifest.models)) {
    const table = factsOf(facts, model.schema, model.table)
    if (table?.kind !== 'table') continue
    for (const [name, relation] of Object.entries(model.relations)) {
      const target = manifest.models[relation.model]
      if (!target || model.scope.kind !== 'direct' || target.scope.kind !== 'direct') continue
      const targetTable = factsOf(facts, target.schema, target.table)
      const pairs = keyPairs(model, target, relation)
      if (!targetTable || !pairs) continue
      const plan = relationSteps(facts, names, { table, targetTable, pairs, relation: name })
      findings.push(...plan.findings)
      if (plan.unique) want(targetTable, plan.unique, true, relation.model)
      const [fields, references] = [fieldsOf(model, pairs.columns), fieldsOf(target, pairs.references)]
      const schemaLine = `model ${modelName}, ${name}: @relation(fields: [${fields.join(', ')}], references: [${references.join(', ')}])`
      keys.push(...plan.steps.map((step) => (step.kind === 'addForeignKey' ? { ...step, schemaLine } : step)))
    }
  }
  // after the unique ones, any of which may serve
  for (const [modelName, model] of Object.entries(manifest.models)) {
    const table = factsOf(facts, model.schema, model.table)
    const column = model.columns[tenantFieldOf(model) ?? '']
    if (table?.kind !== 'table' || column === undefined || model.scope.kind === 'root') continue
    const planned = [...indexes.values()]
      .flat()
      .some((step) => step.kind === 'uniqueIndex' && of(step, table))
    if (!planned && !isLed(table, column)) want(table, [column], false, modelName)
  }
  return { steps: [...[...indexes.values()].flat(), ...keys], findings }
}

function fieldsOf(model: ModelManifest | undefined, columns: readonly string[]): readonly string[] {
  const fields = Object.entries(model?.columns ?? {})
  return columns.map((column) => fields.find(([, one]) => one === column)?.[0] ?? column)
}

/** The columns of a key, each with the one that it refers to; the tenant's come first. */
interface KeyPairs {
  readonly columns: readonly string[]
  readonly references: readonly string[]
}

function keyPairs(
  model: ModelManifest,
  target: ModelManifest,
  relation: RelationManifest,
): KeyPairs | undefined {
  const [own, theirs] = [tenantFieldOf(model) ?? '', tenantFieldOf(target) ?? '']
  const rest = relation.fields
    .map((field, index) => [field, relation.references[index] ?? ''] as const)
    .filter(([field, reference]) => !(field === own && reference === theirs))
  // without a column of its own, or with the tenant's in a part that is not the tenant's, it is no such key
  if (rest.length === 0 || rest.some(([field, reference]) => field === own || reference === theirs)) return
  const pairs = [[own, theirs] as const, ...rest]
  return {
    columns: pairs.map(([field]) => model.columns[field] ?? ''),
    references: pairs.map(([, reference]) => target.columns[reference] ?? ''),
  }
}

interface RelationPlan extends OnlinePlan {
  /** Columns of the other table that the key needs to be unique together. */
  readonly unique?: readonly string[]
}

function relationSteps(
  facts: DatabaseFacts,
  names: Names,
  {
    table,
    targetTable,
    pairs,
    relation,
  }: {
    readonly table: TableFacts
    readonly targetTable: TableFacts
    readonly pairs: KeyPairs
    readonly relation: string
  },
): RelationPlan {
  const simple = { columns: pairs.columns.slice(1), references: pairs.references.slice(1) }
  const hidden = hidesRows(facts, table) || hidesRows(facts, targetTable)
  const existing = table.foreignKeys.find((key) => isKey(key, targetTable, pairs))
  const old = table.foreignKeys.filter((key) => isKey(key, targetTable, simple))
  const left = (
    severity: OnlineFinding['severity'],
    kind: OnlineFinding['kind'],
    object: string | undefined,
    message: string,
  ): RelationPlan => ({
    steps: [],
    findings: [
      {
        severity,
        kind,
        schema: table.schema,
        table: table.table,
        ...(object !== undefined && { object }),
        message: `${nameOf(table)}: ${message}`,
      },
    ],
  })
  if (existing) return existingKey({ table, targetTable, pairs, existing, old, hidden }, left)
  const [model] = old
  if (!model) {
    return left(
      'notice',
      'noForeignKey',
      relation,
      `the relation ${relation} has no foreign key in the database, and gets none`,
    )
  }
  if (targetTable.kind !== 'table') {
    const message = `${model.name} refers to ${nameOf(targetTable)}, which is partitioned; put the tenant into the key by hand`
    return left('problem', 'partitioned', model.name, message)
  }
  if (model.onUpdate === 'n' || model.onUpdate === 'd') {
    const message = `${model.name} clears its columns when the key it refers to changes, which would clear the tenant too; give it ON UPDATE CASCADE or NO ACTION first`
    return left('problem', 'updateAction', model.name, message)
  }
  if (hidden) {
    const message = `row-level security hides rows of it, or of ${nameOf(targetTable)}, from its owner, so that ${model.name} can't be replaced by a key that was checked against all; run this as a superuser`
    return left('problem', 'hiddenRows', model.name, message)
  }
  const name = names.constraint(table, pairs.columns)
  const nullable = table.notNull.includes(pairs.columns[0] ?? '')
    ? undefined
    : left(
        'notice',
        'nullableTenant',
        model.name,
        `the tenant column may be null, and PostgreSQL checks ${name} for no row where it is; ${model.name} stays`,
      )
  const findings = nullable?.findings ?? []
  const steps = [
    step('addForeignKey', table, name, [addKeySql(name, table, targetTable, pairs, model)]),
    validateStep(table, targetTable, pairs, name, name),
    ...(nullable ? [] : old.map((key) => dropStep(table, key, name))),
  ]
  const isThere = targetTable.indexes.some((index) => serves(index, pairs.references))
  return { steps, findings, ...(!isThere && { unique: pairs.references }) }
}

/** What is left to do where the database has the key already, perhaps from a run that broke off. */
function existingKey(
  {
    table,
    targetTable,
    pairs,
    existing,
    old,
    hidden,
  }: {
    readonly table: TableFacts
    readonly targetTable: TableFacts
    readonly pairs: KeyPairs
    readonly existing: ForeignKeyFacts
    readonly old: readonly ForeignKeyFacts[]
    readonly hidden: boolean
  },
  left: (
    severity: OnlineFinding['severity'],
    kind: OnlineFinding['kind'],
    object: string,
    message: string,
  ) => OnlinePlan,
): OnlinePlan {
  if (!existing.valid && hidden) {
    const message = `row-level security hides rows of it, or of ${nameOf(targetTable)}, from its owner, so that ${existing.name} can't be validated; run this as a superuser`
    return left('problem', 'hiddenRows', existing.name, message)
  }
  const validate = existing.valid ? [] : [validateStep(table, targetTable, pairs, existing.name)]
  if (!table.notNull.includes(pairs.columns[0] ?? '')) return { steps: validate, findings: [] }
  // one that was made with another action does not do what the old one does
  const other = old.filter((key) => key.onDelete !== existing.onDelete || key.onUpdate !== existing.onUpdate)
  const drops = old
    .filter((key) => !other.includes(key))
    .map((key) => dropStep(table, key, existing.valid ? undefined : existing.name))
  const findings = other.flatMap((key) => {
    const message = `${key.name} stays beside ${existing.name}, because the two differ in what they do when the row they refer to is deleted or gets another key; drop the one that is not meant`
    return left('notice', 'otherForeignKey', key.name, message).findings
  })
  return { steps: [...validate, ...drops], findings }
}

function addKeySql(
  name: string,
  table: TableFacts,
  targetTable: TableFacts,
  { columns, references }: KeyPairs,
  model: ForeignKeyFacts,
): string {
  const rest = list(columns.slice(1))
  return [
    `alter table ${quoted(table)} add constraint ${quoteIdentifier(name)}`,
    `  foreign key (${list(columns)}) references ${quoted(targetTable)} (${list(references)})`,
    // without the columns, SET NULL would clear the tenant with them
    `  on delete ${actions[model.onDelete]}${model.onDelete === 'n' || model.onDelete === 'd' ? ` (${rest})` : ''}`,
    `  on update ${actions[model.onUpdate]}`,
    ...(model.deferrable ? [`  deferrable initially ${model.deferred ? 'deferred' : 'immediate'}`] : []),
    // checks every row from now on, and none that is there: that is the next step, under a lock that stops nobody
    '  not valid',
  ].join('\n')
}

const actions: Readonly<Record<ForeignKeyFacts['onDelete'], string>> = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
}

function validateStep(
  table: TableFacts,
  targetTable: TableFacts,
  { columns, references }: KeyPairs,
  name: string,
  needs?: string,
): OnlineStep {
  const on = columns.map(
    (column, index) => `r.${quoteIdentifier(references[index] ?? '')} = h.${quoteIdentifier(column)}`,
  )
  const filled = columns.map((column) => `h.${quoteIdentifier(column)} is not null`)
  return {
    ...step('validateForeignKey', table, name, [
      `alter table ${quoted(table)} validate constraint ${quoteIdentifier(name)}`,
    ]),
    ...(needs !== undefined && { needs }),
    violations: `select count(*)::int as rows from ${quoted(table)} h where ${filled.join(' and ')} and not exists (select from ${quoted(targetTable)} r where ${on.join(' and ')})`,
  }
}

function dropStep(table: TableFacts, key: ForeignKeyFacts, needs: string | undefined): OnlineStep {
  return {
    ...step('dropForeignKey', table, key.name, [
      `alter table ${quoted(table)} drop constraint ${quoteIdentifier(key.name)}`,
    ]),
    ...(needs !== undefined && { needs }),
  }
}

/**
 * An index, as Prisma would name and make it, but concurrently. A foreign key may refer to a unique index as it is:
 * to make a constraint of it would take an access exclusive lock, and Prisma's `@@unique` makes none either.
 */
function indexSteps(
  names: Names,
  table: TableFacts,
  columns: readonly string[],
  unique: boolean,
): OnlineStep[] {
  const name = names.index(table, columns, unique)
  const drop = `drop index concurrently if exists ${qualified(table.schema, name)}`
  const left = table.indexes.some((index) => index.name === name && !index.valid)
  const create = `create ${unique ? 'unique ' : ''}index concurrently ${quoteIdentifier(name)} on ${quoted(table)} (${list(columns)})`
  return [
    ...(left ? [{ ...step('dropInvalidIndex', table, name, [drop]), transaction: false }] : []),
    {
      ...step(unique ? 'uniqueIndex' : 'index', table, name, [create]),
      transaction: false,
      cleanUp: drop,
    },
  ]
}

function step(
  kind: OnlineStep['kind'],
  table: TableFacts,
  object: string,
  statements: readonly string[],
): OnlineStep {
  return { kind, schema: table.schema, table: table.table, object, statements, transaction: true }
}

/** FORCE binds an owner whom no policy lets pass: it would find every key valid, for it sees no row. */
function hidesRows(facts: DatabaseFacts, table: TableFacts): boolean {
  if (facts.seesAll) return false
  const passes = table.policies.some(
    ({ permissive, command, roles }) => permissive && command === 'all' && roles.includes(table.owner),
  )
  return table.rowSecurity && table.forced && !table.ownerBypasses && !passes
}

function isKey(key: ForeignKeyFacts, target: TableFacts, { columns, references }: KeyPairs): boolean {
  const pair = (column: string, index: number, of: readonly string[]) => JSON.stringify([column, of[index]])
  const wanted = columns.map((column, index) => pair(column, index, references)).sort()
  const found = key.columns.map((column, index) => pair(column, index, key.references)).sort()
  const same = key.schema === target.schema && key.table === target.table
  return same && JSON.stringify(wanted) === JSON.stringify(found)
}

/** Whether a foreign key may refer to these columns, in any order, because of this index. */
function serves(index: TableFacts['indexes'][number], columns: readonly string[]): boolean {
  const usable = index.unique && index.valid && index.immediate && !index.partial
  const set = new Set<string | null>(index.columns)
  return usable && index.columns.length === columns.length && columns.every((column) => set.has(column))
}

/** Whether an index that holds every row begins with the column. */
function isLed(table: TableFacts, column: string): boolean {
  return table.indexes.some((index) => index.valid && !index.partial && index.columns[0] === column)
}

function of(step: OnlineStep, table: TableFacts): boolean {
  return step.schema === table.schema && step.table === table.table
}

function list(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(', ')
}

function quoted({ schema, table }: TableFacts): string {
  return qualified(schema, table)
}

function nameOf({ schema, table }: TableFacts): string {
  return `${schema}.${table}`
}

/** Names that are free, and the ones that Prisma would give, so that its next migration finds them there. */
class Names {
  readonly #taken: Set<string>

  constructor(facts: DatabaseFacts) {
    this.#taken = new Set([
      ...facts.relations,
      ...facts.tables.flatMap((table) => table.foreignKeys.map((key) => constraintId(table, key.name))),
    ])
    // what a failed attempt left is dropped first, so its name is free
    for (const { schema, indexes } of facts.tables)
      for (const { name, valid } of indexes) if (!valid) this.#taken.delete(`${schema}.${name}`)
  }

  index(table: TableFacts, columns: readonly string[], unique: boolean): string {
    return this.#free(table, columns, unique ? '_key' : '_idx', (name) => `${table.schema}.${name}`)
  }

  constraint(table: TableFacts, columns: readonly string[]): string {
    return this.#free(table, columns, '_fkey', (name) => constraintId(table, name))
  }

  #free(
    { table }: TableFacts,
    columns: readonly string[],
    suffix: string,
    idOf: (name: string) => string,
  ): string {
    const plain = [table, ...columns].join('_')
    const hash = createHash('sha256')
      .update(JSON.stringify([table, columns]))
      .digest('hex')
      .slice(0, 8)
    const name = [suffix, `_${hash}${suffix}`]
      .map((ending) => fittedName(plain, ending))
      .find((candidate) => !this.#taken.has(idOf(candidate)))
    // the hash is of exactly this: a relation of that name was made for it, and the statement will say so
    const chosen = name ?? fittedName(plain, `_${hash}${suffix}`)
    this.#taken.add(idOf(chosen))
    return chosen
  }
}

function constraintId({ schema, table }: TableFacts, name: string): string {
  return JSON.stringify([schema, table, name])
}
