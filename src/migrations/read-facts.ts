import type { ClientBase } from 'pg'
import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { DatabaseFacts, SupportFacts, TableFacts } from '../policy/database-facts.ts'
import { contextFunctions } from '../policy/grant-sql.ts'
import { quoteIdentifier } from '../policy/identifier.ts'
import { protectedTables } from '../policy/policy.ts'
import { ownNamePattern } from '../policy/protection.ts'
import type { RoleNames } from '../policy/roles.ts'

/**
 * Reads what a database has of a manifest, out of the catalog alone.
 *
 * @param client in a transaction, whose search_path this sets, so that PostgreSQL prints every name with its schema
 * @throws {TenancyError} `DH409` where the functions of the context are for ids of another type than the manifest's
 */
export async function readFacts(
  client: ClientBase,
  manifest: Manifest,
  roles: RoleNames,
): Promise<DatabaseFacts> {
  await client.query(`set local search_path = ''; set local jit = off`)
  const wanted = protectedTables(manifest, roles)
  const schemas = [...new Set(['tenancy', ...wanted.map(({ schema }) => schema)])]
  const names = [roles.owner, roles.migrator, roles.app, roles.reader, roles.system]
  const wantedNames = [wanted.map(({ schema }) => schema), wanted.map(({ table }) => table)]
  const tables = await client.query<TableFacts>(tablesQuery, wantedNames)
  const left = await client.query<DatabaseFacts['left'][number]>(leftQuery, [
    ...wantedNames,
    schemas,
    ownNamePattern,
  ])
  const support = await client.query<SupportFacts>(supportQuery, [...wantedNames, names.slice(2)])
  const used = [...new Set([...schemas, ...support.rows.map(({ schema }) => schema)])].sort()
  const base = await client.query<
    Pick<DatabaseFacts, 'seesAll' | 'foundation' | 'usable' | 'schemas' | 'relations'>
  >(baseQuery, [names, contextFunctions, used, schemas, roles.owner])
  const [row] = base.rows
  if (row === undefined) throw new TenancyError('DH409', 'the database did not describe itself')
  const { tenantIdType } = row.foundation
  if (tenantIdType !== null && tenantIdType !== manifest.tenantIdType) {
    throw new TenancyError(
      'DH409',
      `the functions of the context in the database are for tenant ids of the type ${tenantIdType}, and those of the schema have the type ${manifest.tenantIdType}; generate the manifest from the schema that the database has`,
    )
  }
  return { tables: tables.rows, left: left.rows, support: support.rows, ...row }
}

/**
 * Refuses a database that lacks what policies stand on.
 *
 * @throws {TenancyError} `DH409` where the roles or the functions of the context are missing, which migrations make
 */
export function requireFoundation({ foundation }: DatabaseFacts, roles: RoleNames): void {
  const missing = [
    ...foundation.missingRoles.map((name) => `role ${name}`),
    ...foundation.missingFunctions.map((name) => `function ${name}`),
  ]
  if (missing.length === 0) return
  throw new TenancyError(
    'DH409',
    `the database lacks what policies stand on: ${missing.join(', ')}; write the migrations that make them with doublehull policies, and run doublehull migrate first. Nothing was changed`,
    { details: { hint: `the app role of this run is ${quoteIdentifier(roles.app)}` } },
  )
}

/** Who was granted what on an object; `acl` is an expression, `owner` the owner's oid. */
const grantsOf = (acl: string, owner: string) => `
  select coalesce(r.rolname::text, 'public') as role, pg_catalog.lower(x.privilege_type) as privilege, x.is_grantable as grantable
    from pg_catalog.aclexplode(${acl}) as x
    left join pg_catalog.pg_roles r on r.oid = x.grantee
   where x.grantee <> ${owner} and (x.grantee = 0 or r.oid is not null)`

/** The columns of `ProtectionFacts`, of the table \`c\` in the schema \`n\`. */
const protectionColumns = `
       n.nspname::text as schema,
       c.relname::text as table,
       case c.relkind when 'r' then 'table' when 'p' then 'partitioned' when 'v' then 'view' else 'other' end as kind,
       o.rolname::text as owner,
       c.relrowsecurity as "rowSecurity",
       c.relforcerowsecurity as forced,
       exists (select from pg_catalog.pg_options_to_table(c.reloptions) as option
                where option.option_name = 'security_invoker' and option.option_value::boolean) as "securityInvoker",
       array(select json_build_object(
                      'name', p.polname,
                      'permissive', p.polpermissive,
                      'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                               when 'd' then 'delete' else 'all' end,
                      'roles', array(select case m.member when 0 then 'public' else pg_catalog.pg_get_userbyid(m.member)::text end
                                       from unnest(p.polroles) as m (member)),
                      'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
                      'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
               from pg_catalog.pg_policy p
              where p.polrelid = c.oid
              order by p.polname) as policies,
       -- PostgreSQL compares a varchar as text, and a domain as the type below it, and prints both as casts
       array(select distinct jsonb_build_object(
                      'schema', tn.nspname, 'table', tc.relname, 'column', a.attname,
                      'types', array[pg_catalog.format_type(coalesce(below.oid, base.oid, t.oid), null)]
                               || case when t.typcategory = 'S' then array['text'] else '{}' end)
               from pg_catalog.pg_policy p
               join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjsubid > 0
               join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
               join pg_catalog.pg_class tc on tc.oid = a.attrelid
               join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
               join pg_catalog.pg_type t on t.oid = a.atttypid
               left join pg_catalog.pg_type base on base.oid = t.typbasetype and t.typtype = 'd'
               left join pg_catalog.pg_type below on below.oid = base.typbasetype and base.typtype = 'd'
              where p.polrelid = c.oid and (t.typtype = 'd' or t.typcategory = 'S')) as casts,
       (select coalesce(json_agg(json_build_object('role', g.role, 'privilege', g.privilege, 'column', g.column_name,
                                                   'grantable', g.grantable)
                                 order by g.role, g.privilege, g.column_name), '[]')
          from (select own.*, null as column_name from (${grantsOf('c.relacl', 'c.relowner')}) as own
                union all
                select its.*, a.attname::text
                  from pg_catalog.pg_attribute a cross join lateral (${grantsOf('a.attacl', 'c.relowner')}) as its
                 where a.attrelid = c.oid and a.attacl is not null and not a.attisdropped) as g) as grants,
       (select coalesce(json_agg(to_json(s) order by s.schema, s.name), '[]')
          from (select distinct on (sc.oid)
                       sn.nspname::text as schema, sc.relname::text as name, so.rolname::text as owner,
                       link.kind <> 'n' as "ownedByTable", link.kind = 'i' as identity,
                       (select coalesce(json_agg(to_json(g)), '[]') from (${grantsOf('sc.relacl', 'sc.relowner')}) as g) as grants
                  from (select d.objid as sequence_oid, d.deptype::text as kind
                          from pg_catalog.pg_depend d
                         where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i')
                           and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                           and d.refobjid = c.oid and d.refobjsubid > 0
                        union all
                        select d.refobjid, 'n'
                          from pg_catalog.pg_attrdef f
                          join pg_catalog.pg_depend d
                            on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and d.objid = f.oid
                           and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                         where f.adrelid = c.oid) as link
                  join pg_catalog.pg_class sc on sc.oid = link.sequence_oid and sc.relkind = 'S'
                  join pg_catalog.pg_namespace sn on sn.oid = sc.relnamespace
                  join pg_catalog.pg_roles so on so.oid = sc.relowner
                 order by sc.oid, link.kind = 'n') as s) as sequences`

const relationsOf = `
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_roles o on o.oid = c.relowner`

/** The tables of the manifest that are there, as the two lists of their schemas and names say. */
const wantedTables = `
wanted as materialized (
  select c.oid
    from unnest($1::text[], $2::text[]) as w (schema_name, table_name)
    join pg_catalog.pg_namespace n on n.nspname = w.schema_name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.table_name
   where c.relkind in ('r', 'p', 'v', 'm', 'f')
),
tree as materialized (
  with recursive below as (
    select w.oid as root, w.oid from wanted w
    union
    select b.root, i.inhrelid from below b join pg_catalog.pg_inherits i on i.inhparent = b.oid
  )
  select root, oid from below
)`

/** One row a table, in the shape of {@link TableFacts}. */
const tablesQuery = `
with ${wantedTables},
part as materialized (
  select tree.root, ${protectionColumns}
    from tree
    join pg_catalog.pg_class c on c.oid = tree.oid
    ${relationsOf}
   where tree.oid <> tree.root and tree.oid not in (select w.oid from wanted w)
)
select ${protectionColumns},
       o.rolsuper or o.rolbypassrls as "ownerBypasses",
       (select coalesce(json_agg(json_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod))
                                 order by a.attnum), '[]')
          from pg_catalog.pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
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
       (select coalesce(json_agg(to_json(p) order by p.schema, p.table), '[]') from part p where p.root = c.oid) as parts
  from wanted
  join pg_catalog.pg_class c on c.oid = wanted.oid
  ${relationsOf}
 order by n.nspname, c.relname`

/** Tables that have policies of the package's names and are none of the manifest's, nor a part of one. */
const leftQuery = `
with ${wantedTables}
select ${protectionColumns}
  from pg_catalog.pg_class c
  ${relationsOf}
 where n.nspname = any ($3)
   and c.relkind in ('r', 'p')
   and c.oid not in (select tree.oid from tree)
   and exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polname ~ $4)
 order by n.nspname, c.relname`

/**
 * Types of columns, functions that write a row asks for (of defaults, checks and indexes), and functions of triggers,
 * without PostgreSQL's own, the package's and those of extensions.
 */
const supportQuery = `
with ${wantedTables},
owned as (
  select 'pg_catalog.pg_class'::pg_catalog.regclass as classid, tree.oid as objid, true as called from tree
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, true
    from tree join pg_catalog.pg_index i on i.indrelid = tree.oid
  union all
  select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, f.oid, true
    from tree join pg_catalog.pg_attrdef f on f.adrelid = tree.oid
  union all
  select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, true
    from tree join pg_catalog.pg_constraint k on k.conrelid = tree.oid
  union all
  select 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid, false
    from tree join pg_catalog.pg_trigger g on g.tgrelid = tree.oid and not g.tgisinternal
),
used as materialized (
  select d.refclassid, d.refobjid, owned.called
    from owned
    join pg_catalog.pg_depend d on d.classid = owned.classid and d.objid = owned.objid
   where d.refclassid in ('pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
)
select 'type' as kind, n.nspname::text as schema,
       pg_catalog.format('%I.%I', n.nspname, t.typname) as name, o.rolname::text as owner, false as definer,
       null::text[] as callers
  from (select distinct case when e.typelem <> 0 and e.typlen = -1 then e.typelem else e.oid end as oid
          from used u
          join pg_catalog.pg_type e
            on u.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and e.oid = u.refobjid) as one
  join pg_catalog.pg_type t on t.oid = one.oid and t.typtype in ('e', 'd', 'c', 'r')
  left join pg_catalog.pg_class rowtype on rowtype.oid = t.typrelid
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  join pg_catalog.pg_roles o on o.oid = t.typowner
 where coalesce(rowtype.relkind, 'c') = 'c'
   and n.nspname not in ('pg_catalog', 'information_schema')
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and x.objid = t.oid and x.deptype = 'e')
union all
select 'function', n.nspname, f.oid::pg_catalog.regprocedure::text, o.rolname, f.prosecdef,
       -- what everybody may does not count: what the owner's role makes, nobody may
       case when one.called
            then array(select r.rolname::text from pg_catalog.aclexplode(f.proacl) as x
                         join pg_catalog.pg_roles r on r.oid = x.grantee
                        where r.rolname = any ($3) and x.privilege_type = 'EXECUTE') end
  from (select u.refobjid as oid, pg_catalog.bool_or(u.called) as called
          from used u where u.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass group by u.refobjid) as one
  join pg_catalog.pg_proc f on f.oid = one.oid
  join pg_catalog.pg_namespace n on n.oid = f.pronamespace
  join pg_catalog.pg_roles o on o.oid = f.proowner
 where n.nspname not in ('pg_catalog', 'information_schema', 'tenancy')
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid and x.deptype = 'e')
 order by 1, 2, 3`

/** $1 roles, $2 functions of the context, $3 schemas to know of, $4 schemas of the tables, $5 the owner's role. */
const baseQuery = `
select (select r.rolsuper or r.rolbypassrls from pg_catalog.pg_roles r where r.rolname = session_user) as "seesAll",
       json_build_object(
         'missingRoles', array(select name from unnest($1::text[]) as name
                                where not exists (select from pg_catalog.pg_roles where rolname = name)),
         'missingFunctions', array(select name from unnest($2::text[]) as name
                                    where pg_catalog.to_regprocedure(name) is null),
         'tenantIdType', (select t.typname from pg_catalog.pg_proc p join pg_catalog.pg_type t on t.oid = p.prorettype
                           where p.oid = pg_catalog.to_regprocedure('tenancy.require_tenant_id()')),
         'schema', exists (select from pg_catalog.pg_namespace n join pg_catalog.pg_roles r on r.oid = n.nspowner
                            where n.nspname = 'tenancy' and r.rolname = $5),
         'systemWork', pg_catalog.to_regclass('audit.system_work') is not null,
         'contextKey', pg_catalog.to_regclass('tenancy.context_key') is not null
       ) as foundation,
       (select coalesce(json_agg(to_json(u)), '[]')
          from (select r.rolname::text as role, n.nspname::text as object
                  from pg_catalog.pg_roles r cross join pg_catalog.pg_namespace n
                 where r.rolname = any ($1) and n.nspname = any ($3)
                   and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
                union all
                select r.rolname, f.name
                  from pg_catalog.pg_roles r cross join unnest($2::text[]) as f (name)
                 where r.rolname = any ($1)
                   and coalesce(pg_catalog.has_function_privilege(r.oid, pg_catalog.to_regprocedure(f.name), 'execute'), false)
               ) as u) as usable,
       (select coalesce(json_agg(json_build_object('name', n.nspname, 'owner', o.rolname, 'grants',
                 (select coalesce(json_agg(to_json(g)), '[]') from (${grantsOf('n.nspacl', 'n.nspowner')}) as g))
               order by n.nspname), '[]')
          from pg_catalog.pg_namespace n join pg_catalog.pg_roles o on o.oid = n.nspowner
         where n.nspname = any ($3)) as schemas,
       (select coalesce(json_agg(n.nspname || '.' || c.relname), '[]')
          from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where n.nspname = any ($4)) as relations`
