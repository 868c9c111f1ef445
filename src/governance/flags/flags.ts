import type { GovernedScope } from '../governed-scope.ts'

/** To be written. */
export interface Flags {
  readonly scope: GovernedScope
}

export function flagsOf(scope: GovernedScope): Flags {
  return { scope }
}
