/** What came of an operation, in a form in which two can be compared: a value or an error. */
export type Outcome = ({ readonly value: unknown } | { readonly error: ErrorOutcome }) & {
  /** The rows of the tables that it changed. */
  readonly changes?: unknown
}

interface ErrorOutcome {
  readonly name: string
  readonly code: string | null
  readonly message: string
  readonly meta: unknown
}

const uuidPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const planted = /^(?:aaaa|bbbb|cccc|0000)/

/** Runs an operation to its end, whichever it is. */
export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { value: normalized(await run()) }
  } catch (error) {
    return { error: errorOutcome(error) }
  }
}

/** The code, or the class, of an error. */
export function verdict(outcome: Outcome): string {
  return 'error' in outcome ? (outcome.error.code ?? outcome.error.name) : 'a value'
}

/** A value in JSON's terms, with every type told apart and what differs from run to run left out. */
function normalized(value: unknown): unknown {
  if (value === undefined) return '<undefined>'
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return normalizedText(value)
  if (value instanceof Error) return { error: errorOutcome(value) }
  if (value instanceof Date) return `Date(${normalizedText(value.toISOString())})`
  if (value instanceof Uint8Array) return `Bytes(${Buffer.from(value).toString('hex')})`
  if (Object.prototype.toString.call(value) === '[object Decimal]') return `Decimal(${JSON.stringify(value)})`
  if (Array.isArray(value)) return value.map(normalized)
  if (typeof value !== 'object') return `<${typeof value}>`
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, normalized(part)]))
}

function normalizedText(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) {
    // this hour's, in whatever zone it was written
    const age = Date.now() - Date.parse(text.endsWith('Z') || text.includes('+') ? text : `${text}Z`)
    if (Math.abs(age) < 3_600_000) return '<now>'
  }
  return text.replace(uuidPattern, (uuid) => (planted.test(uuid) ? uuid : '<new>'))
}

function errorOutcome(error: unknown): ErrorOutcome {
  if (!(error instanceof Error)) return { name: 'no error', code: null, message: String(error), meta: {} }
  const { meta, code } = error as { meta?: Record<string, unknown>; code?: string }
  const { driverAdapterError, ...rest } = meta ?? {}
  const cause = (driverAdapterError as { cause?: Record<string, unknown> } | undefined)?.cause
  return {
    name: error.name,
    code: code ?? null,
    // it repeats the arguments, and offers others
    message: error.name === 'PrismaClientValidationError' ? '' : lastLine(error.message),
    meta: normalized(cause ? { ...rest, kind: cause['kind'], fields: fieldsOf(cause['constraint']) } : rest),
  }
}

/** Before it Prisma tells where the call stands. */
function lastLine(message: string): string {
  const lines = message.split('\n').filter((line) => line.trim() !== '')
  return normalizedText((lines.at(-1) ?? '').replace(/^(Foreign key constraint violated) on .*/, '$1'))
}

/** The fields of a key, which is named by its constraint or by them. */
function fieldsOf(constraint: unknown): unknown {
  const { index, fields } = (constraint ?? {}) as {
    readonly index?: string
    readonly fields?: readonly string[]
  }
  return index?.replace(/^[A-Z][A-Za-z]+_(.*)_[a-z]+$/, '$1') ?? fields?.join('_')
}

/** The rows of a table, in an order that does not depend on the ids that they were given. */
export function rowsOf(json: string): readonly unknown[] {
  const rows = (JSON.parse(json) as readonly object[]).map((row) => normalized(row))
  return rows
    .map((row) => [JSON.stringify(row), row] as const)
    .sort(([x], [y]) => (x < y ? -1 : 1))
    .map(([, row]) => row)
}
