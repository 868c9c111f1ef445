import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import type { Finding } from './finding.ts'

/**
 * A file of findings that somebody has accepted, each with a reason and for a time. An entry is for one object, for what
 * is accepted was looked at: there is no pattern that would accept what comes later.
 */
export interface Baseline {
  /** Version of this format. */
  readonly version: 1
  readonly accepted: readonly BaselineEntry[]
}

export interface BaselineEntry {
  /** The check's code. */
  readonly code: string
  /** The finding's object, word for word. */
  readonly object: string
  /** The finding's detail, word for word; without it, whatever the check finds of the object is accepted. */
  readonly detail?: string | undefined
  /** Why it is accepted. */
  readonly reason: string
  /** The last day on which it is, as `2027-01-31`, in UTC. */
  readonly expires: string
}

/** A finding that the baseline accepts. */
export interface AcceptedFinding extends Finding {
  readonly accepted: Pick<BaselineEntry, 'reason' | 'expires'>
}

/** What {@link applyBaseline} makes of findings. */
export interface BaselineOutcome {
  /** What is not accepted. */
  readonly findings: readonly Finding[]
  readonly accepted: readonly AcceptedFinding[]
  /** Entries whose day is over: what they accepted is a finding again. */
  readonly expired: readonly BaselineEntry[]
  /** Entries that no finding matches, of checks that were made. */
  readonly unmatched: readonly BaselineEntry[]
}

/** Acceptance is looked at again within this time. */
const longestDays = 366
const millisOfDay = 86_400_000

const text = z.string().refine((value) => value.trim() !== '', 'is blank')
const entrySchema = z.strictObject({
  code: z.string().regex(/^DH3[1-7]\d$/, 'is no code of a check, such as DH310'),
  object: text,
  detail: text.optional(),
  reason: z.string().refine((value) => value.trim() !== '', 'is blank: say why the finding is accepted'),
  expires: z.iso.date('is no day, such as 2027-01-31'),
})
const baselineSchema = z.strictObject({ version: z.literal(1), accepted: z.array(entrySchema) })

/**
 * Reads a baseline.
 *
 * @param input the file's text
 * @param options `file`, its name for messages; `today`, the day that it is read on
 * @throws {TenancyError} `DH308` for a text that is none: no JSON, a blank reason, a day more than a year ahead, an entry
 *   that is there twice
 *
 * @example
 * ```ts
 * const baseline = parseBaseline(readFileSync('doublehull-baseline.json', 'utf8'))
 * ```
 */
export function parseBaseline(
  input: string,
  { file = 'the baseline', today = new Date() }: { readonly file?: string; readonly today?: Date } = {},
): Baseline {
  let json: unknown
  try {
    json = JSON.parse(input)
  } catch (cause) {
    // the cause quotes the text
    throw new TenancyError(
      'DH308',
      `${file} is no JSON; mend it, or remove it and write it anew with --write-baseline`,
      { cause },
    )
  }
  const parsed = baselineSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue?.path.join('.') || 'the whole'
    throw new TenancyError('DH308', `${file} is not valid: ${where} ${whatIsWrong(issue)}`)
  }
  const seen = new Set<string>()
  const latest = dayOf(new Date(today.getTime() + longestDays * millisOfDay))
  for (const [index, { expires, ...entry }] of parsed.data.accepted.entries()) {
    const where = `${file} is not valid: accepted.${index}`
    if (expires > latest) {
      throw new TenancyError(
        'DH308',
        `${where}.expires is more than a year ahead; accept it for a shorter time`,
      )
    }
    const key = JSON.stringify([entry.code, entry.object, entry.detail])
    if (seen.has(key)) throw new TenancyError('DH308', `${where} is there twice; remove one of them`)
    seen.add(key)
  }
  return parsed.data
}

function whatIsWrong(issue: z.core.$ZodIssue | undefined): string {
  // messages of this file; zod's own of these kinds name types and keys, and no value
  const told = ['custom', 'invalid_format', 'invalid_type', 'unrecognized_keys']
  return issue && told.includes(issue.code) ? issue.message : 'is not what it must be'
}

/**
 * Takes out of findings what a baseline accepts.
 *
 * @param findings of a report
 * @param baseline what {@link parseBaseline} read
 * @param options `checks`, the codes of the checks that were made, all unless told; `today`
 *
 * @example
 * ```ts
 * const { findings, accepted } = applyBaseline(report.findings, baseline)
 * ```
 */
export function applyBaseline(
  findings: readonly Finding[],
  baseline: Baseline,
  {
    checks,
    today = new Date(),
  }: { readonly checks?: readonly string[] | undefined; readonly today?: Date } = {},
): BaselineOutcome {
  const day = dayOf(today)
  const expired = baseline.accepted.filter(({ expires }) => expires < day)
  const current = baseline.accepted.filter(({ expires }) => expires >= day)
  const open: Finding[] = []
  const accepted: AcceptedFinding[] = []
  const used = new Set<BaselineEntry>()
  for (const finding of findings) {
    const entry = current.find((one) => matches(one, finding))
    if (!entry) {
      open.push(finding)
      continue
    }
    used.add(entry)
    accepted.push({ ...finding, accepted: { reason: entry.reason, expires: entry.expires } })
  }
  const unmatched = current.filter((entry) => !used.has(entry) && (checks?.includes(entry.code) ?? true))
  return { findings: open, accepted, expired, unmatched }
}

/**
 * The baseline that accepts findings, once their reasons are filled in: they are blank, which {@link parseBaseline}
 * refuses.
 *
 * @param findings what is to be accepted, for 90 days
 * @param kept entries that stay as they are
 */
export function baselineOf(
  findings: readonly Finding[],
  kept: readonly BaselineEntry[],
  today: Date = new Date(),
): Baseline {
  const expires = dayOf(new Date(today.getTime() + 90 * millisOfDay))
  const added = findings.map(({ code, object, detail }) => ({ code, object, detail, reason: '', expires }))
  return { version: 1, accepted: [...kept, ...added] }
}

function matches({ code, object, detail }: BaselineEntry, finding: Finding): boolean {
  return code === finding.code && object === finding.object && (detail ?? finding.detail) === finding.detail
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
