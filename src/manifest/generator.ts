import { dirname, resolve } from 'node:path'
import generatorHelper, { type GeneratorOptions } from '@prisma/generator-helper'
import { TenancyError } from '../errors.ts'
import { manifestOrThrow, outcomeOf } from './classify.ts'
import { classifyNotices } from './classify-notices.ts'
import { clientOf, manifestFiles, writeManifestFiles } from './manifest-files.ts'
import { manifestOptions } from './manifest-options.ts'
import { findProjectConfig, readProjectConfig } from './project-config.ts'
import { readSchema, schemaFiles } from './read-schema.ts'

/**
 * The Prisma generator: answers `prisma generate` over standard input and output and writes the manifest of the
 * user's schema into its `output` folder, twice: as `tenancy.ts` for the application, and as `tenancy.json` for what
 * reads no TypeScript, such as `doublehull verify`.
 *
 * @example
 * ```prisma
 * generator tenancy {
 *   provider    = "doublehull"
 *   output      = "../src/generated"
 *   tenantModel = "Organization"
 *   tenantField = "organizationId"
 * }
 * ```
 */
export function runGenerator(): void {
  // CommonJS whose names Node can't see: only the default import is there
  generatorHelper.generatorHandler({
    onManifest: () => ({ prettyName: 'tenancy manifest', defaultOutput: './generated' }),
    onGenerate: (options) => generate(options),
  })
}

async function generate({ generator, otherGenerators, dmmf, schemaPath }: GeneratorOptions): Promise<void> {
  const folder = generator.output?.value
  if (!folder)
    throw new TenancyError('DH304', 'generator tenancy has no output; write output = "../src/generated"')
  const files = schemaFiles(schemaPath)
  const root = dirname(generator.sourceFilePath)
  const path = generator.config['config']
  const config = typeof path === 'string' ? readProjectConfig(resolve(root, path)) : findProjectConfig(root)
  const options = { ...manifestOptions(generator.config, config), files }
  const outcome = outcomeOf(dmmf.datamodel, options)
  const manifest = manifestOrThrow(outcome)
  // with `prisma generate --generator tenancy` the others are not told
  const client =
    clientOf(
      otherGenerators.map(({ provider, output, isCustomOutput }) => ({
        provider: provider.value ?? '',
        output: isCustomOutput ? (output?.value ?? undefined) : undefined,
      })),
    ) ?? clientOf(readSchema(schemaPath).generators)
  writeManifestFiles(folder, manifestFiles(manifest, folder, { schema: schemaPath, client }))
  // Prisma keeps what a generator writes to standard error for its failure, and shows its standard output
  for (const notice of classifyNotices(outcome, manifest)) process.stdout.write(`${notice}\n`)
}
