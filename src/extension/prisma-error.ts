import { PrismaClientKnownRequestError } from '@prisma/client/runtime/client'
import { errorCodes, isTenancyErrorCode, TenancyError, type TenancyErrorDetails } from '../errors.ts'

/** What of a driver's error Prisma keeps: {@link https://www.prisma.io/docs/orm/reference/error-reference}. */
interface DriverCause {
  readonly originalCode?: unknown
  readonly originalMessage?: unknown
}

/**
 * Turns what the database refused in the name of tenancy into a {@link TenancyError}; any other error is
 * Prisma's own affair and comes back as it is. Prisma spreads custom SQLSTATEs over P2039 and P2010, so the
 * original code is what counts.
 */
export function toTenancyError(error: unknown, details: TenancyErrorDetails): unknown {
  if (error instanceof TenancyError) return error
  const own = ownErrorOf(error, details)
  if (own) return own
  const cause = driverCauseOf(error)
  const sqlState = cause?.originalCode
  if (isTenancyErrorCode(sqlState)) {
    // the text of such an error is written in the package's own migrations and holds no value
    const message =
      typeof cause?.originalMessage === 'string' ? cause.originalMessage : 'refused by the database'
    return new TenancyError(sqlState, message.replace(`${sqlState}: `, ''), {
      details: { ...details, sqlState },
      cause: error,
    })
  }
  if (cause && cause === (error as { readonly cause?: unknown }).cause && isConflict(sqlState)) {
    // At COMMIT Prisma lets the driver's error through, and code that tries again looks for P2034.
    return new PrismaClientKnownRequestError(
      'Transaction failed due to a write conflict or a deadlock. Please retry your transaction',
      { code: 'P2034', clientVersion: '', meta: { driverAdapterError: error } },
    )
  }
  const limit = limitOf(sqlState, cause?.originalMessage)
  if (limit) {
    return new TenancyError('DH108', `${describe(details)} took longer than ${limit} allows`, {
      details: { ...details, sqlState: String(sqlState) },
      cause: error,
    })
  }
  if (sqlState === '42501') {
    // PostgreSQL says "new row violates row-level security policy for table …" or "permission denied for …":
    // both name objects only
    const text = typeof cause?.originalMessage === 'string' ? cause.originalMessage : 'insufficient privilege'
    return new TenancyError(
      text.includes('row-level security') ? 'DH301' : 'DH305',
      `the database refused ${describe(details)} to the role of the connection: ${text}`,
      { details: { ...details, sqlState }, cause: error },
    )
  }
  return error
}

/** An error of the wire's, which Prisma took for a request error of that code and put its own text before. */
function ownErrorOf(error: unknown, details: TenancyErrorDetails): TenancyError | undefined {
  if (!(error instanceof Error) || !('code' in error) || !isTenancyErrorCode(error.code)) return undefined
  const { code, message } = error
  const start = message.lastIndexOf(`${code}: `)
  const text = start < 0 ? errorCodes[code] : message.slice(start + code.length + 2)
  return new TenancyError(code, text, { details, cause: error })
}

/** A serialization failure or a deadlock, which another attempt may not meet. */
function isConflict(sqlState: unknown): boolean {
  return sqlState === '40001' || sqlState === '40P01'
}

/** The setting whose limit a statement has run into; PostgreSQL has one code for several of them. */
function limitOf(sqlState: unknown, message: unknown): string | undefined {
  if (typeof message !== 'string') return undefined
  if (sqlState === '55P03' && message.includes('lock timeout')) return 'lock_timeout'
  if (sqlState === '57014' && message.includes('statement timeout')) return 'statement_timeout'
  return undefined
}

function describe({ model, operation }: TenancyErrorDetails): string {
  return [operation ?? 'the operation', ...(model ? [`on ${model}`] : [])].join(' ')
}

function driverCauseOf(error: unknown): DriverCause | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const meta = 'meta' in error ? error.meta : undefined
  const adapterError = isRecord(meta) ? meta['driverAdapterError'] : error
  return isRecord(adapterError) && isRecord(adapterError['cause']) ? adapterError['cause'] : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
