import { Random } from './random.ts'

/** The fewest rows of a tenant: its members, and a package with a version that is in force. */
export const fewestRows = 40

/**
 * How many rows each tenant has: by a power law, as with real customers, a few have most of them.
 *
 * @returns numbers whose sum is `rows`
 */
export function tenantSizes(tenants: number, rows: number, seed: number): readonly number[] {
  const random = new Random(`sizes:${seed}`)
  const weights = Array.from({ length: tenants }, (_, rank) => 1 / (rank + 1) ** 0.9)
  // the largest is not always the first
  for (let at = tenants - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const [a, b] = [weights[at] ?? 0, weights[other] ?? 0]
    weights[at] = b
    weights[other] = a
  }
  const whole = weights.reduce((sum, weight) => sum + weight, 0)
  const spare = rows - tenants * fewestRows
  const sizes = weights.map((weight) => fewestRows + Math.floor((weight / whole) * spare))
  const left = rows - sizes.reduce((sum, size) => sum + size, 0)
  return sizes.map((size, at) => (at < left ? size + 1 : size))
}
