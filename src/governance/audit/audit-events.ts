import { Readable } from 'node:stream'
import { z } from 'zod'
import { TenancyError } from '../../errors.ts'
import { checkedInput, invalid } from '../checked-input.ts'
import type { GovernedScope } from '../governed-scope.ts'
import { textOf } from '../input-parts.ts'
import { type JsonValue, parseJson } from '../json-content.ts'
import { type Page, pageOf } from '../page.ts'
import type { ExportFormat } from './audit-lines.ts'
import { type ChainHead, type ChainReport, ChainVerifier } from './chain-verifier.ts'
import type { ChainedEvent } from './chained-event.ts'
import { type Checkpoint, type CheckpointKey, type PublicKeys, signCheckpoint } from './checkpoint.ts'
import { exportLines } from './export-lines.ts'
import { type AuditFilters, readCheckpoints, readEvents, streamEvents } from './read-events.ts'

/** An event that the application says itself. */
export interface AuditRecordInput {
  /** Such as `report.download`; the database's own, such as `config.…`, are refused. */
  readonly action: string
  readonly targets?: readonly AuditTarget[] | undefined
  /** JSON, at most 64 KiB as PostgreSQL writes it. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  /** SUCCESS unless told. */
  readonly outcome?: 'SUCCESS' | 'DENIED' | 'FAILURE' | undefined
}

/** What an event is about. */
export interface AuditTarget {
  readonly type: string
  readonly id?: string
}

/** An event, with its JSON read. */
export interface AuditEventRecord
  extends Omit<ChainedEvent, 'targets' | 'context' | 'metadata' | 'origin' | 'outcome'> {
  readonly origin: 'DATABASE' | 'APPLICATION'
  readonly outcome: 'SUCCESS' | 'DENIED' | 'FAILURE'
  readonly targets: unknown
  readonly context: unknown
  readonly metadata: unknown
}

/** The audit trail of one tenant: read, added to, verified, and never changed. */
export interface AuditEvents {
  /**
   * Writes an event of the application's own. Who, when and its place in the chain are the database's.
   *
   * @throws {TenancyError} `DH505` without `audit:record`; `DH506` for an action of the database's, or too much
   *
   * @example
   * ```ts
   * await governance.auditEvents.record({ action: 'report.download', targets: [{ type: 'report', id }] })
   * ```
   */
  record(input: AuditRecordInput): Promise<AuditEventRecord>
  /**
   * A page of events in the order of the chain, the latest first unless told. No event is skipped or given twice while
   * others write.
   *
   * @param options `limit`: how many, 50 unless told, at most 500; `after`: the page before's `next`
   * @throws {TenancyError} `DH505` without `audit:read`; `DH506` for a cursor or a filter that is none
   *
   * @example
   * ```ts
   * const { items, next } = await governance.auditEvents.list({ filters: { action: 'config.version.' } })
   * ```
   */
  list(options?: {
    readonly filters?: AuditFilters | undefined
    readonly after?: string | undefined
    readonly limit?: number | undefined
    readonly order?: 'asc' | 'desc' | undefined
  }): Promise<Page<AuditEventRecord>>
  /**
   * Follows the chain, and names the first sequence where it breaks. It reads the whole trail, in pages.
   *
   * @param options `from`: the first sequence to look at; `publicKeys`: of checkpoints, by their ids; `head`: the last
   *   link as it was kept elsewhere
   * @throws {TenancyError} `DH505` without `audit:read`; `DH506` for a key that is none
   *
   * @example
   * ```ts
   * const { ok, brokenAt, reason, signedUpTo } = await governance.auditEvents.verify({ publicKeys: { [keyId]: pem } })
   * ```
   */
  verify(options?: {
    readonly from?: number | undefined
    readonly publicKeys?: PublicKeys | undefined
    readonly head?: ChainHead | undefined
  }): Promise<ChainReport>
  /**
   * Signs the chain as it is. What is before a checkpoint can't be written anew without its private key, and may be
   * dropped by retention.
   *
   * @param options `privateKey`: Ed25519; `keyId`: what its public half is found by, its fingerprint unless told
   * @throws {TenancyError} `DH505` without `audit:checkpoint`; `DH506` for a key that is none; `DH507` where there is no
   *   event yet
   *
   * @example
   * ```ts
   * const { seq, hash } = await governance.auditEvents.checkpoint({ privateKey: process.env.AUDIT_KEY })
   * ```
   */
  checkpoint(options: {
    readonly privateKey: CheckpointKey
    readonly keyId?: string | undefined
  }): Promise<Checkpoint>
  /**
   * The trail as text. NDJSON without filters is what `doublehull audit verify` and `verifyAuditExport` read.
   *
   * @throws {TenancyError} when it is read: `DH505` without `audit:read`, `DH506` for a filter that is none
   *
   * @example
   * ```ts
   * await pipeline(governance.auditEvents.export({ format: 'ndjson' }), createWriteStream('audit.ndjson'))
   * ```
   */
  export(options: { readonly format: ExportFormat; readonly filters?: AuditFilters | undefined }): Readable
}

/** What the database says itself when something changes; nobody else says it succeeded. */
const databaseActions = ['config.', 'flag.', 'kill_switch.', 'branding.', 'trace.', 'audit.'] as const

const recordSchema = z.strictObject({
  action: z
    .string()
    .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/, 'must be words of a-z, 0-9, _ and - with dots between them')
    .max(200)
    .refine(
      (action) => !databaseActions.some((prefix) => action.startsWith(prefix)),
      `must not begin as the database's own: ${databaseActions.join(', ')}`,
    ),
  targets: z
    .array(z.strictObject({ type: textOf(100), id: textOf(200).optional() }))
    .max(100)
    .default([]),
  metadata: z.record(z.string(), z.unknown()).default({}),
  outcome: z.enum(['SUCCESS', 'DENIED', 'FAILURE']).default('SUCCESS'),
})

const time = z.union([z.date(), z.iso.datetime({ offset: true, error: 'must be a time with a zone' })])
const filtersSchema = z.strictObject({
  action: textOf(200).optional(),
  actorId: z.guid().optional(),
  outcome: z.enum(['SUCCESS', 'DENIED', 'FAILURE']).optional(),
  origin: z.enum(['DATABASE', 'APPLICATION']).optional(),
  targetId: textOf(200).optional(),
  from: time.optional(),
  to: time.optional(),
})
const listSchema = z.strictObject({
  filters: filtersSchema.default({}),
  after: z.string().optional(),
  limit: z.int().min(1).max(500).default(50),
  order: z.enum(['asc', 'desc']).default('desc'),
})
const verifySchema = z.object({ from: z.int().min(1).default(1) })
const formatSchema = z.enum(['ndjson', 'csv'])

const trail = { type: 'audit' } as const

/** The audit trail of the scope's tenant. */
export function auditEventsOf(scope: GovernedScope): AuditEvents {
  // asked in a short transaction, because what is then read may take longer than one may
  const admit = () =>
    scope.mutate({ action: 'audit.read', permission: 'audit:read', resource: trail }, (_tx, { tenantId }) =>
      Promise.resolve(tenantId),
    )

  return {
    record: async (input) => {
      const data = checkedInput('auditEvents.record', recordSchema, input)
      const { metadata } = parseJson('auditEvents.record', { metadata: data.metadata }) as {
        readonly metadata: Record<string, JsonValue>
      }
      return scope.mutate(
        { action: data.action, permission: 'audit:record', resource: trail },
        async (tx, actor) => {
          const { seq } = await tx.auditEvent.create({
            data: { ...data, metadata, context: scope.auditContext() },
            select: { seq: true },
          })
          const [event] = await readEvents(tx, actor.tenantId, { after: Number(seq) - 1, limit: 1 })
          if (!event) throw new TypeError('the event that was written is not there')
          return recordOf(event)
        },
      )
    },

    list: async (options = {}) => {
      const { filters, after, limit, order } = checkedInput('auditEvents.list', listSchema, options)
      const range = { filters, order, after: after === undefined ? undefined : seqOf(after, order) }
      const tenantId = await admit()
      const found = await readEvents(scope.reader, tenantId, { ...range, limit: limit + 1 })
      return pageOf(found.map(recordOf), limit, ({ seq }) => cursorOf(seq, order))
    },

    verify: async ({ publicKeys, head, ...rest } = {}) => {
      const { from } = checkedInput('auditEvents.verify', verifySchema, rest)
      const tenantId = await admit()
      const { reader } = scope
      const checkpoints = await readCheckpoints(reader, tenantId)
      const [before] =
        from === 1 ? [] : await readEvents(reader, tenantId, { order: 'desc', after: from, limit: 1 })
      const after = before && { seq: from - 1, hash: before.seq === from - 1 ? before.hash : undefined }
      const verifier = new ChainVerifier({
        tenantId,
        checkpoints: checkpoints.filter(({ seq }) => from === 1 || seq >= from),
        publicKeys,
        head,
        after,
      })
      for await (const event of streamEvents(reader, tenantId, {}, from - 1)) {
        if (!verifier.take(event)) break
      }
      return verifier.report()
    },

    checkpoint: ({ privateKey, keyId }) =>
      scope.mutate(
        { action: 'audit.checkpoint', permission: 'audit:checkpoint', resource: trail },
        async (tx, { tenantId }) => {
          const [last] = await readEvents(tx, tenantId, { order: 'desc', limit: 1 })
          if (!last) throw new TenancyError('DH507', 'there is no such audit event: the trail is empty')
          const now = new Date()
          const createdAt = now.toISOString().replace('Z', '000Z')
          const { seq, hash } = last
          const signed = signCheckpoint({ tenantId, seq, hash, createdAt }, privateKey, keyId)
          await tx.auditCheckpoint.create({
            data: { seq, hash, keyId: signed.keyId, signature: signed.signature, createdAt: now },
          })
          return signed
        },
      ),

    export: ({ format, filters = {} }) =>
      Readable.from(
        (async function* () {
          const kind = checkedInput('auditEvents.export', formatSchema, format)
          const wanted = checkedInput('auditEvents.export', filtersSchema, filters)
          yield* exportLines(scope.reader, await admit(), kind, wanted)
        })(),
      ),
  }
}

function recordOf(event: ChainedEvent): AuditEventRecord {
  return {
    ...event,
    origin: event.origin as AuditEventRecord['origin'],
    outcome: event.outcome as AuditEventRecord['outcome'],
    targets: JSON.parse(event.targets) as unknown,
    context: JSON.parse(event.context) as unknown,
    metadata: JSON.parse(event.metadata) as unknown,
  }
}

function cursorOf(seq: number, order: 'asc' | 'desc'): string {
  return Buffer.from(`1:${order}:${seq}`).toString('base64url')
}

function seqOf(cursor: string, order: 'asc' | 'desc'): number {
  const [, ordered, seq] =
    /^1:(asc|desc):([1-9]\d{0,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (ordered === order) return Number(seq)
  throw invalid('auditEvents.list', [
    { path: ['after'], message: 'must be the next of a page of this list, in this order' },
  ])
}
