import { TenancyError, type TenancyErrorDetails } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'

/**
 * What the database refused, as the error of the governed domain that it is. Its triggers say `from` and `to`, or
 * `expected` and `actual`, or the issues of what is not valid, as JSON in the error's detail. Any other error comes back as it is: a conflict that another
 * attempt may not meet stays Prisma's `P2034`.
 */
export function governanceError(error: unknown): unknown {
  const known = toTenancyError(error, {})
  if (!(known instanceof TenancyError) || !known.code.startsWith('DH5')) return known
  const details = detailsOf(known.cause)
  return details === undefined
    ? known
    : new TenancyError(known.code, messageOf(known), {
        details: { ...known.details, ...details },
        cause: known.cause,
      })
}

/** The message of an error without its code, which the constructor puts before it. */
export function messageOf({ code, message }: TenancyError): string {
  return message.replace(`${code}: `, '')
}

/** `DH501` */
export function illegalMove(
  message: string,
  details: Pick<TenancyErrorDetails, 'from' | 'to'>,
): TenancyError {
  return new TenancyError('DH501', message, { details })
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

/** Whether Prisma says that a unique key is taken. */
export function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'P2002'
}

interface DriverError {
  readonly cause?: { readonly detail?: unknown }
  /** Where Prisma put the driver's error into one of its own, and not at COMMIT. */
  readonly meta?: { readonly driverAdapterError?: DriverError }
}

function detailsOf(cause: unknown): TenancyErrorDetails | undefined {
  const error = cause as DriverError | undefined
  const detail = (error?.meta?.driverAdapterError ?? error)?.cause?.detail
  if (typeof detail !== 'string' || !detail.startsWith('{')) return undefined
  const { from, to, expected, actual, permission, issues } = parsed(detail)
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
    ...(permission === undefined ? {} : { permission }),
    ...(issues === undefined ? {} : { issues }),
  }
}

function parsed(detail: string): TenancyErrorDetails {
  try {
    return JSON.parse(detail) as TenancyErrorDetails
  } catch {
    return {}
  }
}
