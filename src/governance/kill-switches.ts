import type { GovernedScope } from './governed-scope.ts'

/** To be written. */
export interface KillSwitches {
  readonly scope: GovernedScope
}

export function killSwitchesOf(scope: GovernedScope): KillSwitches {
  return { scope }
}
