import type { DatabaseState, State } from '../prove/database-state.ts'
import type { World } from '../prove/world.ts'
import type { Reach } from './isolation-error.ts'
import { isPlain } from './outcome.ts'

/** What of a database's rows is a tenant's, and what is not. */
export class TenantView {
  readonly #database: DatabaseState
  readonly #state: State
  readonly #tenantId: string
  readonly #world: World
  readonly #models: readonly string[]

  constructor(database: DatabaseState, state: State, tenantId: string, models: readonly string[]) {
    this.#database = database
    this.#state = state
    this.#tenantId = tenantId
    this.#world = database.worldOf(state, tenantId)
    this.#models = models
  }

  has(model: string): boolean {
    return this.#world.rowsOf(model).some((row) => this.#world.isVisible(row))
  }

  /**
   * The state without the rows that the tenant may not see.
   *
   * @param seenBy leave only those out that this other tenant may see
   */
  without(seenBy?: TenantView): State {
    const goes = (model: string, index: number): boolean => {
      const row = this.#world.rowsOf(model)[index]
      if (!row || this.#world.isVisible(row)) return false
      return seenBy === undefined || seenBy.#sees(model, index)
    }
    const gone = new Map<string, ReadonlySet<unknown>>()
    const rows = this.#models.map((model, at) => {
      const state = this.#state[at] ?? []
      const left = state.filter((_, index) => !goes(model, index))
      gone.set(
        model,
        new Set(
          this.#world
            .rowsOf(model)
            .flatMap((row, index) => (goes(model, index) ? [this.#world.keyOf(row)] : [])),
        ),
      )
      return left
    })
    const joins = this.#world.manifest.joinTables.map(({ a, b }, index) =>
      (this.#state[this.#models.length + index] ?? []).filter((text) => {
        const link = JSON.parse(text) as { readonly A: unknown; readonly B: unknown }
        return !gone.get(a)?.has(link.A) && !gone.get(b)?.has(link.B)
      }),
    )
    return [...rows, ...joins]
  }

  #sees(model: string, index: number): boolean {
    const row = this.#world.rowsOf(model)[index]
    return row !== undefined && this.#world.isVisible(row)
  }

  /** What was done to rows that the tenant may not write; nothing where nothing was. */
  changes(after: State): Reach | undefined {
    const later = this.#database.worldOf(after, this.#tenantId)
    for (const [at, model] of this.#models.entries()) {
      const [old, now] = [this.#state[at] ?? [], after[at] ?? []]
      if (
        lost(old, now).some((index) => !isWritable(this.#world, model, index)) ||
        lost(now, old).some((index) => !isWritable(later, model, index))
      ) {
        return { how: 'rows', model }
      }
    }
    for (const [index] of this.#world.manifest.joinTables.entries()) {
      const at = this.#models.length + index
      const [old, now] = [this.#state[at] ?? [], after[at] ?? []]
      const link = (text: string | undefined) => JSON.parse(text ?? '{}') as { A: unknown; B: unknown }
      if (
        lost(old, now).some((row) => !this.#world.mayLink(index, link(old[row])).cut) ||
        lost(now, old).some((row) => !later.mayLink(index, link(now[row])).make)
      ) {
        return { how: 'rows' }
      }
    }
    return undefined
  }

  /** The first row in an answer that is one that the tenant may not see, and where. */
  find(answer: unknown, path = ''): Reach | undefined {
    if (Array.isArray(answer)) {
      return first(
        answer.map((part, index) => [part, `${path}[${index}]`] as const),
        (part, at) => this.find(part, at),
      )
    }
    if (!isPlain(answer)) return undefined
    for (const model of this.#models) {
      const { primaryKey } = this.#world.model(model)
      if (primaryKey.length === 0 || !primaryKey.every((field) => Object.hasOwn(answer, field))) continue
      const found = this.#world
        .rowsOf(model)
        .find((row) => primaryKey.every((field) => String(row.values[field]) === String(answer[field])))
      if (found && !this.#world.isVisible(found)) return { how: 'answer', model, path }
    }
    return first(
      Object.entries(answer).map(([key, part]) => [part, path === '' ? key : `${path}.${key}`] as const),
      (part, at) => this.find(part, at),
    )
  }
}

function first(
  parts: readonly (readonly [unknown, string])[],
  find: (part: unknown, path: string) => Reach | undefined,
): Reach | undefined {
  for (const [part, path] of parts) {
    const found = find(part, path)
    if (found) return found
  }
  return undefined
}

/** The places of the rows that one state has and another has not. */
function lost(one: readonly string[], other: readonly string[]): readonly number[] {
  const left = new Set(other)
  return one.flatMap((text, index) => (left.has(text) ? [] : [index]))
}

function isWritable(world: World, model: string, index: number): boolean {
  const row = world.rowsOf(model)[index]
  return row !== undefined && world.isWritable(row)
}
