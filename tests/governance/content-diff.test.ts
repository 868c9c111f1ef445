import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyContentDiff,
  type ContentChange,
  diffContent,
  formatDiff,
  type JsonValue,
} from '../../src/governance/index.ts'

// what JSON has: no -0
const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue)
const named = fc.uniqueArray(fc.record({ id: fc.nat(12), value: json }), { selector: ({ id }) => id })
const keyed = fc.uniqueArray(fc.record({ key: fc.string({ maxLength: 3 }), rules: named }), {
  selector: ({ key }) => key,
})
const few = fc.constantFrom('a', 'b', 1, null)
const content = fc.oneof(
  json,
  named,
  fc.record({ packages: keyed, list: fc.array(few), deep: fc.array(fc.array(few)) }),
  fc.dictionary(fc.constantFrom('', '0', '10', '9', '1a', '/', '~', '~1', '__proto__', 'constructor'), json),
) as fc.Arbitrary<JsonValue>
const runs = { numRuns: 1_000 }

describe('a diff of two contents', () => {
  it('leads from the one to the other', () => {
    fc.assert(
      fc.property(content, content, (before, after) => {
        const untouched = JSON.stringify(before)
        const changes = diffContent(before, after)
        expect(JSON.parse(JSON.stringify(applyContentDiff(before, changes)))).toEqual(
          JSON.parse(JSON.stringify(after)),
        )
        expect(JSON.stringify(before)).toBe(untouched)
      }),
      runs,
    )
  })

  it('leads there over JSON too, as an interface would send it', () => {
    fc.assert(
      fc.property(content, content, (before, after) => {
        const sent = JSON.parse(JSON.stringify(diffContent(before, after))) as readonly ContentChange[]
        expect(diffContent(applyContentDiff(before, sent), after)).toEqual([])
      }),
      runs,
    )
  })

  it('is empty exactly where both are equal', () => {
    fc.assert(
      fc.property(content, content, (before, after) => {
        expect(diffContent(before, structuredClone(before))).toEqual([])
        expect(diffContent(before, after).length === 0).toBe(sorted(before) === sorted(after))
      }),
      runs,
    )
  })

  it('says where, in the words of RFC 6901', () => {
    expect(diffContent({ a: { 'x/y~z': 1 }, gone: [] }, { a: { 'x/y~z': 2 }, new: null })).toEqual([
      { path: '/a/x~1y~0z', kind: 'changed', before: 1, after: 2 },
      { path: '/gone', kind: 'removed', before: [] },
      { path: '/new', kind: 'added', after: null },
    ])
    expect(diffContent(1, { a: 1 })).toEqual([{ path: '', kind: 'changed', before: 1, after: { a: 1 } }])
  })

  it('knows the elements of an array by their id, wherever they stand', () => {
    const one = { id: 1, limit: 5 }
    const two = { id: 2, limit: 5 }
    expect(diffContent([one, two], [{ id: 0 }, one, { ...two, limit: 6 }])).toEqual([
      { path: '/0', kind: 'added', after: { id: 0 } },
      { path: '/2/limit', kind: 'changed', before: 5, after: 6 },
    ])
  })

  it('knows them by their key where they have no id, and by their place where two are called the same', () => {
    expect(diffContent([{ key: 'a' }, { key: 'b' }], [{ key: 'b' }])).toEqual([
      { path: '/0', kind: 'removed', before: { key: 'a' } },
    ])
    expect(diffContent([{ id: 1, a: 1 }, { id: 1 }], [{ id: 1, a: 2 }, { id: 1 }])).toEqual([
      { path: '/0/a', kind: 'changed', before: 1, after: 2 },
    ])
  })

  it('shows an element that has moved as removed and added, and no other', () => {
    const [a, b, c] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]
    expect(diffContent([a, b, c], [b, c, a])).toEqual([
      { path: '/0', kind: 'removed', before: a },
      { path: '/2', kind: 'added', after: a },
    ])
  })

  it('shows what was put in between as added, and not all that follows as changed', () => {
    expect(diffContent([1, 2, 3], [1, 9, 2, 3])).toEqual([{ path: '/1', kind: 'added', after: 9 }])
  })

  it('of another content is refused, and reaches no prototype', () => {
    expect(() => applyContentDiff({}, [{ path: '/a/b', kind: 'added', after: 1 }])).toThrow(RangeError)
    const planted: ContentChange = { path: '/__proto__/planted', kind: 'added', after: 1 }
    expect(() => applyContentDiff({}, [planted])).toThrow(RangeError)
    expect(() => applyContentDiff([], [{ ...planted, path: '/constructor/planted' }])).toThrow(RangeError)
    expect('planted' in {}).toBe(false)
  })
})

describe('the text of a diff', () => {
  it('has a line for each change', () => {
    const changes = diffContent({ a: 1, b: 'x', c: [1] }, { a: 2, c: [1, { d: true }] })
    expect(formatDiff(changes)).toBe('~ /a: 1 → 2\n- /b: "x"\n+ /c/1: {"d":true}')
    expect(formatDiff(diffContent(1, 2))).toBe('~ (the whole): 1 → 2')
    expect(formatDiff([])).toBe('')
  })

  it('is cut where a value is long, and obeys no control character', () => {
    const text = formatDiff(diffContent({}, { ['\u001b[2J\n']: `\u202e${'x'.repeat(200)}` }), {
      maxWidth: 10,
    })
    expect(text).toBe('+ /\ufffd[2J\ufffd: "\ufffdxxxxxxxx…')
  })
})

/** A content in one spelling. */
function sorted(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  const entries = Object.entries(value as Record<string, JsonValue>).sort(([one], [other]) =>
    one < other ? -1 : 1,
  )
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${sorted(inner)}`).join()}}`
}
