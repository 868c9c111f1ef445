import type { Row } from './world.ts'

/** Whose a planted row is. */
export type Owner = 'a' | 'b' | 'nobody'

/**
 * A project's own values for rows that the proof plants: called once for each row before it is planted.
 *
 * @param model the model's name
 * @param row the row as it would be planted, by the names of Prisma's fields
 * @param owner tenant A, tenant B, or nobody
 * @returns the fields to change, as PostgreSQL's JSON, dates or bytes have them; nothing to leave the row as it is
 *
 * @example
 * ```ts
 * export const seed: SeedHook = (model) => (model === 'Invoice' ? { vatId: 'DE136695976' } : undefined)
 * ```
 */
export type SeedHook = (
  model: string,
  row: Row,
  owner: Owner,
) => Readonly<Record<string, unknown>> | undefined

/** What a person has to give so that a model's rows can be planted. */
export interface MissingSeed {
  readonly model: string
  /** The table, with its schema. */
  readonly table: string
  /** The constraint that the planted rows don't satisfy, where one is known. */
  readonly constraint?: string
  readonly columns: readonly string[]
  /** Why, in a sentence. */
  readonly reason: string
  /** The line to write in a seed file. */
  readonly hint: string
}
