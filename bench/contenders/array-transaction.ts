import type { Prisma, PrismaClient } from '../../src/generated/prisma/client.ts'
import type { Contender, OpenContender, Operation } from './contender.ts'
import { openPrisma } from './open-prisma.ts'

export const arrayName = 'array transaction'

/**
 * The form that Prisma's own example of row-level security uses: an array of the statement that sets the context
 * and of the operations, in one `$transaction`.
 */
export const openArrayTransaction: OpenContender = async ({ appUrl }, connections) => {
  const prisma = openPrisma(appUrl, connections)
  const contender: Contender = {
    name: arrayName,
    says: { where: false, data: false },
    async one(tenantId, operation) {
      const [answer] = await inContext(prisma, tenantId, [operation])
      return answer as Awaited<ReturnType<typeof operation>>
    },
    // the example is an extension, which wraps each operation on its own
    tick: (tenantId, operations) =>
      Promise.all(operations.map((operation) => contender.one(tenantId, operation))),
    transaction: (tenantId, operations) => inContext(prisma, tenantId, operations),
    close: () => prisma.$disconnect(),
  }
  return contender
}

async function inContext<Answer>(
  prisma: PrismaClient,
  tenantId: string,
  operations: readonly Operation<Answer>[],
): Promise<readonly Answer[]> {
  const [, ...answers] = await prisma.$transaction([
    prisma.$executeRaw`select set_config('app.tenant_id', ${tenantId}, true)`,
    ...operations.map((operation) => operation(prisma) as Prisma.PrismaPromise<Answer>),
  ])
  return answers
}
