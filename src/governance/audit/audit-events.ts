import type { GovernedScope } from '../governed-scope.ts'

/** To be written. */
export interface AuditEvents {
  readonly scope: GovernedScope
}

export function auditEventsOf(scope: GovernedScope): AuditEvents {
  return { scope }
}
