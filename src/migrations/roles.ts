/**
 * Creates the roles, and puts right what was changed about them. Invariant: when this returns, the app,
 * reader and system roles are no superuser, don't bypass row-level security, can't become the owner and can't
 * create objects in the database or its `public` schema. It looks at attributes, at memberships among these
 * roles and at the database's own grants; what else somebody granted is for the catalog check to find.
 */
import { TenancyError } from '../errors.ts'
import { quoteIdentifier, quoteLiteral } from '../policy/identifier.ts'
import type { RoleNames } from '../policy/roles.ts'
import { describeDatabaseError, sqlStateOf } from './database-error.ts'
import { missingGrants } from './role-grants.ts'
import { type LoginRole, passwordVariables, type RoleSettings } from './role-settings.ts'
import { scramVerifier, verifierMatches } from './scram.ts'
import { inTransaction, type MigrationSession } from './session.ts'

/** What a run did about one role. */
export interface RoleReport {
  readonly name: string
  readonly created: boolean
  readonly passwordChanged: boolean
  /**
   * `set` by this run, `kept` as it was, `none` (so nobody logs in to it with a password), or `unknown`, when
   * none was given and the connecting role may not see whether there is one.
   */
  readonly password: 'set' | 'kept' | 'none' | 'unknown'
}

/**
 * SQLSTATEs of two runs that create or alter a role at once, in two databases of a cluster: already there
 * (42710, 23505), updated meanwhile (XX000), deadlock (40P01). Roles belong to the cluster, and the
 * migration lock to one database, so trying again is all that can be done.
 */
const raceStates = new Set(['42710', '23505', 'XX000', '40P01'])
const maximumAttempts = 10

/**
 * Makes the roles what they are to be, in one transaction. A second run changes nothing.
 *
 * @param settings names and passwords
 * @returns one report for each role, the owner first
 * @throws {TenancyError} `DH406` when the connecting role lacks a privilege for what is to be changed,
 * `DH408` when the names cannot be used
 *
 * @example
 * ```ts
 * const reports = await syncRoles(session, parseRoleOptions({}, process.env))
 * ```
 */
export async function syncRoles(
  session: MigrationSession,
  settings: RoleSettings,
): Promise<readonly RoleReport[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(session, () => syncInTransaction(session, settings))
    } catch (error) {
      const sqlState = sqlStateOf(error)
      if (sqlState === undefined) throw error
      if (!raceStates.has(sqlState) || attempt === maximumAttempts) throw cannotSync(error, sqlState)
      await pause(attempt)
    }
  }
}

async function syncInTransaction(
  session: MigrationSession,
  settings: RoleSettings,
): Promise<readonly RoleReport[]> {
  // a role that was set for the login would hide the privileges of the one who logged in
  await session.client.query('set local role none')
  const { names } = settings
  const before = await readRoles(session, names)
  const superuser = await isSuperuser(session)
  refuseOwnIdentity(session.loginRole, names, superuser)
  const reports: RoleReport[] = []
  for (const purpose of purposes) {
    const existing = before.get(names[purpose])
    await syncAttributes(session, names[purpose], purpose, existing)
    const password = await syncPassword(session, settings, purpose, existing, superuser)
    reports.push({
      name: names[purpose],
      created: existing === undefined,
      passwordChanged: password === 'set',
      password,
    })
  }
  await syncMemberships(session, names, superuser)
  await syncMigratorDefault(session, names)
  for (const sql of await missingGrants(session, names)) await run(session, sql)
  const [remaining] = await missingGrants(session, names)
  // PostgreSQL answers a grant without the right to it with a warning, and grants nothing
  if (remaining !== undefined) throw notAllowed(session.loginRole, remaining)
  return reports
}

const purposes = ['owner', 'migrator', 'app', 'reader', 'system'] as const satisfies (keyof RoleNames)[]

interface RoleAttributes {
  readonly name: string
  readonly superuser: boolean
  readonly bypassrls: boolean
  readonly replication: boolean
  readonly createrole: boolean
  readonly createdb: boolean
  readonly inherit: boolean
  readonly login: boolean
}

/** The keywords of `create role`, and what each is to be. An attribute that isn't named is left alone. */
function wantedAttributes(purpose: keyof RoleNames): Partial<Omit<RoleAttributes, 'name'>> {
  const powerless = {
    superuser: false,
    bypassrls: false,
    replication: false,
    createrole: false,
    createdb: false,
  }
  if (purpose === 'owner') return { ...powerless, login: false }
  return { ...powerless, login: true, inherit: purpose === 'migrator' }
}

async function readRoles(
  { client }: MigrationSession,
  names: RoleNames,
): Promise<Map<string, RoleAttributes>> {
  const { rows } = await client.query<RoleAttributes>(
    `select rolname as name, rolsuper as superuser, rolbypassrls as bypassrls, rolreplication as replication,
            rolcreaterole as createrole, rolcreatedb as createdb, rolinherit as inherit, rolcanlogin as login
     from pg_catalog.pg_roles
     where rolname = any ($1)`,
    [Object.values(names)],
  )
  return new Map(rows.map((row) => [row.name, row]))
}

async function isSuperuser({ client }: MigrationSession): Promise<boolean> {
  const { rows } = await client.query<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_catalog.pg_roles where rolname = session_user',
  )
  return rows[0]?.superuser ?? false
}

/** Whoever runs migrations must not take their own powers away half-way. */
function refuseOwnIdentity(loginRole: string, names: RoleNames, superuser: boolean): void {
  const purpose = purposes.find((candidate) => names[candidate] === loginRole)
  const details = { role: loginRole }
  if (purpose !== undefined && superuser) {
    throw new TenancyError(
      'DH408',
      `the connection logs in as superuser ${loginRole}, which is also the name of the ${purpose} role; name another role for one of the two`,
      { details },
    )
  }
  if (purpose !== undefined && purpose !== 'migrator') {
    throw new TenancyError(
      'DH406',
      `the connection logs in as ${loginRole}, the ${purpose} role, which changes no schema; connect as an administrator or as ${names.migrator}`,
      { details },
    )
  }
}

async function syncAttributes(
  session: MigrationSession,
  name: string,
  purpose: keyof RoleNames,
  existing: RoleAttributes | undefined,
): Promise<void> {
  const deviating = Object.entries(wantedAttributes(purpose)).filter(
    ([attribute, wanted]) => existing?.[attribute as keyof RoleAttributes] !== wanted,
  )
  if (deviating.length === 0) return
  // only what deviates is named: to name superuser or bypassrls takes that power, even for taking it away
  const keywords = deviating.map(([attribute, wanted]) => (wanted ? attribute : `no${attribute}`)).join(' ')
  const command = existing === undefined ? 'create' : 'alter'
  await run(session, `${command} role ${quoteIdentifier(name)} ${keywords}`)
}

async function syncPassword(
  session: MigrationSession,
  { names, passwords }: RoleSettings,
  purpose: keyof RoleNames,
  existing: RoleAttributes | undefined,
  superuser: boolean,
): Promise<RoleReport['password']> {
  if (purpose === 'owner') return 'none'
  const name = names[purpose]
  const stored = existing && superuser ? await readVerifier(session, name) : null
  const password = passwords[purpose]
  if (password === undefined) {
    if (existing === undefined) return 'none'
    if (!superuser) return 'unknown'
    return stored === null ? 'none' : 'kept'
  }
  if (await verifierMatches(stored, password)) return 'kept'
  const verifier = quoteLiteral(await scramVerifier(password))
  await run(
    session,
    `alter role ${quoteIdentifier(name)} password ${verifier}`,
    passwordSentence(purpose, name),
  )
  return 'set'
}

function passwordSentence(purpose: LoginRole, name: string): string {
  return `change the password of ${name} (to keep it, leave out ${passwordVariables[purpose]})`
}

async function readVerifier({ client }: MigrationSession, name: string): Promise<string | null> {
  const { rows } = await client.query<{ verifier: string | null }>(
    'select rolpassword as verifier from pg_catalog.pg_authid where rolname = $1',
    [name],
  )
  return rows[0]?.verifier ?? null
}

async function syncMemberships(
  session: MigrationSession,
  names: RoleNames,
  superuser: boolean,
): Promise<void> {
  const { loginRole } = session
  const ownerName = quoteIdentifier(names.owner)
  // from 16 on, a creator is a member with the admin option only, and may not become the role
  const grantOptions = (inherit: boolean) =>
    session.serverVersion >= 160000 ? ` with inherit ${inherit}, set true` : ''
  if (!(await canBecome(session, names.migrator, names.owner))) {
    await run(session, `grant ${ownerName} to ${quoteIdentifier(names.migrator)}${grantOptions(true)}`)
  }
  if (!superuser && !(await canBecome(session, loginRole, names.owner))) {
    await run(session, `grant ${ownerName} to ${quoteIdentifier(loginRole)}${grantOptions(false)}`)
  }
  for (const { role, member, grantor } of await forbiddenMemberships(session, names)) {
    // from 16 on, a revoke takes away only the grant of the grantor that it names
    const by = session.serverVersion >= 160000 ? ` granted by ${quoteIdentifier(grantor)}` : ''
    await run(session, `revoke ${quoteIdentifier(role)} from ${quoteIdentifier(member)}${by}`)
  }
}

async function canBecome({ client, serverVersion }: MigrationSession, member: string, role: string) {
  const { rows } = await client.query<{ able: boolean }>(
    'select pg_catalog.pg_has_role($1::name, $2::name, $3) as able',
    [member, role, serverVersion >= 160000 ? 'set' : 'member'],
  )
  return rows[0]?.able ?? false
}

async function forbiddenMemberships({ client }: MigrationSession, names: RoleNames) {
  const { rows } = await client.query<{ role: string; member: string; grantor: string }>(
    `select distinct r.rolname as role, m.rolname as member, g.rolname as grantor
     from pg_catalog.pg_auth_members a
     join pg_catalog.pg_roles r on r.oid = a.roleid
     join pg_catalog.pg_roles m on m.oid = a.member
     join pg_catalog.pg_roles g on g.oid = a.grantor
     where m.rolname = any ($1) and r.rolname = any ($2)
     order by role, member, grantor`,
    [[names.app, names.reader, names.system], Object.values(names)],
  )
  return rows
}

/** What the migrator creates through Prisma's CLI belongs to the owner, because it logs in as the owner. */
async function syncMigratorDefault(session: MigrationSession, names: RoleNames): Promise<void> {
  const { rowCount } = await session.client.query(
    `select from pg_catalog.pg_db_role_setting s
     join pg_catalog.pg_roles r on r.oid = s.setrole
     where s.setdatabase = 0 and r.rolname = $1 and $2 = any (s.setconfig)`,
    [names.migrator, `role=${names.owner}`],
  )
  if (rowCount !== 0) return
  const migrator = quoteIdentifier(names.migrator)
  await run(session, `alter role ${migrator} set role = ${quoteLiteral(names.owner)}`)
}

/** @param purpose for messages, what the statement does; by default its own words, which hold no password */
async function run(
  { client, loginRole }: MigrationSession,
  sql: string,
  purpose = `run: ${sql}`,
): Promise<void> {
  await client.query(sql).catch((cause: unknown) => {
    throw sqlStateOf(cause) === '42501' ? notAllowed(loginRole, purpose, cause) : cause
  })
}

function notAllowed(loginRole: string, purpose: string, cause?: unknown): TenancyError {
  return new TenancyError(
    'DH406',
    `${loginRole} may not ${purpose}; have an administrator do it, or leave the roles alone (manage: false, --no-roles). Nothing was changed`,
    {
      details: { role: loginRole, ...(cause !== undefined && { sqlState: '42501' }) },
      cause,
    },
  )
}

function cannotSync(cause: unknown, sqlState: string): TenancyError {
  // 0A000 takes from the first superuser what it must have; 0LP01 closes a circle; 42939 is a reserved name
  const code = ['0A000', '0LP01', '42939'].includes(sqlState) ? 'DH408' : 'DH409'
  return new TenancyError(
    code,
    `the roles cannot be set up (${describeDatabaseError(cause)}); nothing was changed`,
    {
      details: { sqlState },
      cause,
    },
  )
}

function pause(attempt: number): Promise<void> {
  // at random, so that two runs don't meet again
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * attempt))
}
