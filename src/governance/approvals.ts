import type { GovernedScope } from './governed-scope.ts'

/** To be written. */
export interface Approvals {
  readonly scope: GovernedScope
}

export function approvalsOf(scope: GovernedScope): Approvals {
  return { scope }
}
