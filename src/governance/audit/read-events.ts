import { Prisma } from '../../generated/prisma/client.ts'
import type { BundledTransaction } from '../../tenancy/bundled.ts'
import type { ChainedEvent } from './chained-event.ts'
import type { Checkpoint } from './checkpoint.ts'

/** Which events are meant. All that are given must hold. */
export interface AuditFilters {
  /** The beginning of the action: `config.version.` */
  readonly action?: string | undefined
  readonly actorId?: string | undefined
  readonly outcome?: 'SUCCESS' | 'DENIED' | 'FAILURE' | undefined
  /** Whether the database wrote it about a change, or the application said it. */
  readonly origin?: 'DATABASE' | 'APPLICATION' | undefined
  /** The id of what was changed. */
  readonly targetId?: string | undefined
  /** From this time on, and before that one; a text may say microseconds. */
  readonly from?: Date | string | undefined
  readonly to?: Date | string | undefined
}

/** One page of events, in the order of the chain. */
export interface EventRange {
  readonly filters?: AuditFilters
  readonly order?: 'asc' | 'desc'
  /** Only what comes behind this sequence, in that order. */
  readonly after?: number | undefined
  readonly limit: number
}

/** By SQL and not through Prisma, whose dates end at the millisecond and whose numbers in JSON are JavaScript's. */
export async function readEvents(
  reader: BundledTransaction,
  tenantId: string,
  { filters = {}, order = 'asc', after, limit }: EventRange,
): Promise<ChainedEvent[]> {
  const { action, actorId, outcome, origin, targetId, from, to } = filters
  const target = targetId && JSON.stringify([{ id: targetId }])
  const conditions = [
    Prisma.sql`tenant_id = ${tenantId}::uuid`,
    after !== undefined &&
      (order === 'asc' ? Prisma.sql`seq > ${after}::bigint` : Prisma.sql`seq < ${after}::bigint`),
    action && Prisma.sql`starts_with(action, ${action})`,
    actorId && Prisma.sql`actor_id = ${actorId}::uuid`,
    outcome && Prisma.sql`outcome = ${outcome}::audit.audit_outcome`,
    origin && Prisma.sql`origin = ${origin}::audit.audit_origin`,
    target && Prisma.sql`targets @> ${target}::jsonb`,
    from && Prisma.sql`occurred_at >= ${timeText(from)}::timestamptz`,
    to && Prisma.sql`occurred_at < ${timeText(to)}::timestamptz`,
  ].filter((condition) => typeof condition === 'object')
  const rows = await reader.$queryRaw<(Omit<ChainedEvent, 'seq'> & { readonly seq: bigint })[]>`
    select tenant_id::text as "tenantId", seq, prev_hash as "prevHash", hash, id::text, origin::text, action,
           actor_id::text as "actorId", outcome::text, targets::text, context::text, metadata::text,
           schema_version as "schemaVersion",
           to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "occurredAt"
      from audit.audit_event
     where ${Prisma.join(conditions, ' and ')}
     order by seq ${order === 'asc' ? Prisma.sql`asc` : Prisma.sql`desc`}
     limit ${limit}`
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }))
}

/** All events behind a sequence, in the order of the chain. */
export async function* streamEvents(
  reader: BundledTransaction,
  tenantId: string,
  filters: AuditFilters = {},
  from = 0,
): AsyncGenerator<ChainedEvent> {
  const limit = 1000
  let after = from
  for (;;) {
    // numbers are given in the order of commits, so what commits meanwhile comes behind
    const page = await readEvents(reader, tenantId, { filters, after, limit })
    yield* page
    const last = page.at(-1)
    if (page.length < limit || !last) return
    after = last.seq
  }
}

/** All checkpoints of the tenant. */
export async function readCheckpoints(reader: BundledTransaction, tenantId: string): Promise<Checkpoint[]> {
  const rows = await reader.$queryRaw<(Omit<Checkpoint, 'seq'> & { readonly seq: bigint })[]>`
    select tenant_id::text as "tenantId", seq, hash, key_id as "keyId", signature,
           to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt"
      from audit.audit_checkpoint
     where tenant_id = ${tenantId}::uuid
     order by seq, created_at, id`
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }))
}

function timeText(time: Date | string): string {
  return typeof time === 'string' ? time : time.toISOString()
}
