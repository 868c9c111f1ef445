/** A colour in sRGB as it is printed: channels and alpha from 0 to 255, whole numbers. */
export interface SrgbColor {
  readonly red: number
  readonly green: number
  readonly blue: number
  readonly alpha: number
}

type Triple = readonly [number, number, number]

/** A component: a number with what it was measured in. */
interface Component {
  readonly value: number
  readonly unit: string
}

const degreesOf: Readonly<Record<string, number>> = {
  '': 1,
  deg: 1,
  grad: 0.9,
  rad: 180 / Math.PI,
  turn: 360,
}

/**
 * Reads a colour: `#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa`, `rgb()`, `hsl()` and `oklch()` with commas or blanks, or the
 * object of the Design Tokens Format Module with one of the colour spaces `srgb`, `hsl` and `oklch`. What lies outside
 * of sRGB is brought into it by taking chroma away.
 *
 * @returns undefined where it is none
 *
 * @example
 * ```ts
 * parseColor('oklch(62.8% 0.258 29.2)') // { red: 255, green: 0, blue: 0, alpha: 255 }, but for rounding
 * ```
 */
export function parseColor(input: unknown): SrgbColor | undefined {
  if (typeof input === 'string') return input.length > 80 ? undefined : parseText(input.trim().toLowerCase())
  return isRecord(input) ? parseObject(input) : undefined
}

/** `#rrggbb`, or `#rrggbbaa` where it is not opaque. */
export function toHex({ red, green, blue, alpha }: SrgbColor): string {
  const channels = alpha === 255 ? [red, green, blue] : [red, green, blue, alpha]
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

function parseText(text: string): SrgbColor | undefined {
  if (/^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/.test(text)) return fromHex(text.slice(1))
  const call = /^(rgba?|hsla?|oklch)\(([^()]*)\)$/.exec(text)
  if (!call) return undefined
  const [, name = '', list = ''] = call
  const parts = splitComponents(list)
  if (!parts) return undefined
  const components = parts.map(parseComponent)
  const [a, b, c, alpha] = components
  if (!a || !b || !c || (components.length === 4 && !alpha)) return undefined
  const opacity = alpha ? fractionOf(alpha, 1) : 1
  if (opacity === undefined) return undefined
  if (name.startsWith('rgb')) {
    const channels = [a, b, c].map((component) => fractionOf(component, 255))
    return channels.includes(undefined) ? undefined : printed(channels as unknown as Triple, opacity)
  }
  const [hue, x, y] = name === 'oklch' ? [c, a, b] : [a, b, c]
  const turn = degreesOf[hue.unit]
  if (turn === undefined) return undefined
  if (name === 'oklch') {
    const [lightness, chroma] = [fractionOf(x, 1), fractionOf(y, 1, 0.4)]
    if (lightness === undefined || chroma === undefined) return undefined
    return printed(inGamut(lightness, chroma, hue.value * turn), opacity)
  }
  const [saturation, lightness] = [fractionOf(x, 100), fractionOf(y, 100)]
  if (saturation === undefined || lightness === undefined) return undefined
  return printed(fromHsl(hue.value * turn, saturation, lightness), opacity)
}

/** `a, b, c`, `a, b, c, alpha`, `a b c` or `a b c / alpha`. */
function splitComponents(list: string): readonly string[] | undefined {
  if (list.includes(',')) {
    const parts = list.split(',').map((part) => part.trim())
    return list.includes('/') || parts.length < 3 || parts.length > 4 ? undefined : parts
  }
  const [channels = '', ...alphas] = list.split('/')
  const parts = [...channels.trim().split(/\s+/), ...alphas.map((alpha) => alpha.trim())]
  return parts.length === 3 + alphas.length && alphas.length <= 1 ? parts : undefined
}

function parseComponent(text: string): Component | undefined {
  if (text === 'none') return { value: 0, unit: '' }
  const match = /^([+-]?(?:\d{1,8}(?:\.\d{0,12})?|\.\d{1,12}))(%|deg|grad|rad|turn)?$/.exec(text)
  return match ? { value: Number(match[1]), unit: match[2] ?? '' } : undefined
}

/** A plain number against its whole, or a percentage of `percentOf`. */
function fractionOf({ value, unit }: Component, whole: number, percentOf = 1): number | undefined {
  if (unit === '%') return (value / 100) * percentOf
  return unit === '' ? value / whole : undefined
}

function fromHex(digits: string): SrgbColor {
  const long = digits.length > 4 ? digits : digits.replace(/./g, '$&$&')
  const channel = (index: number) => Number.parseInt(long.slice(index, index + 2) || 'ff', 16)
  return { red: channel(0), green: channel(2), blue: channel(4), alpha: channel(6) }
}

function parseObject(input: Readonly<Record<string, unknown>>): SrgbColor | undefined {
  const { colorSpace, components, alpha = 1, hex, ...rest } = input
  if (Object.keys(rest).length > 0 || typeof alpha !== 'number' || !(alpha >= 0 && alpha <= 1))
    return undefined
  if (hex !== undefined && (typeof hex !== 'string' || !/^#[0-9a-f]{6}$/i.test(hex))) return undefined
  if (!Array.isArray(components) || components.length !== 3) return undefined
  const values = components.map((component) => (component === 'none' ? 0 : (component as unknown)))
  if (!values.every((value) => typeof value === 'number' && Number.isFinite(value))) return undefined
  const [a, b, c] = values as unknown as Triple
  if (colorSpace === 'srgb') return printed([a, b, c], alpha)
  if (colorSpace === 'hsl') return printed(fromHsl(a, b / 100, c / 100), alpha)
  return colorSpace === 'oklch' ? printed(inGamut(a, b, c), alpha) : undefined
}

function fromHsl(hue: number, saturation: number, lightness: number): Triple {
  const s = clamp(saturation)
  const l = clamp(lightness)
  const channel = (n: number) => {
    const k = (((n + hue / 30) % 12) + 12) % 12
    return l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1))
  }
  return [channel(0), channel(8), channel(4)]
}

/** The colour with as much of its chroma as sRGB has room for. */
function inGamut(lightness: number, chroma: number, hue: number): Triple {
  const l = clamp(lightness)
  let [low, high] = [0, Math.max(0, Math.min(chroma, 1))]
  const fits = (c: number) => fromOklch(l, c, hue).every((channel) => channel >= -1e-4 && channel <= 1.0001)
  if (fits(high)) return fromOklch(l, high, hue)
  for (let step = 0; step < 24; step++) {
    const middle = (low + high) / 2
    if (fits(middle)) low = middle
    else high = middle
  }
  return fromOklch(l, low, hue)
}

/** Björn Ottosson's matrices, as CSS Color 4 has them. */
function fromOklch(lightness: number, chroma: number, hue: number): Triple {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    toGamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toGamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toGamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ]
}

function toGamma(linear: number): number {
  const size = Math.abs(linear)
  return size <= 0.0031308 ? 12.92 * linear : Math.sign(linear) * (1.055 * size ** (1 / 2.4) - 0.055)
}

function printed([red, green, blue]: Triple, alpha: number): SrgbColor {
  const byte = (fraction: number) => Math.round(clamp(fraction) * 255)
  return { red: byte(red), green: byte(green), blue: byte(blue), alpha: byte(alpha) }
}

const clamp = (fraction: number) => Math.min(1, Math.max(0, fraction))

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
