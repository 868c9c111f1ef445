import { z } from 'zod'
import { saidText } from './checked-input.ts'

// What the inputs of packages, versions and approvals have in common.

/** A text of a record, of at most so many characters. */
export const textOf = (most: number) => saidText(z.string().max(most))

/** Why somebody does something: said in so many words. */
export const reasonSchema = textOf(2_000)

/** An id of a record; in one spelling, so that it is equal to what the database answers. */
export const idSchema = z
  .string('must be a uuid')
  .max(36, 'must be a uuid')
  .transform((id) => id.toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a uuid'))

/** How many records a list gives at once. */
export const limitSchema = z.int().min(1).max(500).default(50)
