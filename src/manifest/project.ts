import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import type { Manifest } from './manifest.ts'
import type { ProjectClient } from './manifest-files.ts'
import { parseManifest } from './parse-manifest.ts'

const originSchema = z.object({
  schema: z.string(),
  client: z
    .object({ provider: z.enum(['prisma-client', 'prisma-client-js']), path: z.string().nullable() })
    .nullable(),
})

/** A project, as its `tenancy.json` tells of it. */
export interface Project {
  readonly manifest: Manifest
  /** The Prisma schema, a file or a folder, as an absolute path. */
  readonly schema: string
  /** Undefined where the schema generates no client. */
  readonly client: ProjectClient | undefined
}

/**
 * Reads a `tenancy.json` with what it says of the project that it is from.
 *
 * @param path the file
 * @throws {TenancyError} `DH304` for a file that can't be read, is no manifest, or tells nothing of a project
 *
 * @example
 * ```ts
 * const { manifest, schema, client } = readProject('src/generated/tenancy.json')
 * ```
 */
export function readProject(path: string): Project {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TenancyError(
      'DH304',
      `${path} cannot be read; write it with prisma generate, or with doublehull generate`,
      { cause },
    )
  }
  const manifest = parseManifest(text, path)
  const parsed = originSchema.safeParse(JSON.parse(text))
  if (!parsed.success) {
    throw new TenancyError(
      'DH304',
      `${path} does not tell which Prisma schema and client it is of; write it anew with prisma generate, or with doublehull generate`,
    )
  }
  const { schema, client } = parsed.data
  const absolute = (relative: string) => resolve(dirname(path), relative)
  return {
    manifest,
    schema: absolute(schema),
    client: client
      ? { provider: client.provider, path: client.path === null ? null : absolute(client.path) }
      : undefined,
  }
}
