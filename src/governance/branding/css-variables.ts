import { cssName, invalid, parseBrandingTokens } from './branding-tokens.ts'
import { toCss } from './token-value.ts'

/** How {@link toCssVariables} names what it prints. */
export interface CssVariablesOptions {
  /** What every custom property begins with; `brand` unless told. Lower-case letters, digits and hyphens. */
  readonly prefix?: string
  /** Whom they are for; `:root` unless told. Classes, ids, data attributes, `:root` and `:host`, without combinators. */
  readonly selector?: string
}

const selectorPattern =
  /^(:root|:host|[.#][A-Za-z][A-Za-z0-9_-]{0,63}|\[data-[a-z-]{1,32}="[A-Za-z0-9_-]{0,64}"\]){1,8}$/

/**
 * A style rule with a custom property for each token, and with nothing else in it. The tokens are checked again, and
 * only numbers, `#rrggbb`, quoted names of fonts and a few words are printed, so the text is safe inside a `style`
 * element too. Logos and domains are no CSS.
 *
 * @param input tokens as they are stored
 * @throws {TenancyError} `DH506` where the tokens, the prefix or the selector are not valid
 *
 * @example
 * ```ts
 * toCssVariables({ colors: { primary: { $value: '#369' } } }) // ':root {\n  --brand-colors-primary: #336699;\n}\n'
 * ```
 */
export function toCssVariables(
  input: unknown,
  { prefix = 'brand', selector = ':root' }: CssVariablesOptions = {},
): string {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(prefix)) throw invalid([{ path: ['prefix'], message: 'not a prefix' }])
  if (!selectorPattern.test(selector))
    throw invalid([{ path: ['selector'], message: 'not a simple selector' }])
  const lines = [...parseBrandingTokens(input).tokens.values()].flatMap(({ name, resolved }) =>
    toCss(resolved).map(([suffix, value]) => `  --${prefix}-${cssName(name)}${suffix}: ${value};\n`),
  )
  return `${selector} {\n${lines.join('')}}\n`
}
