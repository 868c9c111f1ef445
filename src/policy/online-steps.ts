import type { Manifest } from '../manifest/manifest.ts'
import { type DatabaseFacts, factsOf, type TableFacts } from './database-facts.ts'
import { schemaGrants } from './grant-sql.ts'
import { qualified, quoteIdentifier } from './identifier.ts'
import { keySteps } from './online-keys.ts'
import type { OnlineFinding, OnlinePlan, OnlineStep } from './online-step.ts'
import { type ProtectedTable, protectedTables } from './policy.ts'
import { foreignPolicies, protectionsOf } from './protection.ts'
import type { RoleNames } from './roles.ts'

/**
 * The steps that put hull two on a schema that has data and is in use: first the keys, then, table by table, grants
 * and policies. What is there already gives no step.
 *
 * @param manifest the schema
 * @param roles names of the roles that the policies are for
 * @param facts what the database has; see `protectDatabase`, which asks for it
 * @returns the steps in an order in which they can be run, and what is left alone
 *
 * @example
 * ```ts
 * for (const { statements } of onlineSteps(manifest, defaultRoleNames, facts).steps) console.log(statements.join(';\n'))
 * ```
 */
export function onlineSteps(manifest: Manifest, roles: RoleNames, facts: DatabaseFacts): OnlinePlan {
  const tables = inOrder(manifest, protectedTables(manifest, roles))
  const findings = tables.flatMap((table) =>
    findingsOf(table, factsOf(facts, table.schema, table.table), roles),
  )
  const keys = keySteps(manifest, facts)
  const protections = protectionsOf(tables, facts, roles)
    .filter(({ statements }) => statements.length > 0)
    .map(({ table, statements }) => protection(table, statements))
  return {
    steps: [...schemaSteps(tables, facts, roles), ...keys.steps, ...protections],
    findings: [...findings, ...keys.findings],
  }
}

/**
 * A policy that asks another table comes after that table's own: the application may not read the other one before it
 * was granted that, and it is granted nothing that no policy holds.
 */
export function inOrder(manifest: Manifest, tables: readonly ProtectedTable[]): readonly ProtectedTable[] {
  const rank = new Map<string, number>()
  const models = Object.values(manifest.models)
  const rankOf = (model: (typeof models)[number] | undefined): number => {
    if (!model || !('relation' in model.scope)) return 0
    const { relation } = model.scope
    return 1 + rankOf(manifest.models[model.relations[relation]?.model ?? ''])
  }
  for (const model of models) rank.set(qualified(model.schema, model.table), rankOf(model))
  const last = models.length + 1
  const of = ({ schema, table }: ProtectedTable) => rank.get(qualified(schema, table)) ?? last
  return [...tables].sort((one, other) => of(one) - of(other))
}

function schemaSteps(
  tables: readonly ProtectedTable[],
  facts: DatabaseFacts,
  roles: RoleNames,
): readonly OnlineStep[] {
  const usable = new Set(facts.usable.map(({ role, object }) => JSON.stringify([role, object])))
  const statements = schemaGrants(tables, roles)
    .filter(({ role, object }) => !usable.has(JSON.stringify([role, object])))
    .map(({ statement }) => statement)
  if (statements.length === 0) return []
  return [{ kind: 'schemaGrants', schema: '', table: '', object: '', statements, transaction: true }]
}

function protection({ schema, table }: ProtectedTable, statements: readonly string[]): OnlineStep {
  return { kind: 'protectTable', schema, table, object: table, statements, transaction: true }
}

function findingsOf(
  { schema, table, isView }: ProtectedTable,
  facts: TableFacts | undefined,
  roles: RoleNames,
): readonly OnlineFinding[] {
  const name = `${schema}.${table}`
  if (facts === undefined) {
    const message = `${name}: the database has no such table; run the migrations, or prisma generate`
    return [{ severity: 'problem', kind: 'missingTable', schema, table, message }]
  }
  if (facts.kind === 'other' || (facts.kind === 'view' && !isView)) {
    const message = `${name}: it is no table, and no policy can hold it; let it run with security_invoker, as views can, and revoke the rest`
    return [{ severity: 'problem', kind: 'notATable', schema, table, message }]
  }
  const foreign = foreignPolicies(facts).map((found): OnlineFinding => {
    const what = found.permissive
      ? 'the guard keeps it from showing the tenants more'
      : 'it may hide rows from tenants'
    const message = `${name}: the policy ${found.name} is not Doublehull's and stays; ${what}`
    return { severity: 'notice', kind: 'foreignPolicy', schema, table, object: found.name, message }
  })
  const partitioned: readonly OnlineFinding[] =
    facts.kind === 'partitioned'
      ? [
          {
            severity: 'notice',
            kind: 'partitioned',
            schema,
            table,
            message: `${name}: it is partitioned, and gets policies but no keys and no indexes; PostgreSQL can't make those concurrently`,
          },
        ]
      : []
  if (isView || facts.ownerBypasses || facts.owner === roles.owner) return [...foreign, ...partitioned]
  const message = `${name}: it belongs to ${facts.owner}, from whom FORCE hides every row; run: alter table ${qualified(schema, table)} owner to ${quoteIdentifier(roles.owner)}`
  return [
    ...foreign,
    ...partitioned,
    { severity: 'notice', kind: 'blindOwner', schema, table, object: facts.owner, message },
  ]
}
