/**
 * `prisma-tenant-extension`, as its README says: one extended client, which takes the tenant from the async
 * context and adds it to `where`. The database has no part in it, so it logs in as plain Prisma does.
 */
import { createTenantContext, createTenantExtension } from 'prisma-tenant-extension'
import {
  type Contender,
  inOrder,
  type OpenContender,
  type TransactionalDatabase,
} from '../contenders/contender.ts'
import { openPrisma } from '../contenders/open-prisma.ts'

export const open: OpenContender = async ({ bypassUrl }, connections) => {
  const context = createTenantContext<{ tenantId: string }>()
  const prisma = openPrisma(bypassUrl, connections)
  const extension = createTenantExtension({ context, tenantField: 'tenantId' })
  const db = prisma.$extends(extension) as unknown as TransactionalDatabase
  const contender: Contender = {
    name: 'prisma-tenant-extension',
    // "you must provide tenant fields yourself when creating records"
    says: { where: false, data: true },
    one: (tenantId, operation) => context.run({ tenantId }, async () => await operation(db)),
    tick: (tenantId, operations) =>
      context.run({ tenantId }, async () => await Promise.all(operations.map((operation) => operation(db)))),
    transaction: (tenantId, operations) =>
      context.run({ tenantId }, () => db.$transaction((tx) => inOrder(tx, operations))),
    close: () => prisma.$disconnect(),
  }
  return contender
}
