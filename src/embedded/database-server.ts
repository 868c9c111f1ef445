import pg from 'pg'
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.ts'

/** The PostgreSQL that scripts and tests work on. */
export interface DatabaseServer {
  /** `DIRECT_URL`, or else `DATABASE_URL`, names it, or it is the embedded one. */
  readonly kind: 'given' | 'embedded'
  /** PostgreSQL's version, such as `18.4`. */
  readonly version: string
  /** An administrator's connection string for a database, by default the one that was given. */
  url(database?: string): string
  /** Lets the server go; the embedded one stops with its last user. */
  stop(): Promise<void>
}

/** The oldest PostgreSQL that the package supports: `security_invoker` views and `SET NULL (column)` came with it. */
const oldestVersion = 15

/**
 * Takes the server of `DIRECT_URL`, or else `DATABASE_URL`, whose login must be an administrator's, or starts
 * the embedded one.
 *
 * @param database the database of the embedded server, created when it is missing
 * @throws Error when the server can't be reached or is older than PostgreSQL 15
 */
export async function openDatabaseServer(
  database: string,
  options: EmbeddedPostgresOptions = {},
): Promise<DatabaseServer> {
  const given = process.env['DIRECT_URL'] || process.env['DATABASE_URL']
  if (!given) {
    const server = await startEmbeddedPostgres(options)
    await server.ensureDatabase(database)
    return {
      kind: 'embedded',
      version: server.version,
      url: (name = database) => server.url(name),
      stop: () => server.stop(),
    }
  }
  return {
    kind: 'given',
    version: await serverVersion(given),
    url: (name) => (name === undefined ? given : withLogin(given, { database: name })),
    stop: async () => {},
  }
}

async function serverVersion(connectionString: string): Promise<string> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    const version = rows[0]?.server_version ?? ''
    if (Number.parseInt(version, 10) >= oldestVersion) return version.split(' ')[0] ?? version
    throw new Error(
      `PostgreSQL ${version} is too old; DIRECT_URL, or else DATABASE_URL, must name version ${oldestVersion} or newer`,
    )
  } finally {
    await client.end()
  }
}

/** A connection string with another user or database in it. */
export function withLogin(
  connectionString: string,
  login: { readonly user?: string; readonly password?: string; readonly database?: string },
): string {
  const url = new URL(connectionString)
  if (login.user !== undefined) url.username = encodeURIComponent(login.user)
  if (login.password !== undefined) url.password = encodeURIComponent(login.password)
  if (login.database !== undefined) url.pathname = `/${encodeURIComponent(login.database)}`
  return url.href
}
