-- What every check may ask of, besides the catalog: the manifest and the roles, as the database has them. It becomes
-- the `with` of each check; $1 is what `catalog-input.ts` makes. PostgreSQL runs only what a check refers to.

-- the tables of the manifest; `oid` is null where the database lacks one
expected_table as materialized (
  select wanted.*, pg_catalog.format('%I.%I', wanted.schema_name, wanted.table_name) as name, c.oid, c.relkind
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'tables') as wanted (
           schema_name text,
           table_name text,
           model text,          -- null for the table of an implicit many-to-many relation
           scope text,          -- root, direct, shared, through, member, global or join
           tenant_column text,  -- null where the scope has none
           commands text[],     -- what the application's role may do
           system_commands text[],
           append_only boolean
         )
    left join pg_catalog.pg_namespace n on n.nspname = wanted.schema_name
    left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
),
-- the policies that the manifest asks for
expected_policy as materialized (
  select wanted.*, pg_catalog.format('%I.%I', wanted.schema_name, wanted.table_name) as table_full_name,
         t.oid as table_oid
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'policies') as wanted (
           schema_name text,
           table_name text,
           name text,
           restrictive boolean,
           command text,        -- all, select, insert, update or delete
           roles text[],
           using_expression text,
           check_expression text
         )
    left join expected_table t on (t.schema_name, t.table_name) = (wanted.schema_name, wanted.table_name)
),
-- the roles; `oid` is null where the server lacks one
expected_role as materialized (
  select wanted.purpose, wanted.role_name, r.oid
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'roles') as wanted (
           purpose text,        -- owner, migrator, app, reader or system
           role_name text
         )
    left join pg_catalog.pg_roles r on r.rolname = wanted.role_name
),
-- who is a member of what, and the statement that ends it; an edge that from 16 on only lets its member pass the role
-- on, as the one of whoever created the role, is none
membership as materialized (
  select m.member, m.roleid,
         pg_catalog.format(
           'revoke %I from %I%s;', r.rolname, u.rolname,
           -- from 16 on, a revoke takes away only the grant of the grantor that it names
           case when pg_catalog.current_setting('server_version_num')::integer >= 160000
                then pg_catalog.format(' granted by %I', g.rolname) end
         ) as revoke_sql
    from pg_catalog.pg_auth_members m
    join pg_catalog.pg_roles r on r.oid = m.roleid
    join pg_catalog.pg_roles u on u.oid = m.member
    left join pg_catalog.pg_roles g on g.oid = m.grantor
   where coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::boolean, true)
      or coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::boolean, true)
),
-- which role may become which, itself included
becomes as materialized (
  with recursive path as (
    select r.oid as role_oid, r.oid as reached_oid from pg_catalog.pg_roles r
    union
    select p.role_oid, m.roleid from path p join membership m on m.member = p.reached_oid
  )
  select role_oid, reached_oid from path
),
-- the roles that hull two must hold: the application's, the reader's, and whoever logs in with their rights
held_role as materialized (
  select distinct r.oid, r.rolname as role_name
    from expected_role e
    join becomes b on b.reached_oid = e.oid
    join pg_catalog.pg_roles r on r.oid = b.role_oid
   where e.purpose in ('app', 'reader')
     -- an administrator that may put the application's role on is no login of the application, but a finding of its
     -- own; so are the other roles of the package
     and (r.oid = e.oid or (r.rolcanlogin and not r.rolsuper
                            and r.oid not in (select o.oid from expected_role o where o.oid is not null)))
),
-- all that the held roles may be, themselves included
reachable_role as materialized (
  select h.oid as held_oid, h.role_name as held_name, r.oid, r.rolname as role_name
    from held_role h
    join becomes b on b.role_oid = h.oid
    join pg_catalog.pg_roles r on r.oid = b.reached_oid
),
-- the same without what a held role may be through another held one only: where something is wrong with the
-- application's role, that is said once, and not again for each of its logins
own_reach as materialized (
  select r.held_oid, r.held_name, r.oid, r.role_name
    from reachable_role r
   where not exists (
           select from held_role h
             join becomes b on b.role_oid = h.oid and b.reached_oid = r.oid
             join becomes a on a.role_oid = r.held_oid and a.reached_oid = h.oid
            where h.oid <> r.held_oid)
),
-- whom the policies let pass, or ask nothing: what runs with their rights reads and writes every tenant's rows
passing_role as materialized (
  select r.oid, r.rolname as role_name
    from pg_catalog.pg_roles r
   where r.rolsuper or r.rolbypassrls
      or exists (select from becomes b
                   join expected_role e on e.oid = b.reached_oid
                  where b.role_oid = r.oid and e.purpose in ('owner', 'system'))
),
-- the tables of the manifest that are there, and what PostgreSQL stores their rows in or below
protected_table as materialized (
  with recursive tree as (
    select t.oid, t.name, t.scope from expected_table t where t.relkind in ('r', 'p')
    union
    select i.inhrelid, i.inhrelid::pg_catalog.regclass::text, t.scope
      from tree t
      join pg_catalog.pg_inherits i on i.inhparent = t.oid
  )
  select oid, name, scope from tree
),
-- the schemas of the manifest's tables, and the one of the context
own_schema as materialized (
  select distinct n.oid, n.nspname as schema_name
    from pg_catalog.pg_namespace n
   where n.nspname = 'tenancy' or n.nspname in (select t.schema_name from expected_table t)
)
