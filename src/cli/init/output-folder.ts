import { dirname, join, relative, resolve, sep } from 'node:path'
import type { SchemaSource } from '../../manifest/read-schema.ts'
import { usualFolders } from '../manifest-file.ts'

/**
 * The folder for `tenancy.ts` where nobody names one: beside Prisma's client, and never in its folder, which Prisma
 * empties each time.
 *
 * @param hasFolder whether the project has a folder
 * @returns a path from the current folder, with slashes
 */
export function outputFolder({ generators }: SchemaSource, hasFolder: (path: string) => boolean): string {
  const clients = generators.flatMap(({ provider, output, file }) =>
    /^prisma-client(-js)?$/.test(provider) && output !== undefined ? [resolve(dirname(file), output)] : [],
  )
  const isFree = (folder: string) =>
    !clients.some((client) => resolve(folder) === client || resolve(folder).startsWith(client + sep))
  const beside = clients.map((client) => slashed(relative('', dirname(client))))
  const known = beside.find((folder) => usualFolders.includes(folder))
  if (known !== undefined && isFree(known)) return known
  const fits = (folder: string) => isFree(folder) && (!folder.startsWith('src/') || hasFolder('src'))
  return usualFolders.find(fits) ?? join('generated', 'tenancy')
}

/** A path as schemas and other files of a repository write it. */
export function slashed(path: string): string {
  return path.split(sep).join('/')
}
