import { existsSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { TenancyError } from '../errors.ts'
import { findProjectConfig } from '../manifest/project-config.ts'
import { prismaSettings } from './prisma-settings.ts'

/** Where Prisma looks for a schema, and where applications keep one. */
const usualPlaces = ['prisma/schema.prisma', 'schema.prisma', 'prisma/schema']

/**
 * The schema of the project in the current folder: what `doublehull.json` says, else Prisma's own settings, else a usual
 * place.
 *
 * @returns its path from the current folder, a file or a folder
 * @throws {TenancyError} `DH304` where there is none
 */
export function findSchema(): string {
  const found = lookForSchema()
  if (found !== undefined) return found
  throw new TenancyError(
    'DH304',
    `there is no Prisma schema in ${usualPlaces.join(', ')}; give its path, a file or a folder, with --schema`,
  )
}

/** The same, where a project without a schema is none that fails. */
export function lookForSchema(): string | undefined {
  const said = findProjectConfig('.')?.schema
  if (said !== undefined) return relative('', said).split(sep).join('/') || '.'
  return prismaSettings().schema ?? usualPlaces.find((place) => existsSync(place))
}
