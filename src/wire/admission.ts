import type pg from 'pg'
import { TenancyError } from '../errors.ts'

/** What the database said of the role that a pool logs in as. */
export interface Admission {
  readonly role: string
  readonly serverVersion: string
  /** Row-level security holds this role on every protected table: hull two is there. */
  readonly rowSecurityHolds: boolean
}

interface ProtectedTable {
  readonly schema: string
  readonly table: string
}

// Catalog tables only: the role may lack privileges on the tables themselves. `row_security_active` answers
// for the current role, so it sees superusers, BYPASSRLS and owners without FORCE alike. The last column
// finds a role that could become the owner, and an owner can switch the policies off. A login that put on
// another role is judged by both: it can take the role off again.
const question = `
select current_user::text,
       current_setting('server_version'),
       (select bool_or(r.rolsuper or r.rolbypassrls)
          from pg_catalog.pg_roles r where r.rolname in (current_user, session_user)),
       wanted.schema_name || '.' || wanted.table_name,
       c.oid is not null,
       coalesce(pg_catalog.row_security_active(c.oid), false),
       coalesce(pg_catalog.pg_has_role(c.relowner, 'member'), false)
  from unnest($1::text[], $2::text[]) with ordinality as wanted (schema_name, table_name, position)
  left join pg_catalog.pg_namespace n on n.nspname = wanted.schema_name
  left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
 order by wanted.position`

/**
 * Asks whom the connection belongs to and whether hull two holds it.
 *
 * @param tables the tables that row-level security must hold; at least one
 * @param allowBypass go on although it doesn't: hull one is then alone
 * @throws {TenancyError} `DH302` for a superuser, a BYPASSRLS role or an owner; `DH303` for a table that is
 *   missing or not protected
 */
export async function examineConnection(
  query: (config: pg.QueryConfig) => Promise<pg.QueryArrayResult>,
  tables: readonly ProtectedTable[],
  allowBypass: boolean,
): Promise<Admission> {
  const { rows } = await query({
    text: question,
    values: [tables.map(({ schema }) => schema), tables.map(({ table }) => table)],
    rowMode: 'array',
  } as pg.QueryArrayConfig)
  const answers = (rows as Answer[]).map(toFinding)
  const [first] = answers
  if (!first) throw new TenancyError('DH303', 'the manifest names no table to protect')

  const missing = answers.filter((answer) => !answer.exists).map((answer) => answer.table)
  const owned = answers.filter((answer) => answer.canOwn).map((answer) => answer.table)
  const open = answers.filter((answer) => answer.exists && !answer.held).map((answer) => answer.table)
  const { role } = first
  const admission = {
    role,
    serverVersion: first.serverVersion,
    rowSecurityHolds: !first.bypasses && missing.length === 0 && owned.length === 0 && open.length === 0,
  }
  if (admission.rowSecurityHolds || allowBypass) return admission

  if (first.bypasses) {
    throw refusal('DH302', `role "${role}" is a superuser or has BYPASSRLS; log in as an ordinary role`, role)
  }
  if (owned.length > 0) {
    throw refusal(
      'DH302',
      `role "${role}" owns, or may become the owner of, protected tables; log in as a role that owns nothing`,
      role,
      owned,
    )
  }
  if (missing.length > 0) {
    throw refusal(
      'DH303',
      `the database lacks ${missing.length} of the manifest's tables (first: ${missing[0]}); run doublehull migrate`,
      role,
      missing,
    )
  }
  throw refusal(
    'DH303',
    `row-level security does not hold ${open.length} tables for role "${role}" (first: ${open[0]}); enable and force it`,
    role,
    open,
  )
}

type Answer = [string, string, boolean, string, boolean, boolean, boolean]

function toFinding([role, serverVersion, bypasses, table, exists, held, canOwn]: Answer) {
  return { role, serverVersion, bypasses, table, exists, held, canOwn }
}

function refusal(
  code: 'DH302' | 'DH303',
  message: string,
  role: string,
  tables: readonly string[] = [],
): TenancyError {
  return new TenancyError(code, message, { details: { role, tables } })
}
