import type { TenancyError } from '../errors.ts'
import { type Args, isValue, nameOfKey } from './scoping.ts'

/** Reads rows of a model, with arguments that hull one has written itself. */
export type Ask = (model: string, args: Args) => PromiseLike<readonly Args[]>

/** Scalar foreign keys that do not carry the tenant: each must name a row that the tenant may link. */
export interface Reference {
  /** The model at the other end, and its fields that the key names. */
  readonly model: string
  readonly references: readonly string[]
  readonly values: readonly unknown[]
  /** Which rows of that model may be linked. */
  readonly filter: Args
  /** The model that has the key, and its fields, for the error. */
  readonly holder: string
  readonly fields: readonly string[]
  /** Which half of an `upsert` names the row, if only one does. */
  readonly half?: 'create' | 'update'
}

/** Rows that must not be there, for an operation would reach them. */
export interface Stray {
  readonly model: string
  readonly where: Args
  readonly refusal: () => TenancyError
}

interface Gate {
  readonly model: string
  readonly where: Args
  /** Makes the condition that {@link Questions.gate} gave one that no row fulfils. */
  readonly close: () => void
}

/** A condition that no row fulfils. An empty `OR` would be none: within an `AND` Prisma leaves it out. */
export function noRow(field: string): Args {
  return { [field]: { in: [] } }
}

/**
 * What has to be asked of the database before an operation may run, because its arguments can't say it. Empty for
 * most operations: where keys carry the tenant, the database itself holds them.
 */
export class Questions {
  readonly #references: Reference[] = []
  readonly #strays: Stray[] = []
  readonly #gates: Gate[] = []
  readonly #creations: { readonly model: string; readonly data: Args }[] = []

  /** Whether there is nothing to ask. */
  get isEmpty(): boolean {
    return this.#references.length === 0 && this.#strays.length === 0 && this.#gates.length === 0
  }

  /** The operation may only run if a key names one of these rows; to anybody else it is a row that is not there. */
  mustExist(reference: Reference): void {
    this.#references.push(reference)
  }

  /** The operation itself makes this row, or fails, so that its other rows may name it. */
  willCreate(model: string, data: Args): void {
    this.#creations.push({ model, data })
  }

  /** The operation may only run if there are no such rows. */
  mustNotExist(stray: Stray): void {
    this.#strays.push(stray)
  }

  /**
   * A condition for the `where` of an operation that every row fulfils, and none if there is no such row.
   *
   * @param field any field of the operation's model
   */
  gate(model: string, where: Args, field: string): Args {
    const condition = {}
    this.#gates.push({ model, where, close: () => Object.assign(condition, noRow(field)) })
    return condition
  }

  /**
   * Asks everything at once, and closes the gates that must be closed.
   *
   * @returns the references that name no row which the tenant may link
   * @throws {TenancyError} what a stray row is refused with
   */
  async settle(ask: Ask): Promise<readonly Reference[]> {
    const isThere = async (model: string, where: Args) => (await ask(model, { where, take: 1 })).length > 0
    const [missing] = await Promise.all([
      Promise.all(
        groupsOf(this.#references.filter((one) => !this.#isCreated(one))).map((group) =>
          missingOf(group, ask),
        ),
      ),
      ...this.#strays.map(async ({ model, where, refusal }) => {
        if (await isThere(model, where)) throw refusal()
      }),
      ...this.#gates.map(async ({ model, where, close }) => {
        if (!(await isThere(model, where))) close()
      }),
    ])
    return missing.flat()
  }

  #isCreated({ model, references, values }: Reference): boolean {
    // a key of Int may be given as a number and of BigInt as either
    return this.#creations.some(({ model: made, data }) => {
      const keys = references.map((field) => data[field])
      return made === model && keys.every(isValue) && nameOfKey(keys) === nameOfKey(values)
    })
  }
}

/** References to the same keys of the same model, which one statement can look up. */
function groupsOf(references: readonly Reference[]): readonly (readonly Reference[])[] {
  const groups = new Map<string, Reference[]>()
  for (const reference of references) {
    const name = JSON.stringify([reference.model, reference.references])
    const group = groups.get(name)
    if (group) group.push(reference)
    else groups.set(name, [reference])
  }
  return [...groups.values()]
}

/** Those of the references that name no row which may be linked. */
async function missingOf(group: readonly Reference[], ask: Ask): Promise<readonly Reference[]> {
  const [first] = group
  if (!first) return []
  const { model, references, filter } = first
  const nameOf = ({ values }: Reference) => nameOfKey(values)
  const different = new Map(group.map((one) => [nameOf(one), one]))
  const keys = [...different.values()]
  const [field = ''] = references
  const named =
    references.length === 1
      ? { [field]: { in: keys.map(({ values }) => values[0]) } }
      : { OR: keys.map(keyOf) }
  const found = await ask(model, { where: { AND: [named, filter] }, select: selectionOf(references) })
  if (found.length === keys.length) return []
  // one is missing, or two are the same row in two spellings
  const answers = await Promise.all(
    keys.map((key) => ask(model, { where: { AND: [keyOf(key), filter] }, take: 1 })),
  )
  const missing = new Set(keys.filter((_, index) => answers[index]?.length === 0).map(nameOf))
  return group.filter((one) => missing.has(nameOf(one)))
}

function keyOf({ references, values }: Reference): Args {
  return Object.fromEntries(references.map((field, index) => [field, values[index]]))
}

function selectionOf(fields: readonly string[]): Args {
  return Object.fromEntries(fields.map((field) => [field, true]))
}
