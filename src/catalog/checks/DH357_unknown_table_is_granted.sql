-- The application reaches a table that the manifest does not know and no policy holds.
-- level: error
-- attacks: S9, S25, S27

select 'table ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       pg_catalog.string_agg(granted.who || ' has ' || granted.privileges, '; ' order by granted.who collate "C")
         || ', and row-level security is not enabled',
       pg_catalog.format('alter table %I.%I enable row level security, force row level security;', n.nspname, c.relname) || ' '
         || pg_catalog.string_agg(
              pg_catalog.format('revoke %s on %I.%I from %s;', granted.privileges, n.nspname, c.relname, granted.who),
              ' ' order by granted.who collate "C")
         || ' -- or make it a model'
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 cross join lateral (
         select coalesce(pg_catalog.quote_ident(held.role_name), 'public'),
                pg_catalog.string_agg(distinct acl.privilege_type, ', ' order by acl.privilege_type)
           from (
                  select a.grantee, a.privilege_type from pg_catalog.aclexplode(c.relacl) as a
                  union all
                  select a.grantee, a.privilege_type
                    from pg_catalog.pg_attribute column_
                   cross join pg_catalog.aclexplode(column_.attacl) as a
                   where column_.attrelid = c.oid and column_.attacl is not null
                ) as acl
           left join (
                  select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
                ) as held on held.oid = acl.grantee
          where (acl.grantee = 0 or held.oid is not null)
            and acl.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
            -- which migrations were applied is nobody's secret
            and not (c.relname = '_prisma_migrations' and acl.privilege_type = 'SELECT')
          group by acl.grantee, held.role_name
       ) as granted (who, privileges)
 where c.relkind in ('r', 'p') and c.relpersistence <> 't' and not c.relrowsecurity
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and c.oid not in (select t.oid from expected_table t where t.oid is not null)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
   -- without its schema there is no way to it
   and exists (select from reachable_role r where pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage'))
   -- partitions and children of the manifest's tables are looked at with these
   and not exists (
         with recursive parent as (
           select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = c.oid
           union
           select i.inhparent from parent p join pg_catalog.pg_inherits i on i.inhrelid = p.inhparent
         )
         select from parent p join expected_table t on t.oid = p.inhparent)
 group by n.nspname, c.oid, c.relname
