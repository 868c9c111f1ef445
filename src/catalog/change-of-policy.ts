import { columnKey, policyExpression } from '../policy/policy-expression.ts'

/** A policy, as the manifest wants it or as the database has it. */
interface Definition {
  readonly restrictive: boolean
  readonly command: string
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
}

/** What `DH323` puts beside a policy. */
interface PolicyEvidence {
  readonly schema: string
  readonly table: string
  readonly wanted: Definition
  readonly actual: Definition
  /** Which of the columns that the policy reads PostgreSQL casts by itself, and to what. */
  readonly casts: readonly {
    readonly schema: string
    readonly table: string
    readonly column: string
    readonly types: readonly string[]
  }[]
}

/**
 * Judges whether a policy of the right name still is what the manifest wants. A condition that can't be read is a
 * change, for the package writes none.
 *
 * @param evidence of `DH323`
 * @returns what is another, or `undefined` where all is the same
 */
export function changeOfPolicy(evidence: unknown): string | undefined {
  const { schema, table, wanted, actual, casts } = evidence as PolicyEvidence
  const castsOf = new Map(casts.map((one) => [columnKey(one.schema, one.table, one.column), one.types]))
  const same = (one: string | null, other: string | null) => {
    if (one === null || other === null) return one === other
    const form = policyExpression(other, { schema, table, casts: castsOf })
    return form !== undefined && form === policyExpression(one, { schema, table })
  }
  const changes = [
    ...(wanted.restrictive === actual.restrictive
      ? []
      : [`is ${actual.restrictive ? 'restrictive' : 'permissive'}`]),
    ...(wanted.command === actual.command ? [] : [`is for ${actual.command}`]),
    ...(sorted(wanted.roles) === sorted(actual.roles) ? [] : [`is for ${actual.roles.join(', ')}`]),
    ...(same(wanted.using, actual.using) ? [] : ['has another condition (using)']),
    ...(same(wanted.check, actual.check) ? [] : ['has another condition (with check)']),
  ]
  if (changes.length === 0) return undefined
  return `${changes.join(' and ')}, and not what its name and the manifest say`
}

function sorted(names: readonly string[]): string {
  return JSON.stringify([...names].sort())
}
