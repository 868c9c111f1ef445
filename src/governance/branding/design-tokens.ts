import { parseBrandingTokens } from './branding-tokens.ts'
import { type SrgbColor, toHex } from './color.ts'
import type { TokenValue } from './token-value.ts'

/** A document of the Design Tokens Format Module. */
export interface DesignTokens {
  readonly [name: string]: unknown
}

/**
 * The tokens as a document of the Design Tokens Format Module: every `$type` written out, colours and dimensions as
 * objects, references kept. What it says is a branding again; logos and domains are no design tokens.
 *
 * @param input tokens as they are stored
 * @throws {TenancyError} `DH506` where the tokens are not valid
 *
 * @example
 * ```ts
 * toDesignTokens({ radius: { small: { $value: '4px' } } })
 * // { radius: { small: { $type: 'dimension', $value: { value: 4, unit: 'px' } } } }
 * ```
 */
export function toDesignTokens(input: unknown): DesignTokens {
  const document: Record<string, unknown> = {}
  for (const { name, resolved, description, alias } of parseBrandingTokens(input).tokens.values()) {
    const path = name.split('.')
    const last = path.pop() ?? ''
    let group = document
    for (const key of path) group = (group[key] ??= {}) as Record<string, unknown>
    group[last] = {
      $type: resolved.type,
      $value: alias === undefined ? valueOf(resolved) : `{${alias}}`,
      ...(description === undefined ? {} : { $description: description }),
    }
  }
  return document
}

function valueOf(token: TokenValue): unknown {
  if (token.type === 'color') return colorOf(token.value)
  if (token.type !== 'shadow') return token.value
  const layers = token.value.map((layer) => ({ ...layer, color: colorOf(layer.color) }))
  return layers.length === 1 ? layers[0] : layers
}

function colorOf(color: SrgbColor): unknown {
  const fraction = (byte: number) => Number((byte / 255).toFixed(6))
  return {
    colorSpace: 'srgb',
    components: [color.red, color.green, color.blue].map(fraction),
    ...(color.alpha === 255 ? {} : { alpha: fraction(color.alpha) }),
    hex: toHex({ ...color, alpha: 255 }),
  }
}
