import type { BatchObservableCallback, Counter, Histogram, Meter } from '@opentelemetry/api'
import type { PoolStatistics, PoolStatisticsSource } from './pool-statistics.ts'

/** The metrics that an operation is recorded in. */
export interface Instruments {
  readonly duration: Histogram
  readonly refusals: Counter
}

/**
 * The metrics of operations, named after the conventions for database clients where these have a name:
 * {@link https://opentelemetry.io/docs/specs/semconv/db/database-metrics/}.
 */
export function createInstruments(meter: Meter): Instruments {
  return {
    duration: meter.createHistogram('db.client.operation.duration', {
      description: 'Duration of database client operations.',
      unit: 's',
      // the conventions' own: the default ones are made for milliseconds
      advice: { explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
    }),
    refusals: meter.createCounter('doublehull.refusals', {
      description: 'Operations that were refused in the name of tenancy, by code.',
      unit: '{refusal}',
    }),
  }
}

/**
 * Reports the connections of a pool, and what is under way on them, with every collection of the metrics.
 *
 * @param poolName unique among the pools of the process; two of one name would overwrite each other's numbers
 * @returns ends the reports, after one that says that nothing is left
 */
export function observePool(meter: Meter, source: PoolStatisticsSource, poolName: string): () => void {
  const connections = meter.createObservableUpDownCounter('db.client.connection.count', {
    description: 'The number of connections that are currently in state described by the state attribute.',
    unit: '{connection}',
  })
  const pendingRequests = meter.createObservableUpDownCounter('db.client.connection.pending_requests', {
    description: 'The number of current pending requests for an open connection.',
    unit: '{request}',
  })
  const inFlight = meter.createObservableGauge('doublehull.pipeline.in_flight', {
    description: 'Queries that were sent and are not answered yet, on all connections of the pool.',
    unit: '{query}',
  })
  const depth = meter.createObservableGauge('doublehull.pipeline.depth', {
    description: 'The most queries that are under way on one connection of the pool.',
    unit: '{query}',
  })

  const pool = { 'db.client.connection.pool.name': poolName }
  const idle = { ...pool, 'db.client.connection.state': 'idle' }
  const used = { ...pool, 'db.client.connection.state': 'used' }
  const instruments = [connections, pendingRequests, inFlight, depth]
  let isOver = false
  // one callback for all, so that the numbers of a collection belong to the same moment
  const observe: BatchObservableCallback = (result) => {
    const now = isOver ? nothing : source.statistics()
    result.observe(connections, now.idle, idle)
    result.observe(connections, now.total - now.idle, used)
    result.observe(pendingRequests, now.waiting, pool)
    result.observe(inFlight, now.inFlight, pool)
    result.observe(depth, now.deepest, pool)
    // later, because the collection is going through the list that this is on
    if (isOver) setImmediate(() => meter.removeBatchObservableCallback(observe, instruments))
  }
  meter.addBatchObservableCallback(observe, instruments)
  return () => {
    // the SDK goes on exporting what it was told last, and connections that are closed would stay open there
    isOver = true
  }
}

const nothing: PoolStatistics = { total: 0, idle: 0, owned: 0, waiting: 0, inFlight: 0, deepest: 0 }
