import type { PrismaClient } from '../../src/generated/prisma/client.ts'
import { type Contender, type Database, inOrder, type OpenContender } from './contender.ts'
import { openPrisma } from './open-prisma.ts'

export const interactiveName = 'interactive transaction'

/**
 * What one writes by hand: a transaction for each request, which sets the context and then works. Row-level
 * security does the rest, with the same policies.
 */
export const openInteractiveTransaction: OpenContender = async ({ appUrl }, connections) => {
  const prisma = openPrisma(appUrl, connections)
  const contender: Contender = {
    name: interactiveName,
    says: { where: false, data: false },
    one: (tenantId, operation) => inContext(prisma, tenantId, async (tx) => await operation(tx)),
    tick: (tenantId, operations) =>
      inContext(prisma, tenantId, (tx) => Promise.all(operations.map((operation) => operation(tx)))),
    transaction: (tenantId, operations) => inContext(prisma, tenantId, (tx) => inOrder(tx, operations)),
    close: () => prisma.$disconnect(),
  }
  return contender
}

function inContext<Answer>(
  prisma: PrismaClient,
  tenantId: string,
  work: (tx: Database) => Promise<Answer>,
): Promise<Answer> {
  return prisma.$transaction(async (tx) => {
    await tx.$executeRaw`select set_config('app.tenant_id', ${tenantId}, true)`
    return work(tx)
  })
}
