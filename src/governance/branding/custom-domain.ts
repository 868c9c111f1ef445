import { isIP } from 'node:net'

/**
 * Reads a host name that a tenant's product is reached under, in the form that a request carries it: lower case, and
 * punycode where it has letters beyond ASCII.
 *
 * @returns undefined where it is none: an IP address however it is written, a wildcard, a port, a path, one label alone
 *
 * @example
 * ```ts
 * parseCustomDomain('Bücher.example') // 'xn--bcher-kva.example'
 * ```
 */
export function parseCustomDomain(input: string): string | undefined {
  // before URL, which takes tabs away and ends a host at more than one character
  if (!/^[\p{L}\p{N}\p{M}.-]{1,253}$/u.test(input)) return undefined
  if (!URL.canParse(`https://${input}`)) return undefined
  const { hostname } = new URL(`https://${input}`)
  const labels = hostname.split('.')
  const wellFormed = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  if (!wellFormed || labels.length < 2 || hostname.length > 253 || isIP(hostname) !== 0) return undefined
  const last = labels.at(-1) ?? ''
  return /^\d+$/.test(last) || ['localhost', 'local', 'internal'].includes(last) ? undefined : hostname
}
