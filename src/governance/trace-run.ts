import { TenancyError } from '../errors.ts'
import { parseInput } from './parse-input.ts'
import {
  type FinishTraceInput,
  finishSchema,
  type KeptStep,
  leftOut,
  maxSteps,
  stepSchema,
  type TraceStepInput,
} from './trace.ts'
import { boundedPayload, type TracePayload } from './trace-payload.ts'

/** How a run is written down. */
export interface TraceWriter {
  /** One step more of a run that is kept. */
  step(step: KeptStep): Promise<void>
  /** The end of a run that is kept. */
  finish(end: FinishTraceInput & { readonly output: TracePayload | undefined }): Promise<void>
  /** All of a run that was not kept until now. */
  keep(
    steps: readonly KeptStep[],
    end: FinishTraceInput & { readonly output: TracePayload | undefined; readonly finishedAt: Date },
  ): Promise<void>
}

/** How much of the payloads of a run waits in memory, in bytes of JSON; what comes after is left out. */
const maxWaiting = 1_048_576

/** A run under way. */
export class TraceRun {
  /** The id of its trace, if it is kept. */
  readonly id: string
  /** Whether it is written from the start; otherwise it is written at its end, if its outcome is always kept. */
  readonly sampled: boolean
  readonly #writer: TraceWriter
  readonly #isKept: (outcome: FinishTraceInput['outcome']) => boolean
  readonly #waiting: KeptStep[] = []
  #waitingBytes = 0
  #steps = 0
  #lastEnd: Date
  #isOver = false

  constructor(
    { id, sampled, startedAt }: { readonly id: string; readonly sampled: boolean; readonly startedAt: Date },
    writer: TraceWriter,
    isKept: (outcome: FinishTraceInput['outcome']) => boolean,
  ) {
    this.id = id
    this.sampled = sampled
    this.#lastEnd = startedAt
    this.#writer = writer
    this.#isKept = isKept
  }

  /**
   * One step more. The 1,000th and all after it are left out, and a step says so.
   *
   * @throws {TenancyError} `DH501` after the run is finished, `DH506` for a name or an outcome that is not valid;
   *   never because of a payload
   */
  async step(input: TraceStepInput): Promise<void> {
    const { payload, ...given } = parseInput('run.step', stepSchema, input)
    this.#assertGoesOn()
    this.#steps += 1
    if (this.#steps > maxSteps) return
    const finishedAt = given.finishedAt ?? new Date()
    const startedAt = given.startedAt ?? this.#lastEnd
    this.#lastEnd = finishedAt
    const step =
      this.#steps === maxSteps
        ? leftOut(finishedAt)
        : {
            name: given.name,
            outcome: given.outcome,
            payload: boundedPayload(payload),
            startedAt,
            finishedAt,
          }
    if (this.sampled) await this.#writer.step(step)
    else this.#waiting.push(this.#withinMemory(step))
  }

  /**
   * The end of the run. A run that was sampled out is written now, if its outcome is always kept; otherwise nothing of
   * it ever was or is.
   *
   * @throws {TenancyError} `DH501` when it is finished already, `DH506` for an outcome that is not valid
   */
  async finish(input: FinishTraceInput): Promise<void> {
    const { outcome, output } = parseInput('run.finish', finishSchema, input)
    this.#assertGoesOn()
    this.#isOver = true
    const end = { outcome, output: boundedPayload(output) }
    if (this.sampled) await this.#writer.finish(end)
    else if (this.#isKept(outcome)) {
      await this.#writer.keep(this.#waiting.splice(0), { ...end, finishedAt: new Date() })
    }
  }

  #withinMemory(step: KeptStep): KeptStep {
    const bytes = step.payload === undefined ? 0 : Buffer.byteLength(JSON.stringify(step.payload))
    if (this.#waitingBytes + bytes > maxWaiting) return { ...step, payload: { $truncated: true, bytes } }
    this.#waitingBytes += bytes
    return step
  }

  #assertGoesOn(): void {
    if (!this.#isOver) return
    throw new TenancyError('DH501', 'the run of the trace is over, and gets no further step or end')
  }
}
