import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTenancyError } from '../../src/errors.ts'
import { parseBrandingTokens } from '../../src/governance/branding/branding-tokens.ts'
import { parseColor, toHex } from '../../src/governance/branding/color.ts'
import { contrastOf, contrastRatio } from '../../src/governance/branding/contrast.ts'
import { parseCustomDomain } from '../../src/governance/branding/custom-domain.ts'
import { toDesignTokens } from '../../src/governance/branding/design-tokens.ts'
import { hostileText } from '../../src/governance/branding/hostile-text.ts'
import { parseLogo } from '../../src/governance/branding/logo.ts'
import { hostileTexts, plainTexts } from './hostile-texts.ts'
import { brandings } from './sample-brandings.ts'

/** What is wrong with tokens: paths and rules. */
function issuesOf(input: unknown): readonly string[] {
  try {
    parseBrandingTokens(input)
    return []
  } catch (error) {
    if (!isTenancyError(error, 'DH506')) throw error
    return (error.details.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
  }
}

const colors = (tokens: object) => ({ colors: tokens })

describe('a colour', () => {
  it.each([
    ['#369', '#336699'],
    ['#369c', '#336699cc'],
    ['#33669980', '#33669980'],
    ['RGB(51, 102, 153)', '#336699'],
    ['rgb(20% 40% 60% / 50%)', '#33669980'],
    ['rgba(300, -5, 0, 1)', '#ff0000'],
    ['hsl(210deg 50% 40%)', '#336699'],
    ['hsl(-150, 50%, 40%)', '#336699'],
    ['hsl(0.5turn 100 50)', '#00ffff'],
    ['oklch(62.796% 0.25768 29.234)', '#ff0000'],
    ['oklch(0.86644 0.29483 142.4953)', '#00ff00'],
    ['oklch(100% none none)', '#ffffff'],
  ])('%s is %s', (text, hex) => {
    expect(toHex(parseColor(text) ?? { red: -1, green: 0, blue: 0, alpha: 255 })).toBe(hex)
  })

  it('beyond sRGB keeps its hue and lightness, and gives up chroma', () => {
    const { red, green, blue } = parseColor('oklch(0.7 0.4 150)') ?? { red: 0, green: 0, blue: 0 }
    expect(green).toBeGreaterThan(Math.max(red, blue) + 80)
  })

  it.each([
    'red',
    '#12',
    '#12345',
    'rgb(1,2)',
    'rgb(1 2 3 4)',
    'rgb(1 2 3 / 4 / 5)',
    'hsl(1px 2% 3%)',
    'lab(1 2 3)',
    'rgb(1e3 2 3)',
    'currentColor',
    7,
    null,
  ])('%s is none', (text) => {
    expect(parseColor(text)).toBeUndefined()
  })

  it('may be an object of the Design Tokens Format Module', () => {
    expect(parseColor({ colorSpace: 'srgb', components: [0.2, 0.4, 0.6], alpha: 0.5 })).toEqual(
      parseColor('#33669980'),
    )
    expect(parseColor({ colorSpace: 'display-p3', components: [0.2, 0.4, 0.6] })).toBeUndefined()
    expect(parseColor({ colorSpace: 'srgb', components: [0.2, 0.4] })).toBeUndefined()
  })
})

describe('a custom domain', () => {
  it.each([
    ['brand.example.com', 'brand.example.com'],
    ['Bücher.Example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ])('%s is %s', (given, host) => {
    expect(parseCustomDomain(given)).toBe(host)
  })

  it.each([
    '*.example.com',
    'example.com:443',
    'example.com/',
    'user@example.com',
    'https://example.com',
    'example.com.',
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '１２７.0.0.1',
    '[::1]',
    'localhost',
    'app.localhost',
    'printer.local',
    'a..b.com',
    '-a.example.com',
    `${'a'.repeat(64)}.com`,
    'exa mple.com',
    'exa\tmple.com',
    'a%2eb.com',
    'a_b.com',
  ])('%s is none', (given) => {
    expect(parseCustomDomain(given)).toBeUndefined()
  })

  it('stands once, however it is spelled', () => {
    expect(issuesOf({ domains: ['bücher.example', 'XN--BCHER-KVA.example'] })).toEqual([
      'domains.1: there already',
    ])
  })
})

describe('a logo', () => {
  it.each(['https://cdn.example/logo@2x.png?v=1&w=2', 'asset:0190b2a4-7c1e-7000-8000-000000000001'])(
    'may be %s',
    (logo) => {
      expect(parseLogo(logo)).toBe(logo)
      expect(issuesOf({ logos: { light: logo, dark: logo } })).toEqual([])
    },
  )

  it.each([
    'http://cdn.example/l.png',
    '//cdn.example/l.png',
    'https:/cdn.example',
    'https://user:pass@cdn.example/',
    'https://user@cdn.example/',
    'data:image/png,x',
    'javascript:alert(1)',
    'asset:1',
    'https://cdn.example/a%3cscript',
  ])('may not be %s', (logo) => {
    expect(issuesOf({ logos: { light: logo } })).toHaveLength(1)
  })
})

describe('references', () => {
  it('are followed to the value, through others', () => {
    const { tokens } = parseBrandingTokens(
      colors({
        blue: { $value: '#00f' },
        primary: { $value: '{colors.blue}' },
        link: { $value: '{colors.primary}' },
      }),
    )
    expect(tokens.get('colors.link')).toEqual({
      name: 'colors.link',
      alias: 'colors.primary',
      resolved: { type: 'color', value: { red: 0, green: 0, blue: 255, alpha: 255 } },
    })
  })

  it.each([
    [{ a: { $value: '{colors.a}' } }, ['colors.a.$value: refers to itself, directly or through others']],
    [
      { a: { $value: '{colors.b}' }, b: { $value: '{colors.c}' }, c: { $value: '{colors.a}' } },
      ['colors.a.$value: refers to itself, directly or through others'],
    ],
    [{ a: { $value: '{colors.none}' } }, ['colors.a.$value: refers to no token']],
    [{ a: { $value: '{colors.toString}' } }, ['colors.a.$value: refers to no token']],
  ])('that lead nowhere are told: %j', (tokens, issues) => {
    expect(issuesOf(colors(tokens))).toEqual(issues)
  })

  it('lead to the same type', () => {
    const spacing = { small: { $value: '4px' } }
    expect(issuesOf({ spacing, colors: { a: { $value: '{spacing.small}' } } })).toEqual([
      'colors.a.$value: refers to a token of another type',
    ])
    expect(
      issuesOf({
        spacing,
        typography: { body: { $value: { fontFamily: '{spacing.small}', fontSize: '{spacing.small}' } } },
      }),
    ).toEqual(['typography.body.$value.fontFamily: refers to a token of another type'])
  })

  it('through a composite value that contains itself are told', () => {
    expect(
      issuesOf({
        shadows: { a: { $value: { color: '{shadows.a}', offsetX: '1px', offsetY: '1px', blur: '1px' } } },
      }),
    ).toEqual(expect.arrayContaining(['shadows.a.$value: refers to itself, directly or through others']))
  })
})

describe('a text', () => {
  it.each(hostileTexts)('%j is refused, as a description and as a name of a font', (text) => {
    expect(hostileText(text)).toBeTypeOf('string')
    expect(issuesOf(colors({ a: { $value: '#fff', $description: text } }))).toHaveLength(1)
    expect(issuesOf({ typography: { a: { $type: 'fontFamily', $value: [text] } } })).toHaveLength(1)
  })

  it.each(plainTexts)('%j may stand', (text) => {
    expect(issuesOf(colors({ a: { $value: '#fff', $description: text } }))).toEqual([])
  })
})

describe('what could be more than JSON', () => {
  it('is refused: keys that reach prototypes', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'a.b', 'a{b', '1a', '']) {
      const tokens = JSON.parse(`{"colors":{${JSON.stringify(key)}:{"$value":"#fff"}}}`) as unknown
      expect(issuesOf(tokens)).toHaveLength(1)
    }
    expect(({} as { $value?: unknown }).$value).toBeUndefined()
  })

  it('is refused: getters, classes, symbols, numbers that are none', () => {
    for (const value of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1e-9,
      1e21,
      null,
      7n,
      () => 1,
      new Date(0),
      new Map(),
    ]) {
      expect(issuesOf({ spacing: { a: { $value: { value, unit: 'px' } } } }).length).toBeGreaterThan(0)
    }
    expect(issuesOf(Object.defineProperty({}, 'colors', { enumerable: true, get: () => ({}) }))).toHaveLength(
      1,
    )
    expect(issuesOf({ [Symbol('colors')]: {} })).toHaveLength(1)
  })

  it('is bounded in depth, number and size', () => {
    let deep: object = { $value: '#fff' }
    for (let level = 0; level < 9; level++) deep = { a: deep }
    expect(issuesOf(colors(deep))).toEqual([expect.stringMatching(/: nested too deeply$/)])
    let bottomless: Record<string, unknown> = {}
    bottomless = Object.assign(bottomless, { a: bottomless })
    expect(issuesOf(colors(bottomless))[0]).toMatch(/nested too deeply/)
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, at) => [`a${at}`, { $value: '#fff' }]))
    expect(issuesOf(colors(many))).toEqual([': too many tokens'])
    const wide = Object.fromEntries(Array.from({ length: 6000 }, (_, at) => [`a${at}`, '']))
    expect(issuesOf(colors(wide))).toEqual([expect.stringMatching(/: too many values$/)])
    const long = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`a${at}`, { $value: '#fff', $description: 'x'.repeat(450) }]),
    )
    expect(issuesOf(colors(long))).toEqual([': larger than 65536 bytes'])
  })

  it('is told by its path and never by its value', () => {
    for (const input of [
      { secret7: 1 },
      colors({ a: { $value: 'secret7' } }),
      { domains: ['secret7'] },
      { pairs: [{ text: 'secret7', background: 'secret7' }] },
    ]) {
      try {
        parseBrandingTokens(input)
        expect.unreachable()
      } catch (error) {
        const { message, details } = error as { message: string; details: { issues: { message: string }[] } }
        expect(message + details.issues.map((issue) => issue.message).join()).not.toContain('secret7')
      }
    }
  })
})

describe('tokens', () => {
  it('of two names never share a custom property', () => {
    expect(issuesOf(colors({ 'a-b': { $value: '#fff' }, a: { b: { $value: '#000' } } }))).toEqual([
      'colors.a.b: has the custom property of another token',
    ])
    expect(
      issuesOf({
        typography: {
          body: { $value: { fontFamily: 'Inter', fontSize: '1rem' } },
          'body-font-size': { $type: 'dimension', $value: '1rem' },
        },
      }),
    ).toEqual(['typography.body-font-size: has the custom property of another token'])
  })

  it('take their type from their group', () => {
    const typography = { sizes: { $type: 'dimension', small: { $value: '12px' } } }
    expect(parseBrandingTokens({ typography }).tokens.get('typography.sizes.small')?.resolved.type).toBe(
      'dimension',
    )
    expect(issuesOf({ spacing: { $type: 'color', a: { $value: '#fff' } } })).toEqual([
      'spacing.$type: not a type of this group',
    ])
  })

  it('as a document of the Design Tokens Format Module say the same', () => {
    fc.assert(
      fc.property(brandings, (branding) => {
        const { tokens } = parseBrandingTokens(branding)
        expect(parseBrandingTokens(toDesignTokens(branding)).tokens).toEqual(tokens)
      }),
      { numRuns: 200 },
    )
  })
})

describe('contrast', () => {
  it('is WCAG’s ratio', () => {
    const ratio = (text: string, back: string) =>
      contrastRatio(parseColor(text) ?? expect.unreachable(), parseColor(back) ?? expect.unreachable())
    expect(ratio('#000', '#fff')).toBeCloseTo(21, 5)
    expect(ratio('#777', '#fff')).toBeCloseTo(4.478, 3)
    expect(ratio('#767676', '#fff')).toBeCloseTo(4.542, 3)
    expect(ratio('#fff', '#fff')).toBe(1)
    // half a black text is a grey one, and what shows through a background is the worst that it could be
    expect(ratio('#00000080', '#fff')).toBeCloseTo(ratio('#7f7f7f', '#fff'), 2)
    expect(ratio('#fff', '#00000000')).toBe(1)
  })

  it('is asked of pairs that are declared, and of those that names declare', () => {
    const results = contrastOf({
      colors: {
        text: { $value: '#000' },
        background: { $value: '#fff' },
        primary: { $value: '#888' },
        onPrimary: { $value: '#fff' },
        badge: { $value: '#949494' },
      },
      pairs: [{ text: '{colors.badge}', background: '{colors.background}', size: 'large' }],
    })
    expect(results.map(({ text, background, size, level }) => [text, background, size, level])).toEqual([
      ['colors.badge', 'colors.background', 'large', 'AA'],
      ['colors.text', 'colors.background', 'normal', 'AAA'],
      ['colors.onPrimary', 'colors.primary', 'normal', 'fail'],
    ])
  })
})
