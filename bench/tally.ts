/** What went wrong, by contender: rows that were not the tenant's, and measurements that did not come about. */
export class Tally {
  readonly #wrongRows = new Map<string, number>()
  readonly #failures = new Map<string, Map<string, string>>()

  addWrongRows(contender: string, count: number): void {
    if (count > 0) this.#wrongRows.set(contender, this.wrongRows(contender) + count)
  }

  wrongRows(contender: string): number {
    return this.#wrongRows.get(contender) ?? 0
  }

  addFailure(contender: string, measurement: string, error: unknown): void {
    const failures = this.#failures.get(contender) ?? new Map<string, string>()
    this.#failures.set(contender, failures)
    if (!failures.has(measurement)) failures.set(measurement, briefly(error))
  }

  hasFailed(contender: string, measurement: string): boolean {
    return this.#failures.get(contender)?.has(measurement) ?? false
  }

  /** What failed, and with which message. */
  failures(contender: string): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#failures.get(contender) ?? [])
  }
}

/** The last paragraph of a message: Prisma's begin with the source code of the call. */
export function briefly(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const paragraphs = message.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
  return paragraphs.findLast((paragraph) => paragraph !== '')?.slice(0, 300) ?? 'failed without a message'
}
