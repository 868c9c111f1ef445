import type { TenantContext } from '../../context/tenant-context.ts'
import { type InputIssue, TenancyError } from '../../errors.ts'
import { observing } from '../../extension/write-observer.ts'
import { invalid } from '../checked-input.ts'
import { auditContextOf, type RequestOrigin } from '../request-origin.ts'
import { auditedModels } from './audited-models.ts'
import { AuditedValues } from './audited-values.ts'
import { AuditedWrites, type DataEvent } from './audited-writes.ts'

/** Settings of {@link auditExtension}. */
export interface AuditExtensionOptions {
  /**
   * Models whose writes are recorded. Unless told, all that tenants write; without those that the database records by
   * itself in either case.
   */
  readonly models?: readonly string[]
  /** Fields, by model, whose values are not recorded: `***` stands in their place. That they changed is recorded. */
  readonly mask?: Readonly<Record<string, readonly string[]>>
  /**
   * Where it is given, an HMAC stands in the place of a masked value, so that equal values of one field and tenant are
   * seen to be equal. A secret: who has it can try values. 32 bytes or more.
   */
  readonly maskKey?: string | Uint8Array
  /** Most rows of one operation that are recorded one by one; beyond it a count and a digest are. From 1 to 1,000; 100 unless told. */
  readonly maxRows?: number
  /** Most bytes of the values of one operation; beyond it a count and a digest are recorded. From 256 to 32,768; 16,384 unless told. */
  readonly maxBytes?: number
  /** Where the request came from. */
  readonly origin?: (context: TenantContext) => RequestOrigin
  /**
   * Writes the events of a transaction, with its client, which has hull one and no extension; as rows of the model
   * `AuditEvent` unless told. Where it rejects, the transaction is rolled back.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- the client of a schema that only the application knows
  readonly record?: (tx: any, events: readonly DataEvent[]) => Promise<unknown>
}

/** An extension that changes no type of a client. */
interface AuditExtension {
  readonly name: string
  readonly query: { readonly $allOperations: () => never }
}

/**
 * An extension for `createTenancy` that records what tenant clients write: with each operation of Prisma's one audit
 * event, in the same transaction, with what the rows were before and after it. An operation outside of a transaction
 * gets one of its own; one that fails, or is rolled back, leaves no event. Events are written last, before the
 * transaction commits.
 *
 * - `action` is `data.<Model>.<operation>`; `targets` have the ids of the rows.
 * - `metadata` of `create`, `update`, `upsert` and `delete` is `{ before, after }`: the fields that changed, or all
 *   where there was no row before or is none after. Of the operations of many rows it is `{ count, rows: [{ id,
 *   before, after }] }`. Beyond `maxRows` or `maxBytes` it is `{ count, digest, digestOf }`.
 * - Nested writes are part of their operation's event: `nested` has, for each relation that the data goes along, the
 *   rows that changed, and whole those that the relation gained (`before` is null) or lost (`after` is null), whether
 *   they were created, deleted, connected or disconnected. A relation of more than `maxRows` rows is named in
 *   `incomplete`. An event of a model that is not audited has nothing but `nested`.
 *
 * It stands behind all hooks, wherever it is added, and observes the clients that extensions have captured too. What it
 * does not see: raw SQL, and rows that the database itself changes, as by a cascade or a trigger; system clients, which
 * have a record of their own. Rows are locked when they have been read, so that nobody changes them in between; an
 * upsert that meets a row which another transaction is adding at that moment is recorded as if it had created it.
 *
 * It adds nothing to the types of a client. Where an extended client of the bundled schema is to be one of
 * `createGovernance` too, say so: `extend: (client): PrismaClient => client.$extends(auditExtension()) as never`.
 *
 * @throws {TenancyError} `DH506` for bounds out of their range and for names that the schema has not; where it is given
 *   to another client than that of `createTenancy`, every operation is refused with `DH210`
 *
 * @example
 * ```ts
 * const tenancy = createTenancy({
 *   PrismaClient, manifest, connectionString,
 *   extend: (client) => client.$extends(auditExtension({ mask: { Customer: ['email', 'iban'] } })),
 * })
 * ```
 */
export function auditExtension(options: AuditExtensionOptions = {}): AuditExtension {
  const { mask = {}, maskKey, maxRows = 100, maxBytes = 16_384, origin, record = recordAsRows } = options
  assertBounds({ maxRows, maxBytes, maskKey })
  const extension: AuditExtension = {
    name: 'doublehull audit',
    query: {
      $allOperations: () => {
        throw new TenancyError(
          'DH210',
          'auditExtension works in createTenancy alone; give it there, as extend: (client) => client.$extends(auditExtension())',
        )
      },
    },
  }
  return observing(extension, (schema) => {
    const models = auditedModels(schema.manifest, options)
    if (record === recordAsRows && !Object.hasOwn(schema.manifest.models, 'AuditEvent')) {
      throw invalid('the audit extension', [
        { path: ['record'], message: 'must be given where the schema has no model AuditEvent' },
      ])
    }
    return new AuditedWrites(schema, {
      models,
      values: new AuditedValues({ mask, maskKey }),
      maxRows,
      maxBytes,
      record,
      contextOf: (context) => auditContextOf(origin?.(context) ?? {}, context.requestId),
    })
  })
}

async function recordAsRows(tx: object, events: readonly DataEvent[]): Promise<void> {
  const { auditEvent } = tx as { readonly auditEvent: { createMany(args: object): Promise<unknown> } }
  await auditEvent.createMany({ data: events })
}

function assertBounds({
  maxRows,
  maxBytes,
  maskKey,
}: {
  readonly maxRows: number
  readonly maxBytes: number
  readonly maskKey: string | Uint8Array | undefined
}): void {
  const issues: InputIssue[] = []
  const assertWithin = (name: string, value: number, least: number, most: number) => {
    if (Number.isInteger(value) && value >= least && value <= most) return
    issues.push({ path: [name], message: `must be a whole number from ${least} to ${most}` })
  }
  assertWithin('maxRows', maxRows, 1, 1_000)
  assertWithin('maxBytes', maxBytes, 256, 32_768)
  if (maskKey !== undefined && Buffer.byteLength(maskKey) < 32) {
    issues.push({ path: ['maskKey'], message: 'must have 32 bytes or more' })
  }
  if (issues.length > 0) throw invalid('the audit extension', issues)
}
