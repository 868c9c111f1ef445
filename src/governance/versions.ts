import type { GovernedScope } from './governed-scope.ts'

/** To be written. */
export interface Versions {
  readonly scope: GovernedScope
}

export function versionsOf(scope: GovernedScope): Versions {
  return { scope }
}
