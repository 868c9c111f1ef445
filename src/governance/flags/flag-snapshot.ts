import type { BundledTenantClient } from '../../tenancy/bundled.ts'
import type { EvaluationContext, FlagEvaluation } from './flag-evaluation.ts'

/** Settings of {@link openFlagSnapshot}. */
export interface FlagSnapshotOptions {
  /** Whose flags; a tenant client of the bundled schema. */
  readonly db: BundledTenantClient
  /**
   * Where changes are listened for: a login of the application's, straight to the server or through a pooler in
   * session mode. Without it, or through a pooler that takes connections away between transactions, the flags are
   * fetched every `pollMillis`.
   */
  readonly connectionString?: string
  /** How often they are fetched where changes cannot be listened for, in milliseconds; 5,000 unless told. */
  readonly pollMillis?: number
  /** How often the connection that listens is tried, in milliseconds; 10,000 unless told. */
  readonly heartbeatMillis?: number
  /** Closes it. */
  readonly signal?: AbortSignal
}

/**
 * `ready`: it hears of every change. `stale`: changes may have been missed; it goes on serving what it has, with the
 * reason `STALE`. `error`: the same, and no attempt to fetch will mend it: the tenancy is closed, or the database
 * refuses. `closed`: for good.
 */
export type FlagSnapshotState = 'ready' | 'stale' | 'error' | 'closed'

/** What happens to a snapshot. */
export interface FlagSnapshotEvents {
  /** Flags were created, changed, archived or deleted, and are served as they are now. */
  readonly change: { readonly keys: readonly string[] }
  readonly stale: { readonly reason: string }
  readonly ready: Record<never, never>
  readonly error: { readonly error: unknown }
}

/** All flags of one tenant, in memory and up to date. */
export interface FlagSnapshot {
  readonly tenantId: string
  readonly state: FlagSnapshotState
  /** The keys of the flags there are. */
  readonly keys: readonly string[]
  /** Without input and output; see `evaluateFlag`. In the state `closed` every flag is `GENERAL`. */
  evaluate(key: string, context?: EvaluationContext): FlagEvaluation
  /** @returns what takes the listener away again */
  on<Event extends keyof FlagSnapshotEvents>(
    event: Event,
    listener: (details: FlagSnapshotEvents[Event]) => void,
  ): () => void
  /** Fetches the flags anew, whether a change was heard of or not. */
  refresh(): Promise<void>
  close(): Promise<void>
}

export declare function openFlagSnapshot(options: FlagSnapshotOptions): Promise<FlagSnapshot>
