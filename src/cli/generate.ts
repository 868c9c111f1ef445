import { existsSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { type ClassifyOutcome, outcomeOf, problemList } from '../manifest/classify.ts'
import { classifyNotices } from '../manifest/classify-notices.ts'
import type { Manifest } from '../manifest/manifest.ts'
import {
  clientOf,
  type ManifestFile,
  manifestFiles,
  staleFiles,
  writeManifestFiles,
} from '../manifest/manifest-files.ts'
import { manifestOptions } from '../manifest/manifest-options.ts'
import { findProjectConfig, readProjectConfig } from '../manifest/project-config.ts'
import { readSchema } from '../manifest/read-schema.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { printFailure, refuseCall } from './failure.ts'
import { findSchema } from './find-schema.ts'

const flags = {
  schema: {
    type: 'string',
    value: 'PATH',
    help: 'the Prisma schema, a file or a folder; default that of doublehull.json, then where Prisma finds it',
  },
  config: {
    type: 'string',
    value: 'FILE',
    help: 'the settings and the directives of models; default doublehull.json, where it is there',
  },
  output: {
    type: 'string',
    value: 'FOLDER',
    help: 'where tenancy.ts and tenancy.json go; default that of doublehull.json, then of the generator block, then src/generated',
  },
  check: {
    type: 'boolean',
    help: 'write nothing; the exit code tells whether both files are what they would be',
  },
  json: { type: 'boolean', help: 'print what is known of each model as JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull generate`: what the generator does in `prisma generate`, for a Prisma schema that can't be edited.
 *
 * @example
 * ```ts
 * process.exitCode = await generateCommand.run(['--check'], output)
 * ```
 */
export const generateCommand: Command = {
  summary: 'write tenancy.ts and tenancy.json from a Prisma schema that has no generator block',
  help: [
    'doublehull generate: writes tenancy.ts and tenancy.json from a Prisma schema, as the generator does in prisma',
    'generate, with the tenant and the directives of models out of doublehull.json.',
    '',
    'Usage: doublehull generate [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 written, or up to date; 1 a model has no scope, or with --check a file is not up to date; 2 not',
    'understood, or the schema could not be read.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('generate', parsed, output)
  if (parsed.help) {
    output.stdout(generateCommand.help)
    return 0
  }
  const json = parsed.json ?? false
  try {
    const config = parsed.config === undefined ? findProjectConfig('') : readProjectConfig(parsed.config)
    const source = readSchema(parsed.schema ?? config?.schema ?? findSchema())
    const block = source.generators.find(
      ({ provider, config }) => provider === 'doublehull' || 'tenantModel' in config,
    )
    const options = manifestOptions(
      block?.config,
      config ?? (block && findProjectConfig(dirname(block.file))),
    )
    const outcome = outcomeOf(source.datamodel, { ...options, files: source.files })
    const folder = resolve(parsed.output ?? config?.output ?? block?.output ?? defaultOutput())
    const { manifest } = outcome
    if (!manifest) return tellProblems(outcome, output, json)
    const files = manifestFiles(manifest, folder, {
      schema: source.path,
      client: clientOf(source.generators),
    })
    return tellFiles(
      files,
      folder,
      { ...outcome, manifest },
      { isCheck: parsed.check ?? false, json },
      output,
    )
  } catch (error) {
    printFailure(error, output, { json })
    return 2
  }
}

function tellProblems({ problems, models }: ClassifyOutcome, output: CommandOutput, json: boolean): 1 {
  if (json) output.stdout(JSON.stringify({ manifest: null, problems, models }, null, 2))
  else output.stderr(`the schema cannot be classified:\n${problemList(problems)}`)
  return 1
}

function tellFiles(
  files: readonly ManifestFile[],
  folder: string,
  outcome: ClassifyOutcome & { readonly manifest: Manifest },
  { isCheck, json }: { readonly isCheck: boolean; readonly json: boolean },
  output: CommandOutput,
): 0 | 1 {
  const stale = staleFiles(files).map(shown)
  if (!isCheck) writeManifestFiles(folder, files)
  const fails = isCheck && stale.length > 0
  if (json) {
    const { problems, models } = outcome
    const paths = files.map(([path]) => shown(path))
    output.stdout(JSON.stringify({ manifest: paths, stale, written: !isCheck, problems, models }, null, 2))
    return fails ? 1 : 0
  }
  for (const notice of classifyNotices(outcome, outcome.manifest)) output.stderr(notice)
  if (fails) output.stderr(`not up to date: ${stale.join(', ')}; run doublehull generate`)
  else if (isCheck) output.stdout(`up to date: ${files.map(([path]) => shown(path)).join(', ')}`)
  else for (const [path] of files) output.stdout(`written ${shown(path)}`)
  return fails ? 1 : 0
}

function defaultOutput(): string {
  return existsSync('src') ? 'src/generated' : 'generated'
}

function shown(path: string): string {
  const fromHere = relative('', path)
  return fromHere.startsWith('..') ? path : fromHere
}
