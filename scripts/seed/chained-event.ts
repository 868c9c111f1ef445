import { createHash } from 'node:crypto'

/**
 * An audit event as it was hashed: JSON values are the text that PostgreSQL writes, because in JavaScript 1.0 and 1
 * are one number, and times are texts to the microsecond, because a `Date` ends at the millisecond.
 */
export interface ChainedEvent {
  readonly tenantId: string
  /** Its place in the chain, from 1. */
  readonly seq: number
  readonly prevHash: string
  readonly hash: string
  readonly id: string
  readonly origin: string
  readonly action: string
  readonly actorId: string | null
  readonly outcome: string
  readonly targets: string
  readonly context: string
  readonly metadata: string
  readonly schemaVersion: number
  /** `2026-11-21T09:30:00.123456Z` */
  readonly occurredAt: string
}

/** The text whose SHA-256 is an event's hash: a JSON array of texts, as `audit.event_text` of the database writes it. */
export function eventText(event: ChainedEvent): string {
  return JSON.stringify([
    'doublehull.audit.1',
    event.tenantId,
    String(event.seq),
    event.prevHash,
    event.id,
    event.origin,
    event.action,
    event.actorId,
    event.outcome,
    event.targets,
    event.context,
    event.metadata,
    String(event.schemaVersion),
    event.occurredAt,
  ])
}

/** The hash that an event must carry. */
export function eventHash(event: ChainedEvent): string {
  return sha256(eventText(event))
}

/** What the first event of a tenant names as the hash before it. */
export function genesisHash(tenantId: string): string {
  return sha256(`doublehull.audit.genesis:${tenantId}`)
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
