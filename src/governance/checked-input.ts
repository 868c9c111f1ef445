import type { z } from 'zod'
import { TenancyError } from '../errors.ts'

/**
 * What was given to a call, checked before any SQL.
 *
 * @throws {TenancyError} `DH506` with the paths of what is wrong, and never a value
 */
export function checkedInput<Output>(what: string, schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, code }) => ({
    path: path.map((part) => (typeof part === 'number' ? part : String(part))),
    message: code,
  }))
  const places = [...new Set(issues.map(({ path }) => path.join('.') || 'the whole'))]
  throw new TenancyError('DH506', `${what} is not valid at: ${places.join(', ')}`, { details: { issues } })
}

// NUL, and half of a surrogate pair
const unstorable = /\0|\p{Surrogate}/u

/** A text that PostgreSQL can store and that says something. */
export function saidText(schema: z.ZodString): z.ZodType<string, string> {
  return schema.refine((text) => !unstorable.test(text) && /\S/.test(text))
}
