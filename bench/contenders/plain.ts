import { clientContender, type OpenContender } from './contender.ts'
import { openPrisma } from './open-prisma.ts'

/** What every ratio is taken of. */
export const floorName = 'plain Prisma, no RLS'

/**
 * The floor: Prisma as one uses it without tenants, in the same tables, with a login that row-level security does
 * not hold. A row is asked for by its id and by nothing else; many are asked for by `tenantId`, because an
 * application that answers a tenant can't ask for less.
 */
export const openPlain: OpenContender = async ({ bypassUrl }, connections) => {
  const prisma = openPrisma(bypassUrl, connections)
  return clientContender(
    floorName,
    { where: true, data: true },
    () => prisma,
    () => prisma.$disconnect(),
  )
}
