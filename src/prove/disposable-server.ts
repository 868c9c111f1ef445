/**
 * Whether a proof may work on a server. It makes a database of its own there and drops that alone, so what is asked is
 * whether the server is one to play on: its roles are set up, and the work takes its time. Invariant: nothing is sent to
 * a server before it has been asked.
 */
import { Client } from 'pg'
import { TenancyError } from '../errors.ts'

/** How people call a database that others depend on. */
const productionLike = /(^|[^a-z])(prod|production|live|prd)([^a-z]|$)/i

/**
 * Refuses a server that somebody may depend on: one on another host, and one whose database is called production or the
 * like, unless the database's name was repeated.
 *
 * @param connectionString what `--database-url` was given
 * @param repeatedName what `--throw-away` was given
 * @throws {TenancyError} `DH412` for such a server, and for a name that is another one's; `DH409` for what is no
 * connection string
 *
 * @example
 * ```ts
 * requireDisposable('postgresql://postgres@ci-database/app_test', 'app_test')
 * ```
 */
export function requireDisposable(connectionString: string, repeatedName: string | undefined): void {
  const { host, database } = targetOf(connectionString)
  if (repeatedName !== undefined) {
    if (repeatedName === database) return
    throw new TenancyError(
      'DH412',
      `--throw-away repeats another name than that of the database, ${database}; nothing was sent to it`,
    )
  }
  if (!isLocal(host)) {
    throw new TenancyError(
      'DH412',
      `the database ${database} is on another host, ${host}; where that server is one to play on, repeat the name with --throw-away ${database}, or leave --database-url out and the embedded PostgreSQL is taken`,
    )
  }
  if (productionLike.test(database)) {
    throw new TenancyError(
      'DH412',
      `the database ${database} is called as if others depended on it, and a local port may lead anywhere; name another database, or repeat the name with --throw-away ${database}`,
    )
  }
}

/** @throws {TenancyError} `DH409` for what is no connection string */
function targetOf(connectionString: string): { readonly host: string; readonly database: string } {
  try {
    // to the parser any text is a database on some host
    if (!/^postgres(ql)?:\/\//i.test(connectionString)) throw new Error('no URL')
    // as it will be connected to: the parts that are missing come from the environment
    const { host, database, user } = new Client({ connectionString })
    return { host, database: database || user || 'postgres' }
  } catch {
    // no cause: the parser's error carries the connection string, and with it the password
    throw new TenancyError(
      'DH409',
      'the connection string is not a PostgreSQL URL; it should read postgresql://user:password@host:port/database',
    )
  }
}

/** A socket, or an address of this machine. */
function isLocal(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return (
    name.startsWith('/') ||
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(name)
  )
}
