import { existsSync } from 'node:fs'
import { TenancyError } from '../errors.ts'

/** Where a project has its Prisma schema. */
const usualPlaces = ['prisma/schema.prisma', 'prisma/schema', 'schema.prisma']

/**
 * The Prisma schema of the project in the current folder.
 *
 * @throws {TenancyError} `DH304` where it is in none of the usual places
 */
export function findSchema(): string {
  const found = usualPlaces.find((place) => existsSync(place))
  if (found !== undefined) return found
  throw new TenancyError(
    'DH304',
    `there is no Prisma schema in ${usualPlaces.join(', ')}; give its path with --schema`,
  )
}
