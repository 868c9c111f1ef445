import { TenancyError } from '../errors.ts'

/** What an operation gave: its answer or its error. */
export type Outcome = { readonly answer: unknown } | { readonly error: unknown }

export async function outcomeOf(operation: () => PromiseLike<unknown>): Promise<Outcome> {
  try {
    return { answer: await operation() }
  } catch (error) {
    return { error }
  }
}

/** The values at each path of an answer, in an order that no database has to promise. */
type Leaves = ReadonlyMap<string, readonly string[]>

/**
 * The paths at which two outcomes differ. The place in a list counts where `isOrdered` says so, and else it does not:
 * a query without an order has none.
 *
 * @returns nothing where the first of them is a refusal: that says of a row at most that it is not the tenant's
 */
export function differences(one: Outcome, other: Outcome, isOrdered: boolean): readonly string[] {
  if ('error' in one && one.error instanceof TenancyError) return []
  const [a, b] = [leavesOf(one, isOrdered), leavesOf(other, isOrdered)]
  return [...new Set([...a.keys(), ...b.keys()])].filter(
    (path) => JSON.stringify(a.get(path)) !== JSON.stringify(b.get(path)),
  )
}

function leavesOf(outcome: Outcome, isOrdered: boolean): Leaves {
  const leaves = new Map<string, string[]>()
  const add = (path: string, leaf: string) => {
    const values = leaves.get(path)
    if (values) values.push(leaf)
    else leaves.set(path, [leaf])
  }
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      add(`${path}.length`, String(value.length))
      for (const [index, part] of value.entries()) walk(part, `${path}[${isOrdered ? index : ''}]`)
    } else if (isPlain(value)) {
      for (const [key, part] of Object.entries(value)) walk(part, path === '' ? key : `${path}.${key}`)
    } else {
      add(path, textOf(value))
    }
  }
  if ('error' in outcome) walk(described(outcome.error), 'error')
  else walk(outcome.answer, '')
  for (const values of leaves.values()) values.sort()
  return leaves
}

/** By its members and not by its class: jest runs tests in a realm with an `Error` of its own. */
function described(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return String(error)
  return {
    name: nameOf(error) ?? null,
    code: codeOf(error) ?? null,
    message: textAt(error, 'message') ?? null,
  }
}

export function nameOf(error: unknown): string | undefined {
  return textAt(error, 'name')
}

export function codeOf(error: unknown): string | undefined {
  return textAt(error, 'code')
}

function textAt(error: unknown, key: string): string | undefined {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, key) : undefined
  return typeof value === 'string' ? value : undefined
}

/** A row, and not a date, a decimal or bytes. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const { toJSON } = value as { readonly toJSON?: unknown }
  return typeof toJSON !== 'function' && !ArrayBuffer.isView(value)
}

function textOf(value: unknown): string {
  if (ArrayBuffer.isView(value))
    return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  return `${typeof value} ${String(value)}`
}
