import type { IncomingHttpHeaders } from 'node:http'
import type { TenantRequest } from '../resolve/tenant-resolver.ts'

/** Node's request, of HTTP/1 or HTTP/2, as far as a resolver sees it. */
export interface NodeRequest {
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

/**
 * What a resolver sees of Node's request: its headers as the application's own middleware left them, which may have
 * taken away what a client must not send, or set what it has verified. Node keeps the first of two `Host` or
 * `Authorization` headers and forgets the second, where a proxy may have looked at that one; so a header that nobody
 * has changed is read as it came.
 */
export function viewOfNodeRequest(request: NodeRequest): TenantRequest {
  return {
    header(name) {
      if (name !== 'host') return valueOf(request, name)
      // HTTP/2 has the host in a pseudo-header, by which proxies go; one beside it that differs makes it two
      const hosts = [':authority', 'host'].flatMap((host) => valueOf(request, host) ?? [])
      return hosts.length === 0 ? undefined : [...new Set(hosts)].join(', ')
    },
  }
}

function valueOf({ headers, rawHeaders }: NodeRequest, name: string): string | undefined {
  const separator = name === 'cookie' ? '; ' : ', '
  const value = headers[name]
  if (value === undefined) return undefined
  const present = Array.isArray(value) ? value.join(separator) : value
  const came = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
  const all = came.join(separator)
  return present === came[0] || present === all ? all : present
}
