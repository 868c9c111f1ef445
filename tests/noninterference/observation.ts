import { type Args, relationsOf } from './grammar.ts'
import { isNamed, type ModelName, nameOf, ownerOf } from './name.ts'

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const time = /\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}(:\d{2})?)?/g

const hash = /\b[0-9a-f]{64}\b/g

/**
 * What a run tells, apart from ids, times and the hashes that are made of them: planted ids by their names, generated ones numbered by their first
 * appearance.
 */
export class Observer {
  readonly #scene: number
  readonly #generated: string[] = []

  constructor(scene: number) {
    this.#scene = scene
  }

  /** The `index`th generated id that has been seen so far. */
  generated(index: number): string | undefined {
    return this.#generated[index]
  }

  /** Anything that an operation answers or fails with, as text. */
  describe(value: unknown): string {
    return JSON.stringify(this.#plain(value), undefined, 1)
  }

  #plain(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value)
    if (typeof value === 'bigint') return `${value}n`
    if (value === undefined) return '<undefined>'
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Date) return '<time>'
    if (Array.isArray(value)) return value.map((part) => this.#plain(part))
    if (value instanceof Error) return this.#plain(partsOf(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, isMeasured(key, part) ? '<span>' : this.#plain(part)]),
    )
  }

  #text(text: string): string {
    return text
      .replace(uuid, (id) => this.#name(id.toLowerCase()))
      .replace(time, '<time>')
      .replace(hash, '<hash>')
  }

  #name(id: string): string {
    const name = nameOf(id, this.#scene)
    if (name) return String(name)
    const known = this.#generated.indexOf(id)
    return `generated.${known < 0 ? this.#generated.push(id) - 1 : known}`
  }
}

/** All that a caller can learn from an error. */
function partsOf(error: Error): Args {
  const { name, message, cause } = error
  const { code, meta, details } = error as {
    readonly code?: unknown
    readonly meta?: unknown
    readonly details?: unknown
  }
  return { name, message, code, meta, details, cause }
}

/**
 * Puts what was answered in no order that anybody asked for into one: there the database may choose. Ids keep
 * their order from run to run, generated ones too, for they grow.
 */
export function sorted(model: ModelName, args: Args, answer: unknown): unknown {
  if (Array.isArray(answer)) {
    const rows = answer.map((row) => sorted(model, args, row))
    return args['orderBy'] === undefined ? rows.toSorted(byText) : rows
  }
  if (typeof answer !== 'object' || answer === null || answer instanceof Date) return answer
  const chosen = { ...(args['include'] as Args | undefined), ...(args['select'] as Args | undefined) }
  const lists = new Map(relationsOf(model).map((relation) => [relation.name, relation]))
  return Object.fromEntries(
    Object.entries(answer).map(([key, value]) => {
      if (model === 'AuditEvent' && isOfChance(key, value)) return [key, `<${key}>`]
      const relation = lists.get(key)
      const inside = chosen[key]
      if (!relation || inside === undefined) return [key, value]
      return [key, sorted(relation.model, inside === true ? {} : (inside as Args), value)]
    }),
  )
}

function byText(one: unknown, other: unknown): number {
  const [a, b] = [one, other].map(textOf) as [string, string]
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Rows of a database, with the events that it wrote itself in the order of what they say: in which order one statement
 * comes to its rows is the database's choice, and so is that of their events.
 */
export function settled(rows: readonly unknown[]): readonly unknown[] {
  const isWritten = (row: unknown) => (row as { row: Args }).row['origin'] === 'DATABASE'
  const written = rows.filter(isWritten).map((entry) => {
    const { model, row } = entry as { readonly model: string; readonly row: Args }
    return { model, row: { ...row, id: '<id>', seq: '<seq>' } }
  })
  const withoutGenerated = (row: unknown) => textOf(row).replace(uuid, (id) => (isNamed(id) ? id : ''))
  return [
    ...rows.filter((row) => !isWritten(row)),
    ...written.toSorted((one, other) => (withoutGenerated(one) < withoutGenerated(other) ? -1 : 1)),
  ]
}

/**
 * What an event of the database's says of one row of several, apart from what is another tenant's: its place among them is
 * the database's choice.
 */
function isOfChance(key: string, value: unknown): boolean {
  if (key === 'id') return !isNamed(String(value))
  if (key === 'targets') return !namesOthers(value) && Array.isArray(value) && value.some(isTarget)
  if (key === 'metadata')
    return !namesOthers(value) && typeof value === 'object' && value !== null && 'stage' in value
  return false
}

function isTarget(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value
}

/** Whether an id of B's is anywhere in it, or another word of B's. */
function namesOthers(value: unknown): boolean {
  const text = JSON.stringify(value)
  return text.includes('secret') || Array.from(text.matchAll(uuid)).some(([id]) => ownerOf(id) === 'b')
}

function textOf(row: unknown): string {
  const text = JSON.stringify(row, (key, part: unknown) => {
    if (isMeasured(key, part)) return '<span>'
    return typeof part === 'bigint' ? `${part}n` : part
  })
  // nothing has no text
  return (text as string | undefined)?.replace(time, '').replace(hash, '') ?? ''
}

/** Whether the database measured it between two times. What is planted is shorter than any run. */
function isMeasured(key: string, value: unknown): boolean {
  return key === 'duration' && (typeof value === 'number' || typeof value === 'bigint') && value > 7
}
