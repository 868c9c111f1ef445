/**
 * The client and the manifest of the schema that ships with the package: what `prisma generate` and `generator
 * tenancy` write for it. For `createTenancy` with settings of one's own, for types and for `Prisma.sql`.
 *
 * @example
 * ```ts
 * import { createTenancy } from 'doublehull'
 * import { manifest, PrismaClient } from 'doublehull/bundled'
 *
 * const tenancy = createTenancy({ PrismaClient, manifest, connectionString, maxConnections: 20 })
 * ```
 */
export * from './generated/prisma/client.ts'
export { manifest } from './generated/tenancy.ts'
