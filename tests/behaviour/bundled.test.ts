import { PrismaPg } from '@prisma/adapter-pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import type { BundledTenantClient } from '../../src/index.ts'
import { type HullChoice, hullChoices } from '../fixtures/behaviour/behaviour-database.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { bundledCases, bundledDumpSql, bundledSceneSql, bundledTables, own } from './bundled-cases.ts'
import { type Outcome, outcomeOf, rowsOf, verdict } from './outcome.ts'

const database = useTestDatabase()
let plain: PrismaClient
beforeAll(() => {
  plain = new PrismaClient({
    // the columns' defaults read the context; nothing else does, for the policies let the owner pass
    adapter: new PrismaPg({
      connectionString: database.ownerUrl,
      options: `-c app.tenant_id=${own.tenant} -c app.user_id=${own.user}`,
      max: 2,
    }),
  })
})
afterAll(() => plain.$disconnect())

const clientOf = (hulls: HullChoice) => database[hulls].client({ tenantId: own.tenant, userId: own.user })

/** The outcome of a case with a client, and all rows behind it. */
async function outcomeWith(
  client: BundledTenantClient,
  run: (db: BundledTenantClient) => unknown,
): Promise<Outcome> {
  await database.admin.query(bundledSceneSql)
  const outcome = await outcomeOf(() => run(client))
  const { rows } = await database.admin.query<Record<string, string | null>>(bundledDumpSql)
  const changes = bundledTables.map((table, index) => [table, rowsOf(rows[0]?.[`t${index}`] ?? '[]')])
  return { ...outcome, changes: Object.fromEntries(changes) as unknown }
}

describe('a lone tenant of the bundled schema', () => {
  it.each(bundledCases.map((one) => [one.title, one] as const))(
    'behaves as with a plain client: %s',
    async (_, one) => {
      const expected = await outcomeWith(plain, one.run)
      expect(verdict(expected)).toBe(one.fails ?? 'a value')
      for (const hulls of hullChoices) {
        const outcome = await outcomeWith(clientOf(hulls), one.run)
        const code = typeof one.tenancyCode === 'string' ? one.tenancyCode : one.tenancyCode?.[hulls]
        if (code === undefined) {
          expect(outcome, hulls).toEqual(expected)
          expect(JSON.stringify(outcome), hulls).toBe(JSON.stringify(expected))
        } else {
          expect(outcome, hulls).toMatchObject({ error: { name: 'TenancyError', code } })
          expect(outcome.changes, hulls).toEqual(expected.changes)
        }
      }
    },
  )
})
