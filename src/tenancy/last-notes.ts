/**
 * What a transaction writes last. To write it at once would hold the locks that it takes, such as that on the end of
 * an audit chain, for the rest of the transaction, and two transactions of a tenant would block each other for ever.
 *
 * Notes are taken before SQL that the caller wrote, too: that may begin a savepoint, or go back to one, and then what
 * was noted has to come and go with what it is about.
 */
export class LastNotes {
  #notes: unknown[] = []
  #failure: { readonly error: unknown } | undefined
  readonly #finish: ((notes: readonly unknown[]) => Promise<void>) | undefined

  /** @param finish writes the notes; none where nobody observes */
  constructor(finish?: (notes: readonly unknown[]) => Promise<void>) {
    this.#finish = finish
  }

  add(...notes: readonly unknown[]): void {
    this.#notes.push(...notes)
  }

  /** Something was written that there is no note of: the transaction must not be kept, whoever has caught that. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** The notes so far, which are then somebody else's to write. */
  take(): readonly unknown[] {
    if (this.#failure) throw this.#failure.error
    return this.#notes.splice(0)
  }

  /** Writes the notes so far. */
  async write(): Promise<void> {
    // what is written may be observed itself
    while (this.#notes.length > 0 || this.#failure) await this.#finish?.(this.take())
  }
}
