/**
 * The functions that read the context, in SQL: the one place that they are written in. They return the type that the
 * schema's tenant ids have, so that a policy compares a column with its like and an index on it serves; a number's
 * column is never compared with a text. A database has one of two bodies of each, and `prosecdef` of
 * `tenancy.current_tenant_id()` tells which.
 *
 * - **plain**: believes the settings of the transaction. Whoever can write SQL can write them.
 * - **signed**: believes them only with a signature of the application's, under a key that none of the roles that
 *   query can read. It keeps out whoever can inject SQL; it does not keep out whoever has the key, or a signature of
 *   that tenant that has not expired.
 */
import type { TenantIdType } from '../manifest/manifest.ts'
import { type TenantIdSql, tenantIdSql } from './tenant-id-sql.ts'

/** One of the functions, as `create function` has it. */
export interface ContextFunction {
  /** Its name and what it takes, as `regprocedure` reads it. */
  readonly name: string
  readonly language: 'sql' | 'plpgsql'
  /** The type that it returns, of PostgreSQL's own. */
  readonly returns: string
  /** Runs with the owner's rights. */
  readonly securityDefiner: boolean
  /** What stands between the dollars: `prosrc` in the catalog. */
  readonly body: string
  /** The statement that makes it, or makes it anew. */
  readonly sql: string
}

// The text that is signed. An id has no colon in it and an expiry has none, so no two contexts have the same; what goes
// before them keeps out what the key may have signed for another purpose. None of the parts may be null, which
// concat_ws leaves out.
const signedText = (tenantId: string, userId: string, expiry: string) =>
  `pg_catalog.concat_ws(':', 'doublehull.context.1', ${tenantId}, ${userId}, ${expiry})`

// HMAC of RFC 2104, with sha256 of the core; the two pads are stored, and the key itself nowhere
const macSql = (text: string) =>
  `pg_catalog.sha256(k.outer_pad || pg_catalog.sha256(k.inner_pad || pg_catalog.convert_to(${text}, 'UTF8')))`

// A context as nearly all are, in one expression that PostgreSQL puts in the place of the call: no function is called
// then, and setting one of plpgsql up takes longer than reading a row. It stands in the caller's statement and under the
// caller's search_path, so everything in it is qualified, operators too. Of functions and operators it has few, for
// PostgreSQL asks for each of them, in each statement, whether the caller may use it.
const setting = `pg_catalog.current_setting('app.tenant_id', true)`
const claims = `pg_catalog.current_setting('request.jwt.claims', true)`
const plainTenantBody = (id: TenantIdSql) => `
  select case when ${id.isPlainly(setting, claims)}
         then ${setting}::pg_catalog.${id.type}
         else tenancy.read_tenant_id() end
`

const plainRequireBody = (id: TenantIdSql) => `
  select case when ${id.isPlainly(setting, claims)}
         then ${setting}::pg_catalog.${id.type}
         else coalesce(tenancy.read_tenant_id(), tenancy.missing_tenant_id()) end
`

const signedRequireBody = `
  select coalesce(tenancy.current_tenant_id(), tenancy.missing_tenant_id())
`

const claimedBody = (id: TenantIdSql) => `
  select case when ${id.isPlainlyClaimed(setting)}
         then ${setting}::pg_catalog.${id.type}
         else coalesce(tenancy.read_tenant_id(), tenancy.missing_tenant_id()) end
`

const missingBody = `
begin
  raise exception using
    errcode = 'DH101',
    message = 'DH101: no tenant context is set in this transaction',
    hint = 'Query through a tenant client, or set app.tenant_id with set_config(..., true) first.';
end
`

// All other contexts, the faulty ones too.
const readBody = (id: TenantIdSql) => `
declare
  -- after a transaction that had set it, the setting is '' and not null
  setting pg_catalog.text := nullif(current_setting('app.tenant_id', true), '');
  claims pg_catalog.text := nullif(current_setting('request.jwt.claims', true), '');
begin
  -- what PostgREST and its likes set for the transaction when they have verified a token
  if claims is not null then
    claims := ${id.claimed(`claims::pg_catalog.jsonb ->> 'tenant_id'`)};
    if claims is null then
      raise exception using
        errcode = 'DH102',
        message = 'DH102: the claims of the token (request.jwt.claims) name no tenant_id';
    end if;
    if setting <> claims then
      raise exception using
        errcode = 'DH102',
        message = 'DH102: app.tenant_id and the claims of the token (request.jwt.claims) name two tenants';
    end if;
    setting := claims;
  end if;
${id.spelling}  if ${id.isNone('setting')} then
    raise exception using
      errcode = 'DH102',
      message = 'DH102: the tenant context is not ${id.what}';
  end if;
  return setting::pg_catalog.${id.type};
end
`

const givenSignature = `current_setting('app.context_signature', true)`
const part = (position: number) => `split_part(${givenSignature}, '.', ${position})`

// Both are hashed before they are compared, so that the time it takes tells nothing of the right one.
const genuineSql = `pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.encode(
             ${macSql(signedText(`current_setting('app.tenant_id', true)`, `coalesce(current_setting('app.user_id', true), '')`, part(1)))},
             'hex'), 'UTF8'))
           = pg_catalog.sha256(pg_catalog.convert_to(${part(3)}, 'UTF8'))`

// Compared with the transaction's beginning and not with the present: a context that was good when it was set stays
// good for as long as its transaction takes, and does not die in the middle.
const remainingSql = `${part(1)}::pg_catalog.float8 - pg_catalog.date_part('epoch', transaction_timestamp())`

// In every transaction PostgreSQL sets up each expression of such a function anew, and asks for each function in it
// whether it may be called: that takes longer than all the hashing. So a good context needs one expression of few
// calls (abs says "from 0 to 90,000 seconds" with one mention), and what was wrong with a bad one is asked afterwards.
// Every type is qualified: also with an empty search_path, PostgreSQL looks for a type among the temporary ones first,
// and a domain there could have its check run with the owner's rights. No strict, no assert, no variable that holds a
// pad: the caller's own settings (plpgsql.print_strict_params, debug_print_plan) would print it.
const signedTenantBody = (id: TenantIdSql) => `
declare
  -- claims (request.jwt.claims) are a setting that anybody can write: without a signature they count for nothing
  tenant_id pg_catalog.${id.type} := (
    select case when ${genuineSql}
                then case when pg_catalog.abs(${remainingSql} - 45000) < 45000
                          then current_setting('app.tenant_id', true)::pg_catalog.${id.type} end end
      from tenancy.context_key k
     where k.id = ${part(2)} and current_setting('app.tenant_id', true) <> '');
  genuine pg_catalog.bool;
begin
  if tenant_id is not null or coalesce(current_setting('app.tenant_id', true), '') = '' then
    return tenant_id;
  end if;
  select ${genuineSql}
    into genuine
    from tenancy.context_key k
   where k.id = ${part(2)};
  raise exception using
    errcode = 'DH102',
    message = 'DH102: ' || case
      when coalesce(${givenSignature}, '') = '' then
        'the tenant context is not signed, and this database believes no other; give the application DOUBLEHULL_CONTEXT_KEY'
      when ${givenSignature} !~ '^[0-9]{10}[.][0-9a-f]{8}[.][0-9a-f]{64}$' then
        'the signature of the tenant context is malformed; let the package write app.context_signature'
      when genuine is null then
        'the tenant context is signed with a key that this database does not have; run doublehull migrate with DOUBLEHULL_CONTEXT_KEY'
      when not genuine then
        'the signature of the tenant context is not that of this tenant and this user; set the context once, before the first query'
      when ${remainingSql} <= 0 then
        'the signature of the tenant context has expired; sign for each transaction, and compare the clocks'
      else
        'the signature of the tenant context is good for more than a day; sign for minutes, and compare the clocks'
    end;
end
`

// A request without a token, or with one that has no tenant, is let pass without a context: it may read what is
// everybody's, and the policies raise for all the rest.
const preRequestBody = (id: TenantIdSql, sign: string) => `
declare
  claims pg_catalog.jsonb := nullif(current_setting('request.jwt.claims', true), '')::pg_catalog.jsonb;
  tenant pg_catalog.text := coalesce(${id.claimed(`claims ->> 'tenant_id'`)}, '');
  subject pg_catalog.text := coalesce(${id.claimed(`claims ->> 'sub'`)}, '');
  signature pg_catalog.text := '';
begin
  if tenant <> '' and ${id.isNoClaim('tenant')} then
    raise exception using
      errcode = 'DH102',
      message = 'DH102: tenant_id in the claims of the token (request.jwt.claims) is not ${id.what}';
  end if;
  if coalesce(current_setting('app.tenant_id', true), '') not in ('', tenant) then
    raise exception using
      errcode = 'DH103',
      message = 'DH103: the transaction already belongs to another tenant than the claims of the token name';
  end if;
  if ${id.isNoUser('subject')} then
    subject := '';
  end if;
${sign}  perform pg_catalog.set_config('app.tenant_id', tenant, true),
          pg_catalog.set_config('app.user_id', subject, true),
          pg_catalog.set_config('app.context_signature', signature, true);
end
`

// good for this transaction alone, whose beginning the expiry is compared with
const signingSql = `  if tenant <> '' then
    select e.text || '.' || k.id || '.' || pg_catalog.encode(
           ${macSql(signedText('tenant', 'subject', 'e.text'))}, 'hex')
      into signature
      from tenancy.context_key k,
           (select (floor(extract(epoch from transaction_timestamp()))::pg_catalog.int8 + 1)::pg_catalog.text) e (text)
     where k.signs;
  end if;
`

interface Definition {
  readonly name: string
  readonly language: 'sql' | 'plpgsql'
  readonly returns: string
  readonly attributes: string
  readonly securityDefiner?: boolean
  readonly body: string
}

const reads = 'stable parallel safe'

const currentTenantId = { name: 'tenancy.current_tenant_id()', attributes: reads } as const
const requireTenantId = {
  name: 'tenancy.require_tenant_id()',
  language: 'sql',
  attributes: reads,
} as const
const preRequest = {
  name: 'tenancy.pre_request()',
  language: 'plpgsql',
  returns: 'void',
  attributes: 'volatile',
} as const

function contextFunction(definition: Definition, command = 'create or replace function'): ContextFunction {
  const { name, language, returns, attributes, securityDefiner = false, body } = definition
  const definer = securityDefiner ? ' security definer' : ''
  // with a setting of its own, a function is never put in the place of its call
  const settings = language === 'plpgsql' ? `\n  set search_path = ''` : ''
  return {
    name,
    language,
    returns,
    securityDefiner,
    body,
    sql: `${command} ${name} returns ${returns}\n  language ${language} ${attributes}${definer}${settings}\nas $$${body}$$;\n`,
  }
}

function plainDefinitions(type: TenantIdType): readonly Definition[] {
  const id = tenantIdSql(type)
  return [
    { ...currentTenantId, returns: type, language: 'sql', body: plainTenantBody(id) },
    { ...requireTenantId, returns: type, body: plainRequireBody(id) },
    { ...preRequest, body: preRequestBody(id, '') },
  ]
}

/**
 * The bodies that believe the settings: what the migration of the context creates.
 *
 * @param type the type of the tenants' ids
 */
export function plainContextFunctions(type: TenantIdType): readonly ContextFunction[] {
  return plainDefinitions(type).map((definition) => contextFunction(definition))
}

/**
 * The bodies that believe a signed context only.
 *
 * @param type the type of the tenants' ids
 */
export function signedContextFunctions(type: TenantIdType): readonly ContextFunction[] {
  const id = tenantIdSql(type)
  const definitions: readonly Definition[] = [
    {
      ...currentTenantId,
      returns: type,
      language: 'plpgsql',
      securityDefiner: true,
      body: signedTenantBody(id),
    },
    { ...requireTenantId, returns: type, body: signedRequireBody },
    { ...preRequest, securityDefiner: true, body: preRequestBody(id, signingSql) },
  ]
  return definitions.map((definition) => contextFunction(definition))
}

/**
 * Those that are the same, whether contexts are signed or not.
 *
 * @param type the type of the tenants' ids
 */
export function commonContextFunctions(type: TenantIdType): readonly ContextFunction[] {
  const id = tenantIdSql(type)
  const definitions: readonly Definition[] = [
    {
      name: 'tenancy.read_tenant_id()',
      language: 'plpgsql',
      returns: type,
      attributes: reads,
      body: readBody(id),
    },
    {
      name: 'tenancy.missing_tenant_id()',
      language: 'plpgsql',
      returns: type,
      attributes: reads,
      body: missingBody,
    },
    {
      name: 'tenancy.claimed_tenant_id()',
      language: 'sql',
      returns: type,
      attributes: reads,
      body: claimedBody(id),
    },
  ]
  return definitions.map((definition) => contextFunction(definition, 'create function'))
}

/**
 * The migration of the context: schema `tenancy` must be there. For uuids it is, word for word, the one that the
 * package ships.
 *
 * @param type the type of the tenants' ids: the functions return it
 *
 * @example
 * ```ts
 * await client.query(contextMigrationSql(manifest.tenantIdType))
 * ```
 */
export function contextMigrationSql(type: TenantIdType): string {
  const [createCurrentTenantId = '', createRequireTenantId = '', createPreRequest = ''] = plainDefinitions(
    type,
  ).map((definition) => contextFunction(definition, 'create function').sql)
  const [createRead = '', createMissing = '', createClaimedTenantId = ''] = commonContextFunctions(type).map(
    ({ sql }) => sql,
  )
  return `-- The context of a transaction, as the database reads it. It stands before the tables because their columns
-- default to it.
set local role doublehull_owner;

-- PostgreSQL lets everybody execute a new function unless told otherwise.
alter default privileges for role doublehull_owner revoke execute on functions from public;

-- All of these are stable, never immutable: a plan that was made for one tenant would answer another with the first
-- one's rows. Without an exception block: that would be a subtransaction, which a parallel worker can't start.
-- Types are qualified: even with an empty search_path PostgreSQL looks for a type among the temporary ones first, and
-- a cast to a type of one's own runs a function of one's own.
${createRead}
comment on function tenancy.read_tenant_id() is
  'The tenant that the settings of the current transaction name, or null. DH102 where they are malformed or disagree.';

${createMissing}
comment on function tenancy.missing_tenant_id() is
  'Raises DH101.';

-- \`doublehull migrate\` with DOUBLEHULL_CONTEXT_KEY gives it another body, which believes signed contexts only; a
-- later migration must not create or replace it. The same as read_tenant_id, without a call where all is well.
${createCurrentTenantId}
comment on function tenancy.current_tenant_id() is
  'The tenant that the current transaction works for, or null. DH102 where the context is malformed.';

${createRequireTenantId}
comment on function tenancy.require_tenant_id() is
  'The tenant that the current transaction works for. DH101 where there is none.';

-- The same without a doubt raised: what the context says, for conditions that only ask whether there is one. Which
-- rows are a tenant's is never asked of it alone.
${createClaimedTenantId}
comment on function tenancy.claimed_tenant_id() is
  'The tenant that the context names, verified or not. DH101 where there is none.';

-- For PostgREST's db-pre-request. Nobody may execute it until the owner grants that to the role of an API: whoever
-- may can write the claims first, and so be any tenant.
${createPreRequest}
comment on function tenancy.pre_request() is
  'Makes the verified claims of a token (request.jwt.claims) the context: tenant_id, and sub where it is ${tenantIdSql(type).user}.';
`
}
