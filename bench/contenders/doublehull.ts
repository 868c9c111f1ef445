import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { createTenancy } from '../../src/index.ts'
import { clientContender, type OpenContender } from './contender.ts'

export const doublehullName = 'doublehull'

/** This package, as its README says: one tenancy for the process, and a new client for each request. */
export const openDoublehull: OpenContender = async ({ appUrl }, connections) => {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString: appUrl,
    maxConnections: connections,
  })
  return clientContender(
    doublehullName,
    { where: false, data: false },
    (tenantId) => tenancy.client({ tenantId }),
    () => tenancy.disconnect(),
  )
}
