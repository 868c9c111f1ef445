import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type Row, type TableName, tables, type Value } from './tables.ts'

/** How much is kept before it is sent, in characters of all tables together. */
const bufferSize = 16_000_000

interface Buffered {
  lines: string[]
  rows: number
  readonly hash: Hash
}

/** Sends rows with COPY, a part of each table at a time, and digests what it sent. */
export class CopyWriter {
  readonly #client: pg.Client
  readonly #buffers: ReadonlyMap<TableName, Buffered>
  #size = 0
  #rows = 0

  constructor(client: pg.Client) {
    this.#client = client
    const names = Object.keys(tables) as TableName[]
    this.#buffers = new Map(names.map((name) => [name, { lines: [], rows: 0, hash: createHash('sha256') }]))
  }

  /** How many rows were added. */
  get rows(): number {
    return this.#rows
  }

  /** Whether it is time for {@link CopyWriter.flush}. */
  get isFull(): boolean {
    return this.#size >= bufferSize
  }

  add<Table extends TableName>(table: Table, row: Row<Table>): void {
    const columns: readonly string[] = tables[table]
    const line = `${columns.map((column) => copyText((row as Record<string, Value>)[column] ?? null)).join('\t')}\n`
    const buffer = this.#buffer(table)
    buffer.lines.push(line)
    buffer.rows += 1
    this.#rows += 1
    this.#size += line.length
  }

  async flush(): Promise<void> {
    for (const [table, buffer] of this.#buffers) {
      if (buffer.lines.length === 0) continue
      const { lines } = buffer
      buffer.lines = []
      const target = this.#client.query(copyFrom(`copy ${table} (${tables[table].join(', ')}) from stdin`))
      await pipeline(Readable.from(chunks(lines, buffer.hash)), target)
    }
    this.#size = 0
  }

  /** How many rows of each table were added. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.#buffers].map(([table, { rows }]) => [table.replaceAll('"', ''), rows]),
    )
  }

  /** SHA-256, in hex, over all rows as they were sent. To be asked once, at the end. */
  digest(): string {
    const all = createHash('sha256')
    for (const [table, { hash }] of this.#buffers) all.update(`${table} ${hash.digest('hex')}\n`)
    return all.digest('hex')
  }

  #buffer(table: TableName): Buffered {
    const buffer = this.#buffers.get(table)
    if (!buffer) throw new Error(`${table} is no table of the seed`)
    return buffer
  }
}

/** Lines in packets of a decent size. */
function* chunks(lines: readonly string[], hash: Hash): Generator<Buffer> {
  for (let start = 0; start < lines.length; start += 500) {
    const chunk = Buffer.from(lines.slice(start, start + 500).join(''))
    hash.update(chunk)
    yield chunk
  }
}

/** A value in COPY's text format. */
function copyText(value: Value): string {
  if (value === null) return '\\N'
  if (typeof value !== 'string') return String(value)
  return /[\\\t\n\r]/.test(value)
    ? value.replace(/[\\\t\n\r]/g, (found) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n' })[found] ?? '\\r')
    : value
}
