/** What a soak may find wrong. A control has to find each of them once, or its checker is worth nothing. */
export type FindingKind =
  /** An answer has a row, or a count of rows, of another tenant. */
  | 'foreign row'
  /** An answer lacks a row of its own tenant, as it does in another context or in none. */
  | 'missing row'
  /** A statement ran for another user, or with limits that are not its own. */
  | 'foreign settings'
  /** A statement ran in another transaction than its caller's, or in somebody else's. */
  | 'outside its transaction'
  /** An operation failed that nothing had interrupted, or was answered that must be refused. */
  | 'wrong outcome'
  /** A write that was acknowledged is not there, or not as it was written. */
  | 'lost write'
  /** A write is there that nobody made, or that was rolled back, or twice. */
  | 'ghost write'
  /** Of one transaction some writes are there and some are not. */
  | 'half a transaction'
  /** One tenant's row stands in another tenant's name. */
  | 'written in another name'
  /** A connection is still lent, still in a transaction, or still open. */
  | 'leaked connection'
  /** A connection that nobody uses has a tenant. */
  | 'context left behind'

/** Collects what is wrong, so that a run goes on and says everything in the end. */
export class Findings {
  readonly #all: { readonly kind: FindingKind; readonly what: string }[] = []

  add(kind: FindingKind, what: string): void {
    this.#all.push({ kind, what })
  }

  /** Adds a finding where what must hold does not. */
  unless(holds: boolean, kind: FindingKind, what: () => string): void {
    if (!holds) this.add(kind, what())
  }

  get count(): number {
    return this.#all.length
  }

  get kinds(): ReadonlySet<FindingKind> {
    return new Set(this.#all.map(({ kind }) => kind))
  }

  /** One line each; of many alike the first ones say enough. */
  lines(): string[] {
    const lines = this.#all.slice(0, 20).map(({ kind, what }) => `${kind}: ${what}`)
    const more = this.#all.length - lines.length
    return more > 0 ? [...lines, `and ${more} more`] : lines
  }
}
