/**
 * Switches the signing of contexts on and off, and exchanges keys. Invariant: the keys and the functions that ask for
 * them change in one transaction, so that a query finds either the old ones or the new ones; and signing is switched
 * off only where that was asked for in so many words.
 */
import { createHash, type KeyObject } from 'node:crypto'
import type { ContextKey } from '../context/context-key.ts'
import { isTenantIdType, type TenantIdType, tenantIdTypes } from '../context/tenant-id.ts'
import { TenancyError } from '../errors.ts'
import { type ContextFunction, plainContextFunctions, signedContextFunctions } from '../policy/context-sql.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { describeDatabaseError, sqlStateOf } from './database-error.ts'
import { inTransaction, type MigrationSession } from './session.ts'

/** Which contexts a database believes. */
export interface ContextReport {
  /** Those with a signature only, or all; `none` where it has no context at all. */
  readonly mode: 'signed' | 'plain' | 'none'
  /** How many keys it verifies with. */
  readonly keys: number
  /** Whether this run has changed any of it. */
  readonly changed: boolean
}

/**
 * Makes a database verify contexts with these keys and no others. A second run changes nothing.
 *
 * @param keys the one that is signed with first; none to switch signing off
 * @param owner who owns the functions and the keys
 * @throws {TenancyError} `DH406` when the connecting role may not become the owner, `DH409` for a database without
 *   the functions or without the table of the keys
 */
export async function syncContext(
  session: MigrationSession,
  keys: readonly ContextKey[],
  owner: string,
): Promise<ContextReport> {
  try {
    return await inTransaction(session, () => syncInTransaction(session, keys, owner))
  } catch (cause) {
    if (cause instanceof TenancyError) throw cause
    const sqlState = sqlStateOf(cause)
    throw new TenancyError(
      sqlState === '42501' ? 'DH406' : 'DH409',
      `the signing of contexts could not be set up (${describeDatabaseError(cause)}); nothing of it was changed`,
      { details: { role: owner, ...(sqlState === undefined ? {} : { sqlState }) }, cause },
    )
  }
}

async function syncInTransaction(
  session: MigrationSession,
  keys: readonly ContextKey[],
  owner: string,
): Promise<ContextReport> {
  const { client } = session
  await client.query(`set local role ${quoteIdentifier(owner)}`)
  const present = await readFunctions(session)
  if (present.size === 0) throw missing('functions of the context', '20261121000100_context')
  const hasTable = await hasKeyTable(session)
  if (keys.length > 0 && !hasTable) throw missing('table tenancy.context_key', '20261121000700_context_key')
  const type = idTypeOf(present)
  const wanted = keys.length > 0 ? signedContextFunctions(type) : plainContextFunctions(type)
  const outdated = wanted.filter(
    ({ name, body, securityDefiner }) =>
      present.get(name)?.body !== body || present.get(name)?.securityDefiner !== securityDefiner,
  )
  const keysChanged = hasTable && (await replaceKeys(session, keys))
  const closed = hasTable && (await closeKeyTable(session))
  for (const { sql } of outdated) await client.query(sql)
  return {
    mode: keys.length > 0 ? 'signed' : 'plain',
    keys: keys.length,
    changed: keysChanged || closed || outdated.length > 0,
  }
}

/** Which contexts a database believes, without changing it. */
export async function readContextMode(session: MigrationSession): Promise<ContextReport> {
  return inTransaction(session, async () => {
    const verifier = (await readFunctions(session)).get('tenancy.current_tenant_id()')
    if (!verifier?.securityDefiner)
      return { mode: verifier ? 'plain' : 'none', keys: 0, changed: false } as const
    await session.client.query(`set local role ${quoteIdentifier(verifier.owner)}`)
    const { rows } = await session.client.query<{ keys: number }>(
      'select count(*)::int as keys from tenancy.context_key',
    )
    return { mode: 'signed', keys: rows[0]?.keys ?? 0, changed: false } as const
  })
}

type PresentFunction = Pick<ContextFunction, 'body' | 'securityDefiner' | 'returns'> & {
  readonly owner: string
}

/** The type of the tenants' ids, which the database knows: its policies and its columns' defaults ask the function. */
function idTypeOf(present: ReadonlyMap<string, PresentFunction>): TenantIdType {
  const returns = present.get('tenancy.require_tenant_id()')?.returns ?? 'uuid'
  if (isTenantIdType(returns)) return returns
  throw new TenancyError(
    'DH409',
    `the function tenancy.require_tenant_id() of the database returns ${returns}, which is no type of tenant ids that the package knows: ${tenantIdTypes.join(', ')}`,
  )
}

async function readFunctions({ client }: MigrationSession): Promise<ReadonlyMap<string, PresentFunction>> {
  const { rows } = await client.query<PresentFunction & { name: string }>(
    `select 'tenancy.' || p.proname || '()' as name, p.prosrc as body, p.prosecdef as "securityDefiner",
            t.typname::text as returns, r.rolname::text as owner
       from pg_catalog.pg_proc p
       join pg_catalog.pg_namespace n on n.oid = p.pronamespace
       join pg_catalog.pg_roles r on r.oid = p.proowner
       join pg_catalog.pg_type t on t.oid = p.prorettype
      where n.nspname = 'tenancy' and p.pronargs = 0 and p.proname in ('current_tenant_id', 'require_tenant_id', 'pre_request')`,
  )
  return new Map(rows.map((row) => [row.name, row]))
}

async function hasKeyTable({ client }: MigrationSession): Promise<boolean> {
  const { rows } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('tenancy.context_key') is not null as present`,
  )
  return rows[0]?.present ?? false
}

/** @returns whether anything had to be changed */
async function replaceKeys({ client }: MigrationSession, keys: readonly ContextKey[]): Promise<boolean> {
  const wanted = keys.map(({ id, secret }, index) => ({ id, ...padsOf(secret), signs: index === 0 }))
  const removed = await client.query('delete from tenancy.context_key where id <> all ($1)', [
    wanted.map(({ id }) => id),
  ])
  let changed = (removed.rowCount ?? 0) > 0
  for (const { id, inner, outer, signs } of wanted) {
    // as parameters: the text of a statement is seen by other sessions
    const { rowCount } = await client.query(
      `insert into tenancy.context_key as k (id, inner_pad, outer_pad, signs) values ($1, $2, $3, $4)
       on conflict on constraint context_key_pkey
       do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad, signs = excluded.signs
        where (k.inner_pad, k.outer_pad, k.signs) is distinct from (excluded.inner_pad, excluded.outer_pad, excluded.signs)`,
      [id, inner, outer, signs],
    )
    changed ||= (rowCount ?? 0) > 0
  }
  return changed
}

/** Takes away what somebody was granted on the keys, and puts row-level security back. */
async function closeKeyTable({ client }: MigrationSession): Promise<boolean> {
  const { rows } = await client.query<{ closed: boolean; grantees: (string | null)[] }>(
    `select c.relrowsecurity and c.relforcerowsecurity as closed,
            array(select distinct r.rolname::text
                    from (select a.grantee from pg_catalog.aclexplode(c.relacl) a
                          union all
                          select a.grantee from pg_catalog.pg_attribute col, pg_catalog.aclexplode(col.attacl) a
                           where col.attrelid = c.oid) granted
                    left join pg_catalog.pg_roles r on r.oid = granted.grantee
                   where granted.grantee <> c.relowner) as grantees
       from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass('tenancy.context_key')`,
  )
  const [table] = rows
  if (!table) return false
  for (const grantee of table.grantees) {
    const role = grantee === null ? 'public' : quoteIdentifier(grantee)
    await client.query(`revoke all on tenancy.context_key from ${role} cascade`)
  }
  if (!table.closed) {
    await client.query('alter table tenancy.context_key enable row level security')
    await client.query('alter table tenancy.context_key force row level security')
  }
  return table.grantees.length > 0 || !table.closed
}

const blockBytes = 64

/** The key's two blocks of HMAC-SHA-256: {@link https://www.rfc-editor.org/rfc/rfc2104}. */
function padsOf(secret: KeyObject): { readonly inner: Buffer; readonly outer: Buffer } {
  const bytes = secret.export()
  const key = bytes.length > blockBytes ? createHash('sha256').update(bytes).digest() : bytes
  const block = Buffer.concat([key], blockBytes)
  return {
    inner: block.map((byte) => byte ^ 0x36) as Buffer,
    outer: block.map((byte) => byte ^ 0x5c) as Buffer,
  }
}

function missing(what: string, migration: string): TenancyError {
  return new TenancyError(
    'DH409',
    `the database has no ${what}, so contexts cannot be signed there; add the package's migration ${migration} to your own`,
    { details: { migration } },
  )
}
