import { generate, parse, walk } from 'css-tree'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTenancyError } from '../../src/errors.ts'
import { cssName, parseBrandingTokens } from '../../src/governance/branding/branding-tokens.ts'
import { toCssVariables } from '../../src/governance/branding/css-variables.ts'
import { toCss } from '../../src/governance/branding/token-value.ts'
import { hostileTexts } from './hostile-texts.ts'
import { brandings } from './sample-brandings.ts'

/** What a browser's parser makes of a style sheet: its rules' declarations, and every other kind of node in it. */
function read(css: string) {
  const faults: string[] = []
  const kinds = new Set<string>()
  const declarations: [property: string, value: string][] = []
  const tree = parse(css, {
    parseCustomProperty: true,
    onParseError: (error) => faults.push(error.message),
    onComment: () => faults.push('a comment'),
  })
  let rules = 0
  walk(tree, (node) => {
    kinds.add(node.type)
    if (node.type === 'Rule') rules += 1
    if (node.type === 'Declaration') declarations.push([node.property, generate(node.value)])
  })
  return { faults, kinds, declarations, rules }
}

/** Parts of values that print; no call, no at-rule, no url, no raw text. */
const kindsAllowed = new Set([
  'StyleSheet',
  'Rule',
  'SelectorList',
  'Selector',
  'PseudoClassSelector',
  'Block',
  'Declaration',
  'Value',
  'Hash',
  'Dimension',
  'Number',
  'String',
  'Identifier',
  'Operator',
])

/** The names of all custom properties that a branding declares. */
function declared(input: unknown): readonly string[] {
  return [...parseBrandingTokens(input).tokens.values()].flatMap(({ name, resolved }) =>
    toCss(resolved).map(([suffix]) => `--brand-${cssName(name)}${suffix}`),
  )
}

function expectOnlyDeclared(branding: unknown): void {
  const { faults, kinds, declarations, rules } = read(toCssVariables(branding))
  expect(faults).toEqual([])
  expect([...kinds].filter((kind) => !kindsAllowed.has(kind))).toEqual([])
  expect(declarations.map(([property]) => property)).toEqual(declared(branding))
  expect(rules).toBe(1)
}

describe('the style rule of a branding', () => {
  it('is one rule with one custom property for each token, or for each part of a composite one', () => {
    expect(
      toCssVariables({
        colors: { onPrimary: { $value: 'rgb(51 102 153 / 50%)' }, link: { $value: '{colors.onPrimary}' } },
        typography: {
          body: { $value: { fontFamily: ['Noto Sans', 'sans-serif'], fontSize: '1rem', fontWeight: 'bold' } },
        },
        spacing: { small: { $value: { value: -0.125, unit: 'rem' } } },
        shadows: {
          card: { $value: { color: '#0003', offsetX: '0px', offsetY: '1px', blur: '2px', inset: true } },
        },
      }),
    ).toBe(`:root {
  --brand-colors-on-primary: #33669980;
  --brand-colors-link: #33669980;
  --brand-typography-body-font-family: "Noto Sans", sans-serif;
  --brand-typography-body-font-size: 1rem;
  --brand-typography-body-font-weight: 700;
  --brand-typography-body-line-height: 1.5;
  --brand-spacing-small: -0.125rem;
  --brand-shadows-card: inset 0px 1px 2px 0px #00000033;
}
`)
  })

  it('parsed again, has exactly the declared custom properties and nothing else', () => {
    fc.assert(fc.property(brandings, expectOnlyDeclared), { numRuns: 150 })
  })

  it('holds that also where any text of a branding is replaced by a hostile one', () => {
    const splice = fc.tuple(
      brandings,
      fc.nat(),
      fc.oneof(
        fc.constantFrom(...hostileTexts),
        fc.string({ unit: 'binary' }),
        fc.stringMatching(/^[\w"'(){};:@<>/*\\#%&. -]{1,20}$/),
      ),
      fc.constantFrom('replace', 'append', 'name'),
    )
    let valid = 0
    let refused = 0
    fc.assert(
      fc.property(splice, ([branding, at, hostile, how]) => {
        const attacked = withText(
          branding,
          at,
          (text) => (how === 'append' ? text + hostile : hostile),
          how === 'name',
        )
        try {
          parseBrandingTokens(attacked)
        } catch (error) {
          refused += 1
          expect(isTenancyError(error, 'DH506')).toBe(true)
          expect(() => toCssVariables(attacked)).toThrow('DH506')
          return
        }
        valid += 1
        expectOnlyDeclared(attacked)
      }),
      { numRuns: 800 },
    )
    // it says something only where both happen
    expect(Math.min(valid, refused)).toBeGreaterThan(10)
  })

  it('would be seen to hold more, if a value were printed as it is', () => {
    const { faults, kinds, declarations } = read(':root { --a: red; } body { --b: url(x) }')
    expect([faults.length, kinds.has('Url'), declarations.length]).toEqual([0, true, 2])
    expect(kinds.has('TypeSelector')).toBe(true)
  })

  it.each([
    { prefix: 'A' },
    { prefix: 'a;' },
    { prefix: '' },
    { selector: 'body' },
    { selector: ':root, *' },
    { selector: ':root{}' },
    { selector: '[data-theme="a"]b' },
    { selector: '' },
  ])('is not printed for %j', (options) => {
    expect(() => toCssVariables({}, options)).toThrow('DH506')
  })

  it.each([':root', '.brand', '#app', '[data-theme="dark"]', ':root[data-theme="dark"].a'])(
    'may be for %s',
    (selector) => {
      expect(read(toCssVariables({ radius: { a: { $value: '1px' } } }, { selector })).faults).toEqual([])
    },
  )
})

/** The value with one of its texts, or one of its keys, changed. */
function withText(input: unknown, at: number, change: (text: string) => string, keys: boolean): unknown {
  let count = 0
  const visit = (value: unknown, act: (text: string) => string): unknown => {
    if (typeof value === 'string') return keys ? value : act(value)
    if (Array.isArray(value)) return value.map((item) => visit(item, act))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        keys && !key.startsWith('$') ? act(key) : key,
        visit(item, act),
      ]),
    )
  }
  visit(input, (text) => {
    count += 1
    return text
  })
  const chosen = count === 0 ? 0 : at % count
  let seen = -1
  return visit(input, (text) => {
    seen += 1
    return seen === chosen ? change(text) : text
  })
}
