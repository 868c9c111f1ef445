import { z } from 'zod'
import { textOf } from './input-parts.ts'
import type { TracePayload } from './trace-payload.ts'
import type { TraceSampling } from './trace-sampling.ts'

/** How a run or a step ended. */
export type FinishedOutcome = 'SUCCEEDED' | 'FAILED' | 'SKIPPED'
/** How a run stands. */
export type TraceOutcome = FinishedOutcome | 'RUNNING'

/** A run, as it is listed. */
export interface TraceSummary {
  readonly id: string
  readonly versionId: string
  readonly name: string
  readonly outcome: TraceOutcome
  readonly requestId: string | null
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** As the database counts it; null while it runs. */
  readonly durationMicros: number | null
}

/** A run with all that is kept of it. */
export interface Trace extends TraceSummary {
  readonly input: unknown
  readonly output: unknown
  readonly steps: readonly TraceStep[]
}

/** One step of a run. */
export interface TraceStep {
  /** Its place in the run, from 1. */
  readonly seq: number
  readonly name: string
  readonly outcome: TraceOutcome
  readonly payload: unknown
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** As the database counts it. */
  readonly durationMicros: number | null
}

/** What begins a run. */
export interface StartTraceInput {
  /** The version whose rules run. */
  readonly versionId: string
  /** What runs them; at most 200 characters. */
  readonly name: string
  /** What they run on, as JSON; more than 16 KiB is cut. */
  readonly input?: unknown
  /** What the sampling goes by; the one of the client's context unless told. */
  readonly requestId?: string | undefined
  /** Which runs are kept; all of them unless told. */
  readonly sampling?: TraceSampling | undefined
}

/** What a step was. */
export interface TraceStepInput {
  /** At most 200 characters. */
  readonly name: string
  readonly outcome: FinishedOutcome
  /** JSON; more than 16 KiB is cut. */
  readonly payload?: unknown
  /** The end of the step before it, or the start of the run, unless told. */
  readonly startedAt?: Date | undefined
  /** Now unless told. */
  readonly finishedAt?: Date | undefined
}

/** How a run ended. */
export interface FinishTraceInput {
  readonly outcome: FinishedOutcome
  /** JSON; more than 16 KiB is cut. */
  readonly output?: unknown
}

/** Which runs are listed. */
export interface ListTracesInput {
  readonly versionId?: string | undefined
  readonly outcome?: TraceOutcome | undefined
  /** Runs that took at least so long. */
  readonly minDurationMillis?: number | undefined
  /** Runs that started then or later. */
  readonly from?: Date | undefined
  /** Runs that started before. */
  readonly to?: Date | undefined
  /** The last first, or the longest; by `startedAt` unless told. Runs under way have no duration to order by. */
  readonly orderBy?: 'startedAt' | 'duration' | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
  /** At most 500; 50 unless told. */
  readonly limit?: number | undefined
}

const id = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
const finished = z.enum(['SUCCEEDED', 'FAILED', 'SKIPPED'])
const shortText = textOf(200)

export const idSchema = z.strictObject({ id })

export const startSchema = z.strictObject({
  versionId: id,
  name: shortText,
  input: z.unknown().optional(),
  requestId: shortText.optional(),
  sampling: z
    .strictObject({
      rate: z.number().min(0).max(1),
      always: z.array(finished).readonly().default(['FAILED']),
    })
    .default({ rate: 1, always: ['FAILED'] }),
})

export const stepSchema = z.strictObject({
  name: shortText,
  outcome: finished,
  payload: z.unknown().optional(),
  startedAt: z.date().optional(),
  finishedAt: z.date().optional(),
})

export const finishSchema = z.strictObject({ outcome: finished, output: z.unknown().optional() })

export const listSchema = z.strictObject({
  versionId: id.optional(),
  outcome: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'SKIPPED']).optional(),
  minDurationMillis: z
    .number()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER / 1_000)
    .optional(),
  from: z.date().optional(),
  to: z.date().optional(),
  orderBy: z.enum(['startedAt', 'duration']).default('startedAt'),
  after: z
    .string()
    .regex(/^-?\d{1,17}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    .optional(),
  limit: z.int().min(1).max(500).default(50),
})

export const pruneSchema = z.strictObject({
  olderThan: z.date(),
  batchSize: z.int().min(1).max(10_000).default(1_000),
})

/** A step as it is written. */
export interface KeptStep {
  readonly name: string
  readonly outcome: FinishedOutcome
  readonly payload: TracePayload | undefined
  readonly startedAt: Date
  readonly finishedAt: Date
}

/** The most steps of one run; the database refuses more. */
export const maxSteps = 1_000

/** What stands in the last place of a run with more steps. */
export const leftOut = (at: Date): KeptStep => ({
  name: 'further steps are left out',
  outcome: 'SKIPPED',
  payload: { $truncated: true },
  startedAt: at,
  finishedAt: at,
})
