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
-- which role may become which, itself included; an edge that from 16 on only lets its member pass the role on is none
becomes as materialized (
  with recursive edge as (
    select m.member, m.roleid
      from pg_catalog.pg_auth_members m
     where coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::boolean, true)
        or coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::boolean, true)
  ),
  path as (
    select r.oid as role_oid, r.oid as reached_oid from pg_catalog.pg_roles r
    union
    select p.role_oid, e.roleid from path p join edge e on e.member = p.reached_oid
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
     -- an administrator that may put the application's role on is no login of the application, but a finding of its own
     and (r.oid = e.oid or (r.rolcanlogin and not r.rolsuper))
),
-- all that the held roles may be, themselves included
reachable_role as materialized (
  select h.oid as held_oid, h.role_name as held_name, r.oid, r.rolname as role_name
    from held_role h
    join becomes b on b.role_oid = h.oid
    join pg_catalog.pg_roles r on r.oid = b.reached_oid
),
-- the schemas of the manifest's tables, and the one of the context
own_schema as materialized (
  select distinct n.oid, n.nspname as schema_name
    from pg_catalog.pg_namespace n
   where n.nspname = 'tenancy' or n.nspname in (select t.schema_name from expected_table t)
)
