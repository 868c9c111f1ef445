import { callsForEachRow } from './calls-for-each-row.ts'
import { changeOfPolicy } from './change-of-policy.ts'

/**
 * Decides on one row of a check.
 *
 * @param evidence what the check's SQL has put beside the row
 * @returns the detail of the finding, or `undefined` where there is none
 */
export type Judge = (evidence: unknown) => string | undefined

/** By the code of the check. A judge is for what SQL can't tell; everything else stands in the check's own file. */
export const judges: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ['DH323', changeOfPolicy],
  ['DH328', callsForEachRow],
])
