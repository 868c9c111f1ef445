import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { TenancyError } from '../errors.ts'
import { lookForSchema } from './find-schema.ts'
import { prismaSettings } from './prisma-settings.ts'

const usualFolder = 'prisma/migrations'

/**
 * The folder of the project's migrations, there or not: what Prisma's settings say, else the one beside the schema, else
 * `prisma/migrations`.
 *
 * @returns a path from the current folder, with slashes
 */
export function findMigrations(): string {
  const { migrations } = prismaSettings()
  if (migrations !== undefined) return migrations
  const schema = lookForSchema()
  const beside = schema === undefined ? [] : [`${schema}/migrations`, `${dirname(schema)}/migrations`]
  const found = [usualFolder, ...beside].find((folder) => existsSync(folder))
  return (found ?? usualFolder).replace(/^\.\//, '')
}

/**
 * The folder of the project's migrations, where it has one; `undefined` in a project without a Prisma schema of its own,
 * which has the package's.
 *
 * @throws {TenancyError} `DH401` where the project has a schema and no migrations: those of the package are of another
 */
export function ownMigrations(): string | undefined {
  const folder = findMigrations()
  if (existsSync(folder)) return folder
  const schema = lookForSchema()
  if (schema === undefined) return undefined
  throw new TenancyError(
    'DH401',
    `there is a Prisma schema (${schema}), but no folder ${folder}; write its first migration with npx prisma migrate dev, or npx prisma migrate diff --from-empty --to-schema ${schema} --script, then the policies with npx doublehull policies; another folder is named with --migrations`,
  )
}
