import pg from 'pg'
import { inject } from 'vitest'
import { quoteIdentifier } from '../../src/policy/identifier.ts'

/** The templates that `createTestDatabases` has made of the migrations in a folder. */
export async function templatesOf(folder: string): Promise<readonly string[]> {
  return onServer(async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_catalog.pg_database
        where strpos(pg_catalog.shobj_description(oid, 'pg_database'), $1) > 0 order by 1`,
      [`of ${folder}`],
    )
    return rows.map(({ name }) => name)
  })
}

/** Drops those of a folder that is about to go: they are of no use to a later run. */
export async function dropTemplatesOf(folder: string): Promise<void> {
  const names = await templatesOf(folder)
  await onServer(async (client) => {
    for (const name of names) await client.query(`drop database if exists ${quoteIdentifier(name)}`)
  })
}

async function onServer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: inject('adminUrl') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
