/**
 * What a database lacks of the protection of a table, as statements: the one comparison that `doublehull policies`
 * writes into a migration and `doublehull protect` runs on a live database. Invariant: what is as it must be gives no
 * statement, and once the statements were run, none is left.
 */
import { changesOfPolicy, type PolicyDefinition } from './change-of-policy.ts'
import {
  type DatabaseFacts,
  factsOf,
  type GrantFacts,
  type PolicyFacts,
  type SequenceFacts,
  type TableFacts,
} from './database-facts.ts'
import { tableGrants } from './grant-sql.ts'
import { qualified, quoteIdentifier } from './identifier.ts'
import { closedTable, type Policy, type ProtectedTable } from './policy.ts'
import { createPolicySql } from './policy-sql.ts'
import type { RoleNames } from './roles.ts'

/** A table, or a part of one, as a database has it. */
type ProtectionFacts = TableFacts['parts'][number]

/** The names that this package gives, also with the hash of a definition that is no longer wanted. As PostgreSQL and JavaScript read it. */
export const ownNamePattern =
  '^(tenant_(guard(_update|_delete)?|select|insert|update|delete)|owner_maintenance|system_work)_[0-9a-f]{8}$'

const ownName = new RegExp(ownNamePattern)

/** Those policies of a table that are not the package's. */
export function foreignPolicies({ policies }: ProtectionFacts): readonly PolicyFacts[] {
  return policies.filter(({ name }) => !ownName.test(name))
}

interface ProtectionOptions {
  /** Drop the permissive policies that are not the package's; false unless told. */
  readonly adopt?: boolean
}

/** A table, and the statements that it lacks. */
interface Protection {
  readonly table: ProtectedTable
  readonly facts: TableFacts
  /** Whole statements without a semicolon, which may begin with lines of comments. */
  readonly statements: readonly string[]
}

/**
 * The statements that tables lack, and their partitions, children and sequences; those of one table belong into one
 * transaction, so that there is no moment in which it is granted and not held, or held by half.
 *
 * @param tables what the manifest wants, in the order in which the statements are to be run
 * @returns one for each table that the database has
 */
export function protectionsOf(
  tables: readonly ProtectedTable[],
  facts: DatabaseFacts,
  roles: RoleNames,
  options: ProtectionOptions = {},
): readonly Protection[] {
  const present = tables.flatMap((table) => {
    const found = factsOf(facts, table.schema, table.table)
    return found === undefined ? [] : [{ table, facts: found }]
  })
  const sequences = sequencesOf(present, roles)
  return present.map(({ table, facts }) => ({
    table,
    facts,
    statements: protectionOf(table, facts, roles, {
      ...options,
      sequences: sequences.get(qualified(table.schema, table.table)) ?? [],
    }),
  }))
}

function protectionOf(
  table: ProtectedTable,
  facts: TableFacts,
  roles: RoleNames,
  options: ProtectionOptions & { readonly sequences: readonly NumberedColumn[] },
): readonly string[] {
  if (facts.kind === 'other' || (facts.kind === 'view' && !table.isView)) {
    // nothing holds its rows
    return grantsOf({ ...table, commands: [], readerCommands: [], systemCommands: [] }, facts, roles)
  }
  if (facts.kind === 'view') {
    const name = qualified(facts.schema, facts.table)
    return [
      ...(facts.securityInvoker ? [] : [`alter view ${name} set (security_invoker = true)`]),
      ...grantsOf(table, facts, roles),
    ]
  }
  return [
    ...policiesOn(table, facts, options),
    ...grantsOf(table, facts, roles),
    ...options.sequences.flatMap((one) => sequenceGrants(one, roles)),
    // policies are those of the table that a query names
    ...facts.parts.flatMap((part) => {
      const closed = closedTable(part.schema, part.table, roles)
      return [...policiesOn(closed, part, options), ...grantsOf(closed, part, roles)]
    }),
  ]
}

/** The statements that take the package's policies and grants from a table that has left the manifest. */
export function releaseOf(facts: ProtectionFacts, roles: RoleNames): readonly string[] {
  const name = qualified(facts.schema, facts.table)
  const own = facts.policies.filter((found) => ownName.test(found.name))
  return [
    ...own.map((found) => `drop policy ${quoteIdentifier(found.name)} on ${name}`),
    // with row-level security and without a policy it shows nobody a row; its owner must see them
    ...(facts.forced ? [`alter table ${name} no force row level security`] : []),
    ...grantsOf(closedTable(facts.schema, facts.table, roles), facts, roles),
    ...facts.sequences
      .filter(({ ownedByTable }) => ownedByTable)
      .flatMap((sequence) => sequenceGrants({ sequence, roles: [] }, roles)),
  ]
}

function policiesOn(
  table: ProtectedTable,
  facts: ProtectionFacts,
  { adopt = false }: ProtectionOptions,
): readonly string[] {
  const name = qualified(table.schema, table.table)
  const wanted = new Map(table.policies.map((policy) => [policy.name, policy]))
  const isAsWanted = (found: PolicyFacts) => {
    const policy = wanted.get(found.name)
    return (
      policy !== undefined &&
      changesOfPolicy(definitionOf(policy), definitionFound(found), facts).length === 0
    )
  }
  const outdated = facts.policies.filter((found) => ownName.test(found.name) && !isAsWanted(found))
  const adopted = adopt ? foreignPolicies(facts).filter(({ permissive }) => permissive) : []
  const present = new Set(facts.policies.filter((found) => isAsWanted(found)).map((found) => found.name))
  return [
    ...(facts.rowSecurity ? [] : [`alter table ${name} enable row level security`]),
    ...(facts.forced ? [] : [`alter table ${name} force row level security`]),
    ...outdated.map((found) => `drop policy ${quoteIdentifier(found.name)} on ${name}`),
    ...adopted.map(
      (found) =>
        `-- it was:\n${commented(definitionSql(found, name))}\ndrop policy ${quoteIdentifier(found.name)} on ${name}`,
    ),
    ...table.policies
      .filter((policy) => !present.has(policy.name))
      .map((policy) => createPolicySql(name, policy).replace(/;$/, '')),
  ]
}

function definitionOf(policy: Policy): PolicyDefinition {
  return {
    restrictive: policy.as === 'restrictive',
    command: policy.command,
    roles: policy.roles,
    using: policy.using ?? null,
    check: policy.withCheck ?? null,
  }
}

function definitionFound({ permissive, ...rest }: PolicyFacts): PolicyDefinition {
  return { restrictive: !permissive, ...rest }
}

/** A policy as somebody would create it again. */
function definitionSql(found: PolicyFacts, table: string): string {
  const roles = found.roles.map((role) => (role === 'public' ? role : quoteIdentifier(role))).join(', ')
  return [
    `create policy ${quoteIdentifier(found.name)} on ${table}`,
    `  as ${found.permissive ? 'permissive' : 'restrictive'} for ${found.command} to ${roles}`,
    ...(found.using === null ? [] : [`  using (${found.using})`]),
    ...(found.check === null ? [] : [`  with check (${found.check})`]),
  ].join('\n')
}

function commented(sql: string): string {
  return sql
    .split(/\r\n|\r|\n/)
    .map((line) => `--   ${line}`)
    .join('\n')
}

/**
 * Revokes what is too much, of everybody too, and grants what is missing. TRUNCATE, REFERENCES and TRIGGER are not held
 * by row-level security, and the rest no policy lets pass. Whoever was given a command for some columns only was given
 * just that.
 */
function grantsOf(table: ProtectedTable, facts: ProtectionFacts, roles: RoleNames): readonly string[] {
  const name = qualified(table.schema, table.table)
  return privilegesOf(tableGrants(table, roles), facts.grants, name)
}

/** A sequence, and the roles that insert rows which it numbers. */
interface NumberedColumn {
  readonly sequence: SequenceFacts
  readonly roles: readonly string[]
}

/**
 * The sequences of tables, each with the first table that it numbers: two tables may share one.
 *
 * @returns by the table's quoted name
 */
function sequencesOf(
  tables: readonly { readonly table: ProtectedTable; readonly facts: TableFacts }[],
  roles: RoleNames,
): ReadonlyMap<string, readonly NumberedColumn[]> {
  const found = new Map<
    string,
    { readonly table: string; readonly sequence: SequenceFacts; roles: Set<string> }
  >()
  for (const { table, facts } of tables) {
    for (const sequence of facts.sequences) {
      const key = qualified(sequence.schema, sequence.name)
      const one = found.get(key) ?? {
        table: qualified(table.schema, table.table),
        sequence,
        roles: new Set<string>(),
      }
      found.set(key, one)
      if (sequence.identity) continue
      for (const { role, privileges } of tableGrants(table, roles))
        if (privileges.includes('insert')) one.roles.add(role)
    }
  }
  const byTable = new Map<string, NumberedColumn[]>()
  for (const one of found.values()) {
    const list = byTable.get(one.table) ?? []
    byTable.set(one.table, [...list, { sequence: one.sequence, roles: [...one.roles] }])
  }
  return byTable
}

/** nextval needs USAGE; SELECT tells how much others write, and UPDATE sets the number back. */
function sequenceGrants(one: NumberedColumn, roles: RoleNames): readonly string[] {
  const wanted = [roles.app, roles.reader, roles.system].map((role) => ({
    role,
    privileges: one.roles.includes(role) ? ['usage'] : [],
  }))
  const name = `sequence ${qualified(one.sequence.schema, one.sequence.name)}`
  return privilegesOf(wanted, one.sequence.grants, name)
}

function privilegesOf(
  wanted: readonly { readonly role: string; readonly privileges: readonly string[] }[],
  grants: readonly GrantFacts[],
  object: string,
): readonly string[] {
  const revokes = [...wanted, { role: 'public', privileges: [] }].flatMap(({ role, privileges }) => {
    const its = grants.filter((found) => found.role === role)
    const to = role === 'public' ? role : quoteIdentifier(role)
    const excess = namesOf(its.filter(({ privilege }) => !privileges.includes(privilege)))
    // also what an older server, which the same migration may run on, has no word for
    if (isAll(excess, privileges)) return [`revoke all on ${object} from ${to}`]
    const passable = namesOf(
      its.filter(({ privilege, grantable }) => grantable && privileges.includes(privilege)),
    )
    return [
      // of the table, which takes the columns' away too
      ...(excess.length === 0 ? [] : [`revoke ${excess.join(', ')} on ${object} from ${to}`]),
      ...(passable.length === 0
        ? []
        : [`revoke grant option for ${passable.join(', ')} on ${object} from ${to} cascade`]),
    ]
  })
  const missing = wanted.flatMap(({ role, privileges }) => {
    const its = grants.filter((found) => found.role === role)
    const excess = namesOf(its.filter(({ privilege }) => !privileges.includes(privilege)))
    const has = new Set(isAll(excess, privileges) ? [] : its.map(({ privilege }) => privilege))
    const lacking = privileges.filter((privilege) => !has.has(privilege))
    return lacking.length === 0
      ? []
      : [`grant ${lacking.join(', ')} on ${object} to ${quoteIdentifier(role)}`]
  })
  return [...revokes, ...missing]
}

/** Whether to revoke all rather than what is too much: where nothing is wanted, or one has a privilege of PostgreSQL 17. */
function isAll(excess: readonly string[], wanted: readonly string[]): boolean {
  return excess.includes('maintain') || (excess.length > 0 && wanted.length === 0)
}

function namesOf(grants: readonly GrantFacts[]): readonly string[] {
  return [...new Set(grants.map(({ privilege }) => privilege))]
}
