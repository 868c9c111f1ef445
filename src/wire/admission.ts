import type pg from 'pg'
import { contextKeyVariable } from '../context/context-key.ts'
import { TenancyError } from '../errors.ts'

/** What the database said of the role that a pool logs in as. */
export interface Admission {
  readonly role: string
  readonly serverVersion: string
  /** Row-level security holds this role on every protected table: hull two is there. */
  readonly rowSecurityHolds: boolean
  /** The start-up checks of the catalog were asked, and found nothing; false where they were not asked. */
  readonly isVerified: boolean
}

/** A table, or a view, that a login is held to. */
export interface ProtectedTable {
  readonly schema: string
  readonly table: string
  /** It has no policies, and is held where it asks its tables as whoever queries it. */
  readonly isView?: boolean
}

// Catalog tables only: the role may lack privileges on the tables themselves. What counts is not only what the
// login is but all that it may become: with SET ROLE it puts on any role that it is a member of, inherited or
// not, and takes off one that it put on at log-in. `row_security_active` answers for the current role, and says
// that policies are asked, not what they answer: a role with a policy of its own and no guard passes them all,
// as the owner and the system role do. TRUNCATE, triggers and references are not asked at all. Last comes whether the
// context is verified: the function that does it is the only one of the two that runs with its owner's rights.
const question = `
with reachable as (
  select distinct r.oid,
         r.rolsuper or r.rolbypassrls or r.rolreplication or r.rolcreaterole
           or r.rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') as bypasses
    from pg_catalog.pg_roles r
    join (values (current_user), (session_user)) as who (name)
      on pg_catalog.pg_has_role(who.name, r.oid, 'member')
)
select session_user::text,
       pg_catalog.current_setting('server_version'),
       (select pg_catalog.bool_or(bypasses) from reachable),
       wanted.schema_name || '.' || wanted.table_name,
       c.oid is not null,
       case when wanted.is_view then coalesce((select pg_catalog.bool_or(o.option_value::boolean)
                                                 from pg_catalog.pg_options_to_table(c.reloptions) o
                                                where c.relkind = 'v' and o.option_name = 'security_invoker'), false)
            else coalesce(pg_catalog.row_security_active(c.oid), false) end,
       exists (select from reachable r where r.oid = c.relowner),
       exists (select from reachable r
                where pg_catalog.has_table_privilege(r.oid, c.oid, 'truncate, trigger, references'))
       or exists (select from reachable r
                    join pg_catalog.pg_policy p on p.polrelid = c.oid and p.polpermissive
                   cross join unnest(p.polroles) as permitted (oid)
                   where (permitted.oid = 0 or pg_catalog.pg_has_role(r.oid, permitted.oid, 'usage'))
                     and not exists (select from pg_catalog.pg_policy guard
                                      cross join unnest(guard.polroles) as guarded (oid)
                                      where guard.polrelid = c.oid and not guard.polpermissive
                                        and guard.polcmd = '*'
                                        and (guarded.oid = 0 or pg_catalog.pg_has_role(r.oid, guarded.oid, 'usage')))),
       coalesce(pg_catalog.has_table_privilege(c.oid, 'insert'), false),
       exists (select from reachable r
                where pg_catalog.has_table_privilege(r.oid, c.oid, 'delete, truncate, trigger')
                   or pg_catalog.has_any_column_privilege(r.oid, c.oid, 'update')),
       coalesce((select p.prosecdef from pg_catalog.pg_proc p
                   join pg_catalog.pg_namespace tenancy on tenancy.oid = p.pronamespace
                  where tenancy.nspname = 'tenancy' and p.proname = 'current_tenant_id' and p.pronargs = 0), false)
  from unnest($1::text[], $2::text[], $3::boolean[]) with ordinality as wanted (schema_name, table_name, is_view, position)
  left join pg_catalog.pg_namespace n on n.nspname = wanted.schema_name
  left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
 order by wanted.position`

/** How the database is asked, on a connection of the login. */
type Ask = (config: pg.QueryConfig) => Promise<pg.QueryArrayResult>

/** Looks for ways around row-level security that {@link examineConnection} does not ask for, and throws for one. */
export type StartupChecks = (ask: Ask) => Promise<boolean>

/** What a connection is examined for. */
interface ExaminationOptions {
  /** Go on although row-level security doesn't hold the role: hull one is then alone. */
  readonly allowBypass: boolean
  /** Its contexts are signed. */
  readonly signs: boolean
  /** Go on although the database does not verify what is signed. */
  readonly allowUnverified: boolean
  /** Asked next, of a login that passes. */
  readonly startupChecks?: StartupChecks | undefined
}

/**
 * Asks whom the connection belongs to and whether hull two holds it.
 *
 * @param tables the tables that row-level security must hold; at least one
 * @throws {TenancyError} `DH302` for a login that is or may become a superuser, a BYPASSRLS role, an owner or
 *   a role that the policies let pass; `DH303` for a table that is missing or not protected; `DH306` where contexts
 *   are signed and the database does not verify them, `DH102` where it verifies and they are not signed
 */
export async function examineConnection(
  query: Ask,
  tables: readonly ProtectedTable[],
  { allowBypass, signs, allowUnverified, startupChecks }: ExaminationOptions,
): Promise<Admission> {
  const answers = await askOf(query, tables)
  const [first] = answers
  if (!first) throw new TenancyError('DH303', 'the manifest names no table to protect')
  const { role, serverVersion, verifies } = first
  const refusal =
    refusalOf(role, answers) ??
    (allowUnverified && signs ? undefined : signingRefusalOf(role, signs, verifies))
  if (refusal && !allowBypass) throw refusal
  const isVerified = refusal === undefined && startupChecks !== undefined && (await startupChecks(query))
  return { role, serverVersion, rowSecurityHolds: refusal === undefined, isVerified }
}

/**
 * Asks whom a connection for work across tenants belongs to: the policies let it pass, and that is all it may have.
 *
 * @param tables the tables that it works on
 * @param record the table that its work is recorded in
 * @throws {TenancyError} `DH302` for a login that is or may become a superuser, a BYPASSRLS role or an owner, that
 *   can't add to the record, or that may change it; `DH303` where there is no record
 */
export async function examineSystemConnection(
  query: Ask,
  tables: readonly ProtectedTable[],
  record: ProtectedTable,
): Promise<Admission> {
  const answers = await askOf(query, [record, ...tables])
  const [recording] = answers
  if (!recording) throw new TenancyError('DH303', 'the database does not answer')
  const { role, serverVersion, table } = recording
  const excess = excessOf(role, answers, 'system')
  if (excess) throw excess
  if (!recording.exists) {
    const what = `the database has no table ${table}, in which work across tenants is recorded; has the migration run?`
    throw refuse('DH303', role, [], what)
  }
  if (!recording.adds) {
    const what = `"${role}" may not insert into ${table}, in which work across tenants is recorded`
    throw refuse('DH302', role, [], what, 'system')
  }
  if (recording.alters) {
    const what = `"${role}" may change, or may become a role that may change, ${table}, in which its work is recorded`
    throw refuse('DH302', role, [], what, 'system')
  }
  return { role, serverVersion, rowSecurityHolds: false, isVerified: false }
}

async function askOf(query: Ask, tables: readonly ProtectedTable[]): Promise<readonly Finding[]> {
  const { rows } = await query({
    text: question,
    values: [
      tables.map(({ schema }) => schema),
      tables.map(({ table }) => table),
      tables.map(({ isView }) => isView ?? false),
    ],
    rowMode: 'array',
  } as pg.QueryArrayConfig)
  return (rows as Answer[]).map(toFinding)
}

/** More than any login of an application may be. */
function excessOf(
  role: string,
  answers: readonly Finding[],
  purpose: keyof typeof suited,
): TenancyError | undefined {
  if (answers.some((answer) => answer.bypasses)) {
    return refuse(
      'DH302',
      role,
      [],
      `"${role}" is, or may become, a role that reads past row-level security (superuser, BYPASSRLS, REPLICATION, CREATEROLE, server files)`,
      purpose,
    )
  }
  const owned = tablesWith(answers, (answer) => answer.owns)
  if (owned.length > 0)
    return refuse('DH302', role, owned, `"${role}" owns tables, or may become their owner`, purpose)
  return undefined
}

function refusalOf(role: string, answers: readonly Finding[]): TenancyError | undefined {
  const excess = excessOf(role, answers, 'app')
  if (excess) return excess
  const passed = tablesWith(answers, (answer) => answer.passes)
  if (passed.length > 0) {
    return refuse(
      'DH302',
      role,
      passed,
      `"${role}" is, or may become, a role that the policies let pass, or may truncate`,
    )
  }
  const missing = tablesWith(answers, (answer) => !answer.exists)
  if (missing.length > 0) {
    return refuse(
      'DH303',
      role,
      missing,
      'the database lacks tables of the manifest; have the migrations run?',
    )
  }
  const open = tablesWith(answers, (answer) => !answer.held)
  if (open.length > 0) {
    return refuse(
      'DH303',
      role,
      open,
      `row-level security does not hold "${role}"; enable and force it, and let views have security_invoker, as doublehull policies writes it`,
    )
  }
  return undefined
}

/** An operator who gave a key believes that it is asked for, and a context that isn't signed would fail each query. */
function signingRefusalOf(role: string, signs: boolean, verifies: boolean): TenancyError | undefined {
  if (signs === verifies) return undefined
  const [code, message] = signs
    ? ([
        'DH306',
        `a context key is set, but this database believes contexts without a signature; run doublehull migrate with ${contextKeyVariable}, or take the key away`,
      ] as const)
    : ([
        'DH102',
        `this database believes signed contexts only, and no key is set; give the application ${contextKeyVariable}, or createTenancy a contextKey`,
      ] as const)
  return new TenancyError(code, message, { details: { role } })
}

function tablesWith(answers: readonly Finding[], test: (answer: Finding) => boolean): readonly string[] {
  return answers.filter(test).map(({ table }) => table)
}

/** What to log in as, by what a connection is for. */
const suited = {
  app: 'log in as a role of the application alone, such as doublehull_app',
  system: 'log in as a role for work across tenants alone, such as doublehull_system',
}

function refuse(
  code: 'DH302' | 'DH303',
  role: string,
  tables: readonly string[],
  what: string,
  purpose: keyof typeof suited = 'app',
): TenancyError {
  const [first, ...others] = tables
  const more = others.length > 0 ? ` and ${others.length} more` : ''
  const which = first === undefined ? '' : ` (${first}${more})`
  const mend = code === 'DH302' ? `; ${suited[purpose]}` : ''
  return new TenancyError(code, `${what}${which}${mend}`, { details: { role, tables } })
}

type Answer = [string, string, boolean, string, boolean, boolean, boolean, boolean, boolean, boolean, boolean]

type Finding = ReturnType<typeof toFinding>

function toFinding([
  role,
  serverVersion,
  bypasses,
  table,
  exists,
  held,
  owns,
  passes,
  adds,
  alters,
  verifies,
]: Answer) {
  return { role, serverVersion, bypasses, table, exists, held, owns, passes, adds, alters, verifies }
}
