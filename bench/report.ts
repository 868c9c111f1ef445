import { availableParallelism, cpus } from 'node:os'
import type { AuditCost, ChainCost } from './audit-cost.ts'
import type { ClientCost } from './client-cost.ts'
import { doublehullName } from './contenders/doublehull.ts'
import { interactiveName } from './contenders/interactive-transaction.ts'
import { floorName } from './contenders/plain.ts'
import type { ByNetwork, Figures } from './figures.ts'
import type { FlagCost } from './flag-cost.ts'
import type { GovernedCallCost } from './governed-calls.ts'
import type { Growth } from './growth.ts'
import { significant } from './measure.ts'
import type { Peer } from './peers.ts'
import { type CaseName, caseNames, workload } from './plan.ts'
import type { PolicyCost } from './policy-cost.ts'
import type { RewritingCost } from './rewriting-cost.ts'
import type { SigningCost } from './signing-cost.ts'
import type { Tally } from './tally.ts'
import type { TrailCost } from './trail-cost.ts'
import type { TypeCost } from './type-cost.ts'
import type { VerifyCost } from './verify-cost.ts'

type ByCase = Partial<Record<CaseName, ByNetwork>>

/** What was found out about one way of doing it; all figures are ratios to the floor's. */
export interface Comparison {
  readonly version?: string
  /** Why it did not take part. */
  readonly unavailable?: string
  readonly latency: ByCase
  /** Of findFirst by id. */
  readonly throughput: Partial<ByNetwork>
  readonly throughputByCase: ByCase
  readonly statements: { readonly findUniqueTick?: number }
  /** Rows in the answers to timed calls that were another tenant's, not the one asked for, or missing. */
  readonly wrongRows: number
  /** Operations with which one tenant reached another's rows. */
  readonly leaks?: readonly string[]
  /** What it could not do, and why. */
  readonly failures?: Readonly<Record<string, string>>
}

/** The machine-readable outcome: what `npm run bench -- --json` prints. */
export interface BenchReport extends Omit<Comparison, 'throughput'> {
  readonly floor: string
  readonly throughput: Partial<ByNetwork> & { readonly delayedVsTransaction?: number }
  readonly client: Partial<ClientCost>
  readonly rewriting: Partial<RewritingCost>
  /** Of flags in memory, on one core. */
  readonly flags: Partial<FlagCost>
  readonly growth: Partial<Omit<Growth, 'wrongRows'>>
  /** A point read with a signed context, as a multiple of one without. */
  readonly signed: Partial<Omit<SigningCost, 'wrongRows'>>
  /** Writes a second, as multiples of those with less of an audit trail. */
  readonly audited: Partial<Omit<TrailCost, 'wrongRows'>>
  /** Of writes a second with the chain of audit events, as multiples of those without it; less is more cost. */
  readonly audit: Partial<AuditCost>
  /** What governed calls send to the database, by their names. */
  readonly governed: Readonly<Record<string, GovernedCallCost>>
  /** Of statements among a million rows, as multiples of the same with a condition written by hand. */
  readonly policies: Partial<PolicyCost>
  /** Of fifty queries, as multiples of what they cost the compiler with Prisma's own client. */
  readonly types: Partial<TypeCost>
  /** Of a database of 500 tenants' tables. */
  readonly verify: Partial<VerifyCost>
  /** What one writes by hand with the same policies. */
  readonly ways: Readonly<Record<string, Comparison>>
  /** Other packages. */
  readonly peers: Readonly<Record<string, Comparison>>
  readonly absolute: {
    /** Milliseconds, with one caller. */
    readonly latency: Readonly<Record<string, ByCase>>
    /** Calls a second, of all callers together. */
    readonly throughput: Readonly<Record<string, ByCase>>
  }
  /** Milliseconds that the shortest exchange with the server takes. */
  readonly roundTrip: ByNetwork
  readonly environment: {
    readonly node: string
    readonly postgresql: string
    readonly server: 'given' | 'embedded'
    readonly cpu: string
    readonly cpus: number
  }
  readonly method: string
  /** How long all of it took. */
  readonly seconds: number
}

/** Everything that a run has measured. */
export interface Findings {
  readonly figures: Figures
  readonly tally: Tally
  readonly ways: readonly string[]
  readonly peers: readonly Peer[]
  readonly statements: ReadonlyMap<string, number>
  readonly leaks: ReadonlyMap<string, readonly string[]>
  readonly client: ClientCost | undefined
  readonly rewriting: RewritingCost | undefined
  readonly flags: FlagCost | undefined
  readonly growth: Growth | undefined
  readonly signed: SigningCost | undefined
  readonly audited: TrailCost | undefined
  readonly audit: AuditCost | undefined
  readonly governed: Readonly<Record<string, GovernedCallCost>>
  readonly policies: PolicyCost | undefined
  readonly types: TypeCost | undefined
  readonly verify: VerifyCost | undefined
  readonly roundTrip: ByNetwork
  readonly server: { readonly version: string; readonly kind: 'given' | 'embedded' }
  readonly seconds: number
}

const method =
  'interleaved rounds in one run; a figure is the median over the rounds of the ratio within a round. ' +
  'Latency: one caller, the median of a block of calls. Throughput: ' +
  `${workload.callers} callers, ${workload.tenants} tenants, ${workload.connections} connections, findFirst by id.`

/** Puts the findings into the form that is printed. */
export function makeReport(findings: Findings): BenchReport {
  const { figures, growth, roundTrip, server } = findings
  const own = compare(findings, doublehullName)
  const versus = figures.ratios('throughput', 'findFirst', doublehullName, interactiveName)
  const names = [floorName, doublehullName, ...findings.ways, ...findings.peers.map(({ name }) => name)]
  const absolute = (kind: 'latency' | 'throughput') =>
    Object.fromEntries(
      names.map((name) => [name, byCase((measurement) => figures.medians(kind, measurement, name))]),
    )
  return {
    floor: floorName,
    ...own,
    wrongRows:
      own.wrongRows +
      (growth?.wrongRows ?? 0) +
      (findings.signed?.wrongRows ?? 0) +
      (findings.audited?.wrongRows ?? 0),
    throughput: {
      ...own.throughput,
      ...(versus ? { delayedVsTransaction: versus.delayed } : {}),
    },
    client: findings.client
      ? { micros: significant(findings.client.micros), bytes: Math.round(findings.client.bytes) }
      : {},
    rewriting: findings.rewriting
      ? {
          typical: significant(findings.rewriting.typical),
          nestedWrite: significant(findings.rewriting.nestedWrite),
        }
      : {},
    flags: findings.flags
      ? {
          perSecond: significant(findings.flags.perSecond),
          micros: significant(findings.flags.micros),
        }
      : {},
    growth: growth
      ? {
          pointRead: significant(growth.pointRead),
          small: significant(growth.small),
          large: significant(growth.large),
        }
      : {},
    signed: findings.signed
      ? {
          pointRead: significant(findings.signed.pointRead),
          statement: significant(findings.signed.statement),
        }
      : {},
    audited: findings.audited
      ? {
          chain: significant(findings.audited.chain),
          trail: significant(findings.audited.trail),
          extension: significant(findings.audited.extension),
        }
      : {},
    audit: findings.audit
      ? {
          statement: significantChain(findings.audit.statement),
          record: significantChain(findings.audit.record),
          flagUpdate: significantChain(findings.audit.flagUpdate),
        }
      : {},
    governed: findings.governed,
    policies: findings.policies
      ? {
          point: significant(findings.policies.point),
          page: significant(findings.policies.page),
          count: significant(findings.policies.count),
        }
      : {},
    types: findings.types
      ? {
          checkTime: significant(findings.types.checkTime),
          instantiations: significant(findings.types.instantiations),
        }
      : {},
    verify: findings.verify
      ? {
          seconds: significant(findings.verify.seconds),
          plainQuery: significant(findings.verify.plainQuery),
        }
      : {},
    ways: Object.fromEntries(findings.ways.map((name) => [name, compare(findings, name)])),
    peers: Object.fromEntries(
      findings.peers.map((peer) => [
        peer.name,
        {
          version: peer.version,
          ...('unavailable' in peer ? { unavailable: peer.unavailable } : {}),
          ...compare(findings, peer.name),
        },
      ]),
    ),
    absolute: { latency: absolute('latency'), throughput: absolute('throughput') },
    roundTrip: {
      loopback: significant(roundTrip.loopback),
      delayed: significant(roundTrip.delayed),
    },
    environment: {
      node: process.versions.node,
      postgresql: server.version,
      server: server.kind,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cpus: availableParallelism(),
    },
    method,
    seconds: Math.round(findings.seconds),
  }
}

function significantChain({ oneTenant, manyTenants }: ChainCost): ChainCost {
  return { oneTenant: significant(oneTenant), manyTenants: significant(manyTenants) }
}

function compare({ figures, tally, statements, leaks }: Findings, name: string): Comparison {
  const statementsOfTick = statements.get(name)
  const leaked = leaks.get(name)
  const failures = tally.failures(name)
  return {
    latency: byCase((measurement) => figures.ratios('latency', measurement, name)),
    throughput: figures.ratios('throughput', 'findFirst', name) ?? {},
    throughputByCase: byCase((measurement) => figures.ratios('throughput', measurement, name)),
    statements: statementsOfTick === undefined ? {} : { findUniqueTick: statementsOfTick },
    wrongRows: tally.wrongRows(name),
    ...(leaked ? { leaks: leaked } : {}),
    ...(Object.keys(failures).length > 0 ? { failures } : {}),
  }
}

function byCase(figure: (name: CaseName) => ByNetwork | undefined): ByCase {
  const entries = caseNames.map((name) => [name, figure(name)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}
