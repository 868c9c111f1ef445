import type { InputIssue } from '../../errors.ts'
import { hostileText } from './hostile-text.ts'

const limits = { depth: 12, values: 5000, text: 2048 }
const key = /^\$?[A-Za-z][A-Za-z0-9_-]{0,62}$/
// whoever looks such a name up carelessly finds what every object has, and may write to it
const reserved: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])
/** A reference to another token, which alone may have braces. */
export const aliasPattern = /^\{[A-Za-z][A-Za-z0-9_-]{0,62}(\.[A-Za-z][A-Za-z0-9_-]{0,62}){1,11}\}$/

/**
 * Copies what was given, as JSON and nothing else: plain objects and arrays, of bounded depth and number, without
 * getters, symbols, keys that reach a prototype, and texts that could be more than text.
 *
 * @returns the copy, and why it is none
 */
export function plainJson(input: unknown): {
  readonly json: unknown
  readonly issues: readonly InputIssue[]
} {
  const issues: InputIssue[] = []
  let values = 0

  const copy = (value: unknown, path: readonly (string | number)[]): unknown => {
    const refuse = (message: string): undefined => {
      issues.push({ path, message })
      return undefined
    }
    if (++values > limits.values) return values === limits.values + 1 ? refuse('too many values') : undefined
    if (path.length > limits.depth) return refuse('nested too deeply')
    if (typeof value === 'boolean') return value
    if (typeof value === 'number') {
      // with an exponent PostgreSQL writes hundreds of digits
      return Number.isFinite(value) && !String(value).includes('e') ? value : refuse('not a plain number')
    }
    if (typeof value === 'string') {
      if (value.length > limits.text) return refuse('too long')
      const hostile = aliasPattern.test(value) ? undefined : hostileText(value)
      return hostile === undefined ? value : refuse(hostile)
    }
    if (typeof value !== 'object' || value === null)
      return refuse('not a text, number, boolean, list or object')
    return Array.isArray(value) ? copyList(value, path) : copyObject(value, path, refuse)
  }

  const copyList = (list: readonly unknown[], path: readonly (string | number)[]) =>
    Array.from({ length: Math.min(list.length, limits.values) }, (_, index) =>
      copy(list[index], [...path, index]),
    )

  const copyObject = (
    value: object,
    path: readonly (string | number)[],
    refuse: (message: string) => undefined,
  ): unknown => {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) return refuse('not a plain object')
    const properties = Object.getOwnPropertyDescriptors(value)
    const entries: [string, unknown][] = []
    for (const name of Reflect.ownKeys(properties)) {
      if (typeof name !== 'string' || !key.test(name) || reserved.has(name)) {
        // not even the name of such a key is repeated
        refuse('a key is not a name: letters, digits, _ and -, beginning with a letter')
        continue
      }
      const property = properties[name]
      if (!property || !('value' in property)) refuse('a getter is no value')
      else if (property.value !== undefined) entries.push([name, copy(property.value, [...path, name])])
    }
    return Object.fromEntries(entries)
  }

  return { json: copy(input, []), issues }
}
