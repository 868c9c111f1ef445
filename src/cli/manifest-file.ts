import { existsSync, readFileSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { TenancyError } from '../errors.ts'
import { manifest as bundled } from '../generated/tenancy.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { parseManifest } from '../manifest/parse-manifest.ts'

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

/** What a project with a Prisma schema of its own has. */
const signsOfSchema = ['prisma/schema.prisma', 'prisma/schema', 'schema.prisma', 'prisma.config.ts']

/**
 * The manifest of the project in the current folder: the given one, else the one in a usual place, else, in a project
 * without a Prisma schema of its own, the one of the bundled schema.
 *
 * @param file what `--manifest` was given
 * @throws {TenancyError} `DH304` where there is none, or it can't be read
 */
export function findManifest(file: string | undefined): FoundManifest {
  const path = file ?? usualPlaces.find((place) => existsSync(place))
  if (path !== undefined) {
    return { manifest: parseManifest(textOf(path), path), name: path, artifact: artifactOf(path) }
  }
  const sign = signsOfSchema.find((place) => existsSync(place))
  if (sign === undefined) {
    // the project has no file of its own for it; its dependency on this package is what there is
    return { manifest: bundled, name: 'of the bundled schema', artifact: 'package.json' }
  }
  throw new TenancyError(
    'DH304',
    `there is a Prisma schema (${sign}), but no tenancy.json in ${usualPlaces.join(', ')}; give its path with --manifest, or write it with prisma generate and the generator of doublehull`,
  )
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
