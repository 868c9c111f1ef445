import type { JsonValue } from './json-content.ts'

/** One difference between two contents. */
export interface ContentChange {
  /**
   * Where, as a JSON Pointer (RFC 6901): what was removed, where it stood before; what was added or changed, where it
   * stands after.
   */
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  readonly before?: JsonValue
  readonly after?: JsonValue
}

type Path = readonly (string | number)[]
type JsonObject = { readonly [key: string]: JsonValue }

/**
 * What is different between two contents. Elements of arrays are known by their `id`, or else their `key`, where all of
 * both sides have one that is nobody else's, so that an element that is put in front is one addition; one that has
 * moved is removed and added. Other arrays are compared place by place, between what they begin and end with alike.
 *
 * @returns the changes in the order of the document; none where both are equal, whatever the order of their properties
 *
 * @example
 * ```ts
 * diffContent({ limit: 1 }, { limit: 2 }) // [{ path: '/limit', kind: 'changed', before: 1, after: 2 }]
 * ```
 */
export function diffContent(before: JsonValue, after: JsonValue): readonly ContentChange[] {
  const changes: ContentChange[] = []
  compare(before, after, [], [], changes)
  return changes
}

/**
 * The content that a diff leads to.
 *
 * @param before what the diff began from; it is not changed
 * @throws {RangeError} where the diff is of another content
 *
 * @example
 * ```ts
 * applyContentDiff({ limit: 1 }, diffContent({ limit: 1 }, { limit: 2 })) // { limit: 2 }
 * ```
 */
export function applyContentDiff(before: JsonValue, changes: readonly ContentChange[]): JsonValue {
  const holder: Holder = { root: structuredClone(before) }
  const sorted = changes
    .map((change) => ({ ...change, at: ['root', ...tokensOf(change.path)] }))
    .sort((one, other) => comparePaths(one.at, other.at))
  // removed are places of before, so from the end; the others are places of after, so each when those before it stand
  for (const { at } of sorted.filter(({ kind }) => kind === 'removed').toReversed()) remove(holder, at)
  for (const { at, after } of sorted.filter(({ kind }) => kind === 'added')) add(holder, at, clone(after))
  for (const { at, after } of sorted.filter(({ kind }) => kind === 'changed')) set(holder, at, clone(after))
  return holder.root
}

/**
 * A diff for people to read: a line for each change, `+` what was added, `-` what was removed, `~` what was changed.
 *
 * @param options `maxWidth`: how many characters of a value are shown; 80 unless told
 *
 * @example
 * ```ts
 * formatDiff(diffContent({ limit: 1 }, { limit: 2 })) // '~ /limit: 1 → 2'
 * ```
 */
export function formatDiff(
  changes: readonly ContentChange[],
  { maxWidth = 80 }: { readonly maxWidth?: number } = {},
): string {
  const shown = (value: JsonValue | undefined): string => {
    const text = printable(JSON.stringify(value) ?? '')
    return text.length > maxWidth ? `${text.slice(0, maxWidth).replace(/\p{Surrogate}/u, '')}…` : text
  }
  return changes
    .map(({ path, kind, before, after }) => {
      const place = path === '' ? '(the whole)' : printable(path)
      if (kind === 'added') return `+ ${place}: ${shown(after)}`
      return kind === 'removed'
        ? `- ${place}: ${shown(before)}`
        : `~ ${place}: ${shown(before)} → ${shown(after)}`
    })
    .join('\n')
}

function compare(before: JsonValue, after: JsonValue, from: Path, to: Path, changes: ContentChange[]): void {
  if (isArray(before) && isArray(after)) return compareArrays(before, after, from, to, changes)
  if (isObject(before) && isObject(after)) return compareObjects(before, after, from, to, changes)
  if (!isEqual(before, after)) changes.push({ path: pointerOf(to), kind: 'changed', before, after })
}

function compareObjects(
  before: JsonObject,
  after: JsonObject,
  from: Path,
  to: Path,
  changes: ContentChange[],
) {
  for (const [name, value] of Object.entries(before)) {
    if (Object.hasOwn(after, name)) {
      compare(value, after[name] as JsonValue, [...from, name], [...to, name], changes)
    } else changes.push({ path: pointerOf([...from, name]), kind: 'removed', before: value })
  }
  for (const [name, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, name)) {
      changes.push({ path: pointerOf([...to, name]), kind: 'added', after: value })
    }
  }
}

function compareArrays(
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  from: Path,
  to: Path,
  changes: ContentChange[],
): void {
  const pairs = pairsByName(before, after) ?? pairsByPlace(before, after)
  const keptBefore = new Set(pairs.map(([at]) => at))
  const keptAfter = new Set(pairs.map(([, at]) => at))
  for (const [at, value] of before.entries()) {
    if (!keptBefore.has(at)) changes.push({ path: pointerOf([...from, at]), kind: 'removed', before: value })
  }
  for (const [at, value] of after.entries()) {
    if (!keptAfter.has(at)) changes.push({ path: pointerOf([...to, at]), kind: 'added', after: value })
  }
  for (const [first, second] of pairs) {
    const [one, other] = [before[first] as JsonValue, after[second] as JsonValue]
    compare(one, other, [...from, first], [...to, second], changes)
  }
}

/** Which place before is which place after; both rise. */
type Pairs = readonly (readonly [number, number])[]

function pairsByPlace(before: readonly JsonValue[], after: readonly JsonValue[]): Pairs {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && isEqual(before[head], after[head])) head++
  let tail = 0
  while (tail < shorter - head && isEqual(before.at(-1 - tail), after.at(-1 - tail))) tail++
  return Array.from({ length: shorter }, (_, at) =>
    at < shorter - tail ? [at, at] : [before.length - shorter + at, after.length - shorter + at],
  )
}

function pairsByName(before: readonly JsonValue[], after: readonly JsonValue[]): Pairs | undefined {
  for (const property of ['id', 'key']) {
    const places = placesOf(before, property)
    const places2 = placesOf(after, property)
    if (!places || !places2) continue
    const both: (readonly [number, number])[] = []
    for (const [name, at] of places2) {
      const was = places.get(name)
      if (was !== undefined) both.push([was, at])
    }
    return longestRise(both)
  }
  return undefined
}

/** Where the elements stand by what they are called, if each is called something and no two the same. */
function placesOf(elements: readonly JsonValue[], property: string): Map<JsonValue, number> | undefined {
  const places = new Map<JsonValue, number>()
  for (const [at, element] of elements.entries()) {
    const name = isObject(element) && Object.hasOwn(element, property) ? element[property] : undefined
    if ((typeof name !== 'string' && typeof name !== 'number') || places.has(name)) return undefined
    places.set(name, at)
  }
  return places
}

/** The most pairs of which the first places rise, as the second ones do: what has not moved. */
function longestRise(pairs: Pairs): Pairs {
  const ends: number[] = []
  const previous: number[] = []
  for (const [at, [place]] of pairs.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((pairs[ends[middle] as number]?.[0] as number) < place) low = middle + 1
      else high = middle
    }
    previous.push(ends[low - 1] ?? -1)
    ends[low] = at
  }
  const rise: (readonly [number, number])[] = []
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at] as number) {
    rise.push(pairs[at] as readonly [number, number])
  }
  return rise.toReversed()
}

function isEqual(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  if (isArray(one) && isArray(other)) {
    return one.length === other.length && one.every((value, at) => isEqual(value, other[at]))
  }
  if (!isObject(one) || !isObject(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(one[name], other[name]))
  )
}

interface Holder {
  root: JsonValue
}

function remove(holder: Holder, at: readonly string[]): void {
  const [parent, name] = parentOf(holder, at)
  if (Array.isArray(parent)) parent.splice(Number(name), 1)
  else delete parent[name]
}

function add(holder: Holder, at: readonly string[], value: JsonValue): void {
  const [parent, name] = parentOf(holder, at)
  if (Array.isArray(parent)) parent.splice(Number(name), 0, value)
  else setProperty(parent, name, value)
}

function set(holder: Holder, at: readonly string[], value: JsonValue): void {
  const [parent, name] = parentOf(holder, at)
  if (Array.isArray(parent)) parent[Number(name)] = value
  else setProperty(parent, name, value)
}

function parentOf(
  holder: Holder,
  at: readonly string[],
): readonly [JsonValue[] | Record<string, JsonValue>, string] {
  let parent = holder as unknown as JsonValue
  for (const name of at.slice(0, -1)) {
    // what is inherited is no part of the content
    const next = Object.hasOwn(parent as object, name) ? (parent as JsonObject)[name] : undefined
    if (!isArray(next) && !isObject(next)) throw new RangeError('the diff is of another content')
    parent = next
  }
  return [parent as JsonValue[] | Record<string, JsonValue>, at.at(-1) as string]
}

/** Sets a property by its name, also where that is `__proto__`. */
function setProperty<Value>(target: Record<string, Value>, name: string, value: Value): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
}

/** A terminal obeys some of what it is sent. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}/gu, '\ufffd')
}

function clone(value: JsonValue | undefined): JsonValue {
  return structuredClone(value ?? null)
}

/** Numbers first and by their size, so that the places of an array rise. */
function comparePaths(one: readonly string[], other: readonly string[]): number {
  for (const [at, token] of one.entries()) {
    const against = other[at]
    if (against === undefined) return 1
    if (token === against) continue
    const [number, second] = [placeOf(token), placeOf(against)]
    return number === second || Number.isNaN(number - second) ? (token < against ? -1 : 1) : number - second
  }
  return one.length - other.length
}

function placeOf(token: string): number {
  return /^\d+$/.test(token) ? Number(token) : Number.POSITIVE_INFINITY
}

function pointerOf(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function tokensOf(pointer: string): readonly string[] {
  const tokens = pointer.split('/').slice(1)
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
