import { TenancyError, type TenancyErrorDetails } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'

/**
 * What the database refused, as the error of the governed domain that it is. Its triggers say `from` and `to`, or
 * `expected` and `actual`, as JSON in the error's detail.
 */
export function governanceError(error: unknown): unknown {
  const known = toTenancyError(error, {})
  if (!(known instanceof TenancyError) || !known.code.startsWith('DH5')) return known
  const details = detailsOf(known.cause)
  return details === undefined
    ? known
    : new TenancyError(known.code, known.message.replace(`${known.code}: `, ''), {
        details: { ...known.details, ...details },
        cause: known.cause,
      })
}

/** `DH507`, word for word the same for an id that is another tenant's and for one that is nobody's. */
export function notFound(what: string): TenancyError {
  return new TenancyError('DH507', `there is no such ${what}`)
}

/** `DH504` */
export function conflict(
  what: string,
  { expected, actual }: Required<Pick<TenancyErrorDetails, 'expected' | 'actual'>>,
): TenancyError {
  return new TenancyError('DH504', `${what} is not as expected: read it again, and decide anew`, {
    details: { expected, actual },
  })
}

function detailsOf(cause: unknown): TenancyErrorDetails | undefined {
  const meta = (cause as { meta?: { driverAdapterError?: { cause?: { detail?: unknown } } } } | undefined)
    ?.meta
  const detail = meta?.driverAdapterError?.cause?.detail
  if (typeof detail !== 'string' || !detail.startsWith('{')) return undefined
  return JSON.parse(detail) as TenancyErrorDetails
}
