import { TenancyError } from '../errors.ts'
import { qualified, quoteIdentifier } from '../policy/identifier.ts'
import { isText, needsValue, newValue, readSchemaShape } from '../prove/schema-shape.ts'
import { sqlStateOf, withClient } from './in-use.ts'
import type { TestDatabase } from './test-database.ts'

/**
 * Creates a tenant: a row of the tenant model, with a value in each column that must have one.
 *
 * @param values by the names of Prisma's fields, for those that can't be made up: a key to a row of another model, or a
 *   text of a certain form
 * @returns the tenant's id
 * @throws {TenancyError} `DH309` where the database refuses the row
 *
 * @example
 * ```ts
 * const tenantId = await createTenant(database, { plan: 'trial' })
 * ```
 */
export async function createTenant(
  database: Pick<TestDatabase<object>, 'adminUrl' | 'manifest'>,
  values: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { manifest, adminUrl } = database
  const { tenantModel } = manifest
  const model = manifest.models[tenantModel]
  const key = model?.primaryKey[0]
  if (!model || key === undefined) {
    throw new TenancyError('DH309', `the manifest has no model ${tenantModel} with a key`)
  }
  const columnOf = (field: string) => {
    const column = model.columns[field]
    if (column !== undefined) return quoteIdentifier(column)
    throw new TenancyError('DH309', `${tenantModel} has no field ${field}`, {
      details: { model: tenantModel, field },
    })
  }
  return withClient(adminUrl, async (client) => {
    const shapes = await readSchemaShape(client, {
      ...manifest,
      models: { [tenantModel]: model },
      joinTables: [],
    })
    const shape = shapes[tenantModel] ?? { fields: {}, uniqueSets: [] }
    const row: Record<string, unknown> = {}
    for (const [field, own] of Object.entries(shape.fields)) {
      // the default of a key may be the tenant in the context, of which there is none
      const isKey = field === key && (own.type === 'uuid' || isText(own))
      if (isKey || (needsValue(shape, field) && !own.hasDefault)) row[field] = newValue(own)
    }
    Object.assign(row, values)
    const fields = Object.keys(row)
    const columns = fields.map(columnOf).join(', ')
    const places = fields.map((_, index) => `$${index + 1}`).join(', ')
    const inserted = fields.length === 0 ? 'default values' : `(${columns}) values (${places})`
    try {
      const { rows } = await client.query<{ id: string }>(
        `insert into ${qualified(model.schema, model.table)} ${inserted} returning ${columnOf(key)}::text as id`,
        fields.map((field) => row[field]),
      )
      return rows[0]?.id ?? ''
    } catch (error) {
      const { column, constraint } = error as { readonly column?: string; readonly constraint?: string }
      const where = constraint ?? column
      throw new TenancyError(
        'DH309',
        `a row of ${tenantModel} cannot be made up${where === undefined ? '' : ` (${where})`}; give the values that it needs`,
        { details: { model: tenantModel, sqlState: sqlStateOf(error) ?? '' }, cause: error },
      )
    }
  })
}
