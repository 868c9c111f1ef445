import { type BrandingTokens, nameOf, parseBrandingTokens } from './branding-tokens.ts'
import type { SrgbColor } from './color.ts'

/** How well text is read on a background, by WCAG 2.2 (success criteria 1.4.3 and 1.4.6). */
export interface ContrastResult {
  /** Names of tokens. */
  readonly text: string
  readonly background: string
  readonly size: 'normal' | 'large'
  /** From 1 to 21. Where the background lets something through: the worst of black and white behind it. */
  readonly ratio: number
  readonly level: 'AAA' | 'AA' | 'fail'
}

const needed = { normal: { AA: 4.5, AAA: 7 }, large: { AA: 3, AAA: 4.5 } }

/** Names that say what is read on what: the text, and the backgrounds that it is read on. */
const knownPairs: readonly (readonly [text: string, background: string])[] = ['text', 'link'].flatMap(
  (text) =>
    ['background', 'surface'].map((background) => [`colors.${text}`, `colors.${background}`] as const),
)

/**
 * The contrast of every pair of colours that a branding declares, and of those whose names say it: `colors.text` and
 * `colors.link` on `colors.background` and `colors.surface`, and `colors.onPrimary` on `colors.primary` for any name.
 *
 * @param input tokens as they are stored
 * @throws {TenancyError} `DH506` where the tokens are not valid
 *
 * @example
 * ```ts
 * const failing = contrastOf(draft.tokens).filter(({ level }) => level === 'fail')
 * ```
 */
export function contrastOf(input: unknown): readonly ContrastResult[] {
  return contrastOfTokens(parseBrandingTokens(input))
}

/** The same of tokens that are parsed. */
export function contrastOfTokens({ tokens, pairs }: BrandingTokens): readonly ContrastResult[] {
  const colorOf = (name: string) => {
    const resolved = tokens.get(name)?.resolved
    return resolved?.type === 'color' ? resolved.value : undefined
  }
  const declared = pairs.map(
    ({ text, background, size }) => [nameOf(text), nameOf(background), size] as const,
  )
  const named = [...tokens.keys()].flatMap((text) => {
    const [, group = '', base = ''] = /^(colors\.(?:.*\.)?)on([A-Z].*)$/.exec(text) ?? []
    return base === '' ? [] : [[text, `${group}${base.charAt(0).toLowerCase()}${base.slice(1)}`] as const]
  })
  const results = new Map<string, ContrastResult>()
  for (const [text, background, size = 'normal'] of [...declared, ...knownPairs, ...named]) {
    const [front, back] = [colorOf(text), colorOf(background)]
    const key = `${text} ${background}`
    // what is declared comes first, so that its size counts
    if (!front || !back || results.has(key)) continue
    const ratio = contrastRatio(front, back)
    const level = ratio >= needed[size].AAA ? 'AAA' : ratio >= needed[size].AA ? 'AA' : 'fail'
    results.set(key, { text, background, size, ratio, level })
  }
  return [...results.values()]
}

/** WCAG's contrast ratio, from 1 to 21, of a text on a background. */
export function contrastRatio(text: SrgbColor, background: SrgbColor): number {
  const behind = [0, 255].map((level) =>
    over(background, { red: level, green: level, blue: level, alpha: 255 }),
  )
  return Math.min(
    ...behind.map((back) => {
      const [low, high] = [luminance(over(text, back)), luminance(back)].sort((a, b) => a - b) as [
        number,
        number,
      ]
      return (high + 0.05) / (low + 0.05)
    }),
  )
}

function over(front: SrgbColor, back: SrgbColor): SrgbColor {
  const alpha = front.alpha / 255
  const mix = (a: number, b: number) => a * alpha + b * (1 - alpha)
  return {
    red: mix(front.red, back.red),
    green: mix(front.green, back.green),
    blue: mix(front.blue, back.blue),
    alpha: 255,
  }
}

function luminance({ red, green, blue }: SrgbColor): number {
  const linear = (byte: number) => {
    const channel = byte / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}
