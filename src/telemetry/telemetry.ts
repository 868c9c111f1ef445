import type { Attributes, Context, Meter, Tracer } from '@opentelemetry/api'
import { isTenancyError, type TenancyError } from '../errors.ts'
import { errorTypeOf } from './error-type.ts'
import { createInstruments, type Instruments, observePool } from './instruments.ts'
import { loadOpenTelemetry } from './opentelemetry.ts'
import type { PoolStatisticsSource } from './pool-statistics.ts'
import { RegisteredSdk } from './registered-sdk.ts'

/** An operation of a tenant's client, or of the system's, as it is named in spans and metrics. */
export interface ObservedOperation {
  /** The model, as the schema names it; none for raw SQL and for `$transaction`. */
  readonly model?: string | undefined
  /** Prisma's name of the operation, such as `findMany` or `$queryRaw`. */
  readonly operation: string
  /** Goes on the span; none for the system's. Metrics never say whose an operation was. */
  readonly tenantId: string | undefined
}

/** How a tenancy is watched. */
export interface Telemetry {
  /**
   * Runs one operation in a span of its own and records its duration and, where it is refused, the code.
   *
   * @param work rejects where it fails, and does not throw; it is started at once
   * @returns what `work` resolves to, and rejects with what it rejects with
   */
  operation<Result>(what: ObservedOperation, work: () => Promise<Result>): Promise<Result>
  /** Counts a refusal that came before there was an operation, and gives the error back. */
  refused(error: unknown): unknown
  /** Ends the observation of the pool. Operations that come later are still recorded. */
  shutdown(): void
}

/**
 * Spans and metrics through `@opentelemetry/api`, where that is installed and an SDK is registered with it;
 * otherwise an operation just runs.
 *
 * Invariant: what leaves is the name of an operation and of its model, how long it took, and the code of its error;
 * on the span alone, the tenant. No argument, no row, no SQL and no message of an error gets as far as an SDK.
 *
 * The SDK may be registered before or after: each operation looks for it. Where it is registered after, the pool is
 * reported from the next operation on.
 *
 * @param source the pool; it is asked with every collection of the metrics, until `shutdown`
 * @param poolName what the metrics call the pool; where another pool of the process has that name, a number is added
 *
 * @example
 * ```ts
 * const telemetry = createTelemetry(pool)
 * await telemetry.operation({ model: 'Invoice', operation: 'findMany', tenantId }, () => findInvoices())
 * telemetry.shutdown()
 * ```
 */
export function createTelemetry(source: PoolStatisticsSource, poolName = 'doublehull'): Telemetry {
  const api = loadOpenTelemetry()
  return api ? new OpenTelemetry(api, source, poolName) : silence
}

const silence: Telemetry = {
  operation: (_, work) => work(),
  refused: (error) => error,
  shutdown() {},
}

class OpenTelemetry implements Telemetry {
  readonly #api: typeof import('@opentelemetry/api')
  readonly #sdk: RegisteredSdk
  readonly #source: PoolStatisticsSource
  readonly #poolName: string
  #meter: Meter | undefined
  #instruments: Instruments | undefined
  #stopObservingPool: (() => void) | undefined
  #isShutDown = false
  // a refusal within a transaction passes here twice: with its operation, and with the transaction that it ends
  readonly #counted = new WeakSet<TenancyError>()

  constructor(api: typeof import('@opentelemetry/api'), source: PoolStatisticsSource, poolName: string) {
    this.#api = api
    this.#sdk = new RegisteredSdk(api)
    this.#source = source
    this.#poolName = claimPoolName(poolName)
    this.#currentInstruments()
  }

  operation<Result>(what: ObservedOperation, work: () => Promise<Result>): Promise<Result> {
    const tracer = this.#sdk.tracer()
    const instruments = this.#currentInstruments()
    return tracer || instruments ? this.#observe(what, work, tracer, instruments) : work()
  }

  async #observe<Result>(
    { model, operation, tenantId }: ObservedOperation,
    work: () => Promise<Result>,
    tracer: Tracer | undefined,
    instruments: Instruments | undefined,
  ): Promise<Result> {
    const { context: contexts, trace, SpanKind, SpanStatusCode } = this.#api
    const start = performance.now()
    const attributes = describe(operation, model)
    if (tenantId !== undefined) attributes['doublehull.tenant.id'] = tenantId
    // The CLIENT spans are those of the statements below, which Prisma's instrumentation makes: none for an operation
    // that hull one refuses, several for a nested write. Were this one CLIENT as well, whoever adds up the calls to
    // the database would count each twice.
    const span = tracer?.startSpan(model === undefined ? operation : `${operation} ${model}`, {
      kind: SpanKind.INTERNAL,
      attributes,
    })
    const context = span ? trace.setSpan(contexts.active(), span) : contexts.active()
    let failure: string | undefined
    try {
      // awaited in there: a PrismaPromise starts when it is awaited, and would start outside of the span
      return await contexts.with(context, async () => await work())
    } catch (error) {
      failure = errorTypeOf(error)
      // no description and no recorded exception: their text may hold what the query asked for
      span?.setAttribute('error.type', failure).setStatus({ code: SpanStatusCode.ERROR })
      this.#countRefusal(error, instruments, context)
      throw error
    } finally {
      const seconds = (performance.now() - start) / 1000
      // described anew, without the tenant: a metric with one would have a series for each
      instruments?.duration.record(seconds, describe(operation, model, failure), context)
      span?.end()
    }
  }

  refused(error: unknown): unknown {
    this.#countRefusal(error, this.#currentInstruments(), this.#api.context.active())
    return error
  }

  #countRefusal(error: unknown, instruments: Instruments | undefined, context: Context): void {
    if (!isTenancyError(error) || this.#counted.has(error)) return
    this.#counted.add(error)
    instruments?.refusals.add(1, { 'error.type': error.code }, context)
  }

  shutdown(): void {
    if (this.#isShutDown) return
    this.#isShutDown = true
    this.#stopObservingPool?.()
    poolNames.delete(this.#poolName)
  }

  /** Unlike a tracer, an instrument that was made before the SDK was registered would never do anything. */
  #currentInstruments(): Instruments | undefined {
    const meter = this.#sdk.meter()
    if (meter !== this.#meter) {
      this.#stopObservingPool?.()
      this.#meter = meter
      this.#instruments = meter && createInstruments(meter)
      this.#stopObservingPool =
        meter && !this.#isShutDown ? observePool(meter, this.#source, this.#poolName) : undefined
    }
    return this.#instruments
  }
}

/** What spans and metrics both say. Not spread into another object, which costs more than all the rest. */
function describe(operation: string, model: string | undefined, failure?: string): Attributes {
  const attributes: Attributes = { 'db.system.name': 'postgresql', 'db.operation.name': operation }
  if (model !== undefined) attributes['db.collection.name'] = model
  if (failure !== undefined) attributes['error.type'] = failure
  return attributes
}

/** The pools of now. A name is free again after `shutdown`, so that a process never has many. */
const poolNames = new Set<string>()

function claimPoolName(wanted: string): string {
  let name = wanted
  for (let number = 2; poolNames.has(name); number++) name = `${wanted}-${number}`
  poolNames.add(name)
  return name
}
