/** The middle value; of an even number of them, the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** One figure for each round that a contender took part in. */
export type Rounds = ReadonlyMap<string, readonly number[]>

export interface RoundsPlan {
  readonly rounds: number
  /** No round begins after this many milliseconds, so that a busy machine does not take forever. */
  readonly budget: number
}

/** However slow the machine, a median of fewer rounds says nothing. */
const fewestRounds = 3

/**
 * Measures all contenders in turns, a little of each in every round, so that whatever else the machine does
 * hits all of them. The order is another one in each round: nobody is always the first after somebody else.
 *
 * @param measure measures one contender for the length of one block
 */
export async function interleave<Contender extends { readonly name: string }>(
  contenders: readonly Contender[],
  { rounds, budget }: RoundsPlan,
  measure: (contender: Contender) => Promise<number>,
): Promise<Rounds> {
  const results = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  const end = performance.now() + budget
  for (let round = 0; round < rounds; round++) {
    if (round >= fewestRounds && performance.now() > end) break
    for (const contender of orderOf(contenders, round)) {
      results.get(contender.name)?.push(await measure(contender))
    }
  }
  return results
}

/** Starts with another one in each pair of rounds, and goes backwards in the second of them. */
function orderOf<Contender>(contenders: readonly Contender[], round: number): readonly Contender[] {
  const start = (round >> 1) % Math.max(1, contenders.length)
  const rotated = [...contenders.slice(start), ...contenders.slice(0, start)]
  return round % 2 === 0 ? rotated : rotated.toReversed()
}

/**
 * How many times the floor's figure a contender's is: the median, over the rounds, of the ratio within a round.
 * Not the ratio of the medians: machines are slow in some minutes and fast in others, and within one round both
 * had the same machine.
 */
export function ratio(rounds: Rounds, name: string, floor: string): number {
  const base = rounds.get(floor) ?? []
  const own = rounds.get(name) ?? []
  return median(own.map((value, round) => value / (base[round] ?? Number.NaN)).filter(Number.isFinite))
}

/** Rounds to three digits: more would be noise. */
export function significant(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : Number.NaN
}
