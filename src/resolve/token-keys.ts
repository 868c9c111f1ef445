import { createPublicKey, KeyObject } from 'node:crypto'
import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import { TenancyError } from '../errors.ts'

/** What tokens are verified with: one key, or the issuer's set of keys. */
export type TokenKeys =
  | {
      /** A public key; or a secret of 32 bytes or more, where `algorithms` names an HMAC. */
      readonly key: CryptoKey | KeyObject | JWK | Uint8Array
      readonly jwks?: never
    }
  | {
      /**
       * The issuer's key set, or where it is: `https:`, or `http:` on this machine. It is fetched when it is first
       * needed, and again after ten minutes or for a key it hasn't, at most every 30 seconds.
       */
      readonly jwks: string | URL | JSONWebKeySet
      readonly key?: never
    }

/** All that jose verifies with a public key. */
const asymmetric = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')
const symmetric = ['HS256', 'HS384', 'HS512']

/** How the signature of a token is verified. */
export interface Verification {
  readonly keyOf: JWTVerifyGetKey
  readonly algorithms: string[]
}

/**
 * Reads the options about keys. A secret goes with HMAC and a public key with signatures, never both: otherwise
 * whoever has the public key, which is no secret, could sign with it as if it were one.
 *
 * @throws {TenancyError} `DH113` when they don't go together
 */
export function readTokenKeys(keys: TokenKeys, given: readonly string[] | undefined): Verification {
  if ((keys.key === undefined) === (keys.jwks === undefined)) throw invalid('give either key or jwks')
  if (keys.key !== undefined && typeof keys.key !== 'object') {
    throw invalid('the key is text; pass createPublicKey(pem) of node:crypto')
  }
  const algorithms = [...(given ?? asymmetric)]
  const allowed = isSecret(keys) ? symmetric : asymmetric
  if (algorithms.length === 0 || !algorithms.every((algorithm) => allowed.includes(algorithm))) {
    throw invalid(`algorithms must be some of ${allowed.join(', ')} with this kind of key`)
  }
  if (keys.jwks !== undefined) return { keyOf: readKeySet(keys.jwks), algorithms }
  const { key } = keys
  assertGood(key)
  return { keyOf: async () => key, algorithms }
}

/** `DH113` of `tenantFromJwt`. */
export function invalid(advice: string): TenancyError {
  return new TenancyError('DH113', `tenantFromJwt: ${advice}`)
}

type Key = NonNullable<TokenKeys['key']>

function isSecret({ key }: TokenKeys): boolean {
  if (key === undefined) return false
  if (key instanceof Uint8Array) return true
  return isJwk(key) ? key.kty === 'oct' : key.type === 'secret'
}

function isJwk(key: Exclude<Key, Uint8Array>): key is JWK {
  return 'kty' in key
}

function assertGood(key: Key): void {
  const secret = secretOf(key)
  if (secret && secret.byteLength < 32) throw invalid('a secret must have 32 bytes or more')
  // as bytes it would be taken for a secret that the world knows
  if (secret && isPublicKey(secret)) {
    throw invalid(
      'the secret is a key in the form of a file (PEM or DER); pass createPublicKey(…) of node:crypto',
    )
  }
  if (isPrivate(key)) {
    throw invalid('the key is private; tokens are verified with the public one')
  }
}

function isPrivate(key: Key): boolean {
  if (key instanceof Uint8Array) return false
  return isJwk(key) ? key.kty !== 'oct' && key.d !== undefined : key.type === 'private'
}

/** The bytes of a secret; `undefined` for a key that is none. */
function secretOf(key: Key): Buffer | undefined {
  if (key instanceof Uint8Array) return Buffer.from(key)
  if (key instanceof KeyObject) return key.type === 'secret' ? key.export() : undefined
  return isJwk(key) && key.kty === 'oct' ? Buffer.from(String(key.k), 'base64url') : undefined
}

function isPublicKey(bytes: Buffer): boolean {
  if (bytes.includes('-----BEGIN ')) return true
  try {
    createPublicKey({ key: bytes, format: 'der', type: 'spki' })
    return true
  } catch {
    return false
  }
}

function readKeySet(jwks: NonNullable<TokenKeys['jwks']>): JWTVerifyGetKey {
  if (typeof jwks === 'string' || jwks instanceof URL) return remoteKeySet(String(jwks))
  try {
    return createLocalJWKSet(jwks)
  } catch {
    throw invalid('jwks is no JSON Web Key Set')
  }
}

function remoteKeySet(address: string): JWTVerifyGetKey {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url?.hostname ?? '')
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLocal)) {
    throw invalid('jwks must be an https: address, for whoever answers there signs tokens for every tenant')
  }
  const remote = createRemoteJWKSet(url)
  return async (header, token) => {
    try {
      return await remote(header, token)
    } catch (error) {
      if (isOfToken(error)) throw error
      throw new TenancyError('DH114', 'the key set of the issuer could not be fetched; try again', {
        cause: error,
      })
    }
  }
}

/** Whether it is the token that names no key of the set, and not the set that can't be had. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}
