import { type ColumnCast, changesOfPolicy, type PolicyDefinition } from '../policy/change-of-policy.ts'

/** What `DH323` puts beside a policy. */
interface PolicyEvidence {
  readonly schema: string
  readonly table: string
  readonly wanted: PolicyDefinition
  readonly actual: PolicyDefinition
  /** Which of the columns that the policy reads PostgreSQL casts by itself, and to what. */
  readonly casts: readonly ColumnCast[]
}

/**
 * Judges whether a policy of the right name still is what the manifest wants.
 *
 * @param evidence of `DH323`
 * @returns what is another, or `undefined` where all is the same
 */
export function changeOfPolicy(evidence: unknown): string | undefined {
  const { wanted, actual, ...where } = evidence as PolicyEvidence
  const changes = changesOfPolicy(wanted, actual, where)
  if (changes.length === 0) return undefined
  return `${changes.join(' and ')}, and not what its name and the manifest say`
}
