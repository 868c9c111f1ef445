import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import type { Manifest } from './manifest.ts'

const names = z.array(z.string())
const relation = z.object({
  model: z.string(),
  list: z.boolean(),
  required: z.boolean(),
  fields: names,
  references: names,
  inverse: z.string(),
})
const scope = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['root', 'shared']), field: z.string() }),
  z.object({ kind: z.literal('direct'), field: z.string(), nullable: z.literal(true).exactOptional() }),
  z.object({ kind: z.enum(['through', 'member']), relation: z.string() }),
  z.object({ kind: z.enum(['global', 'system']) }),
])
const model = z.object({
  schema: z.string(),
  table: z.string(),
  isView: z.boolean(),
  scope,
  readOnly: z.boolean(),
  commands: z.array(z.enum(['select', 'insert', 'update', 'delete'])),
  appendOnly: z.boolean(),
  columns: z.record(z.string(), z.string()),
  jsonFields: names,
  primaryKey: names,
  uniqueFields: names,
  compoundUniques: z.record(z.string(), names),
  relations: z.record(z.string(), relation),
  disowned: names.exactOptional(),
})
const hidden = z.object({
  kind: z.enum(['ignoredModel', 'ignoredField', 'unsupportedField']),
  model: z.string(),
  schema: z.string(),
  table: z.string(),
  column: z.string().exactOptional(),
})
const manifestSchema = z.object({
  version: z.literal(1),
  tenantModel: z.string(),
  tenantIdType: z.enum(['uuid', 'text', 'int4', 'int8']),
  models: z.record(z.string(), model),
  joinTables: z.array(z.object({ schema: z.string(), table: z.string(), a: z.string(), b: z.string() })),
  hidden: z.array(hidden),
})

/**
 * Reads a manifest out of the text of a `tenancy.json`, as the generator wrote it.
 *
 * @param file its name, for messages
 * @throws {TenancyError} `DH304` for a text that is none, or one of another version of this package
 *
 * @example
 * ```ts
 * const manifest = parseManifest(readFileSync('src/generated/tenancy.json', 'utf8'), 'src/generated/tenancy.json')
 * ```
 */
export function parseManifest(text: string, file: string): Manifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new TenancyError(
      'DH304',
      `${file} is no JSON; give the tenancy.json that prisma generate writes beside tenancy.ts`,
      { cause },
    )
  }
  const parsed = manifestSchema.safeParse(json)
  const where = parsed.success ? danglingName(parsed.data) : parsed.error.issues[0]?.path.join('.')
  if (parsed.success && where === undefined) return parsed.data
  throw new TenancyError(
    'DH304',
    `${file} is no manifest of this version (${where || 'the whole'}); write it anew with prisma generate`,
  )
}

/** Where a manifest names what it does not have: it would be taken for a schema without that table or column. */
function danglingName({ models, tenantModel, joinTables }: Manifest): string | undefined {
  const has = (name: string) => Object.hasOwn(models, name)
  if (!has(tenantModel)) return 'tenantModel'
  for (const [name, { scope, columns, relations }] of Object.entries(models)) {
    if ('field' in scope && !Object.hasOwn(columns, scope.field)) return `models.${name}.scope.field`
    if ('relation' in scope && !Object.hasOwn(relations, scope.relation))
      return `models.${name}.scope.relation`
    const stray = Object.entries(relations).find(([, { model }]) => !has(model))
    if (stray) return `models.${name}.relations.${stray[0]}.model`
  }
  const index = joinTables.findIndex(({ a, b }) => !has(a) || !has(b))
  return index === -1 ? undefined : `joinTables.${index}`
}
