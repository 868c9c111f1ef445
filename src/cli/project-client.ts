import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TenancyError } from '../errors.ts'
import { manifest as bundled } from '../generated/tenancy.ts'
import { type LoadedClient, loadClient } from '../prove/load-client.ts'
import type { FoundManifest } from './manifest-file.ts'

/**
 * Loads the Prisma client that belongs to a manifest: the given one, else the one that the manifest's file names, else
 * the package's own where the manifest is.
 *
 * @param place what `--client` was given
 * @throws {TenancyError} `DH413` where it can't be loaded, or none is named
 */
export async function projectClient(
  { manifest, name }: FoundManifest,
  place: string | undefined,
): Promise<LoadedClient> {
  if (place !== undefined) return loadClient(place)
  if (manifest === bundled) {
    const { Prisma, PrismaClient } = await import('../generated/prisma/client.ts')
    return { PrismaClient, prismaVersion: Prisma.prismaVersion.client }
  }
  const named = clientNamedIn(name)
  if (named !== undefined) return loadClient(named)
  throw new TenancyError(
    'DH413',
    `${name} does not name the Prisma client; write it again with prisma generate, or give the client’s folder with --client`,
  )
}

/** @returns the client's path from the current folder */
function clientNamedIn(file: string): string | undefined {
  const { client } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly client?: { readonly path?: unknown }
  }
  if (typeof client?.path !== 'string') return undefined
  // from where the file is
  const beside = join(dirname(file), client.path)
  return existsSync(beside) ? beside : client.path
}
