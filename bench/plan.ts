import type { RoundsPlan } from './measure.ts'

/** The operations that are timed. */
export const caseNames = [
  'findUnique',
  'findFirst',
  'findMany100',
  'create',
  'update',
  'transaction3',
  'findUniqueTick',
] as const

export type CaseName = (typeof caseNames)[number]

/** Everything that `--only` can name. */
export const measurements = [
  ...caseNames,
  'throughput',
  'statements',
  'client',
  'rewriting',
  'flags',
  'audit',
  'governed',
  'growth',
  'signed',
  'audited',
  'policies',
  'types',
  'verify',
] as const

export type Measurement = (typeof measurements)[number]

/**
 * Who calls, and of what. A quick run has the same workload and fewer rounds.
 *
 * The embedded server does not wait for its disk, so a write takes little time there: what tenancy adds is a larger
 * part of it than on a server that does.
 */
export const workload = {
  tenants: 100,
  /** What findMany of 100 finds: all that a tenant has. */
  rowsPerTenant: 100,
  callers: 64,
  connections: 5,
  /** Milliseconds that the longer wire takes in each direction. */
  oneWay: 1,
} as const

export interface Plan {
  /** Calls in one block of a measurement of latency. */
  readonly block: number
  readonly latency: RoundsPlan
  /** Milliseconds that are counted in one round of throughput. */
  readonly window: number
  /** The throughput that is compared: findFirst by id. */
  readonly throughput: RoundsPlan
  /** The same of the other operations, where there is time. */
  readonly throughputOfOthers?: RoundsPlan
  readonly growth: RoundsPlan
  readonly signed: RoundsPlan
  /** Of writes with an audit trail; a round lasts as long as one of throughput. */
  readonly audited: RoundsPlan
  readonly policies: RoundsPlan
  readonly clients: number
  /** Operations whose arguments are rewritten. */
  readonly rewritings: number
  /** Evaluations of flags. */
  readonly evaluations: number
  readonly audit: RoundsPlan
  readonly types: RoundsPlan
  readonly verify: RoundsPlan
}

const seconds = 1_000

const full: Plan = {
  block: 20,
  latency: { rounds: 24, budget: 60 * seconds },
  window: 500,
  throughput: { rounds: 12, budget: 120 * seconds },
  throughputOfOthers: { rounds: 4, budget: 60 * seconds },
  growth: { rounds: 200, budget: 30 * seconds },
  signed: { rounds: 200, budget: 30 * seconds },
  audited: { rounds: 24, budget: 60 * seconds },
  policies: { rounds: 100, budget: 10 * seconds },
  clients: 20_000,
  rewritings: 20_000,
  evaluations: 2_000_000,
  audit: { rounds: 16, budget: 30 * seconds },
  types: { rounds: 21, budget: 40 * seconds },
  verify: { rounds: 21, budget: 30 * seconds },
}

const quick: Plan = {
  block: 16,
  latency: { rounds: 12, budget: 0.6 * seconds },
  window: 250,
  throughput: { rounds: 5, budget: 8 * seconds },
  growth: { rounds: 60, budget: 2.5 * seconds },
  signed: { rounds: 60, budget: 2.5 * seconds },
  audited: { rounds: 5, budget: 7 * seconds },
  policies: { rounds: 40, budget: 1.5 * seconds },
  clients: 5_000,
  rewritings: 5_000,
  evaluations: 200_000,
  audit: { rounds: 4, budget: 4 * seconds },
  types: { rounds: 7, budget: 8 * seconds },
  verify: { rounds: 5, budget: 6 * seconds },
}

/** How much to measure. A number of rounds that was asked for is kept to, however long it takes. */
export function makePlan(isQuick: boolean, rounds: number | undefined): Plan {
  const plan = isQuick ? quick : full
  if (rounds === undefined) return plan
  const asked: RoundsPlan = { rounds, budget: Number.POSITIVE_INFINITY }
  return {
    ...plan,
    latency: asked,
    throughput: asked,
    growth: asked,
    signed: asked,
    audited: asked,
    policies: asked,
    audit: asked,
    types: asked,
    verify: asked,
    ...(plan.throughputOfOthers ? { throughputOfOthers: asked } : {}),
  }
}
