import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { createGovernance } from '../../src/governance/index.ts'
import { createTenancy } from '../../src/index.ts'
import { type Planted, plantTwoTenants, useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()
let attacker: Planted
let victim: Planted

const forged = '{"ip":"forged"}'

beforeAll(async () => {
  const tenants = await plantTwoTenants(database)
  attacker = tenants.a
  victim = tenants.b
  await database.admin.query(`update tenancy.membership set role = 'ADMIN'`)
})

const contextOf = ({ tenantId, userId }: Planted) => ({ tenantId, userId })

async function newestContext(): Promise<unknown> {
  const { rows } = await database.admin.query<{ context: unknown }>(
    'select context from audit.audit_event where tenant_id = $1 order by seq desc limit 1',
    [victim.tenantId],
  )
  return rows[0]?.context
}

describe('what an event says of its request', () => {
  it('is not what another tenant’s SQL said of it for the whole session', async () => {
    const tenancy = createTenancy({
      PrismaClient,
      manifest,
      connectionString: database.appUrl,
      maxConnections: 1,
    })
    const other = tenancy.client(contextOf(attacker))
    const governance = createGovernance(tenancy.client(contextOf(victim)))
    try {
      await other.$executeRaw`select set_config('app.audit_context', ${forged}, false)`
      await governance.flags.create({ key: `after-raw-${randomUUID()}` })
      expect(await newestContext()).toEqual({})
      await other.$transaction(
        (tx) => tx.$executeRaw`select set_config('app.audit_context', ${forged}, false)`,
      )
      await governance.flags.create({ key: `after-transaction-${randomUUID()}` })
      expect(await newestContext()).toEqual({})
    } finally {
      await tenancy.disconnect()
    }
  })

  it('is that on a connection that nobody tidies up behind a tenant', async () => {
    const client = new pg.Client({ connectionString: database.appUrl })
    await client.connect()
    const as = async ({ tenantId, userId }: Planted, sql: string, values: readonly unknown[] = []) => {
      await client.query('begin')
      await client.query(
        `select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`,
        [tenantId, userId],
      )
      await client.query(sql, [...values])
      await client.query('commit')
    }
    try {
      await as(attacker, `select set_config('app.audit_context', $1, false)`, [forged])
      await as(
        victim,
        `insert into governance.feature_flag (id, key, updated_at) values (gen_random_uuid(), $1, now())`,
        [`untidied-${randomUUID()}`],
      )
      expect(await newestContext()).toEqual({ ip: 'forged' })
    } finally {
      await client.end()
    }
  })

  it('is each call’s own where several share a transaction', async () => {
    const db = database.both.client(contextOf(victim))
    await db.$transaction(async (tx) => {
      await createGovernance(db, { origin: { ip: '192.0.2.7' } })
        .within(tx)
        .auditEvents.record({ action: 'report.made' })
      await createGovernance(db)
        .within(tx)
        .flags.create({ key: `behind-it-${randomUUID()}` })
    })
    expect(await newestContext()).toEqual({})
  })
})
