import { columnKey, policyExpression } from './policy-expression.ts'

/** A policy, as the manifest wants it or as a database has it. */
export interface PolicyDefinition {
  readonly restrictive: boolean
  /** `all`, `select`, `insert`, `update` or `delete`. */
  readonly command: string
  /** `public` is everybody. */
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
}

/** A column that PostgreSQL casts by itself when it prints a policy, and to what. */
export interface ColumnCast {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly types: readonly string[]
}

/**
 * Compares two definitions of a policy, clause by clause and not by their texts: PostgreSQL keeps a tree of a policy,
 * and prints it in its own way. A condition that can't be read is a change, for the package writes none.
 *
 * @param where the policy's table, and the casts of the columns that it reads
 * @returns what is another in the one that the database has; none where all is the same
 *
 * @example
 * ```ts
 * if (changesOfPolicy(wanted, actual, { schema: 'public', table: 'note', casts: [] }).length > 0) recreate(wanted)
 * ```
 */
export function changesOfPolicy(
  wanted: PolicyDefinition,
  actual: PolicyDefinition,
  {
    schema,
    table,
    casts,
  }: { readonly schema: string; readonly table: string; readonly casts: readonly ColumnCast[] },
): readonly string[] {
  const castsOf = new Map(casts.map((one) => [columnKey(one.schema, one.table, one.column), one.types]))
  const same = (one: string | null, other: string | null) => {
    if (one === null || other === null) return one === other
    const form = policyExpression(other, { schema, table, casts: castsOf })
    return form !== undefined && form === policyExpression(one, { schema, table })
  }
  return [
    ...(wanted.restrictive === actual.restrictive
      ? []
      : [`is ${actual.restrictive ? 'restrictive' : 'permissive'}`]),
    ...(wanted.command === actual.command ? [] : [`is for ${actual.command}`]),
    ...(sorted(wanted.roles) === sorted(actual.roles) ? [] : [`is for ${actual.roles.join(', ')}`]),
    ...(same(wanted.using, actual.using) ? [] : ['has another condition (using)']),
    ...(same(wanted.check, actual.check) ? [] : ['has another condition (with check)']),
  ]
}

function sorted(names: readonly string[]): string {
  return JSON.stringify([...names].sort())
}
