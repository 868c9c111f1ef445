import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { DatabaseFacts, TableFacts } from '../policy/database-facts.ts'
import { contextFunctions } from '../policy/grant-sql.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { policiesOf } from '../policy/policy.ts'
import type { RoleNames } from '../policy/roles.ts'
import type { MigrationSession } from './session.ts'

/**
 * Reads what a database has of a manifest, out of the catalog alone.
 *
 * @throws {TenancyError} `DH409` where the roles or the functions of the context are missing, which migrations make
 */
export async function readFacts(
  { client }: MigrationSession,
  manifest: Manifest,
  roles: RoleNames,
): Promise<DatabaseFacts> {
  const wanted = policiesOf(manifest, roles)
  const schemas = [...new Set(['tenancy', ...wanted.map(({ schema }) => schema)])]
  const names = [roles.owner, roles.app, roles.reader, roles.system]
  const base = await client.query<{ sees_all: boolean; missing: string | null }>(
    `select (select r.rolsuper or r.rolbypassrls from pg_catalog.pg_roles r where r.rolname = session_user) as sees_all,
            (select pg_catalog.string_agg(wanted.name, ', ')
               from (select 'role ' || name as name from unnest($1::text[]) as name
                      where not exists (select from pg_catalog.pg_roles where rolname = name)
                      union all
                     select 'function ' || name from unnest($2::text[]) as name
                      where pg_catalog.to_regprocedure(name) is null) as wanted) as missing`,
    [names, contextFunctions],
  )
  const missing = base.rows[0]?.missing
  if (missing) {
    throw new TenancyError(
      'DH409',
      `the database lacks what policies stand on: ${missing}; run doublehull migrate with the migrations that make them first. Nothing was changed`,
      { details: { hint: `the app role of this run is ${quoteIdentifier(roles.app)}` } },
    )
  }
  const tables = await client.query<TableFacts>(tablesQuery, [
    wanted.map(({ schema }) => schema),
    wanted.map(({ table }) => table),
  ])
  const usable = await client.query<{ role: string; object: string }>(
    `select r.rolname::text as role, n.nspname::text as object
       from pg_catalog.pg_roles r cross join pg_catalog.pg_namespace n
      where r.rolname = any ($1) and n.nspname = any ($2)
        and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
      union all
     select r.rolname, f.name
       from pg_catalog.pg_roles r cross join unnest($3::text[]) as f (name)
      where r.rolname = any ($1) and pg_catalog.has_function_privilege(r.oid, f.name, 'execute')`,
    [names, schemas, contextFunctions],
  )
  const relations = await client.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = any ($1)`,
    [schemas],
  )
  return {
    tables: tables.rows,
    seesAll: base.rows[0]?.sees_all ?? false,
    usable: usable.rows,
    relations: relations.rows.map(({ name }) => name),
  }
}

/** One row a table, in the shape of {@link TableFacts}. */
const tablesQuery = `
select n.nspname::text as schema,
       c.relname::text as table,
       case c.relkind when 'r' then 'table' when 'p' then 'partitioned' else 'other' end as kind,
       o.rolname::text as owner,
       o.rolsuper or o.rolbypassrls as "ownerBypasses",
       c.relrowsecurity as "rowSecurity",
       c.relforcerowsecurity as forced,
       array(select a.attname::text from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and a.attnotnull and not a.attisdropped
              order by a.attnum) as "notNull",
       array(select json_build_object(
                      'name', ic.relname,
                      -- an expression has no column: its number is 0
                      'columns', array(select (select a.attname from pg_catalog.pg_attribute a
                                                where a.attrelid = c.oid and a.attnum = key.number and key.number > 0)
                                         from unnest(i.indkey::int2[]) with ordinality as key (number, position)
                                        where key.position <= i.indnkeyatts
                                        order by key.position),
                      'unique', i.indisunique,
                      'valid', i.indisvalid and i.indisready,
                      'partial', i.indpred is not null,
                      'immediate', i.indimmediate)
               from pg_catalog.pg_index i
               join pg_catalog.pg_class ic on ic.oid = i.indexrelid
              where i.indrelid = c.oid
              order by ic.relname) as indexes,
       array(select json_build_object(
                      'name', k.conname,
                      'columns', array(select a.attname from unnest(k.conkey) with ordinality as key (number, position)
                                         join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.number
                                        order by key.position),
                      'schema', rn.nspname,
                      'table', rc.relname,
                      'references', array(select a.attname from unnest(k.confkey) with ordinality as key (number, position)
                                            join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = key.number
                                           order by key.position),
                      'onDelete', k.confdeltype,
                      'onUpdate', k.confupdtype,
                      'valid', k.convalidated,
                      'deferrable', k.condeferrable,
                      'deferred', k.condeferred)
               from pg_catalog.pg_constraint k
               join pg_catalog.pg_class rc on rc.oid = k.confrelid
               join pg_catalog.pg_namespace rn on rn.oid = rc.relnamespace
              where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0
              order by k.conname) as "foreignKeys",
       array(select json_build_object(
                      'name', p.polname,
                      'permissive', p.polpermissive,
                      'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                               when 'd' then 'delete' else 'all' end,
                      'roles', array(select r.rolname from pg_catalog.pg_roles r where r.oid = any (p.polroles)))
               from pg_catalog.pg_policy p
              where p.polrelid = c.oid
              order by p.polname) as policies,
       array(select json_build_object('role', r.rolname, 'privilege', lower(acl.privilege_type))
               from pg_catalog.aclexplode(c.relacl) acl
               join pg_catalog.pg_roles r on r.oid = acl.grantee) as grants
  from unnest($1::text[], $2::text[]) as wanted (schema_name, table_name)
  join pg_catalog.pg_namespace n on n.nspname = wanted.schema_name
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
  join pg_catalog.pg_roles o on o.oid = c.relowner
 where c.relkind in ('r', 'p', 'v', 'm', 'f')
 order by n.nspname, c.relname`
