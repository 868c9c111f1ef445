import type pg from 'pg'
import { CopyWriter } from './copy-writer.ts'
import { type Consultants, seedTenant } from './seed-tenant.ts'
import { tables } from './tables.ts'
import { tenantSizes } from './tenant-sizes.ts'

/** What is loaded: the same for the same numbers, byte for byte. */
export interface SeedPlan {
  readonly tenants: number
  readonly rows: number
  readonly seed: number
  /** The end of all histories. */
  readonly until: Date
}

export interface SeedResult {
  readonly tenants: number
  readonly rows: number
  /** SHA-256 over what was sent. */
  readonly digest: string
  readonly tables: Readonly<Record<string, number>>
}

/**
 * Loads the data set in one transaction: all of it, or nothing. No trigger runs meanwhile; what they would have done is
 * in the rows already.
 *
 * @param client logged in as somebody who may set `session_replication_role` and whom no policy holds
 */
export async function loadSeed(
  client: pg.Client,
  plan: SeedPlan,
  onProgress: (rows: number) => void = () => {},
): Promise<SeedResult> {
  const writer = new CopyWriter(client)
  await client.query('begin')
  try {
    await client.query('set local session_replication_role = replica')
    const consultants: Consultants = { userIds: [] }
    const until = plan.until.getTime() * 1000
    for (const [index, budget] of tenantSizes(plan.tenants, plan.rows, plan.seed).entries()) {
      await seedTenant(writer, { seed: plan.seed, index, budget, until }, consultants)
      onProgress(writer.rows)
    }
    await writer.flush()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
  // months of the trail that have no partition yet get one
  await client.query('select audit.ensure_partitions()')
  await client.query(`analyze ${Object.keys(tables).join(', ')}`)
  return {
    tenants: plan.tenants,
    rows: writer.rows,
    digest: writer.digest(),
    tables: writer.counts(),
  }
}
