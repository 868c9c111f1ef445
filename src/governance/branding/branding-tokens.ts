import { z } from 'zod'
import type { InputIssue, TenancyError } from '../../errors.ts'
import { invalid as invalidInput } from '../checked-input.ts'
import { parseCustomDomain } from './custom-domain.ts'
import { parseLogo } from './logo.ts'
import { aliasPattern, plainJson } from './plain-json.ts'
import { readValue, type TokenType, type TokenValue, toCss, tokenTypes } from './token-value.ts'

/** A token as it is written: see the Design Tokens Format Module. */
export interface TokenInput {
  readonly $value: unknown
  readonly $type?: TokenType
  readonly $description?: string
}

/** Tokens by their names, and groups of them. */
export interface TokenGroupInput {
  readonly $type?: TokenType
  readonly $description?: string
  readonly [name: string]: TokenInput | TokenGroupInput | string | undefined
}

/** What a branding is made of. `{colors.primary}` as a `$value` refers to another token. */
export interface BrandingTokensInput {
  readonly colors?: TokenGroupInput
  readonly typography?: TokenGroupInput
  readonly spacing?: TokenGroupInput
  readonly radius?: TokenGroupInput
  readonly shadows?: TokenGroupInput
  /** `https://…`, or `asset:<uuid>`. */
  readonly logos?: { readonly light?: string; readonly dark?: string }
  /** Host names, without a port and without a wildcard. */
  readonly domains?: readonly string[]
  /** What is read on what, beyond what the names of the colours say already. */
  readonly pairs?: readonly ContrastPairInput[]
}

/** Two colours that text is read in. */
export interface ContrastPairInput {
  /** References: `{colors.text}`. */
  readonly text: string
  readonly background: string
  /** `large` is from 24 px, or from 18.66 px where it is bold; normal unless told. */
  readonly size?: 'normal' | 'large'
}

/** A token that is valid. */
export interface Token {
  /** `colors.primary` */
  readonly name: string
  readonly resolved: TokenValue
  readonly description?: string
  /** The name of the token that it refers to. */
  readonly alias?: string
}

/** Tokens that are valid, each with its value. */
export interface BrandingTokens {
  /** A copy of what was given, and plain JSON. */
  readonly source: BrandingTokensInput
  readonly tokens: ReadonlyMap<string, Token>
  readonly logos: { readonly light?: string; readonly dark?: string }
  readonly domains: readonly string[]
  readonly pairs: readonly Required<ContrastPairInput>[]
}

/** The groups at the top, and which types their tokens have; the first where none is said. */
const sections: Readonly<Record<string, readonly [TokenType, ...TokenType[]]>> = {
  colors: ['color'],
  typography: ['typography', 'fontFamily', 'fontWeight', 'dimension', 'number'],
  spacing: ['dimension'],
  radius: ['dimension'],
  shadows: ['shadow'],
}

const limits = { bytes: 65_536, depth: 8, tokens: 500, domains: 20, pairs: 100, description: 500 }

const group = z.record(z.string(), z.unknown()).optional()
const reference = z.string().regex(aliasPattern, 'not a reference to a token')
const shape = z.strictObject({
  colors: group,
  typography: group,
  spacing: group,
  radius: group,
  shadows: group,
  logos: z.strictObject({ light: z.string().optional(), dark: z.string().optional() }).default({}),
  domains: z.array(z.string()).max(limits.domains).default([]),
  pairs: z
    .array(
      z.strictObject({
        text: reference,
        background: reference,
        size: z.enum(['normal', 'large']).default('normal'),
      }),
    )
    .max(limits.pairs)
    .default([]),
})

/** A token as it was found in its group, before its value is read. */
interface Found {
  readonly path: readonly string[]
  readonly section: string
  readonly raw: unknown
  readonly ownType: TokenType | undefined
  readonly inherited: TokenType
  readonly description: string | undefined
}

/**
 * Checks a branding's tokens and resolves their references. Nothing in them is ever CSS: each value is of a type, each
 * text is free of what CSS and markup are made of, whichever way it is written.
 *
 * @param input what was sent, or what is stored
 * @throws {TenancyError} `DH506`, with a path for each thing that is wrong and never a value
 *
 * @example
 * ```ts
 * const { tokens } = parseBrandingTokens({ colors: { primary: { $value: '#336699' } } })
 * tokens.get('colors.primary')?.resolved // { type: 'color', value: { red: 51, green: 102, blue: 153, alpha: 255 } }
 * ```
 */
export function parseBrandingTokens(input: unknown): BrandingTokens {
  const { json, issues: unplain } = plainJson(input)
  if (unplain.length > 0) throw invalid(unplain)
  if (Buffer.byteLength(JSON.stringify(json) ?? '') > limits.bytes) {
    throw invalid([{ path: [], message: `larger than ${limits.bytes} bytes` }])
  }
  const parsed = shape.safeParse(json)
  if (!parsed.success) throw invalid(parsed.error.issues.map(toIssue))
  const issues: InputIssue[] = []
  const refuse: Refuse = (path, message) => {
    issues.push({ path, message })
    return undefined
  }
  const found = findTokens(parsed.data, refuse)
  const tokens = resolveTokens(found, refuse)
  refuseSharedNames(tokens, refuse)
  const result: BrandingTokens = {
    source: json as BrandingTokensInput,
    tokens,
    logos: readLogos(parsed.data.logos, refuse),
    domains: readDomains(parsed.data.domains, refuse),
    pairs: parsed.data.pairs,
  }
  for (const [index, pair] of result.pairs.entries()) {
    for (const side of ['text', 'background'] as const) {
      // where tokens are wrong already, what refers to them says nothing new
      if (issues.length === 0 && tokens.get(nameOf(pair[side]))?.resolved.type !== 'color') {
        refuse(['pairs', index, side], 'refers to no color')
      }
    }
  }
  if (issues.length > 0) throw invalid(issues)
  return result
}

/** `colors.primary` of `{colors.primary}`. */
export function nameOf(reference: string): string {
  return reference.slice(1, -1)
}

/** What a token's custom properties begin with, behind the prefix: `colors-on-primary`. */
export function cssName(name: string): string {
  return name
    .replaceAll('.', '-')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
}

/** `DH506` */
export function invalid(issues: readonly InputIssue[]): TenancyError {
  return invalidInput('the branding', issues.slice(0, 100))
}

/** Tells of a fault; there is no value then. */
type Refuse = (path: readonly (string | number)[], message: string) => undefined

function toIssue({ path, code, message }: z.core.$ZodIssue): InputIssue {
  return {
    path: path.filter((key) => typeof key !== 'symbol'),
    // the other messages of zod name types and bounds
    message: code === 'unrecognized_keys' ? 'has a key that is not known' : message,
  }
}

function findTokens(groups: Readonly<Record<string, unknown>>, refuse: Refuse): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>()
  const visit = (
    node: unknown,
    path: readonly string[],
    section: string,
    inherited: TokenType,
    groupType: TokenType | undefined,
  ): void => {
    if (typeof node !== 'object' || node === null || Array.isArray(node))
      return refuse(path, 'not a token, nor a group')
    if (path.length > limits.depth) return refuse(path, 'nested too deeply')
    const { $type, $description, $value, ...children } = node as Record<string, unknown>
    if ($description !== undefined && !isDescription($description))
      refuse([...path, '$description'], 'not a short text')
    const ownType = tokenTypes.find((type) => type === $type)
    if ($type !== undefined && (!ownType || !sections[section]?.includes(ownType))) {
      return refuse([...path, '$type'], 'not a type of this group')
    }
    const names = Object.keys(children)
    if ($value === undefined) {
      for (const name of names) {
        if (name.startsWith('$')) refuse([...path, name], 'has a key that is not known')
        else visit(children[name], [...path, name], section, ownType ?? inherited, ownType ?? groupType)
      }
      return
    }
    if (path.length === 1) return refuse(path, 'a group, and no token')
    if (names.length > 0) return refuse(path, 'a token has no tokens inside, and no other keys')
    if (found.size === limits.tokens) return refuse([], 'too many tokens')
    const description = isDescription($description) ? $description : undefined
    found.set(path.join('.'), { path, section, raw: $value, ownType, inherited, description })
  }
  for (const [section, [type]] of Object.entries(sections)) {
    if (groups[section] !== undefined) visit(groups[section], [section], section, type, undefined)
  }
  return found
}

function isDescription(value: unknown): value is string {
  return typeof value === 'string' && value.length <= limits.description
}

function resolveTokens(found: ReadonlyMap<string, Found>, refuse: Refuse): ReadonlyMap<string, Token> {
  const values = new Map<string, TokenValue | undefined>()
  const open = new Set<string>()

  const resolve = (name: string): TokenValue | undefined => {
    if (values.has(name)) return values.get(name)
    const token = found.get(name)
    if (!token) return undefined
    const path = [...token.path, '$value']
    if (open.has(name)) return refuse(path, 'refers to itself, directly or through others')
    open.add(name)
    const value = isReference(token.raw) ? resolveAlias(token, path) : resolveOwn(token, path)
    open.delete(name)
    values.set(name, value)
    return value
  }

  const resolveOwn = (token: Found, path: readonly string[]) =>
    readValue(token.ownType ?? token.inherited, token.raw, path, { follow, refuse })

  // a token that only refers to another is of the other's type, unless it says one
  const resolveAlias = (token: Found, path: readonly string[]) => {
    const target = nameOf(token.raw as string)
    if (!found.has(target)) return refuse(path, 'refers to no token')
    const value = resolve(target)
    const allowed = token.ownType ? [token.ownType] : sections[token.section]
    if (value && !allowed?.includes(value.type)) return refuse(path, 'refers to a token of another type')
    return value
  }

  const follow = (raw: unknown, type: TokenType, path: readonly (string | number)[]) => {
    if (!isReference(raw)) return undefined
    const target = nameOf(raw)
    const value = resolve(target)
    if (!found.has(target)) refuse(path, 'refers to no token')
    else if (value && value.type !== type) refuse(path, 'refers to a token of another type')
    return value?.type === type ? value : null
  }

  const tokens = new Map<string, Token>()
  for (const [name, { raw, description }] of found) {
    const resolved = resolve(name)
    if (!resolved) continue
    tokens.set(name, {
      name,
      resolved,
      ...(description === undefined ? {} : { description }),
      ...(isReference(raw) ? { alias: nameOf(raw) } : {}),
    })
  }
  return tokens
}

function isReference(raw: unknown): raw is string {
  return typeof raw === 'string' && aliasPattern.test(raw)
}

/** Two tokens whose custom properties would have one name: the second would silently win. */
function refuseSharedNames(tokens: ReadonlyMap<string, Token>, refuse: Refuse): void {
  const taken = new Set<string>()
  for (const { name, resolved } of tokens.values()) {
    for (const [suffix] of toCss(resolved)) {
      const property = cssName(name) + suffix
      if (taken.has(property)) refuse(name.split('.'), 'has the custom property of another token')
      taken.add(property)
    }
  }
}

function readLogos(
  logos: { readonly light?: string | undefined; readonly dark?: string | undefined },
  refuse: Refuse,
): BrandingTokens['logos'] {
  const entries = Object.entries(logos).flatMap(([theme, given]) => {
    const logo = given === undefined ? undefined : parseLogo(given)
    if (given !== undefined && logo === undefined)
      refuse(['logos', theme], 'not an https address, nor an asset')
    return logo === undefined ? [] : [[theme, logo]]
  })
  return Object.fromEntries(entries) as BrandingTokens['logos']
}

function readDomains(domains: readonly string[], refuse: Refuse): readonly string[] {
  const read: string[] = []
  for (const [index, given] of domains.entries()) {
    const domain = parseCustomDomain(given)
    if (domain === undefined) refuse(['domains', index], 'not a host name')
    else if (read.includes(domain)) refuse(['domains', index], 'there already')
    else read.push(domain)
  }
  return read
}
