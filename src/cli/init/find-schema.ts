import { existsSync, readFileSync } from 'node:fs'
import { TenancyError } from '../../errors.ts'

/** Where Prisma looks for a schema, and where applications keep one. */
const usualPlaces = ['prisma/schema.prisma', 'schema.prisma', 'prisma/schema']

/**
 * The schema of the project in the current folder: the given path, else what Prisma's own settings say, else a usual
 * place.
 *
 * @param given what `--schema` or `doublehull.json` says
 * @throws {TenancyError} `DH304` where there is none
 */
export function findSchema(given: string | undefined): string {
  const said = given ?? fromPrismaConfig() ?? fromPackage()
  if (said !== undefined) return said.replace(/^\.\//, '').replace(/\/+$/, '')
  const found = usualPlaces.find((place) => existsSync(place))
  if (found !== undefined) return found
  throw new TenancyError(
    'DH304',
    `there is no Prisma schema in ${usualPlaces.join(', ')}; give its path, a file or a folder, with --schema`,
  )
}

/** What `prisma.config.ts` says, where it says it plainly; it is a program, and isn't run for it. */
function fromPrismaConfig(): string | undefined {
  return /^[^/\n]*\bschema:\s*(['"`])([^'"`$]+)\1/m.exec(textAt('prisma.config.ts'))?.[2]
}

function fromPackage(): string | undefined {
  try {
    const { prisma } = JSON.parse(textAt('package.json')) as {
      readonly prisma?: { readonly schema?: string }
    }
    return prisma?.schema
  } catch {
    return undefined
  }
}

function textAt(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
