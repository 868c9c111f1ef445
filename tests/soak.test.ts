import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy, type TenancyOptions } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { findPgBouncer, PgBouncer, pgBouncerIsMissing } from './support/pgbouncer.ts'
import { BackendKiller } from './support/soak/backend-killer.ts'
import { setForTheSession, transactionForEach } from './support/soak/broken-clients.ts'
import { ConnectionRelay, type Row } from './support/soak/connection-relay.ts'
import { contextQuestion, LoginActivity, verifyHealth, verifyNoContext } from './support/soak/connections.ts'
import { type FindingKind, Findings } from './support/soak/findings.ts'
import { patience } from './support/soak/interactive-transaction.ts'
import { lastWords } from './support/soak/last-words.ts'
import { Ledger } from './support/soak/ledger.ts'
import { chooseSeed, type Random } from './support/soak/random.ts'
import { runSoak, type SoakRun } from './support/soak/run-soak.ts'
import type { ClientOf } from './support/soak/soak.ts'
import { type Planted, plantTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const seed = chooseSeed()
// it counts and does not time: a slow machine may take long
const timeout = 600_000
const maxConnections = 10
const serverConnections = 2

beforeAll(() => console.log(`soak: DOUBLEHULL_SOAK_SEED=${seed} makes the same choices again`))

interface Plan {
  readonly title: string
  readonly operations: number
  /** One connection is lost after so many operations. */
  readonly loseEvery: number
}

interface TenancyRun extends SoakRun {
  /** Connections that were lost on purpose. */
  readonly lost: number
}

/**
 * Lets 64 callers work for 100 tenants, and says what was done.
 *
 * @param relay what the tenancy's connections lead through: half of the losses are the network's
 */
async function soakTenancy(
  tenancy: Tenancy<PrismaClient>,
  { title, operations, loseEvery }: Plan,
  relay: ConnectionRelay,
): Promise<TenancyRun> {
  const { appUrl, adminUrl, admin } = database
  const tenants = await plantTenants(database, 100)
  const killer = await BackendKiller.of(appUrl, adminUrl)
  const strike = (random: Random): void => {
    if (random.chance(0.5)) relay.cutOne(random)
    else killer.strike(random)
  }
  const run = await runSoak({
    seed,
    operations,
    callers: 64,
    tenants,
    clientOf: (context) => tenancy.client(context),
    disturbance: { every: loseEvery, strike },
    enoughFindings: 50,
  })
  await killer.end()
  relay.stopCutting()
  const { soak } = run
  const { begun, answered, refused, interrupted } = soak.counts
  console.log(
    `soak, ${title}: ${begun} begun, ${answered} answered, ${refused} refused as they must be, ${interrupted} ` +
      `interrupted by ${killer.terminated} terminated backends and ${relay.cuts} cut connections; ` +
      `${soak.register.size} transactions told apart`,
  )
  await new LoginActivity(admin, appUrl).verifyIdle(soak.findings)
  await soak.ledger.verify(admin, tenants, soak.findings)
  return { ...run, lost: killer.terminated + relay.cuts }
}

/** Looks for a context on all connections: as the run has left them, and behind SQL that would leave one. */
async function verifyLastWords(
  { soak: { findings }, callers }: SoakRun,
  connections: number,
  readContexts: () => Promise<readonly Row[]>,
): Promise<void> {
  verifyNoContext(findings, await readContexts())
  for (const say of lastWords) {
    // one on each connection: another user would take away what the first has left
    await Promise.all(callers.slice(0, connections).map(say))
    verifyNoContext(findings, await readContexts())
  }
}

/** The tenancy ends, and nothing of it is left. */
async function verifyEnd(tenancy: Tenancy<PrismaClient>, { soak: { findings } }: SoakRun): Promise<void> {
  const ended = await Promise.race([
    tenancy.disconnect().then(() => true),
    sleep(patience, false, { ref: false }),
  ])
  findings.unless(ended, 'leaked connection', () => 'the end waits for a connection that nobody uses')
}

/** What is answered is right, and most of it is answered. */
function expectNothingFound({ soak, lost }: TenancyRun, { operations }: Plan): void {
  expect(soak.findings.lines()).toEqual([])
  expect(soak.counts.begun).toBeGreaterThanOrEqual(operations)
  expect(soak.counts.interrupted).toBeLessThan(operations / 4)
  expect(lost).toBeGreaterThan(0)
}

const options = (connectionString: string): TenancyOptions<PrismaClient> => ({
  PrismaClient,
  manifest,
  connectionString,
  connectionTimeoutMillis: patience,
})

describe('64 callers work for 100 tenants, while connections are lost and transactions run out of time:', () => {
  it.each([
    ['10,000 operations', 10_000, 50, maxConnections, createTenancy<PrismaClient>],
    ['2,000 operations on a pool of one', 2_000, 250, 1, createTenancy<PrismaClient>],
    ['1,000 operations with hull one off', 1_000, 50, maxConnections, createUnscopedTenancy<PrismaClient>],
  ] as const)(
    '%s stay in their tenants and transactions, and leave nothing behind',
    async (title, operations, loseEvery, connections, create) => {
      const plan = { title, operations, loseEvery }
      const { relay, url } = await startRelay(database.appUrl)
      const tenancy = create({ ...options(url), maxConnections: connections })
      const run = await soakTenancy(tenancy, plan, relay)
      const { findings } = run.soak
      verifyHealth(findings, await tenancy.checkDatabaseHealth(), connections)
      await verifyLastWords(run, connections, () => relay.askAll(contextQuestion))
      await verifyEnd(tenancy, run)
      await new LoginActivity(database.admin, database.appUrl).verifyGone(findings)
      expectNothingFound(run, plan)
    },
    timeout,
  )

  it(
    '4,000 operations behind PgBouncer in transaction mode stay in theirs, and leave nothing behind',
    async (ctx) => {
      const bouncer = await startPgBouncer(ctx)
      const { relay, url } = await startRelay(bouncer.url)
      const plan = {
        title: `4,000 operations behind PgBouncer ${bouncer.version}`,
        operations: 4_000,
        loseEvery: 50,
      }
      const tenancy = createTenancy({ ...options(url), maxConnections })
      const run = await soakTenancy(tenancy, plan, relay)
      const { findings } = run.soak
      verifyHealth(findings, await tenancy.checkDatabaseHealth(), maxConnections)
      await verifyLastWords(run, maxConnections, () => bouncer.askServerConnections(contextQuestion))
      await verifyEnd(tenancy, run)
      await expect.poll(() => bouncer.countClients()).toBe(0)
      await bouncer.stop()
      await new LoginActivity(database.admin, database.appUrl).verifyGone(findings)
      expectNothingFound(run, plan)
    },
    timeout,
  )
})

describe('the checks of the soak find', () => {
  /** The same mix in small, on a client that is broken. */
  async function soakBroken(breakClient: (prisma: PrismaClient) => ClientOf) {
    const { relay, url } = await startRelay(database.appUrl)
    // more connections than callers, who would otherwise wait for each other's second one
    // what leaves its transaction may wait for that transaction's own locks, which nobody would notice
    const prisma = new PrismaClient({
      adapter: new PrismaPg({ connectionString: url, max: 24, lock_timeout: 2_000 }),
    })
    const tenants = await plantTenants(database, 10)
    const clientOf = breakClient(prisma)
    const { soak } = await runSoak({ seed, operations: 800, callers: 8, tenants, clientOf })
    await soak.ledger.verify(database.admin, tenants, soak.findings)
    verifyNoContext(soak.findings, await relay.askAll(contextQuestion))
    await prisma.$disconnect()
    return soak.findings.kinds
  }

  it('a context that is set for the session on shared connections', async () => {
    expect([...(await soakBroken(setForTheSession))]).toEqual(
      expect.arrayContaining([
        'foreign row',
        'missing row',
        'written in another name',
        'context left behind',
        'wrong outcome',
      ]),
    )
  })

  it('operations that leave their caller’s transaction', async () => {
    expect([...(await soakBroken(transactionForEach))]).toEqual(
      expect.arrayContaining(['outside its transaction', 'ghost write', 'foreign settings']),
    )
  })

  describe('what is wrong with a write:', () => {
    const insert = async (tenant: Planted, ...rows: readonly ReturnType<typeof newWrite>[]) => {
      await database.admin.query(
        `insert into governance.feature_flag (id, tenant_id, key, description, updated_at)
         select id, $1, description, description, now() from unnest($2::uuid[], $3::text[]) as t (id, description)`,
        [tenant.tenantId, rows.map(({ id }) => id), rows.map(({ after }) => after)],
      )
    }
    const raise = async ({ packageId }: Planted) => {
      await database.admin.query(
        'update governance.config_package set last_version_number = last_version_number + 1 where id = $1',
        [packageId],
      )
    }

    type Case = (ledger: Ledger, tenant: Planted, other: Planted) => Promise<void>
    const cases: readonly (readonly [string, FindingKind | undefined, Case])[] = [
      [
        'nothing, where it was made as it was answered',
        undefined,
        async (ledger, tenant) => {
          const row = newWrite(tenant)
          await insert(tenant, row)
          ledger.acknowledge([row])
          ledger.undo([newWrite(tenant)])
          ledger.doubt([newWrite(tenant), newWrite(tenant)])
          ledger.countOnce(tenant, 'doubtful')
        },
      ],
      [
        'it was answered and is not there',
        'lost write',
        async (ledger, tenant) => ledger.acknowledge([newWrite(tenant)]),
      ],
      [
        'it was rolled back and is there',
        'ghost write',
        async (ledger, tenant) => {
          const row = newWrite(tenant)
          await insert(tenant, row)
          ledger.undo([row])
        },
      ],
      ['nobody made it', 'ghost write', (_, tenant) => insert(tenant, newWrite(tenant))],
      [
        'it was made twice',
        'ghost write',
        async (ledger, tenant) => {
          ledger.countOnce(tenant, 'sure')
          await raise(tenant)
          await raise(tenant)
        },
      ],
      [
        'it was made once of two times',
        'lost write',
        async (ledger, tenant) => {
          ledger.countOnce(tenant, 'sure')
          ledger.countOnce(tenant, 'sure')
          await raise(tenant)
        },
      ],
      [
        'it was made without the others of its transaction',
        'half a transaction',
        async (ledger, tenant) => {
          const row = newWrite(tenant)
          await insert(tenant, row)
          ledger.doubt([row, newWrite(tenant)])
        },
      ],
      [
        'it was made in another tenant’s name',
        'written in another name',
        async (ledger, tenant, other) => {
          const row = newWrite(tenant)
          await insert(other, row)
          ledger.acknowledge([row])
        },
      ],
      [
        'it was made in another caller’s transaction',
        'outside its transaction',
        async (ledger, tenant) => {
          const rows = [newWrite(tenant), newWrite(tenant)]
          await insert(tenant, ...rows)
          for (const row of rows) ledger.acknowledge([row])
        },
      ],
    ]

    it.each(cases)('%s', async (_, kind, make) => {
      const [tenant, other] = (await plantTenants(database, 2)) as [Planted, Planted]
      const ledger = new Ledger()
      const findings = new Findings()
      await make(ledger, tenant, other)
      await ledger.verify(database.admin, [tenant, other], findings)
      expect([...findings.kinds]).toEqual(kind === undefined ? [] : [kind])
    })
  })

  it('a connection that is not given back, is still in a transaction, or is still open', async () => {
    const findings = new Findings()
    verifyHealth(findings, { ok: true, connections: { total: 3, idle: 2, waiting: 1 } }, 2)
    expect(findings.lines()).toHaveLength(3)

    const activity = new LoginActivity(database.admin, database.appUrl, 200)
    const client = new pg.Client({ connectionString: database.appUrl })
    await client.connect()
    await client.query('begin')
    await activity.verifyIdle(findings)
    await client.query('rollback')
    await activity.verifyGone(findings)
    await client.end()
    expect(findings.lines().slice(3)).toEqual([
      'leaked connection: backends are still idle in transaction',
      'leaked connection: backends are left: idle',
    ])
  })

  it('a context that is set for the session behind PgBouncer', async (ctx) => {
    const bouncer = await startPgBouncer(ctx)
    const client = new pg.Client({ connectionString: bouncer.url })
    await client.connect()
    await client.query(`select set_config('app.tenant_id', $1, false)`, [randomUUID()])
    await client.end()
    const findings = new Findings()
    verifyNoContext(findings, await bouncer.askServerConnections(contextQuestion))
    expect([...findings.kinds]).toEqual(['context left behind'])
  })
})

function newWrite(tenant: Planted) {
  const id = randomUUID()
  return { id, tenant, before: undefined, after: `${tenant.secret}/${id}` }
}

/** Starts a relay for one test, behind which nothing of its connections is left. */
async function startRelay(connectionString: string): Promise<{ relay: ConnectionRelay; url: string }> {
  const started = await ConnectionRelay.before(connectionString)
  onTestFinished(() => started.relay.close())
  return started
}

/** Starts PgBouncer for one test. Where there is none the test is skipped, or fails if it must not be. */
async function startPgBouncer(ctx: TestContext): Promise<PgBouncer> {
  const program = findPgBouncer()
  if (program === undefined) {
    if (process.env['DOUBLEHULL_REQUIRE_PGBOUNCER'] === '1') throw new Error(pgBouncerIsMissing)
    console.warn(`skipped: ${pgBouncerIsMissing}`)
    return ctx.skip(pgBouncerIsMissing)
  }
  const bouncer = await PgBouncer.start(program, database.appUrl, serverConnections)
  onTestFinished(() => bouncer.stop())
  return bouncer
}
