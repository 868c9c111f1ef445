import { createPublicKey, createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTenancyError, TenancyError, type TenantIdType } from '../src/index.ts'
import {
  allAgree,
  firstOf,
  resolveTenant,
  type TenantFromJwtOptions,
  type TenantFromSubdomainOptions,
  type TenantResolver,
  tenantFromHeader,
  tenantFromJwt,
  tenantFromSubdomain,
} from '../src/resolve/index.ts'
import { badTokens, issuer, signToken } from './support/issuer.ts'

const tenantId = randomUUID()
const otherId = randomUUID()
const userId = randomUUID()

type Headers = Readonly<Record<string, string>>
const resolveWith = (resolve: TenantResolver, headers: Headers) =>
  resolveTenant(resolve, { header: (name) => headers[name] })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** The code that a request is refused with; fails where it is let in. */
async function refusalOf(resolve: TenantResolver, headers: Headers): Promise<TenancyError> {
  const result = await resolveWith(resolve, headers).catch((error: unknown) => error)
  if (isTenancyError(result)) return result
  throw new Error('the request was let in, or failed otherwise', { cause: result })
}
const codeOf = async (resolve: TenantResolver, headers: Headers) => (await refusalOf(resolve, headers)).code

describe('tenantFromJwt', () => {
  const resolve = tenantFromJwt(issuer.verify)

  it('takes tenant, user and roles from a good token', async () => {
    const token = await signToken({ tenant_id: tenantId, sub: userId })
    expect(await resolveWith(resolve, bearer(token))).toEqual({ tenantId, userId })
    expect(await resolveWith(resolve, { authorization: `bearer  ${token}` })).toEqual({ tenantId, userId })
    const named = tenantFromJwt({
      ...issuer.verify,
      tenantClaim: 'https://example.org/org',
      userClaim: 'uid',
      rolesClaim: 'scope',
    })
    const claims = { 'https://example.org/org': tenantId, uid: userId, sub: 'no uuid' }
    for (const scope of ['read  write', ['read', 'write']]) {
      expect(await resolveWith(named, bearer(await signToken({ ...claims, scope })))).toEqual({
        tenantId,
        userId,
        roles: ['read', 'write'],
      })
    }
  })

  it('carries no user where the token has none, and none that it is told to leave', async () => {
    expect(await resolveWith(resolve, bearer(await signToken({ tenant_id: tenantId })))).toEqual({ tenantId })
    const userless = tenantFromJwt({ ...issuer.verify, userClaim: null })
    const token = await signToken({ tenant_id: tenantId, sub: 'alice' })
    expect(await resolveWith(userless, bearer(token))).toEqual({ tenantId })
  })

  it('refuses every bad token alike, and tells nothing of it', async () => {
    const tokens = await badTokens(tenantId)
    expect(tokens.size).toBeGreaterThan(15)
    for (const [what, token] of tokens) {
      const refusal = await refusalOf(resolve, bearer(token))
      expect([what, refusal.message]).toEqual([
        what,
        'DH111: the request names no tenant that can be trusted',
      ])
      const told = inspect(refusal, { depth: 10, showHidden: true })
      expect(refusal.cause, what).toBeInstanceOf(Error)
      for (const part of [...token.split('.'), tenantId].filter((part) => part !== '')) {
        expect(told).not.toContain(part)
      }
    }
  })

  it('tells in the cause what was wrong', async () => {
    const tokens = await badTokens(tenantId)
    const causeOf = async (what: string) =>
      String((await refusalOf(resolve, bearer(tokens.get(what) ?? ''))).cause)
    expect(await causeOf('that has expired')).toContain('ERR_JWT_EXPIRED at exp')
    expect(await causeOf('of another issuer')).toContain('ERR_JWT_CLAIM_VALIDATION_FAILED at iss')
    expect(await causeOf('with the algorithm none')).toContain('ERR_JOSE_ALG_NOT_ALLOWED')
  })

  it('is not fooled as whoever takes a public key for a secret is', async () => {
    const pem = Buffer.from(issuer.publicKey.export({ type: 'spki', format: 'pem' }))
    const token = (await badTokens(tenantId)).get('with the public key as the secret of an HMAC') ?? ''
    const { payload } = await jwtVerify(token, createSecretKey(pem))
    expect(payload).toMatchObject({ tenant_id: tenantId })
    const taken = { ...issuer.verify, key: createSecretKey(pem), algorithms: ['HS256'] }
    expect(() => tenantFromJwt(taken)).toThrow(expect.objectContaining({ code: 'DH113' }))
  })

  it('names no tenant without a token, and refuses a header that holds none or came twice', async () => {
    const good = await signToken({ tenant_id: tenantId })
    expect(await resolve({ header: () => undefined })).toBeUndefined()
    expect(await resolve({ header: () => 'Basic YTpi' })).toBeUndefined()
    for (const authorization of [
      'Bearer',
      `Bearer ${good} more`,
      `Bearer ${good}, Bearer ${good}`,
      `Basic a, Bearer ${good}`,
    ]) {
      expect(await codeOf(resolve, { authorization })).toBe('DH111')
    }
  })

  it('reads the cookie that it is told, once', async () => {
    const good = await signToken({ tenant_id: tenantId })
    const fromCookie = tenantFromJwt({ ...issuer.verify, cookie: '__Host-session' })
    expect(await resolveWith(fromCookie, { cookie: `a=b; __Host-session=${good}; c=d` })).toEqual({
      tenantId,
    })
    expect(await codeOf(fromCookie, bearer(good))).toBe('DH111')
    expect(await codeOf(resolve, { cookie: `__Host-session=${good}` })).toBe('DH111')
    const another = await signToken({ tenant_id: otherId })
    const twice = { cookie: `__Host-session=${good}; __Host-session=${another}` }
    expect(await codeOf(fromCookie, twice)).toBe('DH111')
    expect(await codeOf(fromCookie, { cookie: `x__Host-session=${good}` })).toBe('DH111')
  })

  it('takes a clock that is off by as much as it is told', async () => {
    const token = await signToken({ tenant_id: tenantId, exp: Math.floor(Date.now() / 1_000) - 5 })
    const patient = tenantFromJwt({ ...issuer.verify, clockToleranceSeconds: 60 })
    expect(await resolveWith(patient, bearer(token))).toEqual({ tenantId })
    expect(await codeOf(resolve, bearer(token))).toBe('DH111')
  })

  it('takes a secret, where an HMAC is named', async () => {
    const secret = randomBytes(32)
    const symmetric = tenantFromJwt({ ...issuer.verify, key: secret, algorithms: ['HS256'] })
    const token = await signToken({ tenant_id: tenantId }, { key: secret, algorithm: 'HS256' })
    expect(await resolveWith(symmetric, bearer(token))).toEqual({ tenantId })
    const longer = await signToken({ tenant_id: tenantId }, { key: secret, algorithm: 'HS512' })
    expect(await codeOf(symmetric, bearer(longer))).toBe('DH111')
    expect(await codeOf(symmetric, bearer(await signToken({ tenant_id: tenantId })))).toBe('DH111')
  })

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' })
  const keyless = { issuer: issuer.name, audience: issuer.audience }
  it.each<[string, object]>([
    ['no key', keyless],
    ['a key and a key set', { ...issuer.verify, jwks: { keys: [] } }],
    ['no issuer', { ...issuer.verify, issuer: undefined }],
    ['an empty issuer', { ...issuer.verify, issuer: '' }],
    ['no audience', { ...issuer.verify, audience: undefined }],
    ['an empty list of audiences', { ...issuer.verify, audience: [] }],
    ['the algorithm none', { ...issuer.verify, algorithms: ['none'] }],
    ['no algorithm', { ...issuer.verify, algorithms: [] }],
    ['an HMAC with a public key', { ...issuer.verify, algorithms: ['RS256', 'HS256'] }],
    ['an HMAC with a key set', { ...keyless, jwks: { keys: [] }, algorithms: ['HS256'] }],
    ['a secret without an HMAC', { ...keyless, key: randomBytes(32) }],
    ['a short secret', { ...keyless, key: randomBytes(31), algorithms: ['HS256'] }],
    ['a short secret as a JWK', { ...keyless, key: { kty: 'oct', k: 'c2hvcnQ' }, algorithms: ['HS256'] }],
    ['the text of a PEM file', { ...keyless, key: pem }],
    ['the bytes of a PEM file', { ...keyless, key: Buffer.from(pem), algorithms: ['HS256'] }],
    [
      'the bytes of a PEM file as a secret',
      { ...keyless, key: createSecretKey(Buffer.from(pem)), algorithms: ['HS256'] },
    ],
    [
      'the bytes of a DER file',
      {
        ...keyless,
        key: createPublicKey(pem).export({ format: 'der', type: 'spki' }),
        algorithms: ['HS256'],
      },
    ],
    ['a private key', { ...keyless, key: rsa.privateKey }],
    ['a private key as a JWK', { ...keyless, key: rsa.privateKey.export({ format: 'jwk' }) }],
    ['a key set over plain http', { ...keyless, jwks: 'http://issuer.example.org/jwks.json' }],
    ['a key set that is none', { ...keyless, jwks: { keys: 'none' } }],
    ['a negative tolerance', { ...issuer.verify, clockToleranceSeconds: -1 }],
    ['a tolerance of hours', { ...issuer.verify, clockToleranceSeconds: 3_600 }],
    ['what is no cookie’s name', { ...issuer.verify, cookie: 'a=b' }],
  ])('refuses options with %s', (_, options) => {
    expect(() => tenantFromJwt(options as TenantFromJwtOptions)).toThrow(
      expect.objectContaining({ name: 'TenancyError', code: 'DH113' }),
    )
  })
})

describe('tenantFromJwt with the issuer’s key set', () => {
  let fetched = 0
  let status = 200
  const keys = [{ ...issuer.publicKey.export({ format: 'jwk' }), kid: 'first', alg: 'RS256', use: 'sig' }]
  const server = createServer((_, response) => {
    fetched += 1
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }))
  })
  let jwks: string
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  })
  afterAll(() => server.close())
  const keyless = { issuer: issuer.name, audience: issuer.audience }

  it('fetches it once and verifies with it', async () => {
    fetched = 0
    const resolve = tenantFromJwt({ ...keyless, jwks })
    const tokens = await Promise.all([tenantId, otherId].map((id) => signToken({ tenant_id: id })))
    const found = await Promise.all(tokens.map((token) => resolveWith(resolve, bearer(token))))
    expect(found).toEqual([{ tenantId }, { tenantId: otherId }])
    for (const token of (await badTokens(tenantId)).values()) {
      expect(await codeOf(resolve, bearer(token))).toBe('DH111')
    }
    expect(fetched).toBe(1)
  })

  it('takes one that was fetched before', async () => {
    const resolve = tenantFromJwt({ ...keyless, jwks: { keys } })
    expect(await resolveWith(resolve, bearer(await signToken({ tenant_id: tenantId })))).toEqual({ tenantId })
    for (const token of (await badTokens(tenantId)).values()) {
      expect(await codeOf(resolve, bearer(token))).toBe('DH111')
    }
  })

  it('tells a set that can’t be fetched from a token that can’t be trusted', async () => {
    status = 500
    const resolve = tenantFromJwt({ ...keyless, jwks })
    const token = await signToken({ tenant_id: tenantId })
    const refusal = await refusalOf(resolve, bearer(token))
    expect([refusal.code, refusal.retryable]).toEqual(['DH114', true])
    status = 200
    expect(await resolveWith(resolve, bearer(token))).toEqual({ tenantId })
  })
})

describe('tenantFromSubdomain', () => {
  const asked: string[] = []
  const lookup: TenantFromSubdomainOptions['lookup'] = async (slug) => {
    asked.push(slug)
    return { alder: tenantId, birch: otherId, 'a-1': otherId }[slug]
  }
  const resolve = tenantFromSubdomain({ domain: 'Example.com', lookup })

  it.each([
    'alder.example.com',
    'ALDER.Example.COM',
    'alder.example.com:8443',
    'alder.example.com.',
    'alder.example.com.:80',
  ])('reads %s', async (host) => {
    expect(await resolveWith(resolve, { host })).toEqual({ tenantId })
  })

  it.each([
    'example.com',
    '.example.com',
    'www.example.com',
    'API.example.com',
    'a.alder.example.com',
    'alder.example.com.evil.org',
    'alderexample.com',
    'alder.example.org',
    'alder.example.com..',
    'alder.example.com:http',
    'alder.example.com:8443:1',
    'alder@evil.example.com',
    'evil.org/alder.example.com',
    '-alder.example.com',
    'al_der.example.com',
    'al der.example.com',
    'alder\u0000.example.com',
    `${'a'.repeat(64)}.example.com`,
    '127.0.0.1',
    '[::1]:80',
    '[::ffff:127.0.0.1]',
    'localhost',
    '',
  ])('finds no tenant in %j, and looks none up', async (host) => {
    asked.length = 0
    expect(await codeOf(resolve, { host })).toBe('DH111')
    expect(asked).toEqual([])
  })

  it('refuses a host that came twice, and one that nobody has', async () => {
    expect(await codeOf(resolve, { host: 'alder.example.com, birch.example.com' })).toBe('DH111')
    expect(await codeOf(resolve, { host: 'birch.example.com, alder.example.com' })).toBe('DH111')
    expect(await codeOf(resolve, {})).toBe('DH111')
    expect(await codeOf(resolve, { host: 'cedar.example.com' })).toBe('DH112')
    const nowhere = tenantFromSubdomain({ domain: 'example.com', lookup: async () => null })
    expect(await codeOf(nowhere, { host: 'alder.example.com' })).toBe('DH112')
    // no property of every object is a tenant's
    expect(await codeOf(resolve, { host: 'constructor.example.com' })).toBe('DH111')
  })

  it('does not look at X-Forwarded-Host unless told', async () => {
    const headers = { host: 'alder.example.com', 'x-forwarded-host': 'birch.example.com' }
    expect(await resolveWith(resolve, headers)).toEqual({ tenantId })
    const trusting = tenantFromSubdomain({ domain: 'example.com', lookup, trustForwardedHost: true })
    expect(await resolveWith(trusting, headers)).toEqual({ tenantId: otherId })
    expect(await resolveWith(trusting, { host: 'alder.example.com' })).toEqual({ tenantId })
    const twice = { ...headers, 'x-forwarded-host': 'birch.example.com, alder.example.com' }
    expect(await codeOf(trusting, twice)).toBe('DH111')
  })

  it('takes other reserved names, and a domain of one label', async () => {
    const local = tenantFromSubdomain({ domain: 'localhost', lookup, reserved: ['Birch'] })
    expect(await resolveWith(local, { host: 'alder.localhost:3000' })).toEqual({ tenantId })
    expect(await codeOf(local, { host: 'birch.localhost:3000' })).toBe('DH111')
    expect(await codeOf(local, { host: 'www.localhost:3000' })).toBe('DH112')
  })

  it.each([
    { domain: '' },
    { domain: '.example.com' },
    { domain: '*.example.com' },
    { domain: '127.0.0.1' },
    { domain: 'example.com:80' },
    { domain: 'example.com', reserved: ['a.b'] },
  ])('refuses %j', (options) => {
    expect(() => tenantFromSubdomain({ ...options, lookup })).toThrow(
      expect.objectContaining({ code: 'DH113' }),
    )
  })
})

describe('tenantFromHeader', () => {
  const resolve = tenantFromHeader({ name: 'X-Tenant-Id' })

  it('takes one uuid', async () => {
    expect(await resolveWith(resolve, { 'x-tenant-id': tenantId })).toEqual({ tenantId })
    expect(await resolveWith(resolve, { 'x-tenant-id': ` ${tenantId.toUpperCase()} ` })).toEqual({ tenantId })
  })

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['two', `${tenantId}, ${otherId}`],
    ['the same one twice', `${tenantId},${tenantId}`],
    ['what is no uuid', 'alder'],
  ])('refuses %s', async (_, value) => {
    const refusal = await refusalOf(resolve, value === undefined ? {} : { 'x-tenant-id': value })
    expect(refusal.code).toBe('DH111')
    if (value) expect(inspect(refusal, { depth: 10 })).not.toContain(value)
  })

  it('refuses what is no name of a header', () => {
    for (const name of ['', 'x tenant', 'x:tenant']) {
      expect(() => tenantFromHeader({ name })).toThrow(expect.objectContaining({ code: 'DH113' }))
    }
  })
})

describe('firstOf', () => {
  const resolve = firstOf(tenantFromJwt(issuer.verify), tenantFromHeader({ name: 'x-tenant-id' }))

  it('asks the next where one finds nothing', async () => {
    const token = await signToken({ tenant_id: tenantId })
    expect(await resolveWith(resolve, { ...bearer(token), 'x-tenant-id': otherId })).toEqual({ tenantId })
    expect(await resolveWith(resolve, { 'x-tenant-id': otherId })).toEqual({ tenantId: otherId })
    expect(await codeOf(resolve, {})).toBe('DH111')
  })

  it('does not pass over a bad token', async () => {
    for (const token of (await badTokens(tenantId)).values()) {
      expect(await codeOf(resolve, { ...bearer(token), 'x-tenant-id': otherId })).toBe('DH111')
    }
  })
})

describe('allAgree', () => {
  const tenants: Readonly<Record<string, string>> = { alder: tenantId, birch: otherId }
  const asked: string[] = []
  const fromJwt = tenantFromJwt(issuer.verify)
  const fromSubdomain = tenantFromSubdomain({
    domain: 'example.com',
    lookup: async (slug) => {
      asked.push(slug)
      return tenants[slug]
    },
  })
  const both: readonly [string, TenantResolver][] = [
    ['token first', allAgree(fromJwt, fromSubdomain)],
    ['subdomain first', allAgree(fromSubdomain, fromJwt)],
  ]

  it.each(both)('lets a token in on its tenant’s subdomain, %s', async (_, resolve) => {
    const token = await signToken({ tenant_id: tenantId.toUpperCase(), sub: userId })
    expect(await resolveWith(resolve, { ...bearer(token), host: 'alder.example.com' })).toEqual({
      tenantId,
      userId,
    })
  })

  it.each(both)('refuses it on another’s, as on one that nobody has, %s', async (_, resolve) => {
    const token = await signToken({ tenant_id: tenantId })
    const [foreign, missing] = await Promise.all(
      ['birch', 'cedar'].map((slug) => refusalOf(resolve, { ...bearer(token), host: `${slug}.example.com` })),
    )
    expect(foreign?.code).toBe('DH112')
    expect(foreign?.message).toBe(missing?.message)
    // the control: either alone lets it in
    expect(await resolveWith(fromJwt, bearer(token))).toEqual({ tenantId })
    expect(await resolveWith(fromSubdomain, { host: 'birch.example.com' })).toEqual({ tenantId: otherId })
  })

  it.each(both)('tells nobody without a good token which subdomains there are, %s', async (_, resolve) => {
    const expired = await signToken({ tenant_id: tenantId, exp: 1 })
    for (const host of ['alder.example.com', 'cedar.example.com', 'example.com', '127.0.0.1']) {
      expect(await codeOf(resolve, { host })).toBe('DH111')
      expect(await codeOf(resolve, { host, ...bearer(expired) })).toBe('DH111')
    }
  })

  it('looks no tenant up for a bad token that comes first', async () => {
    asked.length = 0
    for (const token of (await badTokens(tenantId)).values()) {
      expect(
        await codeOf(allAgree(fromJwt, fromSubdomain), { ...bearer(token), host: 'alder.example.com' }),
      ).toBe('DH111')
    }
    expect(asked).toEqual([])
  })

  it('refuses different users, and puts together what each knows', async () => {
    const knows = (context: { userId?: string; requestId?: string; roles?: string[] }): TenantResolver => {
      return async () => ({ tenantId, ...context })
    }
    const resolve = allAgree(
      knows({ userId, roles: ['first'] }),
      knows({ requestId: 'r', roles: ['second'] }),
    )
    expect(await resolveWith(resolve, {})).toEqual({ tenantId, userId, requestId: 'r', roles: ['first'] })
    expect(await codeOf(allAgree(knows({ userId }), knows({ userId: randomUUID() })), {})).toBe('DH111')
    const without: TenantResolver = async () => ({ tenantId, userId: undefined, roles: undefined })
    expect(await resolveWith(allAgree(without, knows({ userId, roles: ['known'] })), {})).toEqual({
      tenantId,
      userId,
      roles: ['known'],
    })
  })
})

describe('a resolver of one’s own', () => {
  it('fails as it fails', async () => {
    const failure = new RangeError('the sessions are gone')
    const failing: TenantResolver = async () => {
      throw failure
    }
    for (const resolve of [failing, firstOf(failing), allAgree(failing, failing)]) {
      await expect(resolveWith(resolve, {})).rejects.toBe(failure)
    }
  })

  it('is refused for what is no context, without its values', async () => {
    const malformed = (async () => ({ tenantId, isAdmin: true })) as unknown as TenantResolver
    expect(await codeOf(malformed, {})).toBe('DH111')
    expect(String((await refusalOf(malformed, {})).cause)).toMatch(/malformed at: unknown key$/)
    const nameless: TenantResolver = async () => ({ tenantId, userId: 'auth0|someone' })
    expect(String((await refusalOf(nameless, {})).cause)).toMatch(/malformed at: userId$/)
  })
})

describe('tenants whose ids are no uuids', () => {
  const resolveAs = (type: TenantIdType | undefined, resolve: TenantResolver, headers: Headers) =>
    resolveTenant(resolve, { header: (name) => headers[name] }, type)
  const fromJwt = tenantFromJwt(issuer.verify)

  it('are found in a token, with a user that is none either, where the tenancy says so', async () => {
    const token = await signToken({ tenant_id: 'ckTeam', sub: 'auth0|5f7c' })
    expect(await resolveAs('text', fromJwt, bearer(token))).toEqual({
      tenantId: 'ckTeam',
      userId: 'auth0|5f7c',
    })
    for (const type of [undefined, 'uuid', 'int4'] as const) {
      await expect(resolveAs(type, fromJwt, bearer(token))).rejects.toMatchObject({ code: 'DH111' })
    }
    const numbered = await signToken({ tenant_id: 42, sub: '7' })
    expect(await resolveAs('int4', fromJwt, bearer(numbered))).toEqual({ tenantId: '42', userId: '7' })
    await expect(resolveAs('text', fromJwt, bearer(numbered))).rejects.toMatchObject({ code: 'DH111' })
  })

  it('are compared by those that must agree, in their case', async () => {
    const ids: Readonly<Record<string, string | bigint>> = { alder: 'ckTeam', birch: 'ckteam', oak: 42n }
    const subdomain = tenantFromSubdomain({ domain: 'example.com', lookup: async (slug) => ids[slug] })
    const both = firstOf(allAgree(fromJwt, subdomain))
    const at = async (slug: string, tenant_id: unknown) => ({
      ...bearer(await signToken({ tenant_id })),
      host: `${slug}.example.com`,
    })
    expect(await resolveAs('text', both, await at('alder', 'ckTeam'))).toEqual({ tenantId: 'ckTeam' })
    await expect(resolveAs('text', both, await at('birch', 'ckTeam'))).rejects.toMatchObject({
      code: 'DH112',
    })
    expect(await resolveAs('int8', both, await at('oak', '42'))).toEqual({ tenantId: '42' })
    await expect(resolveAs('int8', both, await at('oak', 43))).rejects.toMatchObject({ code: 'DH112' })
    const header = tenantFromHeader({ name: 'x-tenant' })
    expect(await resolveAs('int4', header, { 'x-tenant': ' 42 ' })).toEqual({ tenantId: '42' })
    await expect(resolveAs('int4', header, { 'x-tenant': '042' })).rejects.toMatchObject({ code: 'DH111' })
  })
})
