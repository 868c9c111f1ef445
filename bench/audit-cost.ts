import pg from 'pg'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createGovernance } from '../src/governance/index.ts'
import { createTenancy } from '../src/index.ts'
import { tenantIdOf } from './load.ts'
import { interleave, type RoundsPlan, ratio } from './measure.ts'

/** Writes a second with the chain, as a multiple of those without it: 1 is no cost at all. */
export interface ChainCost {
  /** All callers in one tenant: each waits for the one before it until that is committed. */
  readonly oneTenant: number
  /** The callers spread over 64 tenants. */
  readonly manyTenants: number
}

/** What the chain of audit events costs eight callers who write without a pause. */
export interface AuditCost {
  /** The insert alone, without Prisma: the database's part. */
  readonly statement: ChainCost
  /** `auditEvent.create` of the tenant client. */
  readonly record: ChainCost
  /** `flags.update`: a governed change with its event, each caller of a flag of its own. */
  readonly flagUpdate: ChainCost
}

export interface AuditDatabases {
  readonly chained: BenchLogin
  readonly unchained: BenchLogin
}

interface BenchLogin {
  readonly adminUrl: string
  readonly appUrl: string
}

export const auditWorkload = { callers: 8, tenants: 64 } as const

/** Milliseconds. The first calls of a window all come at once. */
const startUp = 120

const userId = '00000000-0000-4000-8000-0000000000ff'
const names = ['chained', 'unchained'] as const

/** Plants tenants with an administrator and, for each caller, a flag; as a superuser. */
export async function loadAudited(admin: pg.Client): Promise<void> {
  await admin.query(
    `insert into tenancy."user" (id, email, display_name) values ('${userId}', 'admin@example.org', 'Admin')`,
  )
  for (let tenant = 0; tenant < auditWorkload.tenants; tenant++) {
    const tenantId = tenantIdOf(tenant)
    await admin.query('insert into tenancy.tenant (id, name, updated_at) values ($1, $2, now())', [
      tenantId,
      `tenant ${tenant}`,
    ])
    await admin.query(
      `insert into tenancy.membership (id, tenant_id, user_id, role)
       values (gen_random_uuid(), $1, $2, 'ADMIN')`,
      [tenantId, userId],
    )
    await admin.query(
      `insert into governance.feature_flag (id, tenant_id, key, updated_at)
       select gen_random_uuid(), $1, 'flag-' || n, now() from generate_series(0, $2::int - 1) as n`,
      [tenantId, auditWorkload.callers],
    )
  }
}

/**
 * Takes the chain away and leaves everything else: the same table with the same indexes, keys, policies and other
 * triggers. In the place of the trigger that locks the last link, hashes and moves the link on stands one that makes no
 * more than unique values of the same length, so that the keys have what they ask for.
 */
export async function removeChain(admin: pg.Client): Promise<void> {
  await admin.query(`
    alter table audit.audit_event disable trigger chain_event;
    create sequence audit.place;
    create function audit.place_event() returns trigger
      language plpgsql security definer
      set search_path = ''
    as $$
    begin
      new.seq := nextval('audit.place');
      new.prev_hash := lpad(new.seq::pg_catalog.text, 64, '0');
      new.hash := new.prev_hash;
      return new;
    end
    $$;
    create trigger place_event
      before insert on audit.audit_event
      for each row when (new.seq = 0)
      execute function audit.place_event();
  `)
}

/** Has callers write, in turns in the database with the chain and in the one without. */
export async function measureAudit(
  databases: AuditDatabases,
  plan: RoundsPlan,
  window: number,
): Promise<AuditCost> {
  const cost: AuditCost = {
    statement: await compare(openStatements, databases, plan, window),
    record: await compare(openRecords, databases, plan, window),
    flagUpdate: await compare(openFlagUpdates, databases, plan, window),
  }
  await assertChained(databases)
  return cost
}

/** One write of a caller's in a tenant. */
type Write = (caller: number, tenant: number) => Promise<void>

interface Writer {
  readonly write: Write
  close(): Promise<void>
}

type OpenWriter = (login: BenchLogin) => Promise<Writer>

async function compare(
  open: OpenWriter,
  databases: AuditDatabases,
  plan: RoundsPlan,
  window: number,
): Promise<ChainCost> {
  const writers = await Promise.all(names.map(async (name) => ({ name, ...(await open(databases[name])) })))
  const measure = async (tenants: number) => {
    const rounds = await interleave(writers, plan, ({ write }) => writesPerSecond(write, tenants, window))
    return ratio(rounds, 'chained', 'unchained')
  }
  try {
    for (const { write } of writers) await writesPerSecond(write, auditWorkload.tenants, window)
    return { oneTenant: await measure(1), manyTenants: await measure(auditWorkload.tenants) }
  } finally {
    for (const writer of writers) await writer.close()
  }
}

async function writesPerSecond(write: Write, tenants: number, window: number): Promise<number> {
  const begin = performance.now() + startUp
  const end = begin + window
  let written = 0
  const caller = async (number: number) => {
    for (let now = 0; now < end; ) {
      await write(number, Math.floor(Math.random() * tenants))
      now = performance.now()
      if (now >= begin && now < end) written++
    }
  }
  // all must have ended before the other database's turn, also where one of them failed
  const callers = await Promise.allSettled(Array.from({ length: auditWorkload.callers }, (_, n) => caller(n)))
  const failed = callers.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return (written * 1_000) / window
}

/** The context, the insert and the commit in one message. */
async function openStatements({ appUrl }: BenchLogin): Promise<Writer> {
  const clients = await Promise.all(
    Array.from({ length: auditWorkload.callers }, async () => {
      const client = new pg.Client({ connectionString: appUrl })
      client.on('error', () => {})
      await client.connect()
      return client
    }),
  )
  return {
    async write(caller, tenant) {
      await clients[caller]?.query(`
        select set_config('app.tenant_id', '${tenantIdOf(tenant)}', true),
               set_config('app.user_id', '${userId}', true);
        insert into audit.audit_event (id, action, targets, metadata)
        values (gen_random_uuid(), 'report.made', '[{"type": "report", "id": "${tenantIdOf(caller)}"}]',
                '{"stage": "MADE"}')`)
    },
    async close() {
      for (const client of clients) await client.end()
    },
  }
}

async function openRecords({ appUrl }: BenchLogin): Promise<Writer> {
  const tenancy = openTenancy(appUrl)
  return {
    async write(caller, tenant) {
      await tenancy.client({ tenantId: tenantIdOf(tenant), userId }).auditEvent.create({
        data: {
          action: 'report.made',
          targets: [{ type: 'report', id: tenantIdOf(caller) }],
          metadata: { stage: 'MADE' },
        },
      })
    },
    close: () => tenancy.disconnect(),
  }
}

async function openFlagUpdates({ appUrl, adminUrl }: BenchLogin): Promise<Writer> {
  const tenancy = openTenancy(appUrl)
  const versions = await readLockVersions(adminUrl)
  return {
    async write(caller, tenant) {
      const tenantId = tenantIdOf(tenant)
      const key = `flag-${caller}`
      const expectedLockVersion = versions.get(`${tenantId} ${key}`) ?? 0
      const { lockVersion } = await createGovernance(tenancy.client({ tenantId, userId })).flags.update(
        key,
        { enabled: expectedLockVersion % 2 === 0 },
        { expectedLockVersion },
      )
      versions.set(`${tenantId} ${key}`, lockVersion)
    },
    close: () => tenancy.disconnect(),
  }
}

function openTenancy(connectionString: string) {
  return createTenancy({
    PrismaClient,
    manifest,
    connectionString,
    maxConnections: auditWorkload.callers,
  })
}

async function readLockVersions(adminUrl: string): Promise<Map<string, number>> {
  const flags = await query<{ tenant: string; key: string; version: number }>(
    adminUrl,
    'select tenant_id::text as tenant, key, lock_version as version from governance.feature_flag',
  )
  return new Map(flags.map(({ tenant, key, version }) => [`${tenant} ${key}`, version]))
}

/** Where there was no chain in the one, or one in the other, the figures would say nothing. */
async function assertChained({ chained, unchained }: AuditDatabases): Promise<void> {
  const ends = `select count(*)::int as tenants, coalesce(sum(seq), 0)::int as events from audit.audit_head`
  const links = `
    select count(*)::int as events, count(before.seq)::int as linked
      from audit.audit_event e
      left join audit.audit_event before
        on before.tenant_id = e.tenant_id and before.seq = e.seq - 1 and before.hash = e.prev_hash`
  const [end] = await query<{ tenants: number; events: number }>(chained.adminUrl, ends)
  const [chain] = await query<{ events: number; linked: number }>(chained.adminUrl, links)
  if (!end || end.events === 0 || chain?.events !== end.events || chain.linked !== end.events - end.tenants) {
    throw new Error('the events that were measured with the chain are not chained')
  }
  const [none] = await query<{ events: number }>(unchained.adminUrl, ends)
  if (none?.events !== 0) throw new Error('the events that were measured without the chain are chained')
}

async function query<Row extends pg.QueryResultRow>(
  connectionString: string,
  sql: string,
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}
