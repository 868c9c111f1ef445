import { type TenantRequest, untrusted } from './tenant-resolver.ts'

/**
 * The token in `Authorization: Bearer …`, `undefined` where there is no such header or another scheme.
 *
 * @throws {TenancyError} `DH111` when the header came more than once or holds no token
 */
export function bearerTokenOf(request: TenantRequest): string | undefined {
  const header = request.header('authorization')
  if (header === undefined) return undefined
  if (header.includes(',')) throw untrusted('the header Authorization came more than once')
  const [scheme = '', token = '', ...more] = header.trim().split(/ +/)
  if (scheme.toLowerCase() !== 'bearer') return undefined
  if (token === '' || more.length > 0) throw untrusted('the header Authorization holds no token')
  return token
}

/**
 * The token in a cookie, `undefined` where there is none of the name.
 *
 * @throws {TenancyError} `DH111` when there are several: a sibling domain may have set one of them
 */
export function cookieTokenOf(request: TenantRequest, name: string): string | undefined {
  const cookies = (request.header('cookie') ?? '').split(';').map((cookie) => cookie.trim())
  const [found, another] = cookies.filter((cookie) => cookie.startsWith(`${name}=`))
  if (another !== undefined) throw untrusted('the cookie of the token came more than once')
  return found?.slice(name.length + 1).replace(/^"(.*)"$/, '$1')
}
