import { relative } from 'node:path'
import { TenancyError } from '../../errors.ts'
import { manifestOptions } from '../../manifest/manifest-options.ts'
import { findProjectConfig, projectConfigName } from '../../manifest/project-config.ts'
import type { SchemaGenerator, SchemaSource } from '../../manifest/read-schema.ts'
import type { TenantSettings } from './draft.ts'
import { slashed } from './output-folder.ts'

/** What the flags say of the project. */
interface GivenProject {
  readonly schema?: string | undefined
  readonly config?: boolean | undefined
  readonly 'tenant-model'?: string | undefined
  readonly 'tenant-field'?: readonly string[] | undefined
}

/** What a project says already: a second run takes up there. */
export interface ProjectState {
  readonly schema: string | undefined
  /** Directives of `doublehull.json`; `undefined` where the schema itself has them. */
  readonly models: Readonly<Record<string, readonly string[]>> | undefined
  readonly tenant: (source: SchemaSource) => TenantSettings | undefined
  /** From the current folder, with slashes. */
  readonly output: (source: SchemaSource) => string | undefined
  readonly hasGenerator: (source: SchemaSource) => boolean
}

/**
 * Reads what the project in the current folder says already, in `doublehull.json` or in the generator's block.
 *
 * @throws {TenancyError} `DH304` for a `doublehull.json` that is none, and for flags that say something else
 */
export function projectState(given: GivenProject): ProjectState {
  const config = findProjectConfig('.')
  const fromHere = (path: string | undefined) =>
    path === undefined ? undefined : slashed(relative('', path)) || '.'
  return {
    schema: given.schema ?? fromHere(config?.schema),
    models: config || given.config ? (config?.models ?? {}) : undefined,
    tenant(source) {
      const block = generatorOf(source)
      if (block?.config['tenantModel'] === undefined && config?.tenantModel === undefined) return undefined
      const { tenantModel, tenantFields, strict } = manifestOptions(block?.config, config)
      const where = config?.tenantModel === undefined ? 'the generator’s block' : projectConfigName
      return agreeing({ tenantModel, tenantFields, strict }, given, where)
    },
    output: (source) => fromHere(config?.output ?? generatorOf(source)?.output),
    hasGenerator: (source) => generatorOf(source) !== undefined,
  }
}

/** What the project says, unless the flags say something else. */
function agreeing(said: TenantSettings, given: GivenProject, where: string): TenantSettings {
  const { 'tenant-model': model, 'tenant-field': fields } = given
  const others = [
    ...(model !== undefined && model !== said.tenantModel ? [`--tenant-model ${model}`] : []),
    ...(fields !== undefined && fields.join() !== said.tenantFields.join()
      ? [`--tenant-field ${fields.join(', ')}`]
      : []),
  ]
  if (others.length === 0) return said
  throw new TenancyError(
    'DH304',
    `${where} says tenantModel ${said.tenantModel} and tenantField ${said.tenantFields.join(', ')}, but the call ${others.join(' and ')}; change it there, or leave out the flag`,
  )
}

function generatorOf({ generators }: SchemaSource): SchemaGenerator | undefined {
  return generators.find(
    ({ provider, config }) => /\bdoublehull\b/.test(provider) || config['tenantModel'] !== undefined,
  )
}
