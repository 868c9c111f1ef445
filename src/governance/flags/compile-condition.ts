import type { FlagCondition } from './flag-definition.ts'
import type { EvaluationContext } from './flag-evaluation.ts'
import { compareSemanticVersions, parseSemanticVersion } from './semantic-version.ts'

/** Whether a context is one of those that are meant. */
export type ContextTest = (context: EvaluationContext) => boolean

/** Reads one attribute; `undefined` where there is none. */
export type AttributeReader = (context: EvaluationContext) => unknown

/**
 * Reads along a dotted path, through what objects and arrays have of their own: never what they inherit, so no path
 * leads to a prototype.
 */
export function readerOf(path: string): AttributeReader {
  const parts = path.split('.')
  return (context) => {
    let value: unknown = context
    for (const part of parts) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
      value = (value as Record<string, unknown>)[part]
    }
    return value
  }
}

/** Turns a condition into a function. What can be worked out of its value is worked out once. */
export function compileCondition(condition: FlagCondition): ContextTest {
  const read = readerOf(condition.attribute)
  if (condition.operator === 'exists') {
    return (context) => isThere(read(context)) === condition.value
  }
  const test = testOf(condition)
  return (context) => {
    const value = read(context)
    return isThere(value) && test(value)
  }
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}

function testOf(condition: Exclude<FlagCondition, { operator: 'exists' }>): (value: unknown) => boolean {
  const wanted = condition.value
  switch (condition.operator) {
    case 'equals':
      return (value) => value === wanted
    case 'notEquals':
      return (value) => value !== wanted
    case 'in': {
      const set = new Set<unknown>(condition.value)
      return (value) => set.has(value)
    }
    case 'notIn': {
      const set = new Set<unknown>(condition.value)
      return (value) => !set.has(value)
    }
    case 'startsWith': {
      const start = condition.value
      return (value) => typeof value === 'string' && value.startsWith(start)
    }
    case 'endsWith': {
      const end = condition.value
      return (value) => typeof value === 'string' && value.endsWith(end)
    }
    case 'contains': {
      const part = condition.value
      return (value) =>
        typeof value === 'string'
          ? typeof part === 'string' && value.includes(part)
          : Array.isArray(value) && value.includes(part)
    }
    case 'lessThan':
      return numberTest((value) => value < condition.value)
    case 'atMost':
      return numberTest((value) => value <= condition.value)
    case 'greaterThan':
      return numberTest((value) => value > condition.value)
    case 'atLeast':
      return numberTest((value) => value >= condition.value)
    case 'before':
      return timeTest(condition.value, (difference) => difference < 0)
    case 'after':
      return timeTest(condition.value, (difference) => difference > 0)
    case 'semverEquals':
      return versionTest(condition.value, (difference) => difference === 0)
    case 'semverLessThan':
      return versionTest(condition.value, (difference) => difference < 0)
    case 'semverAtMost':
      return versionTest(condition.value, (difference) => difference <= 0)
    case 'semverGreaterThan':
      return versionTest(condition.value, (difference) => difference > 0)
    case 'semverAtLeast':
      return versionTest(condition.value, (difference) => difference >= 0)
  }
}

function numberTest(holds: (value: number) => boolean): (value: unknown) => boolean {
  return (value) => typeof value === 'number' && holds(value)
}

/** Times are dates, milliseconds since 1970, or texts in ISO 8601. */
function timeTest(than: string, holds: (difference: number) => boolean): (value: unknown) => boolean {
  const wanted = Date.parse(than)
  return (value) => {
    const time = value instanceof Date ? value.getTime() : typeof value === 'string' ? timeOf(value) : value
    // what is no time is NaN, of which nothing holds
    return typeof time === 'number' && holds(time - wanted)
  }
}

/** Date.parse reads far more than ISO 8601, and each engine reads it in its own way. */
function timeOf(text: string): number {
  return /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
}

function versionTest(than: string, holds: (difference: number) => boolean): (value: unknown) => boolean {
  const wanted = parseSemanticVersion(than)
  return (value) => {
    const version = typeof value === 'string' ? parseSemanticVersion(value) : undefined
    return version !== undefined && wanted !== undefined && holds(compareSemanticVersions(version, wanted))
  }
}
