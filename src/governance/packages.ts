import type { GovernedScope } from './governed-scope.ts'

/** To be written. */
export interface Packages {
  readonly scope: GovernedScope
}

export function packagesOf(scope: GovernedScope): Packages {
  return { scope }
}
