import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { manifest } from '../src/generated/tenancy.ts'
import { runMigrations } from '../src/migrations/runner.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
const page = fileURLToPath(new URL('../docs/maintenance.md', import.meta.url))
const bundled = fileURLToPath(new URL('../prisma/migrations', import.meta.url))

/** The SQL of the page, as it is written there, by what it begins with. */
async function example(beginning: string): Promise<string> {
  const blocks = [...(await readFile(page, 'utf8')).matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(
    ([, sql]) => sql ?? '',
  )
  const [found, ...others] = blocks.filter((sql) => sql.startsWith(beginning))
  if (found === undefined || others.length > 0) throw new Error(`not one example begins with ${beginning}`)
  return found
}

async function asMigrator<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  // a member of the owner, as the migrator is
  const client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

beforeAll(async () => {
  await plantTwoTenants(database)
})

describe('the back-fills of docs/maintenance.md', () => {
  it('fill a column of all tenants in batches, as the owner under FORCE', async () => {
    const sql = await example('begin;')
    await database.admin.query('update governance.feature_flag set description = null')
    const updated: (number | null)[] = []
    await asMigrator(async (client) => {
      for (let rows: number | null = -1; rows !== 0; updated.push(rows)) {
        const results = (await client.query(sql)) as unknown as readonly pg.QueryResult[]
        rows = results.find(({ command }) => command === 'UPDATE')?.rowCount ?? null
      }
    })
    expect(updated).toEqual([2, 0])
    const { rows } = await database.admin.query<{ same: boolean }>(
      'select distinct description = key as same from governance.feature_flag',
    )
    expect(rows).toEqual([{ same: true }])
  })

  it('would fill no row, and say nothing, without the policy for maintenance', async () => {
    const sql = await example('begin;')
    const flags = policiesOf(manifest, defaultRoleNames).find(({ table }) => table === 'feature_flag')
    const policy = flags?.policies.find(({ roles }) => roles.includes(defaultRoleNames.owner))?.name
    await database.admin.query('update governance.feature_flag set description = null')
    await database.admin.query(`alter policy ${policy} on governance.feature_flag to doublehull_system`)
    try {
      const rowCount = await asMigrator(async (client) => {
        const results = (await client.query(sql)) as unknown as readonly pg.QueryResult[]
        return results.find(({ command }) => command === 'UPDATE')?.rowCount
      })
      expect(rowCount).toBe(0)
    } finally {
      await database.admin.query(`alter policy ${policy} on governance.feature_flag to doublehull_owner`)
    }
  })

  it('fill a new column of all tenants in a migration, which stays protected', async () => {
    const sql = await example('-- prisma/migrations/')
    const [, name] = /^-- prisma\/migrations\/(\w+)\//.exec(sql) ?? []
    const folder = await mkdtemp(join(tmpdir(), 'doublehull-maintenance-'))
    // a clone of a database has not its grants
    await database.admin.query(
      `do $$ begin execute format('grant create on database %I to doublehull_owner', current_database()); end $$`,
    )
    try {
      await cp(bundled, folder, { recursive: true })
      await mkdir(join(folder, name ?? ''))
      await writeFile(join(folder, name ?? '', 'migration.sql'), sql)
      const { applied } = await runMigrations({
        connectionString: database.adminUrl,
        directory: folder,
        roles: { manage: false },
      })
      expect(applied).toEqual([name])
    } finally {
      await rm(folder, { recursive: true })
    }
    const { rows } = await database.admin.query('select label = key as filled from governance.feature_flag')
    expect(rows).toEqual([{ filled: true }, { filled: true }])
    const held = await database.admin.query(
      `select relrowsecurity and relforcerowsecurity as held from pg_class where oid = 'governance.feature_flag'::regclass`,
    )
    expect(held.rows).toEqual([{ held: true }])
  })
})
