import { inspect } from 'node:util'
import type { Attack } from './attack.ts'
import { isSame, type State } from './database-state.ts'
import type { Scene } from './scene.ts'
import type { World } from './world.ts'

/** What an operation gave: its answer or its error. */
export type Outcome = { readonly answer: unknown } | { readonly error: Error }

/** How tenant A reached what is another's. */
export interface Evidence {
  /** `reference`: a key of A's own row names another's, and that is all. */
  readonly kind: 'answer' | 'rows' | 'reference'
  readonly text: string
}

/** What of B's an answer shows; nothing where it shows nothing. */
export function shownBy(
  outcome: Outcome,
  { model, kind, args, sql }: Attack,
  scene: Scene,
): Evidence | undefined {
  if ('error' in outcome) {
    // an error may repeat what was asked, and only that
    const asked = inspect([args, sql], { depth: null, maxStringLength: null })
    const { message } = outcome.error
    const told = [...scene.markers].find((marker) => message.includes(marker) && !asked.includes(marker))
    return told === undefined ? undefined : { kind: 'answer', text: 'an error tells what is another’s' }
  }
  const isSystems = scene.manifest.models[model]?.scope.kind === 'system'
  // its rows are the same in both worlds, and there is nothing of it that a tenant may be told
  if (isSystems && kind === 'read' && saysSomething(outcome.answer)) {
    return { kind: 'answer', text: 'the answer tells of rows that are the system’s alone' }
  }
  const keys = foreignKeysOf(scene)
  const path = find(outcome.answer, scene, keys, '')
  return path === undefined
    ? undefined
    : { kind: 'answer', text: `the answer shows another’s row${path && ` at ${path}`}` }
}

/** Whether an answer has any row in it, or any number but nought. */
function saysSomething(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return Boolean(value)
  return Object.values(value).some(saysSomething)
}

/** The place of the first marker in an answer. A key by which a row of A's refers to one of B's is A's own. */
function find(value: unknown, scene: Scene, keys: ReadonlySet<string>, path: string): string | undefined {
  if (typeof value === 'string') {
    return [...scene.markers].some((marker) => value.includes(marker)) ? path : undefined
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined
  for (const [key, part] of Object.entries(value)) {
    if (typeof part === 'string' && keys.has(key)) continue
    const found = find(part, scene, keys, path === '' ? key : `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

const knownKeys = new WeakMap<Scene, ReadonlySet<string>>()

/** Names of the foreign keys, but for those that say whose a row is. */
function foreignKeysOf(scene: Scene): ReadonlySet<string> {
  const known = knownKeys.get(scene)
  if (known) return known
  const keys = new Set<string>()
  for (const [name, model] of Object.entries(scene.manifest.models)) {
    for (const { fields } of Object.values(model.relations)) for (const field of fields) keys.add(field)
    const tenant = scene.world.tenantFieldOf(name)
    if (tenant !== undefined) keys.delete(tenant)
  }
  for (const name of Object.keys(scene.manifest.models)) keys.delete(scene.world.tenantFieldOf(name) ?? '')
  knownKeys.set(scene, keys)
  return keys
}

/** The difference between what the two worlds answer. */
export function differenceOf(here: Outcome, there: Outcome, isOrdered: boolean): Evidence | undefined {
  // what is refused shows nothing of a row: at most that a link leads outside, which hull one says aloud
  if (isRefusal(here) || isRefusal(there)) return undefined
  return textOf(here, isOrdered) === textOf(there, isOrdered)
    ? undefined
    : { kind: 'answer', text: 'the answer depends on another’s rows' }
}

function isRefusal(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error.name === 'TenancyError'
}

function textOf(outcome: Outcome, isOrdered: boolean): string {
  if ('error' in outcome) return `${outcome.error.name} ${(outcome.error as { code?: string }).code ?? ''}`
  const { answer } = outcome
  if (!Array.isArray(answer) || !isOrdered) return print(answer)
  return answer.map((part) => print(part)).join()
}

/** A text that does not depend on an order for which nobody asked. */
function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).sort().join()}]`
  if (typeof value !== 'object' || value === null || value instanceof Date) return String(value)
  const entries = Object.entries(value).map(([key, part]) => `${key}:${print(part)}`)
  return `{${entries.sort().join()}}`
}

/** What a write did to rows that are not A's; nothing where it did nothing. */
export function doneTo(
  before: State,
  after: State,
  scene: Scene,
  worldAfter: () => World,
): Evidence | undefined {
  const models = Object.keys(scene.manifest.models)
  const earlier = scene.world
  const later = worldAfter()
  const changed = (index: number) => {
    const [old, now] = [before[index] ?? [], after[index] ?? []]
    return !isSame(old, now)
  }
  for (const [index, name] of models.entries()) {
    if (!changed(index)) continue
    const found = rowsDone(name, before[index] ?? [], after[index] ?? [], earlier, later)
    if (found !== undefined) return found
  }
  for (const index of scene.manifest.joinTables.keys()) {
    const at = models.length + index
    if (!changed(at)) continue
    const found = linksDone(index, before[at] ?? [], after[at] ?? [], earlier, later)
    if (found !== undefined) return found
  }
  return undefined
}

function rowsDone(
  name: string,
  before: readonly string[],
  after: readonly string[],
  earlier: World,
  later: World,
): Evidence | undefined {
  const [old, now] = [new Set(before), new Set(after)]
  const model = earlier.model(name)
  const keyOfText = (text: string) => {
    const row = JSON.parse(text) as Record<string, unknown>
    return JSON.stringify(model.primaryKey.map((field) => row[model.columns[field] ?? '']))
  }
  const rowOf = (world: World, text: string) => {
    const key = keyOfText(text)
    return world
      .rowsOf(name)
      .find((row) => JSON.stringify(model.primaryKey.map((field) => row.values[field])) === key)
  }
  for (const text of before.filter((row) => !now.has(row))) {
    const row = rowOf(earlier, text)
    if (row && !earlier.isWritable(row)) {
      return { kind: 'rows', text: `a row of ${name} that is not one’s own was changed or deleted` }
    }
  }
  const goneLinks = () =>
    before.flatMap((text) => {
      const row = now.has(text) || rowOf(later, text) ? undefined : rowOf(earlier, text)
      return row ? earlier.linksOutside(row) : []
    })
  for (const text of after.filter((row) => !old.has(row))) {
    const row = rowOf(later, text)
    if (!row) continue
    if (!later.isWritable(row)) {
      return { kind: 'rows', text: `a row of ${name} came into being that is not one’s own` }
    }
    const was = rowOf(earlier, text)
    // a row whose key was changed is found by none
    const known = new Set(was ? earlier.linksOutside(was) : goneLinks())
    const made = later.linksOutside(row, !was).find((link) => !known.has(link))
    if (made !== undefined) {
      return { kind: 'reference', text: `a row of ${name} refers to another’s by ${made.split('=')[0]}` }
    }
  }
  return undefined
}

function linksDone(
  index: number,
  before: readonly string[],
  after: readonly string[],
  earlier: World,
  later: World,
): Evidence | undefined {
  const table = earlier.manifest.joinTables[index]?.table
  const parse = (text: string) => JSON.parse(text) as { A: unknown; B: unknown }
  const [old, now] = [new Set(before), new Set(after)]
  if (before.some((text) => !now.has(text) && !earlier.mayLink(index, parse(text)).cut)) {
    return { kind: 'rows', text: `a link in ${table} that is not one’s own was cut` }
  }
  if (after.some((text) => !old.has(text) && !later.mayLink(index, parse(text)).make)) {
    return { kind: 'rows', text: `a link in ${table} leads to what is another’s` }
  }
  return undefined
}
