import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { TenantContextInput } from '../context/tenant-context.ts'
import { isTenancyError } from '../errors.ts'
import { type TenantResolver, untrusted } from './tenant-resolver.ts'
import { invalid, readTokenKeys, type TokenKeys } from './token-keys.ts'
import { bearerTokenOf, cookieTokenOf } from './token-of-request.ts'

/** Options of {@link tenantFromJwt}. */
export type TenantFromJwtOptions = TokenKeys & {
  /** Who issues the tokens: the claim `iss`. */
  readonly issuer: string | readonly string[]
  /** Whom the tokens are for, which is this application: the claim `aud`. */
  readonly audience: string | readonly string[]
  /**
   * Which algorithms a token may be signed with. All with a public key unless told; an HMAC, such as `HS256`, must be
   * named, goes with a secret `key` and with no other algorithm. There is no way to allow `none`.
   */
  readonly algorithms?: readonly string[]
  /** The claim with the tenant's id, of the type that the tenancy's are; `tenant_id` unless told. */
  readonly tenantClaim?: string
  /**
   * The claim with the user's id; `sub` unless told. Where a token has it, it must be a uuid, or, where the tenants' ids
   * are none, a text such as `auth0|5f7c…`; else the token is refused. Say `null`, and no user is taken, where the
   * issuer's ids are others.
   */
  readonly userClaim?: string | null
  /** The claim with the user's roles: a list, or words with spaces between. No roles unless told. */
  readonly rolesClaim?: string
  /** How far the issuer's clock may be off, in seconds from 0 to 300; 0 unless told. */
  readonly clockToleranceSeconds?: number
  /**
   * The cookie that holds the token, best with the prefix `__Host-`. Unless told, it is in the header
   * `Authorization: Bearer`. The application's own defence against cross-site requests is up to the application.
   */
  readonly cookie?: string
}

/**
 * Takes the tenant, and the user, from a token that the issuer has signed. Signature, issuer, audience and expiry are
 * verified; a token that never expires is refused.
 *
 * A request without a token names no tenant (`undefined`); a token that fails in any respect is `DH111`, and why, in
 * its cause, is told without anything out of the token. Where the issuer's keys can't be fetched it is `DH114`.
 *
 * @throws {TenancyError} `DH113` when the options can't be
 *
 * @example
 * ```ts
 * const resolve = tenantFromJwt({
 *   jwks: 'https://login.example.com/.well-known/jwks.json',
 *   issuer: 'https://login.example.com/',
 *   audience: 'https://api.example.com',
 * })
 * ```
 */
export function tenantFromJwt(options: TenantFromJwtOptions): TenantResolver {
  const { tenantClaim = 'tenant_id', userClaim = 'sub', rolesClaim, cookie } = options
  const { clockToleranceSeconds: clockTolerance = 0 } = options
  const { keyOf, algorithms } = readTokenKeys(options, options.algorithms)
  // jose checks neither where it is undefined
  const issuer = namesOf(options.issuer, 'issuer')
  const audience = namesOf(options.audience, 'audience')
  if (!Number.isFinite(clockTolerance) || clockTolerance < 0 || clockTolerance > 300) {
    throw invalid('clockToleranceSeconds must be a number from 0 to 300')
  }
  if (cookie !== undefined && !/^[\w!#$%&'*+.^`|~-]+$/.test(cookie))
    throw invalid('cookie must be the name of one')

  async function verified(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        algorithms,
        issuer,
        audience,
        clockTolerance,
        requiredClaims: ['exp', tenantClaim],
      })
      return payload
    } catch (error) {
      if (isTenancyError(error)) throw error
      throw untrusted(`the token was refused: ${reasonOf(error)}`)
    }
  }

  return async (request) => {
    const token = cookie === undefined ? bearerTokenOf(request) : cookieTokenOf(request, cookie)
    if (token === undefined) return undefined
    const claims = await verified(token)
    const userId = userClaim === null ? undefined : claimOf(claims, userClaim)
    const roles = rolesClaim === undefined ? undefined : claimOf(claims, rolesClaim)
    // not checked here, but where every context is parsed
    return {
      tenantId: claimOf(claims, tenantClaim),
      ...(userId === undefined ? {} : { userId }),
      ...(roles === undefined ? {} : { roles: typeof roles === 'string' ? wordsOf(roles) : roles }),
    } as TenantContextInput
  }
}

function namesOf(given: string | readonly string[], option: string): string[] {
  const names = Array.isArray(given) ? (given as readonly string[]) : [given as string]
  if (names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')) return [...names]
  throw invalid(`${option} must be given`)
}

function claimOf(claims: JWTPayload, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

function wordsOf(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}

/** Why, in jose's codes: its errors carry the claims, and some of its messages parts of the token. */
function reasonOf(error: unknown): string {
  if (!(error instanceof errors.JOSEError)) return 'it does not fit the key'
  return 'claim' in error ? `${error.code} at ${String(error.claim)}` : error.code
}
