import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { runMigrations } from '../src/migrations/runner.ts'
import { manyTables } from '../tests/verify/many-tables.ts'
import { type AuditCost, loadAudited, measureAudit, removeChain } from './audit-cost.ts'
import { cases } from './cases.ts'
import type { Cleanup } from './cleanup.ts'
import { measureClientCost } from './client-cost.ts'
import { arrayName, openArrayTransaction } from './contenders/array-transaction.ts'
import type { Contender, Logins, OpenContender } from './contenders/contender.ts'
import { doublehullName, openDoublehull } from './contenders/doublehull.ts'
import { interactiveName, openInteractiveTransaction } from './contenders/interactive-transaction.ts'
import { floorName, openPlain } from './contenders/plain.ts'
import { type BenchServer, openBenchServer } from './databases.ts'
import { startDelayedProxy } from './delayed-proxy.ts'
import { type ByNetwork, Figures, type NetworkName, networkNames } from './figures.ts'
import { measureFlags } from './flag-cost.ts'
import { countGovernedCalls, loadColleagues } from './governed-calls.ts'
import { type Growth, measureGrowth } from './growth.ts'
import { growthData, loadBrandings, loadPackages, operationsData, tenantIdOf } from './load.ts'
import { type Field, measureLatency, measureThroughput } from './operations.ts'
import type { BenchOptions } from './options.ts'
import { loadPeers, type Peer } from './peers.ts'
import { type CaseName, caseNames, makePlan, type Plan, workload } from './plan.ts'
import { measurePolicyCost, type PolicyCost } from './policy-cost.ts'
import { attackedOperations, probe } from './probe.ts'
import { type BenchReport, makeReport } from './report.ts'
import { measureRewriting } from './rewriting-cost.ts'
import { measureRoundTrip } from './round-trip.ts'
import { measureSigning, type SigningCost } from './signing-cost.ts'
import { countStatementsOfTick } from './statements.ts'
import { briefly, Tally } from './tally.ts'
import { measureTrail, type TrailCost, withoutChain, withoutTrail } from './trail-cost.ts'
import { measureTypeCost, type TypeCost } from './type-cost.ts'
import { measureVerify, type VerifyCost, verifiedTables } from './verify-cost.ts'

type Log = (line: string) => void

/** Somebody who takes part, and where. */
interface Entrant {
  readonly name: string
  readonly open: OpenContender
  readonly logins: Logins
  readonly adminUrl: string
}

/** findUnique is not among them: see {@link measureThroughput}. */
const throughputCases = [
  'findFirst',
  'findMany100',
  'create',
  'update',
] as const satisfies readonly CaseName[]

/** A quick run compares the tenant client with the floor, and only its throughput with this one too. */
const quickWays = [interactiveName]

/**
 * Measures everything that was asked for.
 *
 * @param log told what is being done, a line at a time
 */
export async function runBench(options: BenchOptions, cleanup: Cleanup, log: Log): Promise<BenchReport> {
  const start = performance.now()
  const plan = makePlan(options.quick, options.rounds)
  const loaded = await loadPeers(options.peers, log)
  const server = await openBenchServer(cleanup)
  log(
    `PostgreSQL ${server.version}, ${server.kind === 'given' ? 'from DIRECT_URL or DATABASE_URL' : 'embedded'}`,
  )

  const { entrants: own, appUrl } = await enterOwn(server, options)
  // first, while the heap is small
  const client = options.only.has('client') ? await measureClientCost(appUrl, plan.clients) : undefined
  const rewriting = options.only.has('rewriting') ? measureRewriting(plan.rewritings) : undefined
  const flags = options.only.has('flags') ? measureFlags(plan.evaluations) : undefined
  const types = options.only.has('types') ? await compareTypes(plan, cleanup, log) : undefined
  const { entrants: others, peers } = await enterPeers(server, loaded, log)
  const entrants = [...own, ...others]
  const isPeer = (name: string) => others.some((entrant) => entrant.name === name)

  const figures = new Figures(floorName)
  const tally = new Tally()
  const proxy = await cleanup.acquire(
    () => startDelayedProxy(appUrl, workload.oneWay),
    (made) => made.close(),
  )
  const distances: Readonly<Record<NetworkName, (url: string) => string>> = {
    loopback: (url) => url,
    delayed: proxy.through,
  }
  const roundTrip: ByNetwork = {
    loopback: await measureRoundTrip(distances.loopback(appUrl)),
    delayed: await measureRoundTrip(distances.delayed(appUrl)),
  }
  for (const network of networkNames) {
    const contenders = await openAll(entrants, distances[network])
    try {
      const field = { contenders, tally, isPeer }
      await measureOperations({ field, figures, network, plan, options, log })
    } finally {
      await Promise.all(contenders.map((contender) => contender.close()))
    }
  }

  const statements = options.only.has('statements')
    ? await countStatements(entrants, { tally, isPeer }, log)
    : new Map<string, number>()
  const leaks = await probeAll(entrants, log)
  const { growth, policies } = await compareLarge(server, options, plan, log)
  const signed = options.only.has('signed') ? await compareSigning(server, plan, log) : undefined
  const audited = options.only.has('audited') ? await compareTrail(server, plan, log) : undefined
  const audit = options.only.has('audit') ? await compareAudit(server, plan, log) : undefined
  const governed = options.only.has('governed')
    ? await countGovernedCalls(await server.createDatabase('governed', loadColleagues))
    : {}
  const verify = options.only.has('verify') ? await compareVerify(server, plan, log) : undefined
  return makeReport({
    figures,
    tally,
    ways: own.map(({ name }) => name).filter((name) => name !== floorName && name !== doublehullName),
    peers,
    statements,
    leaks,
    client,
    rewriting,
    flags,
    growth,
    signed,
    audited,
    audit,
    governed,
    policies,
    types,
    verify,
    roundTrip,
    server,
    seconds: (performance.now() - start) / 1_000,
  })
}

/** The floor, this package, and what one writes by hand: all in the same tables. */
async function enterOwn(server: BenchServer, { quick }: BenchOptions) {
  const database = await server.createDatabase('operations', (admin) => loadPackages(admin, operationsData))
  const ways = [
    { name: floorName, open: openPlain },
    { name: doublehullName, open: openDoublehull },
    { name: interactiveName, open: openInteractiveTransaction },
    ...(quick ? [] : [{ name: arrayName, open: openArrayTransaction }]),
  ]
  const entrants: readonly Entrant[] = ways.map((way) => ({
    ...way,
    logins: database,
    adminUrl: database.adminUrl,
  }))
  return { entrants, appUrl: database.appUrl }
}

/** The other packages, each tried once: one that answers nothing here is said to be unavailable, and why. */
async function enterPeers(server: BenchServer, loaded: readonly Peer[], log: Log) {
  const entrants: Entrant[] = []
  const peers: Peer[] = []
  for (const peer of loaded) {
    const tried = 'unavailable' in peer ? peer : await tryPeer(server, peer)
    if ('entrant' in tried) entrants.push(tried.entrant)
    else log(`${peer.name} is unavailable: ${tried.unavailable}`)
    peers.push('entrant' in tried ? peer : tried)
  }
  return { entrants, peers }
}

async function tryPeer(
  server: BenchServer,
  { name, version, open, prepare }: Exclude<Peer, { readonly unavailable: string }>,
): Promise<{ readonly entrant: Entrant } | Extract<Peer, { readonly unavailable: string }>> {
  try {
    const database = await server.createDatabase(name.replace(/\W+/g, '_'), async (admin) => {
      await loadPackages(admin, operationsData)
      await prepare?.(admin)
    })
    const contender = await open(database, workload.connections)
    try {
      await cases.findFirst(contender, { tenant: 0, tenantId: tenantIdOf(0), row: 0 })
    } finally {
      await contender.close()
    }
    return { entrant: { name, open, logins: database, adminUrl: database.adminUrl } }
  } catch (error) {
    return { name, version, unavailable: briefly(error) }
  }
}

function openAll(
  entrants: readonly Entrant[],
  through: (url: string) => string,
): Promise<readonly Contender[]> {
  return Promise.all(
    entrants.map(({ open, logins }) =>
      open({ appUrl: through(logins.appUrl), bypassUrl: through(logins.bypassUrl) }, workload.connections),
    ),
  )
}

interface Course {
  readonly field: Field
  readonly figures: Figures
  readonly network: NetworkName
  readonly plan: Plan
  readonly options: BenchOptions
  readonly log: Log
}

async function measureOperations({ field, figures, network, plan, options, log }: Course): Promise<void> {
  const withoutQuickWays: Field = {
    ...field,
    contenders: field.contenders.filter(({ name }) => !options.quick || !quickWays.includes(name)),
  }
  for (const name of caseNames.filter((name) => options.only.has(name))) {
    log(`${network}: latency of ${name}`)
    const rounds = await measureLatency(
      withoutQuickWays,
      `latency of ${name}`,
      cases[name],
      plan.latency,
      plan.block,
    )
    figures.add('latency', network, name, rounds)
  }
  if (!options.only.has('throughput')) return
  for (const name of throughputCases) {
    const rounds = name === 'findFirst' ? plan.throughput : plan.throughputOfOthers
    if (!rounds) continue
    log(`${network}: throughput of ${name}`)
    const measurement = `throughput of ${name}`
    const measured = await measureThroughput(field, measurement, cases[name], rounds, plan.window)
    figures.add('throughput', network, name, measured)
  }
}

async function countStatements(
  entrants: readonly Entrant[],
  { tally, isPeer }: Pick<Field, 'tally' | 'isPeer'>,
  log: Log,
): Promise<ReadonlyMap<string, number>> {
  log('statements of ten findUnique in a tick')
  const counts = new Map<string, number>()
  for (const { name, open, logins } of entrants) {
    try {
      counts.set(name, await countStatementsOfTick(open, logins))
    } catch (error) {
      if (!isPeer(name)) throw error
      tally.addFailure(name, 'statements', error)
    }
  }
  return counts
}

async function probeAll(
  entrants: readonly Entrant[],
  log: Log,
): Promise<ReadonlyMap<string, readonly string[]>> {
  log('one tenant reaches for the rows of another')
  const leaks = new Map<string, readonly string[]>()
  for (const [turn, { name, open, logins, adminUrl }] of entrants.entries()) {
    const admin = new pg.Client({ connectionString: adminUrl })
    admin.on('error', () => {})
    await admin.connect()
    const contender = await open(logins, workload.connections)
    try {
      leaks.set(name, await probe(contender, admin, turn))
    } finally {
      await contender.close()
      await admin.end()
    }
  }
  // nothing holds plain Prisma: an attack that fails there proves nothing anywhere
  const missing = attackedOperations().filter((operation) => !leaks.get(floorName)?.includes(operation))
  if (missing.length > 0) throw new Error(`these attacks never succeed: ${missing.join(', ')}`)
  return leaks
}

/** What is measured among a million rows. */
async function compareLarge(
  server: BenchServer,
  { only }: BenchOptions,
  plan: Plan,
  log: Log,
): Promise<{ readonly growth?: Growth; readonly policies?: PolicyCost }> {
  if (!only.has('growth') && !only.has('policies')) return {}
  log('loading 10,000 rows of 10 tenants, and 1,000,000 of 1,000')
  const small = await server.createDatabase('small', (admin) => loadBrandings(admin, growthData.small))
  const large = await server.createDatabase('large', (admin) => loadBrandings(admin, growthData.large))
  if (only.has('growth')) log('point reads in both')
  const growth = only.has('growth')
    ? await measureGrowth({ small: small.appUrl, large: large.appUrl }, plan.growth)
    : undefined
  if (only.has('policies')) log('the same statements with policies, and with a condition written by hand')
  const policies = only.has('policies') ? await measurePolicyCost(large, plan.policies) : undefined
  return { ...(growth ? { growth } : {}), ...(policies ? { policies } : {}) }
}

async function compareSigning(server: BenchServer, plan: Plan, log: Log): Promise<SigningCost> {
  log('point reads with a context that is believed, and with one that is verified')
  const key = randomBytes(32).toString('base64')
  const load = (admin: pg.Client) => loadPackages(admin, operationsData)
  const plain = await server.createDatabase('plain', load)
  const signed = await server.createDatabase('signed', load)
  await runMigrations({ connectionString: signed.adminUrl, roles: { manage: false }, context: { key } })
  return measureSigning({ plain: plain.appUrl, signed: signed.appUrl }, key, plan.signed)
}

async function compareAudit(server: BenchServer, plan: Plan, log: Log): Promise<AuditCost> {
  const chained = await server.createDatabase('chained', loadAudited)
  const unchained = await server.createDatabase('unchained', async (admin) => {
    await loadAudited(admin)
    await removeChain(admin)
  })
  log('audited writes with the chain of their events, and without it')
  return measureAudit({ chained, unchained }, plan.audit, plan.window)
}

async function compareTrail(server: BenchServer, plan: Plan, log: Log): Promise<TrailCost> {
  log('writes of many tenants with a chained audit trail, with one that is not, and with none')
  const make = (purpose: string, change?: (admin: pg.Client) => Promise<void>) =>
    server.createDatabase(purpose, async (admin) => {
      await loadPackages(admin, operationsData)
      await change?.(admin)
    })
  const chained = await make('chained')
  const unchained = await make('unchained', withoutChain)
  const unaudited = await make('unaudited', withoutTrail)
  const urls = { chained: chained.appUrl, unchained: unchained.appUrl, unaudited: unaudited.appUrl }
  return measureTrail(urls, plan.audited, plan.window)
}

async function compareVerify(server: BenchServer, plan: Plan, log: Log): Promise<VerifyCost> {
  log(`making ${verifiedTables} tables`)
  const { manifest, sql } = manyTables(verifiedTables)
  const { appUrl } = await server.createDatabase('many', async (admin) => {
    await admin.query(sql)
  })
  log('verifying them')
  return measureVerify(appUrl, manifest, plan.verify)
}

function compareTypes(plan: Plan, cleanup: Cleanup, log: Log): Promise<TypeCost> {
  log('the compiler checks fifty queries')
  return measureTypeCost(plan.types, cleanup)
}
