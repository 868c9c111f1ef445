import fc from 'fast-check'
import type { BrandingTokensInput } from '../../src/governance/branding/branding-tokens.ts'

const byte = fc.integer({ min: 0, max: 255 })
const percent = fc.integer({ min: 0, max: 100 })
const color = fc.oneof(
  fc.stringMatching(/^#([0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})$/),
  fc.tuple(byte, byte, byte).map(([r, g, b]) => `rgb(${r} ${g}, ${b})`.replace(' ', ', ')),
  fc.tuple(byte, percent, percent, percent).map(([h, s, l, a]) => `hsl(${h}deg ${s}% ${l}% / ${a}%)`),
  fc.tuple(percent, fc.integer({ min: 0, max: 40 }), byte).map(([l, c, h]) => `oklch(${l}% ${c / 100} ${h})`),
)
const dimension = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 999 }), fc.constantFrom('px', 'rem'))
    .map(([n, unit]) => `${n / 8}${unit}`),
  fc.record({ value: fc.integer({ min: 0, max: 999 }), unit: fc.constantFrom('px', 'rem') }),
)
const fontFamily = fc.array(
  fc.oneof(
    fc.constantFrom('sans-serif', 'Inter', 'Noto Sans JP', '游ゴシック'),
    fc.stringMatching(/^[A-Za-z][\w .-]{0,12}$/),
  ),
  { minLength: 1, maxLength: 4 },
)
const typography = fc.record(
  {
    fontFamily,
    fontSize: dimension,
    fontWeight: fc.oneof(fc.constantFrom('bold', 'normal'), fc.integer({ min: 1, max: 1000 })),
    lineHeight: fc.integer({ min: 4, max: 40 }).map((n) => n / 8),
    letterSpacing: dimension,
  },
  { requiredKeys: ['fontFamily', 'fontSize'] },
)
const layer = fc.record(
  { color, offsetX: dimension, offsetY: dimension, blur: dimension, spread: dimension, inset: fc.boolean() },
  { requiredKeys: ['color', 'offsetX', 'offsetY', 'blur'] },
)
const shadow = fc.oneof(layer, fc.array(layer, { minLength: 1, maxLength: 3 }))

/** A group of tokens; one part of them a level deeper. */
function group(value: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const token = fc.record(
    { $value: value, $description: fc.constantFrom('What it is for', 'Überschrift') },
    { requiredKeys: ['$value'] },
  )
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 5 })
  return names.chain((keys) =>
    fc
      .tuple(...keys.map(() => fc.oneof(token, fc.record({ deep: token }))))
      // letters alone make no two custom properties alike, but for the parts of a composite
      .map((tokens) => Object.fromEntries(tokens.map((entry, at) => [`${keys[at]}${at}x`, entry]))),
  )
}

/** Brandings that are valid, with references between their colours. */
export const brandings: fc.Arbitrary<BrandingTokensInput> = fc
  .record(
    {
      colors: group(color),
      typography: group(typography),
      spacing: group(dimension),
      radius: group(dimension),
      shadows: group(shadow),
    },
    { requiredKeys: ['colors'] },
  )
  .map((branding) => {
    const [name, entry] = Object.entries(branding.colors)[0] ?? []
    const target = `{colors.${name}${'deep' in (entry as object) ? '.deep' : ''}}`
    return { ...branding, colors: { ...branding.colors, alias: { $value: target } } } as BrandingTokensInput
  })
