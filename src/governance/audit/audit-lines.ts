import { z } from 'zod'
import { TenancyError } from '../../errors.ts'
import type { ChainedEvent } from './chained-event.ts'
import type { Checkpoint } from './checkpoint.ts'

/** Which of the formats of an export. */
export type ExportFormat = 'ndjson' | 'csv'

/** The first line of an export in NDJSON. */
export interface ExportHeader {
  readonly tenantId: string
  /** Whether events were left out, so that what is there can't be verified as a chain. */
  readonly filtered: boolean
}

/** The last line: an export without it was cut off on its way. */
export interface ExportEnd {
  readonly events: number
  readonly lastSeq: number
  readonly lastHash: string
}

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const seq = z.int().positive()

const headerSchema = z.strictObject({
  type: z.literal('doublehull.audit.1'),
  tenantId: z.guid(),
  filtered: z.boolean(),
})
const checkpointSchema = z.strictObject({
  type: z.literal('checkpoint'),
  tenantId: z.string(),
  seq,
  hash,
  keyId: z.string(),
  signature: z.string(),
  createdAt: z.string(),
})
const jsonText = z.string().refine(isJson, 'is not JSON')
const eventSchema = z.strictObject({
  type: z.literal('event'),
  tenantId: z.string(),
  // where a number is wrong, the chain is what says so
  seq: z.int(),
  prevHash: z.string(),
  hash: z.string(),
  id: z.string(),
  origin: z.string(),
  action: z.string(),
  actorId: z.string().nullable(),
  outcome: z.string(),
  targets: jsonText,
  context: jsonText,
  metadata: jsonText,
  schemaVersion: z.int(),
  occurredAt: z.string(),
})
const endSchema = z.strictObject({
  type: z.literal('end'),
  events: z.int().nonnegative(),
  lastSeq: z.int().nonnegative(),
  lastHash: z.string(),
})
const lineSchema = z.discriminatedUnion('type', [headerSchema, checkpointSchema, eventSchema, endSchema])

/** One line of an export in NDJSON. */
export type AuditLine = z.output<typeof lineSchema>

/** The lines of an export in NDJSON, each with its end. */
export const ndjsonLine = {
  header: (header: ExportHeader) => lineOf({ type: 'doublehull.audit.1', ...header }),
  checkpoint: (checkpoint: Checkpoint) => lineOf({ type: 'checkpoint', ...checkpoint }),
  event: (event: ChainedEvent) => lineOf({ type: 'event', ...event }),
  end: (end: ExportEnd) => lineOf({ type: 'end', ...end }),
}

/**
 * Reads one line.
 *
 * @param number which line it is, from 1
 * @throws {TenancyError} `DH506` where it is none of an export
 */
export function parseAuditLine(text: string, number: number): AuditLine {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badLine(number, [{ path: ['line', number], message: 'is not JSON' }])
  }
  const parsed = lineSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw badLine(
    number,
    parsed.error.issues.map(({ path, code }) => ({
      path: ['line', number, ...path.map((part) => (typeof part === 'number' ? part : String(part)))],
      message: code,
    })),
  )
}

function badLine(
  number: number,
  issues: readonly { readonly path: readonly (string | number)[]; readonly message: string }[],
): TenancyError {
  return new TenancyError('DH506', `line ${number} is no line of an audit export in NDJSON`, {
    details: { issues },
  })
}

const columns = [
  'seq',
  'occurredAt',
  'action',
  'outcome',
  'actorId',
  'origin',
  'targets',
  'context',
  'metadata',
  'id',
  'tenantId',
  'schemaVersion',
  'prevHash',
  'hash',
] as const satisfies readonly (keyof ChainedEvent)[]

/** The first line of an export in CSV. */
export const csvHeader = `${columns.join(',')}\r\n`

/** An event in CSV ({@link https://www.rfc-editor.org/rfc/rfc4180}), with nothing that a spreadsheet would run. */
export function csvLine(event: ChainedEvent): string {
  return `${columns.map((column) => csvField(event[column])).join(',')}\r\n`
}

/** The signs that begin a formula somewhere; the full-width ones are read as the others in some locales. */
const formulaStart = /^\s*[=+\-@\t\r\n＝＋－＠]/u

function csvField(value: string | number | null): string {
  if (value === null) return ''
  const text = String(value)
  const safe = typeof value === 'string' && formulaStart.test(text) ? `'${text}` : text
  return /[",\r\n']|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
