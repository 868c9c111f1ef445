import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../../src/generated/prisma/client.ts'

/** A plain Prisma client with a pool of its own. */
export function openPrisma(connectionString: string, connections: number): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString, max: connections }) })
}
