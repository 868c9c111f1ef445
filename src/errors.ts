/**
 * Every refusal of the package is a {@link TenancyError} with a code of this table. Codes are grouped by
 * hundreds and never reused: `DH1xx` context, `DH2xx` hull one, `DH3xx` policy and catalog, `DH4xx`
 * migrations, `DH5xx` governance. The database raises the same codes as SQLSTATEs.
 */
export const errorCodes = {
  DH101: 'no tenant context is set',
  DH102: 'the tenant context is not valid',
  DH103: 'the operation belongs to another tenant than the work it is part of',
  DH104: 'the tenancy is closed',
  DH105: 'the transaction or the operation is over',
  DH106: 'the connection to the database was lost',
  DH107: 'no connection was free in time',
  DH108: 'a time limit of the context ran out',
  DH109: 'system work needs an actor and a reason',
  DH110: 'system work could not be recorded',
  DH111: 'the request names no tenant that can be trusted',
  DH112: 'the request names a tenant that it does not reach',
  DH113: 'the options of a resolver are not valid',
  DH114: 'the keys that tokens are verified with could not be had',
  DH115: 'the work for each tenant was stopped',

  DH201: 'the model or operation is not known to the manifest',
  DH202: 'the tenant field was given another value than the context',
  DH203: 'the model is read-only for a tenant',
  DH204: 'the call is not reachable from a tenant client',
  DH205: 'raw SQL has no row-level security to hold it',
  DH206: 'it cannot be known which row the reference would name',
  DH207: 'the relation cannot be followed without leaving the tenant',
  DH208: 'the manifest does not describe the client it was given',
  DH210: 'an extension could open hull one, or is none',
  DH211: 'an extension answered without asking hull one',

  DH301: 'row-level security refused the row',
  DH302: 'the role of the connection is not held by row-level security',
  DH303: 'a table of the manifest is not held by row-level security',
  DH304: 'the schema cannot be classified',
  DH305: 'the role of the connection lacks a privilege',
  DH306: 'the database does not verify the context',
  DH307: 'the database has a way around row-level security',
  DH308: 'the baseline of accepted findings is not valid',
  DH309: 'rows for the proof cannot be planted',

  DH401: 'the migrations directory cannot be read',
  DH402: 'an applied migration was changed',
  DH403: 'an applied migration is missing from the directory',
  DH404: 'an earlier migration failed and was not resolved',
  DH405: 'a migration failed and was rolled back',
  DH406: 'the connection lacks a privilege that migrations need',
  DH407: 'a migration ends the transaction it runs in',
  DH408: 'the settings of a role or of a key are not valid',
  DH409: 'the database cannot be used',
  DH410: 'a lock on a table was not free in time',
  DH411: 'the login is still in use',
  DH412: 'the database is not one that may be thrown away',
  DH413: 'the Prisma client of the project cannot be loaded',

  DH501: 'the life cycle has no such move',
  DH502: 'only a draft may be edited',
  DH503: 'the record is append-only',
  DH504: 'it was changed meanwhile, or is not what was expected',
  DH505: 'the actor lacks a permission',
  DH506: 'the input is not valid',
  DH507: 'there is no such record',
  DH508: 'a kill switch is engaged',
  DH509: 'a governed change needs a user',
  DH510: 'nobody decides on their own work',
  DH511: 'the audit trail cannot be trusted',
} as const

/** The closed union of the package's error codes. */
export type TenancyErrorCode = keyof typeof errorCodes

/** What may succeed when it is tried again as it is: see {@link TenancyError.retryable}. */
const retryableCodes: ReadonlySet<TenancyErrorCode> = new Set(['DH106', 'DH107', 'DH108', 'DH114', 'DH410'])

/**
 * What an error says beside its message. Names of models, tables, roles and files only: a value out of a
 * query never enters an error, because errors end in logs.
 */
export interface TenancyErrorDetails {
  readonly model?: string
  readonly operation?: string
  readonly field?: string
  readonly relation?: string
  readonly role?: string
  readonly tables?: readonly string[]
  readonly migration?: string
  readonly sqlState?: string
  readonly hint?: string
  /** The states of an illegal move (`DH501`). */
  readonly from?: string
  readonly to?: string
  /** What a conflict (`DH504`) is about: a lock version, or the id of what is in force; null where nothing is. */
  readonly expected?: string | number | null
  readonly actual?: string | number | null
  /** What the actor lacks (`DH505`). */
  readonly permission?: string
  /** Where input is not valid (`DH506`), and why. */
  readonly issues?: readonly InputIssue[]
}

/** One thing that is not valid in what was given. */
export interface InputIssue {
  /** Where: property names and indexes, from the outside in. */
  readonly path: readonly (string | number)[]
  /** Which rule it breaks; never the value. */
  readonly message: string
}

/**
 * The one error class of the package.
 *
 * @example
 * ```ts
 * try {
 *   await db.configVersion.update({ where: { id }, data: { content } })
 * } catch (error) {
 *   if (isTenancyError(error, 'DH502')) return reply.conflict('This version is no draft any more.')
 *   throw error
 * }
 * ```
 */
export class TenancyError extends Error {
  override readonly name = 'TenancyError'
  readonly code: TenancyErrorCode
  readonly details: TenancyErrorDetails

  /**
   * @param code one of {@link errorCodes}
   * @param message what failed, on which object, and what to do; never a value
   */
  constructor(
    code: TenancyErrorCode,
    message: string,
    options: { readonly details?: TenancyErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }

  /**
   * Whether the same work may succeed when it is tried again: the connection was lost, none was free in time, a
   * time limit ran out, or the keys of tokens could not be had. After a lost connection (`DH106`) nobody knows whether a write was done.
   */
  get retryable(): boolean {
    return retryableCodes.has(this.code)
  }
}

/** Whether `error` is a {@link TenancyError}, and, where a code is given, the one with that code. */
export function isTenancyError(error: unknown, code?: TenancyErrorCode): error is TenancyError {
  return error instanceof TenancyError && (code === undefined || error.code === code)
}

/** Whether a SQLSTATE is one of the package's own codes. */
export function isTenancyErrorCode(sqlState: unknown): sqlState is TenancyErrorCode {
  return typeof sqlState === 'string' && Object.hasOwn(errorCodes, sqlState)
}

/** `DH104`, raised wherever something is asked of a tenancy after its end. */
export function tenancyIsClosed(): TenancyError {
  return new TenancyError('DH104', 'the tenancy is disconnected; create another one')
}

/** `DH105`, raised wherever something is asked of a transaction after its end. */
export function transactionIsOver(): TenancyError {
  return new TenancyError(
    'DH105',
    'a query came after its transaction had ended; await every query inside it',
  )
}
