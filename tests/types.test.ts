import { describe, expectTypeOf, it } from 'vitest'
import type { Prisma } from '../src/generated/prisma/client.ts'
import { type BundledTenantClient, createTenantClient, parseTenantId, type TenantId } from '../src/index.ts'

// Compiled by `npm run check`; at run time nothing is called.
declare const db: BundledTenantClient

describe('types', () => {
  it('a bare string is no tenant id', () => {
    expectTypeOf<string>().not.toExtend<TenantId>()
    expectTypeOf(parseTenantId).returns.toEqualTypeOf<TenantId>()
  })

  it('a context takes plain strings and asks for the tenant', () => {
    expectTypeOf(createTenantClient)
      .parameter(0)
      .toExtend<{ tenantId: string; userId?: string | undefined }>()
    // @ts-expect-error the tenant is missing
    const _missing: Parameters<typeof createTenantClient>[0] = {}
  })

  it('the tenant field is optional in creates', () => {
    expectTypeOf<{ key: string; name: string }>().toExtend<Prisma.ConfigPackageCreateInput>()
    expectTypeOf<{ key: string; name: string }>().toExtend<Prisma.ConfigPackageUncheckedCreateInput>()
    expectTypeOf<{ key: string }>().toExtend<Prisma.FeatureFlagCreateManyInput>()
  })

  it('a tenant client infers results as Prisma does', () => {
    const query = () =>
      db.configPackage.findFirst({ select: { name: true, versions: { select: { number: true } } } })
    expectTypeOf(query).returns.resolves.toEqualTypeOf<{
      name: string
      versions: { number: number }[]
    } | null>()
    const transaction = () => db.$transaction(async (tx) => tx.configVersion.count())
    expectTypeOf(transaction).returns.resolves.toEqualTypeOf<number>()
  })

  it('a tenant client has no way out', () => {
    expectTypeOf<BundledTenantClient>().not.toHaveProperty('$extends')
    expectTypeOf<BundledTenantClient>().not.toHaveProperty('$queryRawUnsafe')
    expectTypeOf<BundledTenantClient>().not.toHaveProperty('$disconnect')
    expectTypeOf<BundledTenantClient['configPackage']>().not.toBeAny()
  })
})
