/**
 * Imports a file of the project into this process, TypeScript too, without a build: with Node.js's own support where
 * there is one, and with `tsx` where that is installed.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What a file exports, CommonJS's exports among them. */
export type ProjectModule = Readonly<Record<string, unknown>>

/** Why Node.js does not load TypeScript by itself, or not this: an extension, a syntax, a path without its extension. */
const notForNode = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
])

/**
 * Imports a file.
 *
 * @param file its absolute path
 * @throws {Error} whose message is the end of a sentence, `it …`, that says why it can't be loaded and what to do
 *
 * @example
 * ```ts
 * const { PrismaClient } = await loadProjectModule('/app/src/generated/prisma/client.ts')
 * ```
 */
export async function loadProjectModule(file: string): Promise<ProjectModule> {
  const module = await load(file)
  return isRecord(module['default']) ? { ...module['default'], ...module } : module
}

async function load(file: string): Promise<ProjectModule> {
  const { href } = pathToFileURL(file)
  try {
    return (await import(href)) as ProjectModule
  } catch (cause) {
    const isTypeScript = /\.[cm]?ts$/.test(file)
    // written as CommonJS in a package that says "type": "module", or the other way round: tsx takes both
    const isMixed = cause instanceof ReferenceError || cause instanceof SyntaxError
    if (!isTypeScript || !(isMixed || notForNode.has(codeOf(cause)))) throw notLoaded(cause)
  }
  const tsx = await findTsx()
  if (tsx === undefined) {
    throw new Error('is TypeScript, which this Node.js does not load by itself; npm install -D tsx')
  }
  try {
    return (await tsx.tsImport(href, import.meta.url)) as ProjectModule
  } catch (cause) {
    throw notLoaded(cause)
  }
}

interface Tsx {
  tsImport(specifier: string, parentUrl: string): Promise<unknown>
}

/** That of the project, before that of this package, which may be installed elsewhere. */
async function findTsx(): Promise<Tsx | undefined> {
  for (const base of [join(process.cwd(), 'package.json'), import.meta.url]) {
    let path: string
    try {
      path = createRequire(base).resolve('tsx/esm/api')
    } catch {
      continue
    }
    // what is resolved as CommonJS looks for its loader in a place where it is not
    return (await import(pathToFileURL(path.replace(/\.cjs$/, '.mjs')).href)) as Tsx
  }
  return undefined
}

function notLoaded(cause: unknown): Error {
  const what = cause instanceof Error ? cause.message.split('\n')[0] || cause.name : 'unknown reason'
  return new Error(`cannot be loaded (${what})`, { cause })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function isRecord(value: unknown): value is ProjectModule {
  return typeof value === 'object' && value !== null
}
