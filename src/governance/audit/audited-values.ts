import { createHash, createHmac } from 'node:crypto'

/** The fields of a row, as they are recorded. */
export type RecordedFields = Readonly<Record<string, unknown>>

/** What an event says of one row; null where there was none before, or is none after. */
export interface RowChange {
  readonly type: string
  readonly id: unknown
  readonly before: RecordedFields | null
  readonly after: RecordedFields | null
}

export interface MaskOptions {
  readonly mask: Readonly<Record<string, readonly string[]>>
  /** Where there is one, equal values of one field and tenant have equal hashes. */
  readonly maskKey?: string | Uint8Array | undefined
}

/** How the values of rows are recorded: as JSON, without those that are masked. */
export class AuditedValues {
  readonly #masked: ReadonlyMap<string, ReadonlySet<string>>
  readonly #key: string | Uint8Array | undefined

  constructor({ mask, maskKey }: MaskOptions) {
    this.#masked = new Map(Object.entries(mask).map(([model, fields]) => [model, new Set(fields)]))
    this.#key = maskKey
  }

  /** The fields in which two rows differ; all where one of them is none. */
  changeOf(
    tenantId: string,
    model: string,
    fields: readonly string[],
    before: RecordedFields | undefined,
    after: RecordedFields | undefined,
  ): Pick<RowChange, 'before' | 'after'> {
    const changed = fields.filter(
      (field) => !before || !after || textOf(before[field]) !== textOf(after[field]),
    )
    const recorded = (row: RecordedFields | undefined): RecordedFields | null =>
      row === undefined
        ? null
        : Object.fromEntries(
            changed.map((field) => [field, this.#record(tenantId, model, field, row[field])]),
          )
    return { before: recorded(before), after: recorded(after) }
  }

  /** A key as a target's id; a key of several fields as an object of them. */
  idOf(tenantId: string, model: string, key: RecordedFields): unknown {
    const entries = Object.entries(key).map(
      ([field, value]) => [field, this.#record(tenantId, model, field, value)] as const,
    )
    const [only] = entries
    return entries.length === 1 && only ? only[1] : Object.fromEntries(entries)
  }

  #record(tenantId: string, model: string, field: string, value: unknown): unknown {
    if (!this.#masked.get(model)?.has(field)) return jsonOf(value)
    if (this.#key === undefined) return '***'
    // of this tenant and this field, so that the same value elsewhere tells nothing
    const text = JSON.stringify([tenantId, model, field, textOf(value)])
    return `hmac-sha256:${createHmac('sha256', this.#key).update(text).digest('hex')}`
  }
}

/** A digest of what is too much to be recorded. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`
}

/** A value as JSON can carry it: numbers that JSON rounds as text, bytes as their length and digest. */
export function jsonOf(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object') return value
  if (value instanceof Uint8Array) {
    return { bytes: value.length, sha256: createHash('sha256').update(value).digest('hex') }
  }
  if (Array.isArray(value)) return value.map(jsonOf)
  // dates and decimals
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON() as unknown
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, jsonOf(part)]))
}

function textOf(value: unknown): string {
  return JSON.stringify(jsonOf(value))
}
