import { createHash } from 'node:crypto'
import { TenancyError } from '../errors.ts'
import type { Command, JoinTableManifest, Manifest, ModelManifest, Scope } from '../manifest/manifest.ts'
import { qualified, quoteIdentifier } from './identifier.ts'
import type { RoleNames } from './roles.ts'

/** One row-level security policy, in PostgreSQL's own terms. */
export interface Policy {
  /** What it is for and a hash of all the rest, as in `tenant_select_1a2b3c4d`. */
  readonly name: string
  readonly as: 'permissive' | 'restrictive'
  readonly command: 'all' | Command
  readonly roles: readonly string[]
  readonly using?: string
  readonly withCheck?: string
}

/** A table with all the policies that it must have, and all that the roles may do with it. */
export interface ProtectedTable {
  readonly schema: string
  readonly table: string
  readonly policies: readonly Policy[]
  /** It has no policies: it must ask its tables as whoever queries it, whom theirs hold. */
  readonly isView: boolean
  /** What the application's role may do. */
  readonly commands: readonly Command[]
  /** What the reader's role may do. */
  readonly readerCommands: readonly Command[]
  /** What the role that works across tenants may do. */
  readonly systemCommands: readonly Command[]
}

// Only ever as a scalar sub-select: PostgreSQL then calls the function once for a statement (an InitPlan)
// and not once for a row, and it can use an index on the column.
const tenantId = '(select tenancy.require_tenant_id())'

/**
 * What the context says, and nobody has verified. It only ever says whether there is a context; which rows are the
 * tenant's is never asked of it alone. PostgreSQL puts its text in the place of the call: no sub-select is needed, and
 * one costs more than it.
 */
const claimedTenantId = 'tenancy.claimed_tenant_id()'

/**
 * An equality between something of the row and something constant, in a form that PostgreSQL tests before it
 * looks for the first row, so that a query without a context fails on an empty table, or for a key that isn't
 * there, instead of answering with nothing. It is said twice, the other way round: from two equalities the
 * planner concludes that the two constants are equal and tests that ahead of the scan (a One-Time Filter),
 * while a condition without a column, such as a bare `(select …) is not null`, it tests row by row.
 */
function testedFirst(ofTheRow: string, constant: string, claimed: string): string {
  // of the constants that it takes to be equal, the planner looks for rows with the one that it was told last
  return `${claimed} = ${ofTheRow} and ${ofTheRow} = ${constant}`
}

/**
 * The tenant's own rows: {@link testedFirst}, and once more in a form that is asked of each row. PostgreSQL takes the
 * equalities of the policy and of the caller together and keeps one of each class for the rows. Beside
 * `tenant_id = current_setting('a.b')::uuid`, which a caller may write and then change in the middle of the scan, those of
 * the policy are only tested once, ahead of it. What stands in a COALESCE is in no class.
 */
function ownRows(column: string): string {
  return `${testedFirst(column, tenantId, claimedTenantId)} and coalesce(${column} = ${tenantId}, false)`
}

/** {@link testedFirst} for a table whose condition compares no column with the tenant; true of every row. */
function contextGate(column: string): string {
  const isThere = `(${claimedTenantId} is not null)`
  return testedFirst(`(${column} = ${column})`, `((select ${claimedTenantId}) is not null)`, isThere)
}

/**
 * The policies that hold a schema, table by table: for every tenant table a restrictive guard, which no
 * permissive policy added later can widen (and one each for update and delete where tenants read more than they
 * write), and one permissive policy for each command that a tenant has.
 *
 * @param manifest the schema
 * @param roles who the policies are for; the owner and the system role pass, every other role gets nothing
 *
 * @example
 * ```ts
 * for (const { schema, table, policies } of policiesOf(manifest, defaultRoleNames)) console.log(table, policies.length)
 * ```
 */
export function policiesOf(manifest: Manifest, roles: RoleNames): readonly ProtectedTable[] {
  const tables = Object.values(manifest.models).map((model) => ({
    schema: model.schema,
    table: model.table,
    policies: model.isView ? [] : modelPolicies(manifest, model, roles),
    commands: model.commands,
    isView: model.isView,
    readerCommands: model.scope.kind === 'system' ? [] : (['select'] as const),
    systemCommands: model.isView
      ? (['select'] as const)
      : model.appendOnly
        ? (['select', 'insert'] as const)
        : everyCommand,
  }))
  const joinTables = manifest.joinTables.map((join) => {
    const { conditions, commands } = joinTableConditions(manifest, join)
    return {
      schema: join.schema,
      table: join.table,
      policies: tenantPolicies(roles, conditions, commands),
      commands,
      isView: false,
      readerCommands: commands.length === 0 ? commands : (['select'] as const),
      systemCommands: everyCommand,
    }
  })
  return [...tables, ...joinTables]
}

/**
 * All tables that must be held: those of {@link policiesOf}, and those that the schema has and Prisma's client does
 * not, which nobody but their owner reaches.
 */
export function protectedTables(manifest: Manifest, roles: RoleNames): readonly ProtectedTable[] {
  const hidden = manifest.hidden.filter(({ kind, schema, table }) => {
    // the package's own, which are held by policies of their own
    return kind === 'ignoredModel' && !ownTables.has(`${schema}.${table}`)
  })
  return [
    ...policiesOf(manifest, roles),
    ...hidden.map(({ schema, table }) => closedTable(schema, table, roles)),
  ]
}

const ownTables = new Set(['tenancy.context_key', 'audit.system_work'])

/** A table that nobody reaches but its owner, whom FORCE would blind without a policy. */
export function closedTable(schema: string, table: string, roles: RoleNames): ProtectedTable {
  return {
    schema,
    table,
    policies: [all('owner_maintenance', roles.owner)],
    isView: false,
    commands: [],
    readerCommands: [],
    systemCommands: [],
  }
}

type Access = 'read' | 'write'
const everyCommand: readonly Command[] = ['select', 'insert', 'update', 'delete']

function modelPolicies(manifest: Manifest, model: ModelManifest, roles: RoleNames): readonly Policy[] {
  const { scope } = model
  const write = predicate(manifest, model, 'write')
  if (scope.kind === 'system') return tenantPolicies(roles, { read: write, change: write, write }, [])
  if (scope.kind === 'root' || scope.kind === 'direct') {
    const own = ownRows(columnOf(model, scope.field, undefined))
    return tenantPolicies(roles, { read: own, change: own, write }, model.commands)
  }
  const [key] = model.primaryKey
  // a column of another key may be null, and then it is not equal to itself
  const gate = contextGate(key === undefined ? 'tableoid' : columnOf(model, key, undefined))
  const read = `${gate} and ${predicate(manifest, model, 'read')}`
  return tenantPolicies(
    roles,
    { read, change: scope.kind === 'through' ? read : write, write },
    model.commands,
  )
}

function joinTableConditions(
  manifest: Manifest,
  join: JoinTableManifest,
): { readonly conditions: Conditions; readonly commands: readonly Command[] } {
  const end = (modelName: string, column: string) => {
    const model = modelNamed(manifest, modelName)
    const [key] = model.primaryKey
    const on = `${columnOf(model, key ?? '', 'e')} = ${qualified(join.schema, join.table)}.${quoteIdentifier(column)}`
    const where = (access: Access) =>
      `exists (select 1 from ${qualified(model.schema, model.table)} e where ${on} and ${predicate(manifest, model, access, 'e')})`
    return { kind: model.scope.kind, read: where('read'), write: where('write') }
  }
  const a = end(join.a, 'A')
  const b = end(join.b, 'B')
  if (a.kind === 'system' || b.kind === 'system') {
    return { conditions: { read: 'false', change: 'false', write: 'false' }, commands: [] }
  }
  // whoever sees a link must be able to see both rows
  const read = `${a.read} and ${b.read}`
  // Whoever writes one must own a row of the two: a link between rows that all tenants see is seen by all.
  const owned = ({ kind }: { kind: Scope['kind'] }) =>
    kind === 'root' || kind === 'direct' || kind === 'through'
  const sharedEnds: (readonly [typeof a, typeof a])[] = []
  if (a.kind === 'shared') sharedEnds.push([a, b])
  if (b.kind === 'shared') sharedEnds.push([b, a])
  const write =
    owned(a) || owned(b)
      ? read
      : sharedEnds.map(([mine, other]) => `${mine.write} and ${other.read}`).join(' or ')
  const gated = `${contextGate('"A"')} and ${read}`
  const conditions = {
    read: gated,
    change: write === read ? gated : write === '' ? 'false' : write,
    write: write === '' ? 'false' : write,
  }
  return { conditions, commands: write === '' ? ['select'] : everyCommand }
}

/** Which rows a tenant reads, which it may change or delete, and which it may leave behind. */
interface Conditions {
  readonly read: string
  readonly change: string
  readonly write: string
}

function tenantPolicies(
  roles: RoleNames,
  { read, change, write }: Conditions,
  commands: readonly Command[],
): readonly Policy[] {
  const tenants = [roles.app, roles.reader]
  // PostgreSQL asks the guard's USING for the old row of an update and for a delete too: where tenants read more than
  // they write, a careless permissive policy would let them claim or delete it
  const guardedWrites = change === read ? [] : (['update', 'delete'] as const)
  return [
    named('tenant_guard', {
      as: 'restrictive',
      command: 'all',
      roles: tenants,
      // word for word what the permissive ones say: PostgreSQL tests a condition that it has already only once
      using: read,
      withCheck: write,
    }),
    ...guardedWrites.map((command) =>
      named(`tenant_guard_${command}`, {
        as: 'restrictive',
        command,
        roles: tenants,
        using: change,
        ...(command === 'update' ? { withCheck: write } : {}),
      }),
    ),
    ...commands.map((command) =>
      named(`tenant_${command}`, {
        as: 'permissive',
        command,
        roles: command === 'select' ? tenants : [roles.app],
        ...(command === 'insert' ? {} : { using: command === 'select' ? read : change }),
        ...(command === 'insert' || command === 'update' ? { withCheck: write } : {}),
      }),
    ),
    // FORCE binds the owner too; without a policy of its own every migration and back-fill would see nothing
    all('owner_maintenance', roles.owner),
    all('system_work', roles.system),
  ]
}

function all(purpose: string, role: string): Policy {
  return named(purpose, {
    as: 'permissive',
    command: 'all',
    roles: [role],
    using: 'true',
    withCheck: 'true',
  })
}

/**
 * Names a policy after its purpose and its definition. PostgreSQL keeps no text of a policy, only a tree that it prints
 * in its own way; by the name alone one sees that a database has another definition than the manifest wants.
 */
function named(purpose: string, definition: Omit<Policy, 'name'>): Policy {
  const { as, command, roles, using, withCheck } = definition
  const text = JSON.stringify([as, command, roles, using ?? null, withCheck ?? null])
  return { name: `${purpose}_${createHash('sha256').update(text).digest('hex').slice(0, 8)}`, ...definition }
}

/** The condition under which a row is the tenant's: one of the policy's own table, or one that a sub-select calls `alias`. */
function predicate(
  manifest: Manifest,
  model: ModelManifest,
  access: Access,
  alias?: string,
  depth = 0,
): string {
  const { scope } = model
  switch (scope.kind) {
    case 'root':
    case 'direct':
      return `${columnOf(model, scope.field, alias)} = ${tenantId}`
    case 'shared': {
      const own = `${columnOf(model, scope.field, alias)} = ${tenantId}`
      return access === 'write' ? own : `(${own} or ${columnOf(model, scope.field, alias)} is null)`
    }
    case 'member':
      return access === 'write' ? 'false' : relatedPredicate(manifest, model, scope.relation, alias, depth)
    case 'through':
      return relatedPredicate(manifest, model, scope.relation, alias, depth)
    case 'global':
      return access === 'read' ? 'true' : 'false'
    case 'system':
      return 'false'
  }
}

function relatedPredicate(
  manifest: Manifest,
  model: ModelManifest,
  relationName: string,
  alias: string | undefined,
  depth: number,
): string {
  const relation = model.relations[relationName]
  const other = modelNamed(manifest, relation?.model ?? '')
  const inverse = relation && other.relations[relation.inverse]
  const inner = `r${depth}`
  // inside the sub-select a bare column would be the inner table's
  const outer = alias ?? qualified(model.schema, model.table)
  // the key stands at one end or the other; pair its columns whichever it is
  const on =
    relation && relation.fields.length > 0
      ? relation.fields.map(
          (field, index) =>
            `${columnOf(other, relation.references[index] ?? '', inner)} = ${columnOf(model, field, outer)}`,
        )
      : (inverse?.fields ?? []).map(
          (field, index) =>
            `${columnOf(other, field, inner)} = ${columnOf(model, inverse?.references[index] ?? '', outer)}`,
        )
  return `exists (select 1 from ${qualified(other.schema, other.table)} ${inner} where ${[
    ...on,
    predicate(manifest, other, 'read', inner, depth + 1),
  ].join(' and ')})`
}

function columnOf(model: ModelManifest, field: string, alias: string | undefined): string {
  const column = model.columns[field]
  if (column === undefined) throw unfit(`has no column for ${model.table}.${field || 'its primary key'}`)
  return alias === undefined ? quoteIdentifier(column) : `${alias}.${quoteIdentifier(column)}`
}

function modelNamed(manifest: Manifest, name: string): ModelManifest {
  const model = manifest.models[name]
  if (!model) throw unfit(`has no model ${name}`)
  return model
}

function unfit(what: string): TenancyError {
  return new TenancyError('DH304', `the manifest ${what}; run prisma generate`)
}
