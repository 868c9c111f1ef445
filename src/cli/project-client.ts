import { TenancyError } from '../errors.ts'
import { manifest as bundled } from '../generated/tenancy.ts'
import { readProject } from '../manifest/project.ts'
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
  const { client } = readProject(name)
  if (client === undefined) {
    throw new TenancyError(
      'DH413',
      `the schema of ${name} generates no Prisma client; give the folder of the client with --client`,
    )
  }
  return loadClient(client.path ?? '@prisma/client')
}
