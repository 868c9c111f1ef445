import { assembleTenancy, type Tenancy, type TenancyOptions } from '../tenancy/create-tenancy.ts'

/**
 * A tenancy with hull one off: its clients set the context and rewrite nothing. For the proof that the
 * database alone keeps a tenant in; never for an application.
 *
 * @example
 * ```ts
 * const tenancy = createUnscopedTenancy({ PrismaClient, manifest, connectionString })
 * expect(await tenancy.client({ tenantId }).invoice.findMany()).toEqual(own)
 * ```
 */
export function createUnscopedTenancy<
  Client extends object,
  Extended extends object = Client,
  UnsafeRaw extends boolean = false,
>(options: TenancyOptions<Client, Extended, UnsafeRaw>): Tenancy<Extended, UnsafeRaw, Client> {
  return assembleTenancy(options, { rewrite: false })
}
