import { TenancyError } from '../errors.ts'
import type { ClassifyOptions } from './classification.ts'
import type { ProjectConfig } from './project-config.ts'

/** The settings of a generator block, as Prisma hands them on. */
export type BlockSettings = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * What the generator block and `doublehull.json` say together. What both say, they must say alike: which of them was
 * meant is nothing to guess.
 *
 * @throws {TenancyError} `DH304` where they contradict, or neither names the tenant
 */
export function manifestOptions(
  block: BlockSettings | undefined,
  config: ProjectConfig | undefined,
): Omit<ClassifyOptions, 'files'> {
  const [blockModel] = texts(block?.['tenantModel'])
  const tenantModel = oneOf('tenantModel', blockModel, config?.tenantModel)
  if (!tenantModel) {
    throw new TenancyError(
      'DH304',
      block || !config
        ? 'generator tenancy does not name the tenant; write tenantModel = "Tenant"'
        : `${config.file} does not name the tenant; write "tenantModel": "Tenant"`,
    )
  }
  const blockFields = texts(block?.['tenantField'])
  const fields = oneOf('tenantField', blockFields.length > 0 ? blockFields : undefined, config?.tenantFields)
  const strict = oneOf('strict', strictOf(block?.['strict']), config?.strict)
  return { tenantModel, tenantFields: fields ?? ['tenantId'], strict, models: config?.models }
}

function oneOf<Value>(
  setting: string,
  ofBlock: Value | undefined,
  ofConfig: Value | undefined,
): Value | undefined {
  const differ = JSON.stringify(ofBlock) !== JSON.stringify(ofConfig)
  if (ofBlock !== undefined && ofConfig !== undefined && differ) {
    throw new TenancyError(
      'DH304',
      `generator tenancy and doublehull.json each have a ${setting}, and not the same; keep one`,
    )
  }
  return ofBlock ?? ofConfig
}

function strictOf(value: BlockSettings[string]): boolean | undefined {
  const [text] = texts(value)
  if (text === undefined || text === 'true' || text === 'false')
    return text === undefined ? text : text === 'true'
  throw new TenancyError('DH304', 'strict of generator tenancy is neither true nor false')
}

function texts(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}
