import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { TenancyError } from '../errors.ts'

// What is blank to a reader says nothing, whatever characters it is made of; PostgreSQL's text holds no NUL.
const said = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .refine((text) => /[\p{L}\p{N}]/u.test(text) && !text.includes('\0'))

const systemUseSchema = z.strictObject({ actor: said(200), reason: said(1_000) })

/** Who works across tenants, and why. */
export type SystemUseInput = Readonly<z.input<typeof systemUseSchema>>

/** One use of the system: a person or a job that works across tenants, and why. Immutable. */
export interface SystemUse extends SystemUseInput {
  /** It is no tenant's. */
  readonly tenantId?: undefined
  /** Stands in the record of each operation of this use. */
  readonly useId: string
}

/**
 * Parses a use of the system.
 *
 * @param input `actor`, at most 200 characters: who, such as the id of a person or the name of a job; `reason`, at
 *   most 1,000: why, such as the number of a ticket. Each has a letter or a digit in it
 * @throws {TenancyError} `DH109` when either is missing, blank or too long, or there is anything else
 *
 * @example
 * ```ts
 * const use = parseSystemUse({ actor: 'retention-job', reason: 'traces older than 90 days' })
 * ```
 */
export function parseSystemUse(input: unknown): SystemUse {
  const parsed = systemUseSchema.safeParse(input)
  if (parsed.success) return Object.freeze({ ...parsed.data, useId: randomUUID() })
  const paths = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.') || 'unknown key'))]
  throw new TenancyError(
    'DH109',
    `system work says who does it and why: { actor, reason } is missing, blank or too long at: ${paths.join(', ')}`,
    { details: { field: paths.join(', ') } },
  )
}
