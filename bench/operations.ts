import { type Call, Subjects } from './cases.ts'
import type { Contender } from './contenders/contender.ts'
import { interleave, median, type Rounds, type RoundsPlan } from './measure.ts'
import { workload } from './plan.ts'
import type { Tally } from './tally.ts'

/** Contenders of one network, and who of them may fail without ending the run. */
export interface Field {
  readonly contenders: readonly Contender[]
  readonly tally: Tally
  /** Another project's package: what it can't do is noted, and the rest goes on. */
  isPeer(name: string): boolean
}

/**
 * How long a call takes with one caller, in milliseconds: in each round the median of one block of calls.
 *
 * @param measurement what a failure is noted under
 */
export function measureLatency(
  field: Field,
  measurement: string,
  call: Call,
  plan: RoundsPlan,
  block: number,
): Promise<Rounds> {
  const subjects = new Map(field.contenders.map(({ name }) => [name, new Subjects(1)]))
  const oneBlock = async (contender: Contender) => {
    const sequence = subjects.get(contender.name) ?? new Subjects(1)
    const times: number[] = []
    let wrong = 0
    for (let count = 0; count < block; count++) {
      const subject = sequence.next()
      const start = performance.now()
      wrong += await call(contender, subject)
      times.push(performance.now() - start)
    }
    field.tally.addWrongRows(contender.name, wrong)
    return median(times)
  }
  return measureInTurns(field, measurement, plan, oneBlock, 2)
}

/**
 * Calls a second of many callers, each with a sequence of tenants and rows of its own, all of them busy all the
 * time: one call after the other, without a pause.
 *
 * It is findFirst by id that contenders are compared by, and not findUnique. Prisma merges the findUnique calls of
 * one tick into one statement, and plain Prisma does so across tenants, which nothing that isolates them may do:
 * the comparison would be one of how many callers happen to share a tick.
 *
 * @param window milliseconds that are counted, after a start that is not
 */
export function measureThroughput(
  field: Field,
  measurement: string,
  call: Call,
  plan: RoundsPlan,
  window: number,
): Promise<Rounds> {
  const sequences = new Map(
    field.contenders.map(({ name }) => [
      name,
      Array.from({ length: workload.callers }, (_, caller) => new Subjects(caller + 1)),
    ]),
  )
  const oneWindow = async (contender: Contender) => {
    const begin = performance.now() + startUp
    const end = begin + window
    let answered = 0
    let wrong = 0
    const caller = async (subjects: Subjects) => {
      for (let now = 0; now < end; ) {
        wrong += await call(contender, subjects.next())
        now = performance.now()
        if (now >= begin && now < end) answered++
      }
    }
    // all must have ended before the next contender's turn, also where one of them failed
    const callers = await Promise.allSettled((sequences.get(contender.name) ?? []).map(caller))
    field.tally.addWrongRows(contender.name, wrong)
    const failed = callers.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    return (answered * 1_000) / window
  }
  return measureInTurns(field, measurement, plan, oneWindow, 0)
}

/** Milliseconds. Connections that were idle for long are made anew, and the first calls all come at once. */
const startUp = 120

/** @param warmUps blocks that are not measured, for the compilers and the caches of plans */
async function measureInTurns(
  { contenders, tally, isPeer }: Field,
  measurement: string,
  plan: RoundsPlan,
  measure: (contender: Contender) => Promise<number>,
  warmUps: number,
): Promise<Rounds> {
  const attempt = async (contender: Contender): Promise<number> => {
    if (tally.hasFailed(contender.name, measurement)) return Number.NaN
    try {
      return await measure(contender)
    } catch (error) {
      if (!isPeer(contender.name)) throw error
      tally.addFailure(contender.name, measurement, error)
      return Number.NaN
    }
  }
  for (let warmUp = 0; warmUp < warmUps; warmUp++) {
    for (const contender of contenders) await attempt(contender)
  }
  return interleave(contenders, plan, attempt)
}
