/** Something that waits its turn among those of its tenant, and its tenant among the others. */
export interface Waiting {
  readonly tenant: string
  /** It has given up. */
  readonly isOver: boolean
}

interface Line<Item> {
  readonly turn: number
  readonly items: Item[]
}

/** Counts the turns of all queues. */
let turns = 0

/**
 * A queue in which tenants take turns: each tenant's own items stay in order, and a tenant with thousands of
 * them delays another's first by one turn.
 */
export class FairQueue<Item extends Waiting> {
  // the order of the keys is the order of the turns
  readonly #lines = new Map<string, Line<Item>>()

  push(item: Item): void {
    const line = this.#lines.get(item.tenant)
    if (line) line.items.push(item)
    else this.#lines.set(item.tenant, { turn: ++turns, items: [item] })
  }

  /** Whose turn it is among the tenants that `mayGo`. */
  peek(mayGo: (tenant: string) => boolean): Item | undefined {
    for (const [tenant, { items }] of this.#lines) {
      while (items[0]?.isOver) items.shift()
      const [first] = items
      if (!first) this.#lines.delete(tenant)
      else if (mayGo(tenant)) return first
    }
    return undefined
  }

  /** Since when a tenant has waited for its turn, to be compared with another queue's. */
  turnOf({ tenant }: Item): number {
    return this.#lines.get(tenant)?.turn ?? 0
  }

  /** Takes what {@link peek} has shown; the tenant's next turn is behind all others'. */
  take(item: Item): void {
    const line = this.#lines.get(item.tenant)
    if (!line) return
    line.items.shift()
    this.#lines.delete(item.tenant)
    if (line.items.length > 0) this.#lines.set(item.tenant, { turn: ++turns, items: line.items })
  }

  /** Takes everything. */
  drain(): readonly Item[] {
    const all = [...this.#lines.values()].flatMap(({ items }) => items).filter((item) => !item.isOver)
    this.#lines.clear()
    return all
  }
}
