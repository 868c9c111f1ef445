import type { PrismaClient } from '../../../src/generated/prisma/client.ts'
import type { BundledTenantClient } from '../../../src/index.ts'
import type { ClientOf } from './soak.ts'

/**
 * The error that most who begin with row-level security make: the tenant is set for the session, on whichever
 * connection of the pool is free, and the query goes to whichever is free then.
 */
export function setForTheSession(prisma: PrismaClient): ClientOf {
  return ({ tenantId, userId = '', lockTimeoutMillis = 0 }) =>
    prisma.$extends({
      query: {
        async $allOperations({ args, query }) {
          await prisma.$executeRaw`
            select set_config('app.tenant_id', ${tenantId}, false), set_config('app.user_id', ${userId}, false),
                   set_config('lock_timeout', ${String(lockTimeoutMillis)}, false)`
          return query(args)
        },
      },
    }) as unknown as BundledTenantClient
}

/**
 * The error of the extensions that open a transaction for each operation to set the tenant in: an operation of
 * the caller's own transaction leaves it.
 */
export function transactionForEach(prisma: PrismaClient): ClientOf {
  return ({ tenantId }) =>
    prisma.$extends({
      query: {
        async $allOperations({ args, query }) {
          const set = prisma.$executeRaw`select set_config('app.tenant_id', ${tenantId}, true)`
          const results: unknown[] = await prisma.$transaction([set, query(args) as typeof set])
          return results[1]
        },
      },
    }) as unknown as BundledTenantClient
}
