-- What every check may ask of, besides the catalog: the manifest and the roles, as the database has them. It becomes
-- the `with` of each check; $1 is what `catalog-input.ts` makes. PostgreSQL runs only what a check refers to.

-- the tables of the manifest; `oid` is null where the database lacks one
expected_table as materialized (
  select wanted.*, pg_catalog.format('%I.%I', wanted.schema_name, wanted.table_name) as name, c.oid, c.relkind
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'tables') as wanted (
           schema_name text,
           table_name text,
           model text,          -- null for the table of an implicit many-to-many relation
           is_view boolean,     -- no policy can hold it, and none must: it asks its tables as whoever queries it
           scope text,          -- root, direct, shared, through, member, global, system or join
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
-- as whom the held roles may ask: a role with NOINHERIT, as the application's is, has nothing of what its groups have
-- until it puts one on. Without those that pass all policies, which are findings of their own
asking_role as materialized (
  select distinct o.oid, o.role_name
    from own_reach o
    join pg_catalog.pg_roles r on r.oid = o.oid and not r.rolsuper
   where not exists (select from expected_role e
                      where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
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
-- the functions of the context, one row for each body that they may have; `oid` is null where the database lacks one
expected_function as materialized (
  select wanted.*, pg_catalog.format('tenancy.%I()', wanted.function_name) as name, f.oid
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'functions') as wanted (
           function_name text,
           mode text,           -- plain or signed, by which contexts it believes; either where it is the same for both
           language text,       -- sql or plpgsql
           body text,
           returns text,        -- the type of the tenants' ids, or void
           security_definer boolean
         )
    left join pg_catalog.pg_namespace n on n.nspname = 'tenancy'
    left join pg_catalog.pg_proc f
      on f.pronamespace = n.oid and f.proname = wanted.function_name and f.pronargs = 0
),
-- the functions of the package that run with their owner's rights: with these bodies, and under an empty search_path
own_definer as materialized (
  select f.oid
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'definers') as known (
           schema_name text,
           function_name text,
           body_hash text
         )
    join pg_catalog.pg_namespace n on n.nspname = known.schema_name
    join pg_catalog.pg_proc f on f.pronamespace = n.oid and f.proname = known.function_name
   where pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(f.prosrc, 'UTF8')), 'hex') = known.body_hash
     and f.proconfig = array['search_path=""']
),
-- the schemas of the manifest's tables, and the one of the context
own_schema as materialized (
  select distinct n.oid, n.nspname as schema_name
    from pg_catalog.pg_namespace n
   where n.nspname = 'tenancy' or n.nspname in (select t.schema_name from expected_table t)
),
-- what the sessions of the held roles begin with, and the statement that takes it away
session_setting as materialized (
  select case when s.setrole <> 0 then 'role ' || h.role_name
              when s.setdatabase <> 0 then 'this database'
              else 'all roles' end as object,
         h.role_name, one.name, one.value,
         case when s.setrole = 0 and s.setdatabase <> 0
              then pg_catalog.format('alter database %I reset %s;', pg_catalog.current_database(), one.name)
              else pg_catalog.format('alter role %s%s reset %s;', coalesce(pg_catalog.quote_ident(h.role_name), 'all'),
                                     case when s.setdatabase <> 0
                                          then pg_catalog.format(' in database %I', pg_catalog.current_database()) end,
                                     one.name) end as reset_sql
    from pg_catalog.pg_db_role_setting s
    left join held_role h on h.oid = s.setrole
   cross join pg_catalog.unnest(s.setconfig) as entry (text)
   cross join lateral (
           select pg_catalog.lower(pg_catalog.split_part(entry.text, '=', 1)),
                  pg_catalog.substr(entry.text, pg_catalog.strpos(entry.text, '=') + 1)
         ) as one (name, value)
   where (s.setrole = 0 or h.oid is not null)
     and (s.setdatabase = 0 or s.setdatabase = (select d.oid from pg_catalog.pg_database d
                                                  where d.datname = pg_catalog.current_database()))
),
-- what is known of servers before certain releases, as far as it is this one's
server_flaw as materialized (
  select known.cve, known.what, known.needs,
         (select pg_catalog.max(f.number) from pg_catalog.unnest(known.fixed_in) as f (number)
           where f.number / 10000 = here.number / 10000) as fixed_in
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'flaws') as known (cve text, what text, needs text, fixed_in integer[])
   cross join (select pg_catalog.current_setting('server_version_num')::integer) as here (number)
   -- a fix is in its release and the later ones of the same major version, and in all later major versions
   where exists (select from pg_catalog.unnest(known.fixed_in) as f (number)
                  where f.number / 10000 = here.number / 10000 and here.number < f.number)
      or here.number / 10000 < (select pg_catalog.min(f.number / 10000) from pg_catalog.unnest(known.fixed_in) as f (number))
),
-- the tables of the manifest that have a tenant column, as far as the database has it
tenant_table as materialized (
  select t.*, a.attnum as tenant_attnum, a.attnotnull as tenant_not_null, a.atttypid as tenant_type
    from expected_table t
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attname = t.tenant_column
   where not a.attisdropped and t.relkind in ('r', 'p')
),
-- the foreign keys that the manifest knows of; the table of an implicit many-to-many relation has two. A column that
-- the database lacks is none of `attnums`
expected_relation as materialized (
  select wanted.*, t.name, t.oid as table_oid, target.name as target_name, target.oid as target_oid,
         array(select a.attnum
                 from pg_catalog.unnest(wanted.columns) as c (column_name)
                 join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attname = c.column_name
                where not a.attisdropped) as attnums
    from pg_catalog.jsonb_to_recordset($1::jsonb -> 'relations') as wanted (
           schema_name text,
           table_name text,
           columns text[],
           target_schema text,
           target_table text,
           target_columns text[],
           purpose text         -- through, member or join, where a policy follows it; otherwise null
         )
    join expected_table t on (t.schema_name, t.table_name) = (wanted.schema_name, wanted.table_name)
    join expected_table target
      on (target.schema_name, target.table_name) = (wanted.target_schema, wanted.target_table)
),
-- the foreign keys that the database has between tables of the manifest, without those that PostgreSQL adds for each
-- partition
held_key as materialized (
  select k.oid, k.conname, k.conrelid, k.confrelid, k.conkey, k.confkey, k.confdeltype, k.confupdtype,
         k.confdelsetcols, k.condeferrable, k.condeferred, h.name, t.name as target_name, h.scope,
         t.scope as target_scope, h.commands, h.tenant_column, t.tenant_column as target_tenant_column, h.relkind,
         t.relkind as target_relkind, ha.attnum as tenant_attnum, ta.attnum as target_tenant_attnum,
         ha.attnotnull as tenant_not_null,
         -- the tenant of the one end stands beside the tenant of the other
         exists (select from pg_catalog.generate_subscripts(k.conkey, 1) as i (n)
                  where k.conkey[i.n] = ha.attnum and k.confkey[i.n] = ta.attnum) as carries_tenant
    from pg_catalog.pg_constraint k
    join expected_table h on h.oid = k.conrelid
    join expected_table t on t.oid = k.confrelid
    left join pg_catalog.pg_attribute ha
      on ha.attrelid = h.oid and ha.attname = h.tenant_column and not ha.attisdropped
    left join pg_catalog.pg_attribute ta
      on ta.attrelid = t.oid and ta.attname = t.tenant_column and not ta.attisdropped
   where k.contype = 'f' and k.conparentid = 0
),
-- the same with what a remedy says of them. Not materialized: that is made for the keys that a check finds, for no other
foreign_key as not materialized (
  select k.*, pg_catalog.format('foreign key %I on %s', k.conname, k.name) as object,
         (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by c.n)
            from pg_catalog.unnest(k.conkey) with ordinality as c (attnum, n)
            join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.attnum) as columns,
         (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by c.n)
            from pg_catalog.unnest(k.confkey) with ordinality as c (attnum, n)
            join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = c.attnum) as target_columns,
         -- what a SET NULL or a SET DEFAULT may change
         (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by c.n)
            from pg_catalog.unnest(k.conkey) with ordinality as c (attnum, n)
            join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.attnum
           where c.attnum is distinct from k.tenant_attnum) as columns_but_tenant,
         case k.confdeltype when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
                            when 'n' then 'set null' else 'set default' end as on_delete,
         case k.confupdtype when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
                            when 'n' then 'set null' else 'set default' end as on_update,
         case when k.condeferrable then ' deferrable' else '' end
           || case when k.condeferred then ' initially deferred' else '' end as deferral
    from held_key k
),
-- the unique and the exclusion indexes of the tables that tenants write and that hold rows of several tenants, where
-- two tenants may collide: what tells one that the other has the same. `keys` are the columns compared by equality
colliding_index as materialized (
  select i.indexrelid, i.indrelid, i.indisunique, t.name, t.scope, t.tenant_column, t.relkind,
         pg_catalog.format('%I.%I', n.nspname, c.relname) as index_name, k.conname, pg_catalog.quote_ident(am.amname) as method,
         -- it goes on behind the opening parenthesis of the columns
         pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING \w+ \(', '') as definition,
         (select pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid, n, false), ', ' order by n)
            from pg_catalog.generate_series(1, i.indnkeyatts) as n) as columns,
         exists (select from pg_catalog.pg_constraint f where f.contype = 'f' and f.conindid = i.indexrelid) as is_referred_to
    from expected_table t
    join pg_catalog.pg_index i on i.indrelid = t.oid
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_am am on am.oid = c.relam
    left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.conrelid = t.oid and k.contype in ('p', 'u', 'x')
    left join pg_catalog.pg_attribute ta
      on ta.attrelid = t.oid and ta.attname = t.tenant_column and not ta.attisdropped
   cross join lateral (
           select array(select i.indkey[n]
                          from pg_catalog.generate_series(0, i.indnkeyatts - 1) as n
                          -- an exclusion may compare by overlap, or by anything
                         where k.conexclop is null
                            or exists (select from pg_catalog.pg_operator o
                                        where o.oid = k.conexclop[n + 1] and o.oprname = '=')) as keys
         ) as compared
   where (i.indisunique or i.indisexclusion) and i.indisready and t.commands && array['insert', 'update']
     -- a tenant's own row is one of its kind: what is unique among tenants is so by nature
     and t.scope in ('direct', 'shared', 'through')
     and not coalesce(ta.attnum = any (compared.keys), false)
     -- an expression that contains the tenant
     and not (ta.attnum is not null and i.indexprs is not null
              and pg_catalog.strpos(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.quote_ident(ta.attname)) > 0
              and exists (select from pg_catalog.pg_depend d
                           where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = i.indexrelid
                             and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                             and d.refobjid = t.oid and d.refobjsubid = ta.attnum))
     -- only rows without a tenant, which no tenant writes
     and not (ta.attnum is not null and i.indpred is not null
              and pg_catalog.strpos(pg_catalog.pg_get_expr(i.indpred, i.indrelid), pg_catalog.format('(%I IS NULL)', t.tenant_column)) > 0
              and pg_catalog.pg_get_expr(i.indpred, i.indrelid) !~ '\m(OR|NOT|CASE)\M')
     -- rows of one parent, and so of one tenant; the policy refuses another's parent before the index is asked
     and not (t.scope = 'through' and exists (
           select from expected_relation r
            where r.table_oid = t.oid and r.purpose = 'through' and r.attnums <> '{}' and compared.keys @> r.attnums))
     -- nobody guesses the key of another's row
     and not exists (
           select from pg_catalog.pg_attribute a
             join pg_catalog.pg_type y on y.oid = a.atttypid
            where a.attrelid = t.oid and a.attnum = any (compared.keys)
              and case
                    when coalesce(nullif(y.typbasetype, 0), y.oid) = 'pg_catalog.uuid'::pg_catalog.regtype
                      -- a person, or another row that several tenants know
                      then not exists (select from pg_catalog.pg_constraint f
                                         join expected_table g on g.oid = f.confrelid and g.scope in ('global', 'member')
                                        where f.contype = 'f' and f.conrelid = t.oid and a.attnum = any (f.conkey))
                    when y.typcategory = 'S' and exists (
                           select from pg_catalog.pg_constraint f
                             join expected_table g on g.oid = f.confrelid and g.scope in ('direct', 'shared', 'through')
                            where f.contype = 'f' and f.conrelid = t.oid and a.attnum = any (f.conkey))
                      then true
                    -- a primary key that is made up: what a number tells, its sequence tells as well (DH372)
                    else exists (select from pg_catalog.pg_constraint p
                                  where p.contype = 'p' and p.conrelid = t.oid and p.conkey = array[a.attnum]
                                    and (y.typcategory = 'N' or a.attname ~ '(^|_)([a-z]?u?id|ulid)$|I[dD]$'))
                  end)
)
