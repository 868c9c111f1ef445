/** Random numbers that a seed repeats: Mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.next() * items.length)]
    if (item === undefined) throw new RangeError('there is nothing to pick from')
    return item
  }

  /** Another sequence, so that what one caller does shifts no other caller's choices. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32))
  }
}

/** The seed of `DOUBLEHULL_SOAK_SEED`, or a new one. */
export function chooseSeed(): number {
  const given = process.env['DOUBLEHULL_SOAK_SEED']
  if (given === undefined || given === '') return Math.floor(Math.random() * 2 ** 32)
  if (!/^\d+$/.test(given)) throw new Error('DOUBLEHULL_SOAK_SEED must be a whole number')
  return Number(given)
}
