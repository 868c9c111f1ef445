import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import generatorHelper, { type GeneratorConfig, type GeneratorOptions } from '@prisma/generator-helper'
import { TenancyError } from '../errors.ts'
import { type ClassifyOptions, classify } from './classify.ts'
import type { Manifest } from './manifest.ts'

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

async function generate(options: GeneratorOptions): Promise<void> {
  const folder = options.generator.output?.value
  if (!folder)
    throw new TenancyError('DH304', 'generator tenancy has no output; write output = "../src/generated"')
  const manifest = classify(options.dmmf.datamodel, classifyOptions(options.generator))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tenancy.ts'), renderManifest(manifest))
  writeFileSync(join(folder, 'tenancy.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

function classifyOptions({ config }: GeneratorConfig): ClassifyOptions {
  const [tenantModel] = strings(config['tenantModel'])
  if (!tenantModel) {
    throw new TenancyError(
      'DH304',
      'generator tenancy does not name the tenant; write tenantModel = "Tenant"',
    )
  }
  const fields = strings(config['tenantField'])
  return { tenantModel, tenantFields: fields.length > 0 ? fields : ['tenantId'] }
}

function strings(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}

/** The text of the generated module. It imports nothing, so that it compiles wherever it is put. */
export function renderManifest(manifest: Manifest): string {
  return `// Written by \`prisma generate\` (generator tenancy, provider "doublehull"). Do not edit.

export const manifest = ${JSON.stringify(manifest, null, 2)} as const
`
}
