import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import type { DMMF } from '@prisma/generator-helper'
import { TenancyError } from '../errors.ts'
import { type SchemaFile, type SchemaStatement, schemaBlocks, unquoted } from './schema-text.ts'

/** A generator block of a schema. */
export interface SchemaGenerator {
  readonly name: string
  readonly provider: string
  /** As an absolute path; undefined where it is missing or an environment variable's. */
  readonly output: string | undefined
  /** The other settings. */
  readonly config: Readonly<Record<string, string | readonly string[]>>
  /** Path of the file that has the block. */
  readonly file: string
}

/** The datasource block of a schema. */
interface SchemaDatasource {
  readonly name: string
  /** With `prisma`, Prisma makes no foreign keys: relations are a matter of the client alone. */
  readonly relationMode: 'foreignKeys' | 'prisma'
  /** Path of the file that has the block. */
  readonly file: string
}

/** What {@link readSchema} read. */
export interface SchemaSource {
  /** The file or folder, as an absolute path. */
  readonly path: string
  readonly files: readonly SchemaFile[]
  readonly datamodel: DMMF.Datamodel
  readonly generators: readonly SchemaGenerator[]
  readonly datasource: SchemaDatasource
}

/** Of `@prisma/prisma-schema-wasm`, whose own types say nothing of what goes in and comes out. */
interface SchemaEngine {
  /** The datamodel of the DMMF alone: the whole has each operation's types, and takes ten times as long. */
  readonly get_datamodel: (parameters: string) => string
  readonly get_config: (parameters: string) => string
  readonly preview_features: () => string
}

/** What `get_config` answers. */
interface SchemaConfig {
  readonly config: {
    readonly generators: readonly {
      readonly name: string
      readonly provider: { readonly value: string | null }
      readonly output: { readonly value: string | null } | null
      readonly config: Readonly<Record<string, string | readonly string[]>>
      readonly sourceFilePath: string
    }[]
    readonly datasources: readonly {
      readonly name: string
      readonly provider: string
      readonly activeProvider: string
      readonly sourceFilePath: string
    }[]
  }
}

/**
 * Reads a Prisma schema without the Prisma CLI, of Prisma 7 or 6: what only the older knows, such as the `url` of the
 * datasource, is left out, and the lines keep their numbers.
 *
 * @param path a schema file, or a folder whose `.prisma` files, in all its folders, are one schema
 * @throws {TenancyError} `DH304` for a path that can't be read, a text that is no valid Prisma schema, and a
 * datasource that is missing or isn't PostgreSQL
 *
 * @example
 * ```ts
 * const { datamodel } = readSchema('prisma/schema.prisma')
 * console.log(datamodel.models.map(({ name }) => name))
 * ```
 */
export function readSchema(path: string): SchemaSource {
  const absolute = resolve(path)
  return parseSchema(absolute, schemaFiles(absolute))
}

/**
 * The files of a schema, unread by Prisma.
 *
 * @throws {TenancyError} `DH304` for a path that can't be read
 */
export function schemaFiles(path: string): SchemaFile[] {
  try {
    if (!statSync(path).isDirectory()) return [[path, readFileSync(path, 'utf8')]]
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' })
    // by code units, so that the order depends on no locale
    const schemas = names.filter((name) => name.endsWith('.prisma')).sort()
    const files = schemas.map(
      (name): SchemaFile => [join(path, name), readFileSync(join(path, name), 'utf8')],
    )
    if (files.length > 0) return files
  } catch (cause) {
    throw new TenancyError(
      'DH304',
      `${shown(path)} cannot be read; give the path of the Prisma schema, a file or a folder`,
      { cause },
    )
  }
  throw new TenancyError('DH304', `${shown(path)} holds no .prisma file; give the path of the Prisma schema`)
}

export function parseSchema(path: string, files: readonly SchemaFile[]): SchemaSource {
  // CommonJS, and only loaded where a schema is read: it is 3 MB of WebAssembly
  const require = createRequire(import.meta.url)
  const engine = require('@prisma/prisma-schema-wasm') as SchemaEngine
  const known = new Set(JSON.parse(engine.preview_features()) as string[])
  const prismaSchema = files.map(([file, text]) => [file, withoutOldSettings(file, text, known)])
  const ask = (call: (parameters: string) => string): unknown => {
    try {
      return JSON.parse(call(JSON.stringify({ prismaSchema, noColor: true })))
    } catch (cause) {
      throw new TenancyError('DH304', firstError(cause, path), { cause })
    }
  }

  // asked first: of another database's schema it would be told that its types are wrong
  const { config } = ask(engine.get_config) as SchemaConfig
  const [source] = config.datasources
  if (source && source.activeProvider !== 'postgresql') {
    throw new TenancyError(
      'DH304',
      `${shown(source.sourceFilePath)}: the datasource is ${source.provider}; the tenants of doublehull live in PostgreSQL: provider = "postgresql"`,
    )
  }
  const datamodel = ask(engine.get_datamodel) as DMMF.Datamodel
  if (!source) {
    throw new TenancyError(
      'DH304',
      `${shown(path)} has no datasource; give the folder where the schema is in several files, or add one with provider = "postgresql"`,
    )
  }
  const generators = config.generators.map(({ name, provider, output, config, sourceFilePath }) => ({
    name,
    provider: provider.value ?? '',
    output: output?.value ? resolve(dirname(sourceFilePath), output.value) : undefined,
    config,
    file: sourceFilePath,
  }))
  const datasource = {
    name: source.name,
    relationMode: relationModeOf(files),
    file: source.sourceFilePath,
  }
  return { path, files, datamodel, generators, datasource }
}

function relationModeOf(files: readonly SchemaFile[]): SchemaDatasource['relationMode'] {
  const statements = schemaBlocks(files).flatMap(({ keyword, statements }) =>
    keyword === 'datasource' ? statements : [],
  )
  return statements.some(({ text }) => /^(?:relationMode|referentialIntegrity)\s*=\s*"prisma"/.test(text))
    ? 'prisma'
    : 'foreignKeys'
}

/** Settings of the datasource that Prisma 7 refuses. */
const oldSettings = /^(?:url|directUrl|shadowDatabaseUrl|referentialIntegrity)\s*=/

/** The text with blanks for the settings and preview features that Prisma 7 has no more. */
function withoutOldSettings(file: string, text: string, features: ReadonlySet<string>): string {
  let kept = text
  const replace = ({ offset }: SchemaStatement, change: (line: string) => string) => {
    const end = text.indexOf('\n', offset)
    const line = text.slice(offset, end === -1 ? text.length : end)
    kept = kept.slice(0, offset) + change(line).padEnd(line.length) + kept.slice(offset + line.length)
  }
  for (const { keyword, statements } of schemaBlocks([[file, text]])) {
    for (const statement of statements) {
      if (keyword === 'datasource' && oldSettings.test(statement.text)) replace(statement, () => '')
      if (keyword === 'generator' && /^previewFeatures\s*=/.test(statement.text))
        replace(statement, (line) => knownFeatures(line, features))
    }
  }
  return kept
}

/** A line of preview features without those that Prisma 7 doesn't know, or knows as given anyway. */
function knownFeatures(line: string, features: ReadonlySet<string>): string {
  // read for PostgreSQL alone, it is missing in the list for all databases
  const kept = line
    .match(/"[^"]*"/g)
    ?.filter((one) => features.has(unquoted(one)) || /"fullTextSearchPostgres"/.test(one))
  return kept && kept.length > 0 ? line.replace(/\[[^\]]*\]/, `[${kept.join(',')}]`) : ''
}

/** The first complaint of Prisma's engine, with its place, on one line. */
function firstError(cause: unknown, path: string): string {
  const hint = 'prisma validate tells all of it'
  try {
    const { message } = JSON.parse((cause as Error).message) as { readonly message: string }
    const [, complaint, file, line] = /error: ([\s\S]*?)\n\s*-->\s+(.*):(\d+)\n/.exec(message) ?? []
    if (complaint !== undefined && file !== undefined) {
      const sentence = complaint.replace(/\s+/g, ' ').replace(/\.$/, '')
      return `${shown(file)}:${line} is no valid Prisma schema: ${sentence}; ${hint}`
    }
  } catch {
    // no message of the engine, but its own failure
  }
  return `${shown(path)} is no valid Prisma schema; ${hint}`
}

/** A path as people write it. */
function shown(path: string): string {
  const fromHere = relative('', path)
  return fromHere === '' || fromHere.startsWith('..') ? path : fromHere
}
