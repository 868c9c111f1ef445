import type { Planted } from '../test-database.ts'
import { Caller } from './caller.ts'
import { takeStep } from './mix.ts'
import { Random } from './random.ts'
import { type ClientOf, Soak } from './soak.ts'

export interface SoakOptions {
  readonly seed: number
  readonly operations: number
  readonly callers: number
  readonly tenants: readonly Planted[]
  readonly clientOf: ClientOf
  readonly disturbance?: Disturbance
  /** After so many findings nobody goes on: what waits for a leaked connection would take forever. */
  readonly enoughFindings?: number
}

/** What is done to connections while they are in use. */
interface Disturbance {
  /** After how many operations each. */
  readonly every: number
  readonly strike: (random: Random) => void
}

/** What was done, beside what was found wrong. */
export interface SoakRun {
  readonly soak: Soak
  readonly callers: readonly Caller[]
}

/** Lets all callers work until enough operations have begun, and waits until the last one has ended. */
export async function runSoak(options: SoakOptions): Promise<SoakRun> {
  const { tenants, clientOf, operations, disturbance, enoughFindings = Number.POSITIVE_INFINITY } = options
  const random = new Random(options.seed)
  const strikes = random.fork()
  let isOver = false
  const soak = new Soak(clientOf, tenants, (ended) => {
    if (disturbance && !isOver && ended % disturbance.every === 0) disturbance.strike(strikes)
  })
  const callers = Array.from({ length: options.callers }, (_, n) => new Caller(soak, random.fork(), n))
  await Promise.all(
    callers.map(async (caller) => {
      while (soak.counts.begun < operations && soak.findings.count < enoughFindings) await takeStep(caller)
    }),
  )
  await soak.elsewhere.finish()
  isOver = true
  return { soak, callers }
}
