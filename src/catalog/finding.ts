/** How bad a finding is: a way in, a weakness or a missing second line, or something to know. */
export type Level = 'error' | 'warning' | 'info'

/** From the worst on. */
export const levels: readonly Level[] = ['error', 'warning', 'info']

/** Whether a level is as bad as another one, or worse; nothing is as bad as `never`. */
export function isAtLeast(level: Level, least: Level | 'never'): boolean {
  return least !== 'never' && levels.indexOf(level) <= levels.indexOf(least)
}

/** One thing that a check found in a database. */
export interface Finding {
  /** The check's code, `DH310` to `DH379`; never reused. */
  readonly code: string
  readonly level: Level
  /** What the check is about, the same for all its findings. */
  readonly title: string
  /** The object of the database, as in `table governance.branding`. */
  readonly object: string
  /** What is wrong with it. Names only, never a value out of a row. */
  readonly detail: string
  /** What to do; SQL where a statement mends it. */
  readonly remedy: string
  /** The page about the check, from the root of the package. */
  readonly page: string
}
