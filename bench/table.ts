import { styleText } from 'node:util'
import { auditWorkload } from './audit-cost.ts'
import { doublehullName } from './contenders/doublehull.ts'
import { networkNames } from './figures.ts'
import { type CaseName, caseNames, workload } from './plan.ts'
import type { BenchReport, Comparison } from './report.ts'
import { verifiedTables } from './verify-cost.ts'

const { callers, tenants, connections } = workload
const throughputOf = `${callers} callers, ${tenants} tenants, ${connections} connections`

/** The report for people: ratios to plain Prisma in tables, one line for each way of doing it. */
export function benchTables(report: BenchReport): string {
  const contenders: readonly (readonly [string, Comparison])[] = [
    [doublehullName, report],
    ...Object.entries(report.ways),
    ...Object.entries(report.peers),
  ]
  const { environment, roundTrip } = report
  return [
    `Node ${environment.node}, PostgreSQL ${environment.postgresql} (${environment.server}), ${environment.cpus} × ${environment.cpu}`,
    `a round trip takes ${roundTrip.loopback} ms on loopback and ${roundTrip.delayed} ms delayed`,
    ...networkNames.map((network) =>
      table(
        `Latency of one caller, ${network}, as a multiple of ${report.floor}; less is better`,
        contenders.map(([name, { latency }]) => [
          name,
          (measurement) => multiple(latency[measurement]?.[network]),
        ]),
      ),
    ),
    ...networkNames.map((network) =>
      table(
        `Calls a second of ${throughputOf}, ${network}, as a multiple; more is better`,
        contenders.map(([name, { throughputByCase }]) => [
          name,
          (measurement) => multiple(throughputByCase[measurement]?.[network]),
        ]),
      ),
    ),
    findings(report, contenders),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

type Line = readonly [name: string, cell: (measurement: CaseName) => string]

/** A table with the columns that anything was measured for. */
function table(title: string, lines: readonly Line[]): string {
  const columns = caseNames.filter((column) => lines.some(([, cell]) => cell(column) !== ''))
  if (columns.length === 0) return ''
  const rows = lines.filter(([, cell]) => columns.some((column) => cell(column) !== ''))
  const first = Math.max(...rows.map(([name]) => name.length))
  const width = (column: string) => Math.max(column.length, 6)
  return [
    paint('bold', title),
    [''.padEnd(first), ...columns.map((column) => column.padStart(width(column)))].join('  '),
    ...rows.map(([name, cell]) =>
      [name.padEnd(first), ...columns.map((column) => cell(column).padStart(width(column)))].join('  '),
    ),
  ].join('\n')
}

function findings(report: BenchReport, contenders: readonly (readonly [string, Comparison])[]): string {
  const {
    audit,
    audited,
    client,
    flags,
    governed,
    growth,
    policies,
    rewriting,
    signed,
    throughput,
    types,
    verify,
  } = report
  const lines: string[] = []
  if (throughput.delayedVsTransaction !== undefined) {
    lines.push(
      `${throughput.delayedVsTransaction} times the calls a second of interactive transactions, delayed`,
    )
  }
  const statements = contenders.filter(([, found]) => found.statements.findUniqueTick !== undefined)
  if (statements.length > 0) {
    const counts = statements.map(([name, found]) => `${name} ${found.statements.findUniqueTick}`)
    lines.push(`statements of ten findUnique in a tick: ${counts.join(', ')}`)
  }
  if (client.micros !== undefined)
    lines.push(`a tenant client costs ${client.micros} µs and ${client.bytes} bytes`)
  if (rewriting.typical !== undefined) {
    lines.push(
      `rewriting takes ${rewriting.typical} µs for a typical query, and ${rewriting.nestedWrite} µs for a write of 50 nested rows`,
    )
  }
  if (flags.perSecond !== undefined) {
    lines.push(
      `a flag of five rules and a rollout takes ${flags.micros} µs: ${flags.perSecond} evaluations a second`,
    )
  }
  if (policies.point !== undefined) {
    lines.push(
      `policies cost ${policies.point} x a condition written by hand for a row by its id, ${policies.page} x for a page of 100, ${policies.count} x for a count of 1,000, of 1,000,000 rows of 1,000 tenants`,
    )
  }
  if (growth.pointRead !== undefined) {
    lines.push(
      `a point read among 1,000,000 rows of 1,000 tenants takes ${growth.pointRead} times one among 10,000 of 10`,
    )
  }
  if (signed.pointRead !== undefined) {
    lines.push(
      `a point read with a signed context takes ${signed.pointRead} times one without; the statement alone ${signed.statement} times`,
    )
  }
  if (audited.chain !== undefined) {
    lines.push(
      `writes a second, of 8 clients and 64 tenants: with a chained audit trail ${audited.chain} x those with one that is not and ${audited.trail} x those without; with the audit extension ${audited.extension} x those without`,
    )
  }
  for (const [what, chain] of [
    ['a bare insert of an event', audit.statement],
    ['auditEvent.create', audit.record],
    ['flags.update', audit.flagUpdate],
  ] as const) {
    if (!chain) continue
    lines.push(
      `the chain leaves ${what} ${chain.manyTenants} of the calls a second it has without, of ${auditWorkload.callers} callers in ${auditWorkload.tenants} tenants, and ${chain.oneTenant} in one tenant`,
    )
  }
  for (const [name, { roundTrips, statements }] of Object.entries(governed)) {
    lines.push(`${name} takes ${roundTrips} round trips, of ${statements} statements`)
  }
  if (types.checkTime !== undefined) {
    lines.push(
      `checking fifty queries takes the compiler ${types.checkTime} times as long, with ${types.instantiations} times the instantiations`,
    )
  }
  if (verify.seconds !== undefined) {
    lines.push(
      `verifying ${verifiedTables} tables takes ${verify.seconds} s, ${verify.plainQuery} times one query for their columns`,
    )
  }
  for (const [name, found] of contenders) {
    if (found.unavailable !== undefined) {
      lines.push(`${name} is unavailable: ${found.unavailable}`)
      continue
    }
    const leaks = found.leaks ?? []
    const wrong = `${found.wrongRows} wrong rows`
    const leaked = leaks.length === 0 ? 'lets nothing through' : `lets through ${leaks.join(', ')}`
    lines.push(`${name}: ${found.leaks ? `${wrong}; ${leaked}` : wrong}`)
    for (const [what, why] of Object.entries(found.failures ?? {})) lines.push(`  ${what} failed: ${why}`)
  }
  return lines.join('\n')
}

function multiple(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(2)
}

function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return process.stdout.isTTY && !process.env['NO_COLOR'] ? styleText(style, text) : text
}
