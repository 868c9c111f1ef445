import { type ChainedEvent, eventHash, genesisHash } from '../../src/governance/audit/chained-event.ts'
import type { CopyWriter } from './copy-writer.ts'
import { type Json, jsonbText } from './jsonb-text.ts'
import type { Random } from './random.ts'
import type { Role } from './roles.ts'
import type { Row, TableName } from './tables.ts'

export interface Member {
  readonly userId: string
  readonly role: Role
}

/** What is written into the trail. */
export interface EventInput {
  readonly action: string
  readonly actor: string
  readonly target:
    | { readonly type: string; readonly id: string }
    | readonly { readonly type: string; readonly id: string }[]
  readonly metadata: Readonly<Record<string, Json | undefined>>
  readonly origin?: 'APPLICATION'
  readonly outcome?: 'DENIED' | 'FAILURE'
}

/** How long a history is, in microseconds. */
export const historySpan = 92 * 86_400_000_000

const agents = [
  'Mozilla/5.0 (X11; Linux x86_64)',
  'Mozilla/5.0 (Macintosh)',
  'config-cli/2.4.1',
  'deploy-bot/1.9',
]

/** What one tenant has lived through so far: its clock, its rows, its chain of events. */
export class TenantHistory {
  readonly tenantId: string
  readonly random: Random
  readonly members: readonly Member[]
  readonly budget: number
  readonly #writer: CopyWriter
  readonly #start: number
  readonly #byRoles = new Map<readonly Role[], readonly Member[]>()
  #clock: number
  #used = 0
  #seq = 0
  #lastHash: string

  constructor(
    writer: CopyWriter,
    random: Random,
    options: {
      readonly tenantId: string
      readonly members: readonly Member[]
      readonly budget: number
      readonly start: number
    },
  ) {
    this.#writer = writer
    this.random = random
    this.tenantId = options.tenantId
    this.members = options.members
    this.budget = options.budget
    this.#start = options.start
    this.#clock = options.start
    this.#lastHash = genesisHash(options.tenantId)
  }

  /** How many rows it may still have. */
  get left(): number {
    return this.budget - this.#used
  }

  get now(): number {
    return this.#clock
  }

  /** Time passes as rows are written, and never stands still. */
  tick(): number {
    const due = this.#start + (historySpan - 3_600_000_000) * Math.min(1, this.#used / this.budget)
    this.#clock = Math.max(
      this.#clock + 1 + this.random.below(200),
      Math.floor(due) + this.random.below(1_000_000),
    )
    return this.#clock
  }

  /** A member with one of the roles, and none of those. */
  member(roles: readonly Role[], except: readonly (string | null)[] = []): string | undefined {
    const found = this.#byRoles.get(roles) ?? this.members.filter(({ role }) => roles.includes(role))
    this.#byRoles.set(roles, found)
    const fit = except.length === 0 ? found : found.filter(({ userId }) => !except.includes(userId))
    return fit.length === 0 ? undefined : this.random.of(fit).userId
  }

  /** A row that the budget has been asked for by {@link TenantHistory.reserve}. */
  write<Table extends TableName>(table: Table, row: Row<Table>): void {
    this.#writer.add(table, row)
  }

  /** Counts a row that is written now or at the end. */
  reserve(rows = 1): void {
    this.#used += rows
  }

  add<Table extends TableName>(table: Table, row: Row<Table>): void {
    this.reserve()
    this.write(table, row)
  }

  /** The next link of the chain. */
  record({ action, actor, target, metadata, origin, outcome }: EventInput): void {
    const { random } = this
    const targets = Array.isArray(target) ? target : [target]
    const unhashed: Omit<ChainedEvent, 'hash'> = {
      tenantId: this.tenantId,
      seq: ++this.#seq,
      prevHash: this.#lastHash,
      id: random.uuid(this.#clock),
      origin: origin ?? 'DATABASE',
      action,
      actorId: actor,
      outcome: outcome ?? 'SUCCESS',
      targets: jsonbText(targets as Json),
      context: jsonbText({
        ip: `198.51.100.${random.below(256)}`,
        userAgent: random.of(agents),
        requestId: `req-${random.bits().toString(36)}`,
      }),
      metadata: jsonbText(metadata),
      schemaVersion: 1,
      occurredAt: timeText(this.#clock),
    }
    const hash = eventHash({ ...unhashed, hash: '' })
    this.#lastHash = hash
    this.add('audit.audit_event', {
      id: unhashed.id,
      tenant_id: unhashed.tenantId,
      seq: unhashed.seq,
      prev_hash: unhashed.prevHash,
      hash,
      origin: unhashed.origin,
      action,
      actor_id: actor,
      outcome: unhashed.outcome,
      targets: unhashed.targets,
      context: unhashed.context,
      metadata: unhashed.metadata,
      schema_version: unhashed.schemaVersion,
      occurred_at: unhashed.occurredAt,
    })
  }

  /** The last link, which the tenant's next event follows. */
  close(): void {
    this.add('audit.audit_head', { tenant_id: this.tenantId, seq: this.#seq, hash: this.#lastHash })
  }
}

let lastSecond = -1
let lastText = ''

/** A time in microseconds as the chain writes it, which PostgreSQL reads as well. */
export function timeText(micros: number): string {
  const second = Math.floor(micros / 1_000_000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = new Date(second * 1000).toISOString().slice(0, 20)
  }
  return `${lastText}${String(micros % 1_000_000).padStart(6, '0')}Z`
}
