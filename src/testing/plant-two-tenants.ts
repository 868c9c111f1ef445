import { TenancyError } from '../errors.ts'
import { DatabaseState } from '../prove/database-state.ts'
import { plantScene } from '../prove/scene.ts'
import { readSchemaShape } from '../prove/schema-shape.ts'
import { withClient } from './in-use.ts'
import type { TestDatabase } from './test-database.ts'

/** Two tenants with rows of every model. */
export interface TwoTenants {
  readonly tenantA: string
  readonly tenantB: string
  /**
   * A row of a tenant's, by the names of Prisma's fields, as PostgreSQL's JSON has its values.
   *
   * @throws {TenancyError} `DH309` where the tenant has none, and why
   */
  row(model: string, owner: 'a' | 'b'): Readonly<Record<string, unknown>>
  /** Models that no row could be made up for, and why. */
  readonly unplanted: ReadonlyMap<string, string>
}

/**
 * Plants two tenants with rows of every model, as `doublehull prove` does: some lead to rows of their own tenant, and
 * some, where the keys allow it, to the other's. All rows that were there before are gone.
 *
 * @param database of `createTestDatabases`, on a server whose administrator is a superuser
 *
 * @example
 * ```ts
 * const { tenantA, tenantB, row } = await plantTwoTenants(database)
 * const { id } = row('Invoice', 'b')
 * ```
 */
export async function plantTwoTenants(
  database: Pick<TestDatabase<object>, 'adminUrl' | 'manifest'>,
): Promise<TwoTenants> {
  const { manifest, adminUrl } = database
  const scene = await withClient(adminUrl, async (client) =>
    plantScene(new DatabaseState(client, manifest), manifest, await readSchemaShape(client, manifest)),
  )
  return {
    tenantA: scene.tenantA,
    tenantB: scene.tenantB,
    unplanted: scene.unplanted,
    row(model, owner) {
      const row = scene.row(model, owner, 'own')
      if (row) return row.values
      const why = scene.unplanted.get(model) ?? 'rows of this model are no single tenant’s'
      throw new TenancyError('DH309', `the tenant has no row of ${model}: ${why}`, { details: { model } })
    },
  }
}
