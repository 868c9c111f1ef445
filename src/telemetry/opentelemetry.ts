import { createRequire } from 'node:module'

type OpenTelemetry = typeof import('@opentelemetry/api')

/**
 * `@opentelemetry/api`, or `undefined` where it is not installed: it is an optional peer.
 *
 * It is required and not imported, because an import that may fail would have to be awaited, and a module that
 * awaits at its top can't be loaded with `require`. Both ways give the same instance of this package.
 *
 * @throws whatever an installed `@opentelemetry/api` throws when it is loaded
 */
export function loadOpenTelemetry(): OpenTelemetry | undefined {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

// A file that is missing within the package is named by its path, and is no reason to be silent. The other wording
// is Yarn's, for an optional peer that the application did not install.
const missing = /^Cannot find module '@opentelemetry\/api'|tried to access @opentelemetry\/api/

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'MODULE_NOT_FOUND' &&
    missing.test(error.message)
  )
}
