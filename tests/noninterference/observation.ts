import { type Args, relationsOf } from './grammar.ts'
import { isNamed, type ModelName, nameOf } from './name.ts'

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
      // those of the events that the database writes are in no order
      if (model === 'AuditEvent' && key === 'id' && !isNamed(String(value))) return [key, '<event>']
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

function textOf(row: unknown): string {
  const text = JSON.stringify(row, (key, part: unknown) => {
    if (isMeasured(key, part)) return '<span>'
    return typeof part === 'bigint' ? `${part}n` : part
  })
  return text?.replace(time, '').replace(hash, '') ?? ''
}

/** Whether the database measured it between two times. What is planted is shorter than any run. */
function isMeasured(key: string, value: unknown): boolean {
  return key === 'duration' && (typeof value === 'number' || typeof value === 'bigint') && value > 7
}
