import { existsSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { TenancyError } from '../errors.ts'
import { manifest as bundled } from '../generated/tenancy.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { parseManifest } from '../manifest/parse-manifest.ts'
import { findProjectConfig } from '../manifest/project-config.ts'
import { readSchema } from '../manifest/read-schema.ts'
import { lookForSchema } from './find-schema.ts'

/** A manifest, and where it is from. */
export interface FoundManifest {
  readonly manifest: Manifest
  /** For people. */
  readonly name: string
  /** A file of the project that stands for it, as a path from the current folder with slashes. */
  readonly artifact: string
}

/** Where the generator's `output` often leads. */
export const usualFolders = [
  'src/generated',
  'src/tenancy',
  'generated',
  'prisma/generated',
  'src/generated/tenancy',
]
const usualPlaces = usualFolders.map((folder) => `${folder}/tenancy.json`)

/**
 * The manifest of the project in the current folder: the given one, else where `doublehull.json` has it, else the one in
 * a usual place or where the generator's block says, else, in a project without a Prisma schema of its own, the one of
 * the bundled schema.
 *
 * @param file what `--manifest` was given
 * @throws {TenancyError} `DH304` where there is none, or it can't be read
 */
export function findManifest(file: string | undefined): FoundManifest {
  const path = file ?? saidPlace() ?? usualPlaces.find((place) => existsSync(place)) ?? placeOfGenerator()
  if (path !== undefined) {
    return { manifest: parseManifest(textOf(path), path), name: path, artifact: artifactOf(path) }
  }
  const schema = lookForSchema() ?? ['prisma.config.ts'].find((place) => existsSync(place))
  if (schema === undefined) {
    // the project has no file of its own for it; its dependency on this package is what there is
    return { manifest: bundled, name: 'of the bundled schema', artifact: 'package.json' }
  }
  throw new TenancyError(
    'DH304',
    `there is a Prisma schema (${schema}), but no tenancy.json in ${usualPlaces.join(', ')}; write it with npx prisma generate, or set the project up with npx doublehull init; another place is named with --manifest`,
  )
}

/** Where `doublehull.json` has it written, once it is there. */
function saidPlace(): string | undefined {
  const folder = findProjectConfig('.')?.output
  return folder === undefined ? undefined : present(folder)
}

/** Where the generator's block has it written, once it is there. Asked last: it takes Prisma's parser. */
function placeOfGenerator(): string | undefined {
  const schema = lookForSchema()
  if (schema === undefined || !existsSync(schema)) return undefined
  try {
    const block = readSchema(schema).generators.find(({ config }) => config['tenantModel'] !== undefined)
    return block?.output === undefined ? undefined : present(block.output)
  } catch {
    // a schema that isn't understood tells no place; what is wrong with it is for the command that reads it
    return undefined
  }
}

function present(folder: string): string | undefined {
  const path = relative('', join(folder, 'tenancy.json'))
  return existsSync(path) ? path : undefined
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TenancyError(
      'DH304',
      `${path} cannot be read; give the path of the tenancy.json that prisma generate writes beside tenancy.ts`,
      { cause },
    )
  }
}

function artifactOf(path: string): string {
  const fromHere = relative('', path)
  return fromHere.startsWith('..') ? 'package.json' : fromHere.split(sep).join('/')
}
