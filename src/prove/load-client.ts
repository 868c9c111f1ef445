import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { TenancyError } from '../errors.ts'
import type { PrismaClientClass } from '../tenancy/create-tenancy.ts'
import { loadProjectModule } from './load-project-module.ts'

/** The generated class, and which Prisma wrote it. */
export interface LoadedClient {
  readonly PrismaClient: PrismaClientClass<object>
  /** Such as `7.10.0`; undefined where the client does not say. */
  readonly prismaVersion: string | undefined
}

/** The client's file in the folder that a generator writes, in the order in which they are looked for. */
const entries = ['client', 'index'].flatMap((name) =>
  ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((extension) => `${name}.${extension}`),
)

/**
 * Loads the class that `prisma generate` wrote, as TypeScript or as JavaScript.
 *
 * @param place a file or a folder, from the current folder, or a package such as `@prisma/client`
 * @throws {TenancyError} `DH413` where nothing is there, nothing can load it, or it has no `PrismaClient`
 *
 * @example
 * ```ts
 * const { PrismaClient } = await loadClient('src/generated/prisma')
 * ```
 */
export async function loadClient(place: string): Promise<LoadedClient> {
  const file = fileOf(place)
  const module = await loadProjectModule(file).catch((cause: Error) => {
    throw new TenancyError(
      'DH413',
      `the Prisma client at ${place} ${cause.message}; where it is not up to date, run prisma generate`,
      { cause },
    )
  })
  const { PrismaClient, Prisma } = module
  if (typeof PrismaClient !== 'function') {
    throw new TenancyError(
      'DH413',
      `${place} has no PrismaClient; give the folder that prisma generate writes the client to with --client`,
    )
  }
  return { PrismaClient: PrismaClient as PrismaClientClass<object>, prismaVersion: versionOf(Prisma) }
}

function fileOf(place: string): string {
  const path = resolve(place)
  if (existsSync(path)) {
    if (statSync(path).isFile()) return path
    const entry = entries.map((name) => join(path, name)).find((one) => existsSync(one))
    if (entry !== undefined) return entry
    throw new TenancyError('DH413', `the folder ${place} has no Prisma client; run prisma generate`)
  }
  try {
    // what the project in the current folder has installed
    if (!/^[./\\]/.test(place)) return createRequire(join(process.cwd(), 'package.json')).resolve(place)
  } catch {
    // what follows says so
  }
  throw new TenancyError(
    'DH413',
    `there is no Prisma client at ${place}; run prisma generate, or give its folder with --client`,
  )
}

function versionOf(prisma: unknown): string | undefined {
  if (typeof prisma !== 'object' || prisma === null || !('prismaVersion' in prisma)) return undefined
  const { client } = prisma.prismaVersion as { readonly client?: unknown }
  return typeof client === 'string' ? client : undefined
}
