import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { auditExtension } from '../src/governance/index.ts'
import { createTenancy } from '../src/index.ts'
import { operationsData, rowIdOf, tenantIdOf } from './load.ts'
import { interleave, type RoundsPlan, ratio } from './measure.ts'

/** Writes a second, as multiples of those of the same write with less of an audit trail. */
export interface TrailCost {
  /** The event of a governed write in a chain, to the event without one. */
  readonly chain: number
  /** A governed write with its event, to one without. */
  readonly trail: number
  /** A write that the extension records, before and after, to one that nobody records. */
  readonly extension: number
  readonly wrongRows: number
}

export interface TrailDatabases {
  readonly chained: string
  readonly unchained: string
  readonly unaudited: string
}

/** Who writes: each call is of one of the tenants, in turn. */
const tenants = 64
const callers = 8

/** Events that follow each other by a counter alone, as in a log without a chain. */
export async function withoutChain(admin: pg.Client): Promise<void> {
  await admin.query(`
    create sequence audit.unchained;
    grant usage on sequence audit.unchained to doublehull_owner, doublehull_app;
    drop trigger chain_event on audit.audit_event;
    create function audit.count_event() returns trigger language plpgsql as
      $$ begin new.seq := nextval('audit.unchained'); new.prev_hash := new.seq; return new; end $$;
    create trigger count_event before insert on audit.audit_event for each row execute function audit.count_event();`)
}

/** Packages that change without an event. */
export async function withoutTrail(admin: pg.Client): Promise<void> {
  await admin.query('drop trigger audit_update on governance.config_package')
}

/**
 * Writes for many tenants at once, in turns: governed writes with a chained event, with an event and without one, and
 * plain writes with the extension and without it.
 *
 * @param urls logins of the application's role
 * @param window milliseconds that are counted in one round
 */
export async function measureTrail(
  urls: TrailDatabases,
  plan: RoundsPlan,
  window: number,
): Promise<TrailCost> {
  const writers = [
    openWriter('chained', urls.chained, governedWrite),
    openWriter('unchained', urls.unchained, governedWrite),
    openWriter('unaudited', urls.unaudited, governedWrite),
    openWriter('extension', urls.chained, plainWrite, true),
    openWriter('plain', urls.chained, plainWrite),
  ]
  try {
    for (const writer of writers) await writer.writeFor(window)
    const rounds = await interleave(writers, plan, (writer) => writer.writeFor(window))
    return {
      chain: ratio(rounds, 'chained', 'unchained'),
      trail: ratio(rounds, 'chained', 'unaudited'),
      extension: ratio(rounds, 'extension', 'plain'),
      wrongRows: writers.reduce((sum, writer) => sum + writer.wrongRows(), 0),
    }
  } finally {
    for (const writer of writers) await writer.close()
  }
}

interface Writer {
  readonly name: string
  /** @returns writes a second */
  writeFor(millis: number): Promise<number>
  wrongRows(): number
  close(): Promise<void>
}

/** Changes one row of a tenant. @returns the tenant of the row */
type Write = (db: PrismaClient, tenant: number, serial: number) => Promise<string>

const governedWrite: Write = async (db, tenant, serial) => {
  const id = rowIdOf(tenant, serial % operationsData.rowsPerTenant, operationsData)
  const { tenantId } = await db.configPackage.update({
    where: { id },
    data: { description: `Edit ${serial}` },
  })
  return tenantId
}

const plainWrite: Write = async (db, tenant, serial) => {
  const row = await db.tenant.update({
    where: { id: tenantIdOf(tenant) },
    data: { name: `tenant ${serial}` },
  })
  return row.id
}

function openWriter(name: string, connectionString: string, write: Write, isRecorded = false): Writer {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString,
    maxConnections: callers,
    extend: (client): PrismaClient =>
      (isRecorded ? client.$extends(auditExtension({ models: ['Tenant'] })) : client) as never,
  })
  const userId = randomUUID()
  let serial = 0
  let wrong = 0
  return {
    name,
    async writeFor(millis) {
      const begin = performance.now()
      let written = 0
      const call = async () => {
        while (performance.now() - begin < millis) {
          const own = ++serial
          const tenant = own % tenants
          const tenantId = tenantIdOf(tenant)
          const db = tenancy.client({ tenantId, userId }) as unknown as PrismaClient
          if ((await write(db, tenant, own)) !== tenantId) wrong++
          written++
        }
      }
      await Promise.all(Array.from({ length: callers }, call))
      return (written * 1_000) / (performance.now() - begin)
    },
    wrongRows: () => wrong,
    close: () => tenancy.disconnect(),
  }
}
