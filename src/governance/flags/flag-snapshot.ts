import { isTenancyError, TenancyError } from '../../errors.ts'
import type { BundledTenantClient } from '../../tenancy/bundled.ts'
import { contextOf } from '../../tenancy/tenant-client.ts'
import { notFound } from '../governance-error.ts'
import { ChangeFeed, type ChangeFeedState } from './change-feed.ts'
import { evaluateFlag } from './evaluate-flag.ts'
import type { EvaluationContext, FlagEvaluation } from './flag-evaluation.ts'
import { compileFlagSet, type FlagSet, failure, type StoredFlag } from './flag-set.ts'

/** Settings of {@link openFlagSnapshot}. */
export interface FlagSnapshotOptions {
  /** Whose flags; a tenant client of the bundled schema. */
  readonly db: BundledTenantClient
  /**
   * Where changes are listened for: a login of the application's, straight to the same database. Without it, or where
   * a pooler answers, which cannot be relied on to hand changes on, the flags are fetched every `pollMillis`.
   */
  readonly connectionString?: string | undefined
  /** How often they are fetched while changes cannot be listened for, in milliseconds; 5,000 unless told. */
  readonly pollMillis?: number | undefined
  /** How often the connection that listens is tried, in milliseconds; 10,000 unless told. */
  readonly heartbeatMillis?: number | undefined
  /** Closes it. */
  readonly signal?: AbortSignal | undefined
}

/**
 * `ready`: it hears of every change, or polls as it was told to. `stale`: changes may have been missed; it goes on
 * serving what it has, with the reason `STALE`, and fetches every `pollMillis`. `error`: the same, and to try again will
 * hardly mend it: the tenancy is closed, or the database refuses. `closed`: for good.
 */
export type FlagSnapshotState = 'ready' | 'stale' | 'error' | 'closed'

/** What happens to a snapshot, and what its listeners are told. */
export interface FlagSnapshotEvents {
  /** Flags were created, changed, archived or deleted, and are served as they are now. */
  readonly change: { readonly keys: readonly string[] }
  readonly ready: { readonly state: 'ready' }
  readonly stale: { readonly state: 'stale' }
  /** What the last attempt to fetch failed with. */
  readonly error: { readonly state: 'error'; readonly error: unknown }
  readonly closed: { readonly state: 'closed' }
}

/** All flags of one tenant, in memory and up to date. */
export interface FlagSnapshot {
  readonly tenantId: string
  readonly state: FlagSnapshotState
  /** The keys of the flags there are. */
  readonly keys: readonly string[]
  /** Without input and output; see `evaluateFlag`. Once closed, every flag answers `GENERAL`. */
  evaluate(key: string, context?: EvaluationContext): FlagEvaluation
  /** @returns what takes the listener away again */
  on<Event extends keyof FlagSnapshotEvents>(
    event: Event,
    listener: (details: FlagSnapshotEvents[Event]) => void,
  ): () => void
  /**
   * Fetches the flags anew, whether a change was heard of or not.
   *
   * @throws what the fetch failed with, and `DH105` once closed
   */
  refresh(): Promise<void>
  /** Lets the connection go, which keeps the process running until then. */
  close(): Promise<void>
}

/**
 * Holds all flags of one tenant in memory. They are fetched through the tenant client, so both hulls hold; the
 * notification of a change carries an opaque topic and no data. Changes are listened for before the flags are fetched,
 * and fetched again where one comes meanwhile, so none is lost. All snapshots of a process share one connection to
 * listen, and share nothing else.
 *
 * A lost connection is noticed at once where the network says so, else within `heartbeatMillis` and 5 seconds.
 *
 * @throws {TenancyError} `DH101` without a tenant context, and whatever the first fetch fails with
 *
 * @example
 * ```ts
 * const flags = await openFlagSnapshot({ db: createTenantClient({ tenantId }), connectionString: process.env.DATABASE_URL })
 * if (flags.evaluate('new-checkout', { targetingKey: userId }).value === true) { … }
 * ```
 */
export async function openFlagSnapshot(options: FlagSnapshotOptions): Promise<FlagSnapshot> {
  options.signal?.throwIfAborted()
  const tenantId = contextOf(options.db)?.tenantId
  if (tenantId === undefined) {
    throw new TenancyError('DH101', 'flags are a tenant’s: give a tenant client, with a tenant context')
  }
  const snapshot = new LiveFlagSnapshot(String(tenantId), options)
  try {
    await snapshot.open()
    return snapshot
  } catch (error) {
    await snapshot.close()
    throw error
  }
}

type Listener = (details: never) => void

const firstPause = 100
const longestPause = 30_000

class LiveFlagSnapshot implements FlagSnapshot {
  readonly tenantId: string
  readonly #options: FlagSnapshotOptions
  readonly #listeners = new Map<keyof FlagSnapshotEvents, Set<Listener>>()
  readonly #closing = new AbortController()
  #set: FlagSet
  /** Of each flag all that counts of it, to tell which ones have changed. */
  #prints: ReadonlyMap<string, string> = new Map()
  #state: FlagSnapshotState = 'stale'
  #feed: ChangeFeed | undefined
  #topic: string | undefined
  #stopListening = (): void => {}
  /** Something has changed since the fetch that is under way began, or since the last one. */
  #isOutdated = true
  #fetching: Promise<void> | undefined
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  constructor(tenantId: string, options: FlagSnapshotOptions) {
    this.tenantId = tenantId
    this.#options = options
    this.#set = compileFlagSet(tenantId, [])
    options.signal?.addEventListener('abort', this.#onAbort)
  }

  async open(): Promise<void> {
    const { connectionString, heartbeatMillis = 10_000 } = this.#options
    if (connectionString !== undefined) {
      this.#feed = await ChangeFeed.join(connectionString, heartbeatMillis)
    }
    // the first fetch finds the topic, listens for it, and is therefore followed by another
    await this.refresh()
  }

  get state(): FlagSnapshotState {
    return this.#state
  }

  get keys(): readonly string[] {
    return [...this.#set.flags.keys()]
  }

  evaluate(key: string, context: EvaluationContext = {}): FlagEvaluation {
    if (this.#state === 'closed') return failure(key, {}, 'GENERAL', 'the snapshot of the flags is closed')
    const result = evaluateFlag(this.#set, key, context)
    if (this.#state === 'ready' || result.errorCode !== undefined) return result
    return Object.freeze({
      ...result,
      reason: 'STALE',
      flagMetadata: Object.freeze({ ...result.flagMetadata, staleReason: result.reason }),
    })
  }

  on<Event extends keyof FlagSnapshotEvents>(
    event: Event,
    listener: (details: FlagSnapshotEvents[Event]) => void,
  ): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  refresh(): Promise<void> {
    if (this.#state === 'closed') {
      return Promise.reject(
        new TenancyError('DH105', 'the snapshot of the flags is closed; open another one'),
      )
    }
    this.#isOutdated = true
    clearTimeout(this.#timer)
    this.#fetching ??= this.#fetchUntilSettled()
    return this.#fetching
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#setState({ state: 'closed' })
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#closing.abort(new TenancyError('DH105', 'the snapshot of the flags was closed'))
    clearTimeout(this.#timer)
    this.#stopListening()
    const feed = this.#feed
    this.#feed = undefined
    await Promise.allSettled([feed?.leave(), this.#fetching])
  }

  readonly #onAbort = (): void => void this.close()

  /** What is announced while a fetch is under way may be in it or not, so another one follows it. */
  async #fetchUntilSettled(): Promise<void> {
    let failed: { readonly error: unknown } | undefined
    while (this.#isOutdated && !failed && !this.#isClosed()) {
      this.#isOutdated = false
      try {
        const { topic, flags } = await this.#fetch()
        if (this.#isClosed()) return
        this.#follow(topic)
        this.#take(flags)
      } catch (error) {
        this.#isOutdated = true
        failed = { error }
      }
    }
    // whoever hears of the new state, and asks for more, gets another fetch
    this.#fetching = undefined
    this.#failures = failed ? this.#failures + 1 : 0
    this.#scheduleNext()
    if (!failed) this.#setState({ state: this.#hears() ? 'ready' : 'stale' })
    else if (isTenancyError(failed.error) && !failed.error.retryable) {
      this.#setState({ state: 'error', error: failed.error })
    } else this.#setState({ state: 'stale' })
    if (failed) throw failed.error
  }

  /** Asked again behind each wait. */
  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** In one transaction, which an extension for read replicas leaves where the newest rows are. */
  async #fetch(): Promise<{ topic: string; flags: readonly StoredFlag[] }> {
    return this.#options.db.$transaction(
      async (tx) => {
        const tenant = await tx.tenant.findFirst({ select: { topic: true } })
        if (!tenant) throw notFound('tenant')
        const flags = await tx.featureFlag.findMany({
          where: { archivedAt: null },
          omit: { tenantId: true, createdAt: true, updatedAt: true },
          orderBy: { key: 'asc' },
        })
        return { topic: tenant.topic, flags }
      },
      { signal: this.#closing.signal },
    )
  }

  #follow(topic: string): void {
    if (topic === this.#topic || !this.#feed) return
    this.#stopListening()
    this.#topic = topic
    this.#stopListening = this.#feed.listen(`flags:${topic}`, {
      onChange: () => this.#refreshQuietly(),
      onState: (state) => this.#onFeed(state),
    })
    // what was announced before counts for nothing
    this.#isOutdated = true
  }

  #take(flags: readonly StoredFlag[]): void {
    const before = this.#prints
    this.#prints = new Map(flags.map((flag) => [flag.key, JSON.stringify(flag)]))
    const keys = [...new Set([...before.keys(), ...this.#prints.keys()])].filter(
      (key) => before.get(key) !== this.#prints.get(key),
    )
    if (keys.length === 0) return
    this.#set = compileFlagSet(this.tenantId, flags)
    this.#emit('change', { keys })
  }

  #onFeed(state: ChangeFeedState): void {
    if (state === 'down') this.#setState({ state: 'stale' })
    this.#refreshQuietly()
  }

  /** Whether no change can have been missed, as far as the connection goes; or polling is all there is. */
  #hears(): boolean {
    return this.#feed === undefined || this.#feed.state !== 'down'
  }

  #refreshQuietly(): void {
    // its failure is in the state
    if (!this.#isClosed()) this.refresh().catch(() => {})
  }

  #scheduleNext(): void {
    if (this.#isClosed()) return
    clearTimeout(this.#timer)
    const { pollMillis = 5_000 } = this.#options
    if (this.#isOutdated) {
      const pause = Math.min(firstPause * 2 ** Math.max(0, this.#failures - 1), longestPause)
      this.#timer = setTimeout(() => this.#refreshQuietly(), pause * (0.5 + Math.random() / 2))
    } else if (this.#feed?.state !== 'up') {
      this.#timer = setTimeout(() => this.#refreshQuietly(), pollMillis)
    }
  }

  #setState(
    details: Exclude<FlagSnapshotEvents[keyof FlagSnapshotEvents], FlagSnapshotEvents['change']>,
  ): void {
    if (details.state === this.#state || this.#isClosed()) return
    this.#state = details.state
    this.#emit(details.state, details)
  }

  #emit<Event extends keyof FlagSnapshotEvents>(event: Event, details: FlagSnapshotEvents[Event]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(details as never)
      } catch (error) {
        // a listener's failure is its owner's, and stops no other one
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
