/**
 * Further logins with the rights of a role. Invariant: such a login has what its role has by membership and nothing of
 * its own, so whatever holds the role holds it. PostgreSQL keeps one password a role: a second login is how the
 * password of a running application is changed without a moment in which one of the two is refused.
 */
import { TenancyError } from '../errors.ts'
import { quoteIdentifier, quoteLiteral } from '../policy/identifier.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { describeDatabaseError, sqlStateOf } from './database-error.ts'
import { parseRoleOptions, roleNameFault } from './role-settings.ts'
import { parsePassword, scramVerifier } from './scram.ts'
import { inTransaction, type MigrationSession, withMigrationSession } from './session.ts'

/** The roles whose rights a further login may have. */
export type LoginPurpose = 'app' | 'reader' | 'system'

interface LoginTarget {
  /** A direct connection as a superuser, or as a role with CREATEROLE that administers the role. */
  readonly connectionString: string
  /** Name of the login, such as `doublehull_app_2`. */
  readonly name: string
  /** The role whose rights it has. */
  readonly purpose: LoginPurpose
  /** Names of the roles; the default ones unless told. */
  readonly roles?: Partial<RoleNames>
}

/** Options of {@link createLogin}. */
export interface LoginOptions extends LoginTarget {
  /** Printable ASCII of 12 characters or more; the server gets a SCRAM verifier. */
  readonly password: string
}

const lockTimeoutMs = 60_000

/**
 * Creates a login beside the role's own, with its rights, its settings and its connection limit, or gives the one that
 * is there a new password.
 *
 * @throws {TenancyError} `DH408` for a name or a password that can't be used, or a name that something else has;
 * `DH406` where a privilege is lacking; `DH409` where the database can't be reached or lacks the role
 *
 * @example
 * ```ts
 * await createLogin({ connectionString, name: 'doublehull_app_2', purpose: 'app', password })
 * ```
 */
export async function createLogin(options: LoginOptions): Promise<{ readonly created: boolean }> {
  const role = roleOf(options)
  const verifier = quoteLiteral(
    await scramVerifier(parsePassword(options.password, 'the password of the login')),
  )
  return onServer(options, async (session) => {
    const exists = await requireLoginOf(session, options.name, role)
    const login = quoteIdentifier(options.name)
    await session.client.query(
      exists
        ? `alter role ${login} password ${verifier}`
        : `create role ${login} login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${verifier} in role ${quoteIdentifier(role)}`,
    )
    if (!exists) await copySettings(session, role, login)
    return { created: !exists }
  })
}

/**
 * Drops a login that {@link createLogin} created, once nobody is connected as it.
 *
 * @throws {TenancyError} `DH411` while it has connections; `DH408` for a role that is no such login; `DH406` and
 * `DH409` as {@link createLogin}
 *
 * @example
 * ```ts
 * await dropLogin({ connectionString, name: 'doublehull_app_2', purpose: 'app' })
 * ```
 */
export async function dropLogin(options: LoginTarget): Promise<{ readonly dropped: boolean }> {
  const role = roleOf(options)
  return onServer(options, async (session) => {
    const { client } = session
    if (!(await requireLoginOf(session, options.name, role))) return { dropped: false }
    const { rows } = await client.query<{ connections: number }>(
      'select count(*)::int as connections from pg_catalog.pg_stat_activity where usename = $1',
      [options.name],
    )
    const connections = rows[0]?.connections ?? 0
    if (connections > 0) {
      throw new TenancyError(
        'DH411',
        `${options.name} still has ${connections} connections, and stays; deploy what uses it with another login first`,
        { details: { role: options.name } },
      )
    }
    await client.query(`drop role ${quoteIdentifier(options.name)}`)
    return { dropped: true }
  })
}

function roleOf({ name, purpose, roles }: LoginTarget): string {
  const names = { ...defaultRoleNames, ...roles }
  parseRoleOptions({ names, manage: false }, {})
  const fault = roleNameFault(name)
  if (fault !== undefined) throw new TenancyError('DH408', `the name of the login ${fault}; choose another`)
  const [taken] = Object.entries(names).find(([, one]) => one === name) ?? []
  if (taken !== undefined) {
    throw new TenancyError(
      'DH408',
      `${name} is the ${taken} role itself; choose another name for the login`,
      {
        details: { role: name },
      },
    )
  }
  return names[purpose]
}

async function onServer<Result>(
  { connectionString, name }: LoginTarget,
  work: (session: MigrationSession) => Promise<Result>,
): Promise<Result> {
  return withMigrationSession(
    connectionString,
    lockTimeoutMs,
    () => undefined,
    async (session) => {
      try {
        return await inTransaction(session, async () => {
          await session.client.query('set local role none')
          return await work(session)
        })
      } catch (cause) {
        const sqlState = sqlStateOf(cause)
        if (cause instanceof TenancyError || sqlState === undefined) throw cause
        throw new TenancyError(
          sqlState === '42501' ? 'DH406' : 'DH409',
          `${session.loginRole} could not change the login ${name} (${describeDatabaseError(cause)}); connect as an administrator. Nothing was changed`,
          { details: { role: name, sqlState }, cause },
        )
      }
    },
  )
}

/**
 * @returns whether the login is there
 * @throws {TenancyError} `DH408` for a role of that name that is, or has, something else
 */
async function requireLoginOf({ client }: MigrationSession, name: string, role: string): Promise<boolean> {
  const { rows } = await client.query<{ role_exists: boolean; exists: boolean; fits: boolean }>(
    `select exists (select from pg_catalog.pg_roles where rolname = $2::text) as role_exists,
            l.oid is not null as exists,
            l.rolcanlogin and l.rolinherit and not (l.rolsuper or l.rolbypassrls or l.rolcreaterole or l.rolreplication)
              and array(select r.rolname::text from pg_catalog.pg_auth_members m
                          join pg_catalog.pg_roles r on r.oid = m.roleid where m.member = l.oid) = array[$2::text] as fits
       from (values ($1::text)) as wanted (name) left join pg_catalog.pg_roles l on l.rolname = wanted.name`,
    [name, role],
  )
  const [found] = rows
  if (!found?.role_exists) {
    throw new TenancyError('DH409', `the server has no role ${role}; run doublehull migrate first`, {
      details: { role },
    })
  }
  if (found.exists && !found.fits) {
    throw new TenancyError(
      'DH408',
      `${name} is there already, and is no login that has the rights of ${role} and nothing else; choose another name`,
      { details: { role: name } },
    )
  }
  return found.exists
}

/** What was set for a role is not its members': PostgreSQL looks at the login alone. */
async function copySettings({ client }: MigrationSession, role: string, login: string): Promise<void> {
  const { rows } = await client.query<{ setting: string; value: string; database: string | null }>(
    `select split_part(one, '=', 1) as setting, substr(one, strpos(one, '=') + 1) as value, d.datname::text as database
       from pg_catalog.pg_db_role_setting s
       join pg_catalog.pg_roles r on r.oid = s.setrole and r.rolname = $1
       left join pg_catalog.pg_database d on d.oid = s.setdatabase
      cross join unnest(s.setconfig) as one`,
    [role],
  )
  for (const { setting, value, database } of rows) {
    // through the session, because a list such as a search_path has no literal of its own
    await client.query('select pg_catalog.set_config($1, $2, true)', [setting, value])
    const where = database === null ? '' : ` in database ${quoteIdentifier(database)}`
    const name = setting.split('.').map(quoteIdentifier).join('.')
    await client.query(`alter role ${login}${where} set ${name} from current`)
  }
  const limit = await client.query<{ connections: number }>(
    'select rolconnlimit as connections from pg_catalog.pg_roles where rolname = $1',
    [role],
  )
  await client.query(`alter role ${login} connection limit ${limit.rows[0]?.connections ?? -1}`)
}
