/** Something that waits its turn among those of its tenant, and its tenant among the others. */
export interface Waiting {
  readonly tenant: string
  /** It has given up. */
  readonly isOver: boolean
}

/**
 * A queue in which tenants take turns: each tenant's own items stay in order, and a tenant with thousands of
 * them delays another's first by one turn.
 */
export class FairQueue<Item extends Waiting> {
  // the order of the keys is the order of the turns
  readonly #lines = new Map<string, Item[]>()

  push(item: Item): void {
    const line = this.#lines.get(item.tenant)
    if (line) line.push(item)
    else this.#lines.set(item.tenant, [item])
  }

  /** Whose turn it is among the tenants that `mayGo`. */
  peek(mayGo: (tenant: string) => boolean): Item | undefined {
    for (const [tenant, line] of this.#lines) {
      while (line[0]?.isOver) line.shift()
      const [first] = line
      if (!first) this.#lines.delete(tenant)
      else if (mayGo(tenant)) return first
    }
    return undefined
  }

  /** Takes what {@link peek} has shown; the tenant's next turn is behind all others'. */
  take(item: Item): void {
    const line = this.#lines.get(item.tenant)
    if (!line) return
    line.shift()
    this.#lines.delete(item.tenant)
    if (line.length > 0) this.#lines.set(item.tenant, line)
  }

  /** Takes everything. */
  drain(): readonly Item[] {
    const all = [...this.#lines.values()].flat().filter((item) => !item.isOver)
    this.#lines.clear()
    return all
  }
}
