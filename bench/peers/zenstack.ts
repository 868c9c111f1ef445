/**
 * `@zenstackhq/orm` with its policy plugin, as its documentation says: an ORM with Prisma's interface that writes
 * its own SQL and adds the conditions of the policies to it, and a client for each request that knows the user.
 * The database has no part in it, so it logs in as plain Prisma does.
 */
import { ZenStackClient } from '@zenstackhq/orm'
import { PostgresDialect } from '@zenstackhq/orm/dialects/postgres'
import { PolicyPlugin } from '@zenstackhq/plugin-policy'
import pg from 'pg'
import { clientContender, type OpenContender, type TransactionalDatabase } from '../contenders/contender.ts'
import { schema } from './zenstack/schema.ts'

export const open: OpenContender = async ({ bypassUrl }, connections) => {
  const pool = new pg.Pool({ connectionString: bypassUrl, max: connections })
  // a connection that is lost while it is idle is replaced by the next query
  pool.on('error', () => {})
  const db = new ZenStackClient(schema, { dialect: new PostgresDialect({ pool }) })
  const withPolicies = db.$use(new PolicyPlugin())
  return clientContender(
    '@zenstackhq/orm',
    { where: false, data: true },
    (tenantId) => withPolicies.$setAuth({ tenantId }) as unknown as TransactionalDatabase,
    () => db.$disconnect(),
  )
}
