import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { quoteIdentifier, quoteLiteral } from '../policy/identifier.ts'
import { withLogin } from './database-server.ts'

/** A login that exists for one script or test. */
export interface TemporaryLogin {
  readonly connectionString: string
  /**
   * Drops the login. Its connections must have ended.
   *
   * @param adminUrl another connection string, where the database of the login is gone by then
   */
  drop(adminUrl?: string): Promise<void>
}

/**
 * Creates a login that has the rights of a role and nothing else: policies for the role hold it too. The
 * role's own password stays untouched, so this is safe on a server that others use.
 *
 * @param adminUrl an administrator's connection string for the database
 * @param role the role whose rights the login inherits
 *
 * @example
 * ```ts
 * const login = await createTemporaryLogin(adminUrl, defaultRoleNames.app)
 * const tenancy = createTenancy({ PrismaClient, manifest, connectionString: login.connectionString })
 * ```
 */
export async function createTemporaryLogin(adminUrl: string, role: string): Promise<TemporaryLogin> {
  const user = `temporary_${randomBytes(6).toString('hex')}`
  const password = randomBytes(18).toString('base64url')
  await runAsAdmin(
    adminUrl,
    `create role ${quoteIdentifier(user)} login inherit nobypassrls in role ${quoteIdentifier(role)} password ${quoteLiteral(password)} valid until ${quoteLiteral(inAnHour())}`,
  )
  return {
    connectionString: withLogin(adminUrl, { user, password }),
    drop: (url = adminUrl) => runAsAdmin(url, `drop role if exists ${quoteIdentifier(user)}`),
  }
}

/** So that a login whose script was killed is of no use to anybody. */
function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString()
}

async function runAsAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
