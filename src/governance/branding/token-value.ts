import { parseColor, type SrgbColor, toHex } from './color.ts'

/** The types of the Design Tokens Format Module that a branding has. */
export const tokenTypes = [
  'color',
  'dimension',
  'fontFamily',
  'fontWeight',
  'number',
  'typography',
  'shadow',
] as const
export type TokenType = (typeof tokenTypes)[number]

export interface Dimension {
  readonly value: number
  readonly unit: 'px' | 'rem'
}

export interface Typography {
  readonly fontFamily: readonly string[]
  readonly fontSize: Dimension
  readonly fontWeight: number
  readonly lineHeight: number
  readonly letterSpacing?: Dimension
}

export interface Shadow {
  readonly color: SrgbColor
  readonly offsetX: Dimension
  readonly offsetY: Dimension
  readonly blur: Dimension
  readonly spread: Dimension
  readonly inset: boolean
}

/** A value of a token, without references. */
export type TokenValue =
  | { readonly type: 'color'; readonly value: SrgbColor }
  | { readonly type: 'dimension'; readonly value: Dimension }
  | { readonly type: 'fontFamily'; readonly value: readonly string[] }
  | { readonly type: 'fontWeight' | 'number'; readonly value: number }
  | { readonly type: 'typography'; readonly value: Typography }
  | { readonly type: 'shadow'; readonly value: readonly Shadow[] }

type Path = readonly (string | number)[]

/** What a value is read with: where its references lead, and where its faults are told. */
export interface ValueReader {
  /** The value of the reference that `raw` is; undefined where it is none, and null where it leads nowhere. */
  follow(raw: unknown, type: TokenType, path: Path): TokenValue | null | undefined
  refuse(path: Path, message: string): undefined
}

const weights: Readonly<Record<string, number>> = {
  thin: 100,
  'extra-light': 200,
  light: 300,
  normal: 400,
  regular: 400,
  medium: 500,
  'semi-bold': 600,
  bold: 700,
  'extra-bold': 800,
  black: 900,
}

/**
 * Reads the `$value` of a token.
 *
 * @returns undefined where it is not valid, which `reader` was told
 */
export function readValue(
  type: TokenType,
  raw: unknown,
  path: Path,
  reader: ValueReader,
): TokenValue | undefined {
  const found = reader.follow(raw, type, path)
  if (found !== undefined) return found ?? undefined
  switch (type) {
    case 'typography':
      return readTypography(raw, path, reader)
    case 'shadow':
      return readShadows(raw, path, reader)
    default: {
      const value = readSimple(type, raw)
      if (value === undefined) reader.refuse(path, `not a ${type}`)
      return value
    }
  }
}

function readSimple(type: TokenType, raw: unknown): TokenValue | undefined {
  if (type === 'color') return wrap(type, parseColor(raw))
  if (type === 'dimension') return wrap(type, parseDimension(raw))
  if (type === 'fontFamily') return wrap(type, parseFontFamily(raw))
  if (type === 'fontWeight') return wrap(type, parseFontWeight(raw))
  return wrap('number', typeof raw === 'number' && Math.abs(raw) <= 10_000 ? raw : undefined)
}

function wrap(type: TokenType, value: TokenValue['value'] | undefined): TokenValue | undefined {
  return value === undefined ? undefined : ({ type, value } as TokenValue)
}

function readTypography(raw: unknown, path: Path, reader: ValueReader): TokenValue | undefined {
  const parts = readParts(raw, path, reader, {
    fontFamily: ['fontFamily'],
    fontSize: ['dimension'],
    fontWeight: ['fontWeight', 400],
    lineHeight: ['number', 1.5],
    letterSpacing: ['dimension', null],
  })
  if (!parts) return undefined
  const { letterSpacing, ...rest } = parts
  return {
    type: 'typography',
    value: (letterSpacing === null ? rest : parts) as unknown as Typography,
  }
}

function readShadows(raw: unknown, path: Path, reader: ValueReader): TokenValue | undefined {
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
  if (list.length === 0 || list.length > 8) {
    reader.refuse(path, 'a shadow has one to eight layers')
    return undefined
  }
  const shadows = list.map((layer, index) => {
    const { inset = false, ...rest } = isRecord(layer) ? layer : {}
    const at = Array.isArray(raw) ? [...path, index] : path
    if (!isRecord(layer) || typeof inset !== 'boolean') return reader.refuse(at, 'not a shadow')
    const zero = { value: 0, unit: 'px' }
    const parts = readParts(rest, at, reader, {
      color: ['color'],
      offsetX: ['dimension'],
      offsetY: ['dimension'],
      blur: ['dimension'],
      spread: ['dimension', zero],
    })
    if (!parts) return undefined
    if ((parts['blur'] as Dimension).value < 0) return reader.refuse(at, 'a blur is not negative')
    return { ...parts, inset } as unknown as Shadow
  })
  return shadows.includes(undefined) ? undefined : { type: 'shadow', value: shadows as readonly Shadow[] }
}

/** The parts of a composite value: each of its type, or what it is where it is left out. */
function readParts(
  raw: unknown,
  path: Path,
  reader: ValueReader,
  parts: Readonly<Record<string, readonly [type: TokenType, otherwise?: unknown]>>,
): Record<string, unknown> | undefined {
  if (!isRecord(raw)) return reader.refuse(path, 'not an object, nor a reference')
  const unknown = Object.keys(raw).find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) return reader.refuse([...path, unknown], 'not a part of this type')
  const read = Object.entries(parts).map(([name, [type, ...otherwise]]) => {
    const given = raw[name]
    if (given === undefined && otherwise.length > 0) return [name, otherwise[0]]
    return [name, readValue(type, given, [...path, name], reader)?.value]
  })
  return read.some(([, value]) => value === undefined)
    ? undefined
    : (Object.fromEntries(read) as Record<string, unknown>)
}

function parseDimension(raw: unknown): Dimension | undefined {
  const match = typeof raw === 'string' ? /^(-?\d{1,5}(?:\.\d{1,6})?)(px|rem)$/.exec(raw) : null
  const { value, unit, ...rest } = match
    ? { value: Number(match[1]), unit: match[2] }
    : isRecord(raw)
      ? raw
      : {}
  if (typeof value !== 'number' || !(Math.abs(value) <= 10_000)) return undefined
  if ((unit !== 'px' && unit !== 'rem') || Object.keys(rest).length > 0) return undefined
  return { value, unit }
}

function parseFontFamily(raw: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
  const named = (name: unknown) =>
    typeof name === 'string' && /^[\p{L}\p{N}][\p{L}\p{N} ._+-]{0,63}$/u.test(name)
  return list.length > 0 && list.length <= 12 && list.every(named) ? (list as readonly string[]) : undefined
}

function parseFontWeight(raw: unknown): number | undefined {
  if (typeof raw === 'string') return Object.hasOwn(weights, raw) ? weights[raw] : undefined
  return typeof raw === 'number' && raw >= 1 && raw <= 1000 ? raw : undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const genericFamilies: ReadonlySet<string> = new Set([
  'serif',
  'sans-serif',
  'monospace',
  'cursive',
  'fantasy',
  'system-ui',
  'ui-serif',
  'ui-sans-serif',
  'ui-monospace',
  'ui-rounded',
])

/** The custom properties that a token becomes: what is behind its name, and a value of whitelisted productions only. */
export function toCss(token: TokenValue): readonly (readonly [suffix: string, value: string])[] {
  switch (token.type) {
    case 'color':
      return [['', toHex(token.value)]]
    case 'dimension':
      return [['', dimension(token.value)]]
    case 'fontFamily':
      return [['', families(token.value)]]
    case 'fontWeight':
    case 'number':
      return [['', number(token.value)]]
    case 'shadow':
      return [['', token.value.map(shadow).join(', ')]]
    case 'typography': {
      const { fontFamily, fontSize, fontWeight, lineHeight, letterSpacing } = token.value
      return [
        ['-font-family', families(fontFamily)],
        ['-font-size', dimension(fontSize)],
        ['-font-weight', number(fontWeight)],
        ['-line-height', number(lineHeight)],
        ...(letterSpacing ? [['-letter-spacing', dimension(letterSpacing)] as const] : []),
      ]
    }
  }
}

/** Without an exponent, and of four digits behind the point at most. */
function number(value: number): string {
  return String(Number(value.toFixed(4)))
}

function dimension({ value, unit }: Dimension): string {
  return `${number(value)}${unit}`
}

function families(names: readonly string[]): string {
  return names.map((name) => (genericFamilies.has(name) ? name : `"${name}"`)).join(', ')
}

function shadow({ color, offsetX, offsetY, blur, spread, inset }: Shadow): string {
  const lengths = [offsetX, offsetY, blur, spread].map(dimension).join(' ')
  return `${inset ? 'inset ' : ''}${lengths} ${toHex(color)}`
}
