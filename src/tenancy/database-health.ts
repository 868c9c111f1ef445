import { isTenancyError } from '../errors.ts'
import type { Admission } from '../wire/admission.ts'

/** The answer of `checkDatabaseHealth`. */
export interface DatabaseHealth {
  /** The database answers and the role is admitted. */
  readonly ok: boolean
  /** Time of one round trip, in milliseconds; absent where none was completed. */
  readonly latencyMillis?: number
  readonly role?: string
  readonly serverVersion?: string
  /** Whether row-level security holds the role: false means that hull one is alone. */
  readonly rowSecurityHolds?: boolean
  /** Whether the start-up checks of `doublehull verify` were asked when the pool first connected, and found nothing. */
  readonly isVerified?: boolean
  readonly connections: { readonly total: number; readonly idle: number; readonly waiting: number }
  /** Why it is not well: a code of this package, an SQLSTATE or a system error code. */
  readonly problem?: { readonly code: string; readonly message: string }
}

/** What of a pool its health is read from. */
export interface HealthSource {
  statistics(): { readonly total: number; readonly idle: number; readonly waiting: number }
  admission(options: { readonly afresh: boolean }): Promise<Admission>
  queryWithoutTenant(config: { readonly text: string }): Promise<unknown>
}

/** Asks the database how it is. Reads no tenant's data and needs no context. */
export async function checkHealth(pool: HealthSource): Promise<DatabaseHealth> {
  const connections = () => {
    const { total, idle, waiting } = pool.statistics()
    return { total, idle, waiting }
  }
  try {
    const admission = await pool.admission({ afresh: true })
    const start = performance.now()
    await pool.queryWithoutTenant({ text: 'select 1' })
    return { ok: true, latencyMillis: performance.now() - start, ...admission, connections: connections() }
  } catch (error) {
    return { ok: false, connections: connections(), problem: problemOf(error) }
  }
}

export function problemOf(error: unknown): { code: string; message: string } {
  if (isTenancyError(error)) return { code: error.code, message: error.message }
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return {
    code: typeof code === 'string' ? code : 'UNKNOWN',
    message: typeof message === 'string' && message !== '' ? message : 'the database cannot be reached',
  }
}
