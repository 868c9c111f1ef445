/** What a pool says of itself at one moment. Counts only: no tenant and no query is in it. */
export interface PoolStatistics {
  /** Connections that are open. */
  readonly total: number
  /** Those of them that nobody uses. */
  readonly idle: number
  /** Those of them that belong to one transaction. */
  readonly owned: number
  /** Requests that wait for a connection. */
  readonly waiting: number
  /** Queries that were sent and are not answered yet, on all connections. */
  readonly inFlight: number
  /** The most of those on any one connection. */
  readonly deepest: number
}

/** A pool that can be watched. It is asked once for each collection of the metrics, so the answer has to be cheap. */
export interface PoolStatisticsSource {
  statistics(): PoolStatistics
}
