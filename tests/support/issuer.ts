import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import type { TenantFromJwtOptions } from '../../src/resolve/index.ts'

const name = 'https://issuer.example.org/'
const audience = 'https://api.example.org'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Who issues the tokens of the tests, with a key pair of its own. */
export const issuer = {
  name,
  audience,
  publicKey,
  verify: { key: publicKey, issuer: name, audience } satisfies TenantFromJwtOptions,
}

/** Signs a token that is good for a minute, but for what is said otherwise. */
export async function signToken(
  claims: Readonly<Record<string, unknown>>,
  { key = privateKey, algorithm = 'RS256' }: { key?: KeyObject | Uint8Array; algorithm?: string } = {},
): Promise<string> {
  return await new SignJWT({ iss: name, aud: audience, exp: now() + 60, ...claims })
    .setProtectedHeader({ alg: algorithm, kid: 'first' })
    .sign(key)
}

function now(): number {
  return Math.floor(Date.now() / 1_000)
}

/** Tokens for a tenant that must not be believed, by what is wrong with them. */
export async function badTokens(tenantId: string): Promise<ReadonlyMap<string, string>> {
  const claims = { tenant_id: tenantId }
  const good = await signToken(claims)
  const [header = '', body = '', signature = ''] = good.split('.')
  const [, , foreign = ''] = (await signToken(claims, { key: stranger.privateKey })).split('.')
  const pem = publicKey.export({ type: 'spki', format: 'pem' })
  return new Map([
    ['signed by a stranger', await signToken(claims, { key: stranger.privateKey })],
    ['whose signature is another’s', `${header}.${body}.${foreign}`],
    ['without a signature', `${header}.${body}.`],
    [
      'whose claims were changed',
      `${header}.${encode({ ...decode(body), tenant_id: crypto.randomUUID() })}.${signature}`,
    ],
    ['of another issuer', await signToken({ ...claims, iss: 'https://other.example.org/' })],
    ['for another audience', await signToken({ ...claims, aud: 'https://other.example.org' })],
    ['that has expired', await signToken({ ...claims, exp: now() - 1 })],
    ['that never expires', await signToken({ ...claims, exp: undefined })],
    ['that is not valid yet', await signToken({ ...claims, nbf: now() + 60 })],
    ['with the algorithm none', `${encode({ alg: 'none' })}.${body}.`],
    ['with the public key as the secret of an HMAC', hmacToken(body, pem)],
    [
      'with the public key in DER as the secret of an HMAC',
      hmacToken(body, publicKey.export({ type: 'spki', format: 'der' })),
    ],
    ['with a key of its own in its header', await ownKeyToken(claims)],
    ['without the tenant’s claim', await signToken({})],
    ['whose tenant is no uuid', await signToken({ tenant_id: `${tenantId}' or true --` })],
    ['whose tenant is a list', await signToken({ tenant_id: [tenantId] })],
    ['whose tenant is empty', await signToken({ tenant_id: '' })],
    ['whose user is no uuid', await signToken({ ...claims, sub: 'alice' })],
    ['that is no token', 'nonsense'],
  ])
}

/** Algorithm confusion: whoever takes the header's word for it verifies with the public key as a secret. */
function hmacToken(body: string, secret: string | Buffer): string {
  const header = encode({ alg: 'HS256', kid: 'first' })
  const signature = createHmac('sha256', secret).update(`${header}.${body}`).digest('base64url')
  return `${header}.${body}.${signature}`
}

async function ownKeyToken(claims: JWTPayload): Promise<string> {
  return await new SignJWT({ iss: name, aud: audience, exp: now() + 60, ...claims })
    .setProtectedHeader({ alg: 'RS256', jwk: stranger.publicKey.export({ format: 'jwk' }) })
    .sign(stranger.privateKey)
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(text: string): JWTPayload {
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as JWTPayload
}
