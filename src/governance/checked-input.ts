import type { z } from 'zod'
import { type InputIssue, TenancyError } from '../errors.ts'
import { zodIssues } from './zod-issues.ts'

/**
 * What was given to a call, checked before any SQL.
 *
 * @param what the call, for the message: `versions.activate`
 * @throws {TenancyError} `DH506` with the paths of what is wrong, and never a value
 */
export function checkedInput<Output>(what: string, schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw invalid(what, zodIssues(parsed.error.issues, { areOwn: true }))
}

/**
 * `DH506`
 *
 * @param what what is not valid: a call, or the content of a version
 */
export function invalid(what: string, issues: readonly InputIssue[], cause?: unknown): TenancyError {
  const faults = issues.slice(0, 5).map(({ path, message }) => {
    const place = path.join('.')
    // names out of what was given may be of any length
    return place === '' ? message : `${place.length > 100 ? `${place.slice(0, 100)}…` : place} ${message}`
  })
  return new TenancyError(
    'DH506',
    `${what} is not valid: ${faults.join('; ')}${issues.length > 5 ? '; …' : ''}`,
    {
      details: { issues },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}

// NUL, and half of a surrogate pair
const unstorable = /\0|\p{Surrogate}/u

/** Whether PostgreSQL can store a text as it is. */
export function isStorable(text: string): boolean {
  return !unstorable.test(text)
}

/** A text that PostgreSQL can store and that says something. */
export function saidText(schema: z.ZodString): z.ZodType<string, string> {
  return schema.refine(
    (text) => isStorable(text) && /\S/.test(text),
    'must say something, without NUL and halves of characters',
  )
}
