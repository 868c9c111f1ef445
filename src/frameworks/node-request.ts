import type { IncomingHttpHeaders } from 'node:http'
import type { TenantRequest } from '../resolve/tenant-resolver.ts'

/** Node's request, of HTTP/1 or HTTP/2, as far as a resolver sees it. */
export interface NodeRequest {
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

/**
 * What a resolver sees of Node's request. Node keeps the first of two `Host` or `Authorization` headers and forgets
 * the second, where a proxy may have looked at that one; so they are read as they came.
 */
export function viewOfNodeRequest({ headers, rawHeaders }: NodeRequest): TenantRequest {
  return {
    header(name) {
      const found = valuesOf(rawHeaders, name)
      // HTTP/2 has the host in a pseudo-header
      const values = found.length === 0 && name === 'host' ? valuesOf(rawHeaders, ':authority') : found
      if (values.length > 0) return values.join(name === 'cookie' ? '; ' : ', ')
      // requests that an emulation made have headers that never were raw
      const value = rawHeaders.length === 0 ? headers[name] : undefined
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
}
