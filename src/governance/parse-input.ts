import { z } from 'zod'
import { type InputIssue, TenancyError } from '../errors.ts'
import { zodIssues } from './zod-issues.ts'

/** Whether a text has no half of a surrogate pair, which no encoding can write. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** A text that PostgreSQL can store: no NUL, no half of a surrogate pair. */
const storable = z.string().refine((text) => isWellFormed(text) && !text.includes('\0'))

/** A text of a record, of at most so many characters. */
export const textOf = (most: number) => storable.min(1).max(most)

/** Why somebody does something: said in so many words. */
export const reasonSchema = textOf(2_000).refine((text) => text.trim() !== '')

/** An id of a record; in one spelling, so that it is equal to what the database answers. */
export const idSchema = z
  .string()
  .max(36)
  .transform((id) => id.toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/))

/** How many records a list gives at once. */
export const limitSchema = z.int().min(1).max(500).default(50)

/**
 * What was given to a call, checked before any SQL.
 *
 * @param what the call, for the message: `versions.activate`
 * @throws {TenancyError} `DH506` with the paths of what is wrong
 */
export function parseInput<Output>(what: string, schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw invalid(what, zodIssues(parsed.error.issues))
}

/**
 * `DH506`
 *
 * @param what what is not valid: a call, or the content of a version
 */
export function invalid(what: string, issues: readonly InputIssue[], cause?: unknown): TenancyError {
  const places = [...new Set(issues.map(({ path }) => path.join('.') || 'the whole'))]
  const most = places.slice(0, 5).join(', ')
  return new TenancyError('DH506', `${what} is not valid at: ${most}${places.length > 5 ? ', …' : ''}`, {
    details: { issues },
    ...(cause === undefined ? {} : { cause }),
  })
}
