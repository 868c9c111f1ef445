import { isTenancyError } from '../errors.ts'

/**
 * What a span and a metric say of an error: `error.type` of OpenTelemetry's conventions. It is the code of a
 * `TenancyError`, Prisma's own code (`P2002`), the operating system's (`ECONNREFUSED`) or the name of the class,
 * and `_OTHER` where there is none. Never the message: Prisma quotes arguments in it.
 *
 * @example
 * ```ts
 * errorTypeOf(new TenancyError('DH101', 'no tenant context was given')) // 'DH101'
 * ```
 */
export function errorTypeOf(error: unknown): string {
  if (isTenancyError(error)) return error.code
  if (!(error instanceof Error)) return '_OTHER'
  const { code, errorCode } = error as { readonly code?: unknown; readonly errorCode?: unknown }
  // Prisma's errors of a connection that could not be made have their code under another name
  for (const known of [code, errorCode]) {
    if (typeof known === 'string' && /^(P\d{4}|E[A-Z]{3,20})$/.test(known)) return known
  }
  // the name of the class and not `error.name`, which is a property that anything can be written to
  const name: unknown = error.constructor?.name
  return typeof name === 'string' && /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : '_OTHER'
}
