import { TenancyError } from '../errors.ts'
import { type TenantResolver, unreached, untrusted } from './tenant-resolver.ts'

/** Options of {@link tenantFromSubdomain}. */
export interface TenantFromSubdomainOptions {
  /** What the tenants' subdomains are of, such as `example.com`: `alder.example.com` then has the slug `alder`. */
  readonly domain: string
  /** The id of the tenant with a slug, nothing where there is none. The slug is in lower case. */
  readonly lookup: (slug: string) => Promise<string | number | bigint | null | undefined>
  /** Subdomains that are nobody's; `www`, `api`, `app` and their likes unless told. */
  readonly reserved?: readonly string[]
  /**
   * Read `X-Forwarded-Host` before `Host`: only behind a proxy that always sets it itself, for a client can send it
   * too. False unless told.
   */
  readonly trustForwardedHost?: boolean
}

const usuallyReserved = [
  'admin',
  'api',
  'app',
  'assets',
  'auth',
  'cdn',
  'help',
  'login',
  'mail',
  'static',
  'status',
  'support',
  'www',
]

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Takes the tenant from the subdomain that the request was sent to. A subdomain names a tenant and proves nothing
 * about who asks: put it beside a token, with `allAgree`.
 *
 * One label before the domain counts, in either case, with or without a port and the root's dot. Addresses, the
 * domain itself, deeper subdomains, reserved ones and other domains name no tenant (`DH111`); a slug that nobody
 * has is `DH112`.
 *
 * @throws {TenancyError} `DH113` when `domain` or `reserved` can't be
 *
 * @example
 * ```ts
 * const resolve = allAgree(
 *   tenantFromJwt({ jwks, issuer, audience }),
 *   tenantFromSubdomain({ domain: 'example.com', lookup: (slug) => tenantsBySlug.get(slug) }),
 * )
 * ```
 */
export function tenantFromSubdomain(options: TenantFromSubdomainOptions): TenantResolver {
  const { lookup, trustForwardedHost = false } = options
  const domain = options.domain.toLowerCase()
  // a last label of digits alone is an address's
  if (!domain.split('.').every((part) => label.test(part)) || /(^|\.)\d+$/.test(domain)) {
    throw new TenancyError('DH113', 'tenantFromSubdomain: domain must be a name such as example.com')
  }
  const reserved = new Set((options.reserved ?? usuallyReserved).map((slug) => slug.toLowerCase()))
  if (![...reserved].every((slug) => label.test(slug))) {
    throw new TenancyError('DH113', 'tenantFromSubdomain: reserved must be single labels, such as www')
  }

  function slugOf(host: string): string | undefined {
    const name = host
      .toLowerCase()
      .replace(/:\d{1,5}$/, '')
      .replace(/\.$/, '')
    if (!name.endsWith(`.${domain}`)) return undefined
    const slug = name.slice(0, -domain.length - 1)
    return label.test(slug) && !reserved.has(slug) ? slug : undefined
  }

  return async (request) => {
    const host =
      (trustForwardedHost ? request.header('x-forwarded-host') : undefined) ?? request.header('host')
    if (host === undefined) return undefined
    if (host.includes(',')) throw untrusted('the header of the host came more than once')
    const slug = slugOf(host)
    if (slug === undefined) return undefined
    const tenantId = await lookup(slug)
    if (tenantId === undefined || tenantId === null) throw unreached('no tenant has the subdomain')
    return { tenantId }
  }
}
