import pg from 'pg'
import { growthData, rowIdOf, tenantIdOf } from './load.ts'
import { interleave, type RoundsPlan, ratio } from './measure.ts'

/** What the policies of a table cost, as multiples of the same statement with a condition written by hand. */
export interface PolicyCost {
  /** A row by its id. */
  readonly point: number
  /** The first hundred rows of a tenant, in the order of an index. */
  readonly page: number
  /** How many rows a tenant has: a thousand. */
  readonly count: number
}

const data = growthData.large
const block = 40

/** The statements, as they are written under policies and as one writes them without. Each is prepared once. */
const shapes = {
  point: {
    policy: 'select * from governance.branding where id = $1',
    where: 'select * from governance.branding where tenant_id = $2 and id = $1',
  },
  page: {
    policy: 'select * from governance.branding where number >= $1 order by number limit 100',
    where:
      'select * from governance.branding where tenant_id = $2 and number >= $1 order by number limit 100',
  },
  count: {
    policy: 'select count(*) from governance.branding where number >= $1',
    where: 'select count(*) from governance.branding where tenant_id = $2 and number >= $1',
  },
} as const

type Shape = keyof typeof shapes

/** How many rows each statement finds. */
const rowsFound = { point: 1, page: 100, count: data.rowsPerTenant } as const

/**
 * Asks for rows of a tenant among a million rows of a thousand tenants, through node-postgres alone, so that nothing
 * is timed but the database and one exchange with it. Each block is another tenant's.
 *
 * @param appUrl a login that the policies hold
 * @param bypassUrl one that they don't
 */
export async function measurePolicyCost(
  urls: { readonly appUrl: string; readonly bypassUrl: string },
  plan: RoundsPlan,
): Promise<PolicyCost> {
  const readers = [
    await openReader('policy', urls.appUrl),
    await openReader('where', urls.bypassUrl),
  ] as const
  try {
    const costs: Partial<Record<Shape, number>> = {}
    for (const shape of ['point', 'page', 'count'] as const) {
      for (let warmUp = 0; warmUp < 10; warmUp++) for (const reader of readers) await reader.read(shape)
      costs[shape] = ratio(await interleave(readers, plan, (reader) => reader.read(shape)), 'policy', 'where')
    }
    return costs as PolicyCost
  } finally {
    for (const reader of readers) await reader.close()
  }
}

async function openReader(name: 'policy' | 'where', connectionString: string) {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  return {
    name,
    /** Milliseconds of a block. */
    async read(shape: Shape): Promise<number> {
      const tenant = Math.floor(Math.random() * data.tenants)
      const tenantId = tenantIdOf(tenant)
      // for both alike, and outside of what is timed
      await client.query(`select pg_catalog.set_config('app.tenant_id', $1, false)`, [tenantId])
      const values = Array.from({ length: block }, () => [
        shape === 'point' ? rowIdOf(tenant, Math.floor(Math.random() * data.rowsPerTenant), data) : 0,
        ...(name === 'where' ? [tenantId] : []),
      ])
      const start = performance.now()
      for (const value of values) {
        const { rows } = await client.query({ name: shape, text: shapes[shape][name], values: value })
        const found = shape === 'count' ? Number(rows[0]?.count) : rows.length
        if (found !== rowsFound[shape]) throw new Error(`${name} found other rows than it was asked for`)
      }
      return performance.now() - start
    },
    close: () => client.end(),
  }
}
