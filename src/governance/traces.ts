import { randomUUID } from 'node:crypto'
import { Prisma } from '../generated/prisma/client.ts'
import type { BundledTransaction } from '../tenancy/bundled.ts'
import { contextOf } from '../tenancy/tenant-client.ts'
import { checkedInput } from './checked-input.ts'
import { governanceError, notFound } from './governance-error.ts'
import type { GovernedScope } from './governed-scope.ts'
import { type Page, pageOf } from './page.ts'
import {
  type FinishTraceInput,
  finishSchema,
  idSchema,
  type KeptStep,
  type ListTracesInput,
  leftOut,
  listSchema,
  maxSteps,
  pruneSchema,
  type StartTraceInput,
  startSchema,
  stepSchema,
  type Trace,
  type TraceStepInput,
  type TraceSummary,
} from './trace.ts'
import { boundedPayload, type TracePayload } from './trace-payload.ts'
import { TraceRun } from './trace-run.ts'
import { isSampled } from './trace-sampling.ts'

/**
 * What versions' rules did: a trace for each run, with its steps.
 *
 * A trace is a record itself, so writing one adds no event to the audit trail: an event for each step would repeat it,
 * and would make all runs of a tenant wait for one another at the head of its chain. Deleting traces is audited.
 */
export interface Traces {
  /**
   * Begins a run. With `sampling`, a hash of the request's id decides whether it is written: one that is not waits in
   * memory, at most 1,000 steps and 1 MiB of payloads, and is written if it ends in an outcome that is always kept.
   *
   * @returns the run: its `step` and `finish` belong to it
   * @throws {TenancyError} `DH505` without the permission `trace:write`, `DH506` for input that is not valid, `DH507`
   *   where there is no such version; for a run that is sampled out only once it is written
   *
   * @example
   * ```ts
   * const run = await governance.traces.start({ versionId, name: 'pricing', input, sampling: { rate: 0.1 } })
   * await run.step({ name: 'discount', outcome: 'SUCCEEDED', payload: { percent: 5 } })
   * await run.finish({ outcome: 'SUCCEEDED', output })
   * ```
   */
  start(input: StartTraceInput): Promise<TraceRun>

  /**
   * Adds a step to a run by its id, as {@link TraceRun.step} does: for work that goes on in another process.
   *
   * @throws {TenancyError} `DH501` where the run is finished, `DH505` without the permission `trace:write`, `DH506` for
   *   input that is not valid, `DH507` where there is no such trace
   *
   * @example
   * ```ts
   * await governance.traces.step(traceId, { name: 'discount', outcome: 'SUCCEEDED' })
   * ```
   */
  step(traceId: string, input: TraceStepInput): Promise<void>

  /**
   * Ends a run by its id.
   *
   * @throws {TenancyError} as {@link Traces.step}
   *
   * @example
   * ```ts
   * await governance.traces.finish(traceId, { outcome: 'FAILED', output: { error: 'timeout' } })
   * ```
   */
  finish(traceId: string, input: FinishTraceInput): Promise<void>

  /**
   * A run with its steps, in order.
   *
   * @throws {TenancyError} `DH507` where there is no such trace
   *
   * @example
   * ```ts
   * const { steps } = await governance.traces.get(traceId)
   * ```
   */
  get(traceId: string): Promise<Trace>

  /**
   * Runs, the last or the longest first.
   *
   * @throws {TenancyError} `DH506` for input that is not valid
   *
   * @example
   * ```ts
   * const slow = await governance.traces.list({ minDurationMillis: 500, orderBy: 'duration' })
   * const more = slow.next ? await governance.traces.list({ orderBy: 'duration', after: slow.next }) : undefined
   * ```
   */
  list(input?: ListTracesInput): Promise<Page<TraceSummary>>

  /**
   * Deletes the runs that started before a time, with their steps, also those that never ended. Each batch is a
   * transaction of its own, with one event `trace.prune` that says how many.
   *
   * @param input `olderThan`, and `batchSize`: how many runs at once, 1,000 unless told
   * @returns `count`: how many runs were deleted
   * @throws {TenancyError} `DH505` without the permission `trace:prune`, `DH506` for input that is not valid
   *
   * @example
   * ```ts
   * const month = 30 * 24 * 60 * 60 * 1000
   * await governance.traces.prune({ olderThan: new Date(Date.now() - month) })
   * ```
   */
  prune(input: {
    readonly olderThan: Date
    readonly batchSize?: number | undefined
  }): Promise<{ readonly count: number }>
}

export function tracesOf(scope: GovernedScope): Traces {
  return new TenantTraces(scope)
}

class TenantTraces implements Traces {
  readonly #scope: GovernedScope

  constructor(scope: GovernedScope) {
    this.#scope = scope
  }

  async start(input: StartTraceInput): Promise<TraceRun> {
    const { sampling, input: given, ...rest } = checkedInput('traces.start', startSchema, input)
    const id = randomUUID()
    const requestId = rest.requestId ?? contextOf(this.#scope.reader)?.requestId
    const sampled = isSampled(requestId ?? id, sampling.rate)
    const begun = {
      ...rest,
      id,
      startedAt: new Date(),
      requestId: requestId ?? null,
      ...json('input', boundedPayload(given)),
    }
    const begin = async (tx: BundledTransaction) => {
      const version = await tx.configVersion.findFirst({
        where: { id: rest.versionId },
        select: { id: true },
      })
      if (!version) throw notFound('version')
      await tx.executionTrace.create({ data: begun })
    }
    const run = new TraceRun(
      { id, sampled, startedAt: begun.startedAt },
      {
        // whether it may be written was asked when it began
        step: (step) => this.#direct((tx) => addSteps(tx, id, [step])),
        finish: (end) => this.#direct((tx) => endRun(tx, id, end)),
        keep: (steps, end) =>
          this.#write(
            'trace.start',
            id,
            async (tx) => {
              await begin(tx)
              await addSteps(tx, id, steps)
              await endRun(tx, id, end)
            },
            { timeout: 60_000 },
          ),
      },
      (outcome) => sampling.always.includes(outcome),
    )
    if (sampled) await this.#write('trace.start', undefined, begin)
    return run
  }

  async step(traceId: string, input: TraceStepInput): Promise<void> {
    const { id } = checkedInput('traces.step', idSchema, { id: traceId })
    const { payload, ...given } = checkedInput('traces.step', stepSchema, input)
    await this.#write('trace.step', id, async (tx) => {
      // one after the other, for the count
      await tx.$executeRaw`
        select from governance.execution_trace
         where tenant_id = (select tenancy.require_tenant_id()) and id = ${id}::uuid
           for no key update`
      const trace = await tx.executionTrace.findFirst({
        where: { id },
        select: { startedAt: true, steps: { orderBy: { seq: 'desc' }, take: 1 } },
      })
      if (!trace) throw notFound('trace')
      const last = trace.steps[0]
      const finishedAt = given.finishedAt ?? new Date()
      const startedAt = given.startedAt ?? last?.finishedAt ?? trace.startedAt
      const count = last?.seq ?? 0
      if (count >= maxSteps) return
      const step = {
        name: given.name,
        outcome: given.outcome,
        payload: boundedPayload(payload),
        startedAt,
        finishedAt,
      }
      await addSteps(tx, id, [count + 1 === maxSteps ? leftOut(finishedAt) : step])
    })
  }

  async finish(traceId: string, input: FinishTraceInput): Promise<void> {
    const { id } = checkedInput('traces.finish', idSchema, { id: traceId })
    const { outcome, output } = checkedInput('traces.finish', finishSchema, input)
    await this.#write('trace.finish', id, (tx) => endRun(tx, id, { outcome, output: boundedPayload(output) }))
  }

  async get(traceId: string): Promise<Trace> {
    const { id } = checkedInput('traces.get', idSchema, { id: traceId })
    const trace = await this.#direct((tx) =>
      tx.executionTrace.findFirst({ where: { id }, include: { steps: { orderBy: { seq: 'asc' } } } }),
    )
    if (!trace) throw notFound('trace')
    const { tenantId: _, steps, duration, ...rest } = trace
    return {
      ...rest,
      durationMicros: micros(duration),
      steps: steps.map(({ seq, name, outcome, payload, startedAt, finishedAt, duration }) => ({
        seq,
        name,
        outcome,
        payload,
        startedAt,
        finishedAt,
        durationMicros: micros(duration),
      })),
    }
  }

  async list(input: ListTracesInput = {}): Promise<Page<TraceSummary>> {
    const { versionId, outcome, minDurationMillis, from, to, orderBy, after, limit } = checkedInput(
      'traces.list',
      listSchema,
      input,
    )
    // raw, because a Date is too coarse to go on from; hull one does not read it, so it says whose, as the policies do
    const by =
      orderBy === 'duration'
        ? Prisma.sql`t.duration`
        : Prisma.sql`(extract(epoch from t.started_at) * 1000000)::int8`
    const [last, lastId] = after?.split('.') ?? []
    const bound =
      last === undefined
        ? Prisma.empty
        : orderBy === 'duration'
          ? Prisma.sql`and (t.duration, t.id) < (${BigInt(last)}::int8, ${lastId}::uuid)`
          : Prisma.sql`and (t.started_at, t.id)
                         < (timestamptz 'epoch' + ${BigInt(last)}::int8 * interval '1 microsecond', ${lastId}::uuid)`
    const found = await this.#direct(
      (tx) => tx.$queryRaw<
        (Omit<TraceSummary, 'durationMicros'> & { duration: bigint | null; position: bigint })[]
      >`
        select t.id, t.version_id as "versionId", t.name, t.outcome::text, t.request_id as "requestId",
               t.started_at as "startedAt", t.finished_at as "finishedAt", t.duration, ${by} as position
          from governance.execution_trace t
         where t.tenant_id = (select tenancy.require_tenant_id())
           and (${versionId ?? null}::uuid is null or t.version_id = ${versionId ?? null}::uuid)
           and (${outcome ?? null}::text is null or t.outcome = ${outcome ?? null}::text::governance.trace_outcome)
           and (${from ?? null}::timestamptz is null or t.started_at >= ${from ?? null}::timestamptz)
           and (${to ?? null}::timestamptz is null or t.started_at < ${to ?? null}::timestamptz)
           and (${minDurationMillis ?? null}::float8 is null
                or t.duration >= ${minDurationMillis ?? null}::float8 * 1000)
           and (${orderBy === 'startedAt'} or t.duration is not null)
           ${bound}
         order by ${orderBy === 'duration' ? Prisma.sql`t.duration` : Prisma.sql`t.started_at`} desc, t.id desc
         limit ${limit + 1}`,
    )
    const { items, next } = pageOf(found, limit, ({ position, id }) => `${position}.${id}`)
    const summaryOf = ({ position: _position, duration, ...trace }: (typeof found)[number]) => ({
      ...trace,
      durationMicros: micros(duration),
    })
    return { items: items.map(summaryOf), next }
  }

  async prune(input: { readonly olderThan: Date; readonly batchSize?: number | undefined }) {
    const { olderThan, batchSize } = checkedInput('traces.prune', pruneSchema, input)
    let count = 0
    for (;;) {
      const pruned = await this.#scope.mutate(
        { action: 'trace.prune', permission: 'trace:prune', resource: { type: 'trace' } },
        async (tx, actor) => {
          const rows = await tx.$queryRaw<{ readonly id: string }[]>`
            select id from governance.execution_trace
             where tenant_id = (select tenancy.require_tenant_id()) and started_at < ${olderThan}::timestamptz
             order by started_at
             limit ${batchSize}
               for update`
          const ids = rows.map(({ id }) => id)
          if (ids.length > 0) {
            await tx.traceStep.deleteMany({ where: { traceId: { in: ids } } })
            await tx.executionTrace.deleteMany({ where: { id: { in: ids } } })
          } else if (count === 0) {
            await tx.auditEvent.create({
              data: {
                action: 'trace.prune',
                actorId: actor.userId,
                targets: [{ type: 'trace' }],
                context: this.#scope.auditContext(),
                metadata: { stage: 'PRUNED', count: 0 },
              },
            })
          }
          return ids.length
        },
        { timeout: 60_000 },
      )
      count += pruned
      if (pruned < batchSize) return { count }
    }
  }

  #write<Result>(
    action: string,
    id: string | undefined,
    work: (tx: BundledTransaction) => Promise<Result>,
    options?: { readonly timeout: number },
  ): Promise<Result> {
    const resource = { type: 'trace', ...(id === undefined ? {} : { id }) } as const
    return this.#scope.mutate({ action, permission: 'trace:write', resource }, work, options)
  }

  async #direct<Result>(work: (tx: BundledTransaction) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.#scope.reader)
    } catch (error) {
      throw governanceError(error)
    }
  }
}

async function addSteps(tx: BundledTransaction, traceId: string, steps: readonly KeptStep[]): Promise<void> {
  if (steps.length === 0) return
  // the database counts seq
  await tx.traceStep.createMany({
    data: steps.map(({ payload, ...step }) => ({ ...step, traceId, seq: 0, ...json('payload', payload) })),
  })
}

async function endRun(
  tx: BundledTransaction,
  id: string,
  {
    outcome,
    output,
    finishedAt = new Date(),
  }: {
    readonly outcome: FinishTraceInput['outcome']
    readonly output: TracePayload | undefined
    readonly finishedAt?: Date
  },
): Promise<void> {
  const { count } = await tx.executionTrace.updateMany({
    where: { id },
    data: { outcome, finishedAt, ...json('output', output) },
  })
  if (count === 0) throw notFound('trace')
}

function json<Name extends string>(
  name: Name,
  payload: TracePayload | undefined,
): { [Key in Name]?: object } {
  return (payload === undefined ? {} : { [name]: payload }) as { [Key in Name]?: object }
}

function micros(duration: bigint | null): number | null {
  return duration === null ? null : Number(duration)
}
