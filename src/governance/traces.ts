import type { GovernedScope } from './governed-scope.ts'

/** To be written. */
export interface Traces {
  readonly scope: GovernedScope
}

export function tracesOf(scope: GovernedScope): Traces {
  return { scope }
}
