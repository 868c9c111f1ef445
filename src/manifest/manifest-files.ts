import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { TenancyError } from '../errors.ts'
import type { Manifest } from './manifest.ts'

/** The Prisma client that a schema generates. */
export interface ProjectClient {
  readonly provider: 'prisma-client' | 'prisma-client-js'
  /** Its folder as an absolute path; `null` for the default one in `node_modules`. */
  readonly path: string | null
}

/** What is written beside the manifest, for those who need the schema again. */
export interface ManifestOrigin {
  /** The Prisma schema, a file or a folder, as an absolute path. */
  readonly schema: string
  /** Undefined where the schema generates none. */
  readonly client: ProjectClient | undefined
}

/**
 * The client among the generators of a schema.
 *
 * @param generators their `output` as an absolute path, or undefined for the default
 */
export function clientOf(
  generators: readonly { readonly provider: string; readonly output: string | undefined }[],
): ProjectClient | undefined {
  for (const { provider, output } of generators) {
    if (provider === 'prisma-client' || provider === 'prisma-client-js')
      return { provider, path: output ?? null }
  }
  return undefined
}

/** A generated file: its path and its text. */
export type ManifestFile = readonly [path: string, text: string]

/** `tenancy.ts` for the application, and `tenancy.json` for what reads no TypeScript, such as `doublehull verify`. */
export function manifestFiles(
  manifest: Manifest,
  folder: string,
  { schema, client }: ManifestOrigin,
): readonly ManifestFile[] {
  // relative, so that the files are the same on every machine
  const fromFolder = (path: string) => relative(folder, path).split(sep).join('/') || '.'
  const json = {
    ...manifest,
    schema: fromFolder(schema),
    client: client
      ? { provider: client.provider, path: client.path === null ? null : fromFolder(client.path) }
      : null,
  }
  return [
    [join(folder, 'tenancy.ts'), renderManifest(manifest)],
    [join(folder, 'tenancy.json'), `${JSON.stringify(json, null, 2)}\n`],
  ]
}

/** The text of the generated module. It imports nothing, so that it compiles wherever it is put. */
export function renderManifest(manifest: Manifest): string {
  return `// Written by doublehull from the Prisma schema, in \`prisma generate\` or \`doublehull generate\`. Do not edit.

export const manifest = ${JSON.stringify(manifest, null, 2)} as const
`
}

/**
 * Writes each file whole or not at all.
 *
 * @throws {TenancyError} `DH304` where one can't be written
 */
export function writeManifestFiles(folder: string, files: readonly ManifestFile[]): void {
  for (const [path, text] of files) {
    const unfinished = `${path}.${process.pid}.unfinished`
    try {
      mkdirSync(folder, { recursive: true })
      writeFileSync(unfinished, text)
      renameSync(unfinished, path)
    } catch (cause) {
      // where the folder is a file, even looking for it fails
      if (existsSync(unfinished)) rmSync(unfinished)
      throw new TenancyError('DH304', `${path} cannot be written; may you write there?`, { cause })
    }
  }
}

/** The files that are missing, or are not what they would be. */
export function staleFiles(files: readonly ManifestFile[]): readonly string[] {
  return files
    .filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(([path]) => path)
}
