import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { runMigrations } from '../../src/migrations/runner.ts'
import { quoteIdentifier } from '../../src/policy/identifier.ts'
import { openDatabaseServer } from '../../src/testing/index.ts'
import { generatedFolderOf } from '../fixtures/generated-folder.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** An administrator's connection string for the server, in the database `postgres`. */
    adminUrl: string
    /** A migrated database that each test file clones. */
    template: string
    /** Distinguishes the databases of this run from those of another on the same server. */
    run: string
  }
}

/** Starts the server and migrates the template that every test file clones. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const server = await openDatabaseServer('postgres', { name: 'test' })
  const adminUrl = server.url('postgres')
  const run = randomBytes(4).toString('hex')
  const template = `doublehull_${run}_template`
  await asAdmin(adminUrl, `create database ${quoteIdentifier(template)}`)
  await runMigrations({ connectionString: server.url(template) })
  project.provide('adminUrl', adminUrl)
  project.provide('template', template)
  project.provide('run', run)

  return async () => {
    rmSync(generatedFolderOf(run), { recursive: true, force: true })
    const client = new pg.Client({ connectionString: adminUrl })
    await client.connect()
    const { rows } = await client.query<{ name: string }>(
      'select datname as name from pg_catalog.pg_database where starts_with(datname, $1)',
      [`doublehull_${run}_`],
    )
    const left = rows.map(({ name }) => name).filter((name) => name !== template)
    for (const { name } of rows) await client.query(`drop database ${quoteIdentifier(name)} with (force)`)
    await client.end()
    await server.stop()
    if (left.length > 0) throw new Error(`tests left databases behind: ${left.join(', ')}`)
  }
}

async function asAdmin(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(statement)
  await client.end()
}
