import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import type pg from 'pg'
import { TenancyError } from '../errors.ts'
import { bundledMigrations } from '../migrations/bundled-migrations.ts'
import { type MigrationFile, readMigrations } from '../migrations/migration-files.ts'
import { type MigrationOptions, runMigrations } from '../migrations/runner.ts'
import { quoteIdentifier, quoteLiteral } from '../policy/identifier.ts'
import { onceUnused, sqlStateOf, withClient } from './in-use.ts'
import type { TestRun } from './test-run.ts'

/** What is done to a template behind its migrations; see `setup` of `createTestDatabases`. */
export type SetUp = (database: { readonly adminUrl: string }) => Promise<void>

export interface TemplateOptions extends Pick<MigrationOptions, 'context' | 'roles'> {
  readonly migrations?: string | undefined
  readonly setup?: SetUp | undefined
}

/** The advisory lock of whoever makes, looks for or drops a template: one of them at a time. */
const templateLock: readonly [number, number] = [1_145_590_850, 0]

const prefix = 'doublehull_template_'

const hour = 3_600_000

/**
 * A migrated database, named after a hash of all that went into it, which clones are made of. Processes that need it at
 * once wait for the first of them to make it; it stays for the next run.
 *
 * Templates of the same folder with other migrations in it are dropped once nobody has used them for an hour, and any
 * that nobody has used for a week.
 *
 * @returns its name
 * @throws {TenancyError} as `runMigrations`
 */
export async function ensureTemplate(run: TestRun, options: TemplateOptions): Promise<string> {
  const directory = options.migrations ?? bundledMigrations
  const files = await readMigrations(directory)
  const folder = realpathSync(directory)
  const origin = `${prefix}${hashOf([folder, String(options.setup)]).slice(0, 8)}_`
  const name = `${origin}${hashOf([contentOf(files), JSON.stringify([options.context, options.roles]), ...environment()]).slice(0, 16)}`
  return withClient(run.serverUrl, async (client) => {
    await client.query('select pg_catalog.pg_advisory_lock($1, $2)', [...templateLock])
    if (!(await exists(client, name))) await make(client, run, name, directory, options)
    await client.query(commentOn(name, folder))
    await dropOld(client, name, origin)
    // the lock goes with the connection
    return name
  })
}

async function exists(client: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_catalog.pg_database where datname = $1', [name])
  return rowCount === 1
}

/** Complete under its name or not there: until then it is one of the run's databases, and goes with it. */
async function make(
  client: pg.Client,
  run: TestRun,
  name: string,
  directory: string,
  { setup, roles, context }: TemplateOptions,
): Promise<void> {
  const draft = run.newName()
  try {
    await onceUnused(() => client.query(`create database ${quoteIdentifier(draft)}`))
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw error
    throw new TenancyError(
      'DH409',
      'the login of the test server may not create databases; DIRECT_URL, or else DATABASE_URL, must name an administrator, or neither be set for the embedded PostgreSQL',
      { cause: error },
    )
  }
  const adminUrl = run.urlOf(draft)
  try {
    await runMigrations({
      connectionString: adminUrl,
      directory,
      ...(roles && { roles }),
      ...(context && { context }),
    })
    await setup?.({ adminUrl })
    // who is not connected can't be in the way of a clone
    await client.query(`alter database ${quoteIdentifier(draft)} allow_connections false`)
    await onceUnused(() =>
      client.query(`alter database ${quoteIdentifier(draft)} rename to ${quoteIdentifier(name)}`),
    )
  } catch (error) {
    await run.drop(draft)
    throw error
  }
}

function commentOn(name: string, folder: string): string {
  const text = `template of ${folder} for doublehull/testing, last used ${new Date().toISOString()}`
  return `comment on database ${quoteIdentifier(name)} is ${quoteLiteral(text)}`
}

async function dropOld(client: pg.Client, current: string, origin: string): Promise<void> {
  const { rows } = await client.query<{ name: string; comment: string | null }>(
    `select datname as name, pg_catalog.shobj_description(oid, 'pg_database') as comment
       from pg_catalog.pg_database where datname ~ $1 and datname <> $2 order by 1`,
    [`^${prefix}[0-9a-f]{8}_[0-9a-f]{16}$`, current],
  )
  for (const { name, comment } of rows) {
    const used = Date.parse(comment?.split(' ').at(-1) ?? '')
    const rest = name.startsWith(origin) ? hour : 7 * 24 * hour
    // one without a date was never finished
    if (Date.now() - used < rest) continue
    try {
      await client.query(`drop database if exists ${quoteIdentifier(name)}`)
    } catch (error) {
      // somebody clones it: the next run drops it
      if (sqlStateOf(error) !== '55006') throw error
    }
  }
}

function contentOf(files: readonly MigrationFile[]): string {
  return JSON.stringify(files.map(({ name, sql }) => [name, sql]))
}

/** Whether contexts are signed, and with which keys, is in the database. */
function environment(): readonly string[] {
  return ['DOUBLEHULL_CONTEXT_KEY', 'DOUBLEHULL_CONTEXT_KEY_PREVIOUS'].map((name) => process.env[name] ?? '')
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
