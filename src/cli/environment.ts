import { TenancyError } from '../errors.ts'

/**
 * Reads `.env` of the current folder, where there is one. Variables that are set win over it, as everywhere.
 *
 * @throws {TenancyError} `DH409` for a file that cannot be read
 */
export function loadEnvironment(): void {
  try {
    process.loadEnvFile()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing)
      throw new TenancyError('DH409', 'the file .env cannot be read; check its permissions', { cause: error })
  }
}

/**
 * The database that a command is for: its flag, then `DIRECT_URL`, then `DATABASE_URL`.
 *
 * @param flag what `--database-url` was given
 * @throws {TenancyError} `DH409` where none of them names one
 */
export function databaseUrl(flag: string | undefined): string {
  // `||`, because a variable that is set to nothing is not set
  const url = flag ?? (process.env['DIRECT_URL'] || process.env['DATABASE_URL'])
  if (url) return url
  throw new TenancyError(
    'DH409',
    'no database is named; set DIRECT_URL or DATABASE_URL, or give --database-url',
  )
}
