import type { GovernedScope } from '../governed-scope.ts'

/** To be written. */
export interface BrandingRepository {
  readonly scope: GovernedScope
}

export function brandingOf(scope: GovernedScope): BrandingRepository {
  return { scope }
}
