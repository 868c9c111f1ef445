import { median, type Rounds, ratio, significant } from './measure.ts'

/** How far the server is: on the same machine, or about two milliseconds there and back. */
export const networkNames = ['loopback', 'delayed'] as const

export type NetworkName = (typeof networkNames)[number]

/** A figure for each distance. */
export type ByNetwork = Readonly<Record<NetworkName, number>>

type Kind = 'latency' | 'throughput'

/** All rounds of a run, and what is asked of them. */
export class Figures {
  readonly #floor: string
  readonly #rounds = new Map<string, Rounds>()

  /** @param floor the contender that ratios are taken of */
  constructor(floor: string) {
    this.#floor = floor
  }

  add(kind: Kind, network: NetworkName, measurement: string, rounds: Rounds): void {
    this.#rounds.set(`${kind} ${network} ${measurement}`, rounds)
  }

  /** How many times the floor's figure a contender's is; `undefined` where it was not measured. */
  ratios(kind: Kind, measurement: string, name: string, floor = this.#floor): ByNetwork | undefined {
    return this.#byNetwork(kind, measurement, (rounds) => ratio(rounds, name, floor), [name, floor])
  }

  /** The figure itself: milliseconds, or calls a second. */
  medians(kind: Kind, measurement: string, name: string): ByNetwork | undefined {
    return this.#byNetwork(kind, measurement, (rounds) => median(finite(rounds.get(name))), [name])
  }

  #byNetwork(
    kind: Kind,
    measurement: string,
    figure: (rounds: Rounds) => number,
    names: readonly string[],
  ): ByNetwork | undefined {
    const figures = networkNames.map((network) => {
      const rounds = this.#rounds.get(`${kind} ${network} ${measurement}`)
      if (!rounds || !names.every((name) => finite(rounds.get(name)).length > 0)) return undefined
      return significant(figure(rounds))
    })
    const [loopback, delayed] = figures
    return loopback === undefined || delayed === undefined ? undefined : { loopback, delayed }
  }
}

function finite(values: readonly number[] = []): readonly number[] {
  return values.filter(Number.isFinite)
}
