import type { FlagSnapshot } from './flag-snapshot.ts'

/** Settings of {@link TenantSnapshots}. */
export interface TenantSnapshotsOptions {
  readonly open: (tenantId: string) => Promise<FlagSnapshot>
  /** Most snapshots that are kept. */
  readonly maxTenants: number
  /** After a failure, for how long a tenant's flags are not asked for again, in milliseconds. */
  readonly retryMillis: number
  readonly onOpen: (snapshot: FlagSnapshot) => void
  readonly onClose: (snapshot: FlagSnapshot) => void
}

interface Entry {
  readonly opening: Promise<FlagSnapshot>
  readonly openedAt: number
  users: number
  isFailed: boolean
  isOut: boolean
}

/**
 * The snapshots of the tenants that were asked for last, by their ids; whichever was not asked for the longest is
 * closed for another one. Nothing is kept under any other key, so one tenant's flags are never another's answer.
 */
export class TenantSnapshots {
  readonly #options: TenantSnapshotsOptions
  /** In the order in which they were asked for. */
  readonly #entries = new Map<string, Entry>()
  #isClosed = false

  constructor(options: TenantSnapshotsOptions) {
    this.#options = options
  }

  get tenantIds(): readonly string[] {
    return [...this.#entries.keys()]
  }

  /** Runs `work` with the snapshot of a tenant, which stays open meanwhile. */
  async use<Result>(tenantId: string, work: (snapshot: FlagSnapshot) => Result): Promise<Result> {
    const entry = this.#entryOf(tenantId)
    entry.users++
    try {
      return work(await entry.opening)
    } finally {
      entry.users--
      this.#closeUnused(entry)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) entry.isOut = true
    await Promise.all(entries.map((entry) => this.#shut(entry)))
  }

  #entryOf(tenantId: string): Entry {
    if (this.#isClosed) throw new Error('the provider of the flags is closed')
    const known = this.#entries.get(tenantId)
    const isLeft = known?.isFailed && Date.now() - known.openedAt > this.#options.retryMillis
    const entry = !known || isLeft ? this.#open(tenantId) : known
    this.#entries.delete(tenantId)
    this.#entries.set(tenantId, entry)
    this.#evict()
    return entry
  }

  #open(tenantId: string): Entry {
    const opening = this.#options.open(tenantId)
    const entry: Entry = { opening, openedAt: Date.now(), users: 0, isFailed: false, isOut: false }
    opening.then(
      (snapshot) => {
        if (!entry.isOut) this.#options.onOpen(snapshot)
      },
      () => {
        entry.isFailed = true
      },
    )
    return entry
  }

  #evict(): void {
    for (const [tenantId, entry] of this.#entries) {
      if (this.#entries.size <= this.#options.maxTenants) return
      this.#entries.delete(tenantId)
      entry.isOut = true
      this.#closeUnused(entry)
    }
  }

  #closeUnused(entry: Entry): void {
    // its failure to open was told to whoever asked
    if (entry.isOut && entry.users === 0) this.#shut(entry).catch(() => {})
  }

  async #shut(entry: Entry): Promise<void> {
    const snapshot = await entry.opening.catch(() => undefined)
    if (!snapshot) return
    this.#options.onClose(snapshot)
    await snapshot.close()
  }
}
