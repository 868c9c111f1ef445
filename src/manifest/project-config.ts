import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { TenancyError } from '../errors.ts'

const name = z.string().min(1)
const configSchema = z.strictObject({
  $schema: z.string().optional(),
  tenantModel: name.optional(),
  tenantField: z.union([name, z.array(name).min(1)]).optional(),
  schema: name.optional(),
  output: name.optional(),
  strict: z.boolean().optional(),
  models: z.record(name, z.array(name)).optional(),
})

/** What a `doublehull.json` says, its paths made absolute. */
export interface ProjectConfig {
  /** Path of the file. */
  readonly file: string
  readonly tenantModel: string | undefined
  readonly tenantFields: readonly string[] | undefined
  /** The Prisma schema, a file or a folder. */
  readonly schema: string | undefined
  /** The folder that `tenancy.ts` and `tenancy.json` are written into. */
  readonly output: string | undefined
  readonly strict: boolean | undefined
  /** Directives of models, without `@tenancy.`. */
  readonly models: Readonly<Record<string, readonly string[]>> | undefined
}

/** The name of the file at a project's root. */
export const projectConfigName = 'doublehull.json'

/**
 * Reads a `doublehull.json`: the settings of a project whose Prisma schema can't be edited.
 *
 * @param path the file; its own paths are relative to its folder
 * @throws {TenancyError} `DH304` for a file that can't be read, or says what no such file says
 *
 * @example
 * ```ts
 * const { tenantModel, models } = readProjectConfig('doublehull.json')
 * ```
 */
export function readProjectConfig(path: string): ProjectConfig {
  const file = resolve(path)
  const parsed = configSchema.safeParse(jsonOf(file))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : undefined
    const problem = unknown
      ? `has settings that there are not (${unknown})`
      : `is not understood at ${issue?.path.join('.') || 'its beginning'}`
    throw new TenancyError(
      'DH304',
      `${file} ${problem}; it has tenantModel, tenantField, schema, output, strict, and models with a list of directives for each`,
    )
  }
  const { tenantModel, tenantField, schema, output, strict, models } = parsed.data
  const absolute = (one: string | undefined) => (one === undefined ? undefined : resolve(dirname(file), one))
  return {
    file,
    tenantModel,
    tenantFields: typeof tenantField === 'string' ? [tenantField] : tenantField,
    schema: absolute(schema),
    output: absolute(output),
    strict,
    models,
  }
}

/**
 * The `doublehull.json` of a project: beside its `package.json`, or between it and the folder where the search begins.
 *
 * @param folder where to begin
 */
export function findProjectConfig(folder: string): ProjectConfig | undefined {
  for (let current = resolve(folder); ; current = dirname(current)) {
    const file = join(current, projectConfigName)
    if (existsSync(file)) return readProjectConfig(file)
    if (existsSync(join(current, 'package.json')) || dirname(current) === current) return undefined
  }
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    const problem = cause instanceof SyntaxError ? 'is no JSON' : 'cannot be read'
    throw new TenancyError('DH304', `${file} ${problem}; doublehull init writes one`, { cause })
  }
}
