import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { type BundledTenantClient, createTenancy } from '../../src/index.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import { createTemporaryLogin, createUnscopedTenancy } from '../../src/testing/index.ts'

/** Which hulls stand between an attacker and the data. */
export type HullName = 'one' | 'two' | 'both' | 'none'

/** The clients that attacks are made with, for one choice of hulls. */
export interface Hull {
  readonly name: HullName
  /** A client of a tenant, as an application would have it. */
  client(tenantId: string): BundledTenantClient
  /** What an application gets that forgot to say for whom it works. */
  clientWithoutContext(): BundledTenantClient
  /** The names of the packages that an application reads for a tenant id that it took from a stranger. */
  packageNamesOf(forgedTenantId: string): Promise<readonly { readonly name: string }[]>
  close(): Promise<void>
}

/** Opens hull one alone, hull two alone and both; or, for sabotage, neither. */
export async function openHulls(adminUrl: string, sabotage: boolean): Promise<readonly Hull[]> {
  // the migrator may become the owner, and policies let the owner pass: for it hull two is off
  const open = await createTemporaryLogin(adminUrl, defaultRoleNames.owner)
  if (sabotage) return [noHull(open.connectionString, open.drop)]
  const held = await createTemporaryLogin(adminUrl, defaultRoleNames.app)
  return [
    hullOne(open.connectionString, open.drop),
    hullTwo(held.connectionString, async () => {}),
    bothHulls(held.connectionString, held.drop),
  ]
}

type Drop = () => Promise<void>

function hullOne(connectionString: string, drop: Drop): Hull {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString,
    allowRoleThatBypassesRowSecurity: true,
  })
  return scopedHull('one', tenancy, drop)
}

function bothHulls(connectionString: string, drop: Drop): Hull {
  return scopedHull('both', createTenancy({ PrismaClient, manifest, connectionString }), drop)
}

function scopedHull(
  name: HullName,
  tenancy: ReturnType<typeof createTenancy<PrismaClient>>,
  drop: Drop,
): Hull {
  return {
    name,
    client: (tenantId) => tenancy.client({ tenantId }),
    clientWithoutContext: () => tenancy.client(undefined as never),
    packageNamesOf: async (tenantId) =>
      tenancy.client({ tenantId }).configPackage.findMany({ select: { name: true } }),
    async close() {
      await tenancy.disconnect()
      await drop()
    },
  }
}

/** Row-level security and the wire, under clients that rewrite nothing. */
function hullTwo(connectionString: string, drop: Drop): Hull {
  const tenancy = createUnscopedTenancy({ PrismaClient, manifest, connectionString })
  const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString }) })
  return {
    name: 'two',
    client: (tenantId) => tenancy.client({ tenantId }),
    clientWithoutContext: () => plain,
    packageNamesOf: (tenantId) =>
      plain.$transaction(async (tx) => {
        await tx.$queryRaw`select set_config('app.tenant_id', ${tenantId}, true)`
        return tx.configPackage.findMany({ select: { name: true } })
      }),
    async close() {
      await tenancy.disconnect()
      await plain.$disconnect()
      await drop()
    },
  }
}

/**
 * No hull: a plain client with the extension that Prisma's documentation shows for row-level security, on a
 * connection that row-level security does not hold.
 */
function noHull(connectionString: string, drop: Drop): Hull {
  const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString }) })
  return {
    name: 'none',
    client: (tenantId) =>
      plain.$extends({
        query: {
          $allModels: {
            async $allOperations({ args, query }) {
              const [, result] = await plain.$transaction([
                plain.$executeRaw`select set_config('app.tenant_id', ${tenantId}, true)`,
                query(args),
              ])
              return result
            },
          },
        },
      }) as unknown as BundledTenantClient,
    clientWithoutContext: () => plain,
    packageNamesOf: (tenantId) =>
      plain.$queryRawUnsafe(
        `select name from governance.config_package where tenant_id::text = '${tenantId}'`,
      ),
    async close() {
      await plain.$disconnect()
      await drop()
    },
  }
}
