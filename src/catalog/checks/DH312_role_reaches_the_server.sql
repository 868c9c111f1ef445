-- A login of the application has powers over the server that reach all data.
-- level: error
-- attacks: R6

select 'role ' || found.held_name, found.detail, found.remedy
  from (
         select r.held_name,
                'may become ' || pg_catalog.string_agg(r.role_name, ', ' order by r.role_name collate "C"),
                (select pg_catalog.string_agg(m.revoke_sql, ' ' order by m.revoke_sql collate "C")
                   from membership m
                   join own_reach o on o.oid = m.member and o.held_oid = r.held_oid
                  where m.roleid = any (pg_catalog.array_agg(r.oid)) and m.member <> all (pg_catalog.array_agg(r.oid)))
           from own_reach r
          where r.role_name in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program',
                                'pg_read_all_data', 'pg_write_all_data')
          group by r.held_oid, r.held_name
         union all
         -- functions that PostgreSQL keeps for superusers until somebody grants them
         select coalesce(r.role_name, 'public'),
                'may execute ' || pg_catalog.string_agg(p.oid::pg_catalog.regprocedure::text, ', ' order by p.oid::pg_catalog.regprocedure::text collate "C"),
                pg_catalog.string_agg(
                  pg_catalog.format('revoke execute on function %s from %s;', p.oid::pg_catalog.regprocedure,
                                    coalesce(pg_catalog.quote_ident(r.role_name), 'public')),
                  ' ' order by p.oid::pg_catalog.regprocedure::text collate "C")
           from pg_catalog.pg_proc p
          cross join pg_catalog.aclexplode(p.proacl) as acl
           left join (select distinct o.oid, o.role_name from own_reach o) as r on r.oid = acl.grantee
          where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
            and p.proname in ('pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'pg_stat_file', 'lo_import', 'lo_export')
            and (acl.grantee = 0 or (r.oid is not null and r.role_name !~ '^pg_'))
            -- a superuser is found already, and executes them without a grant
            and not exists (select from pg_catalog.pg_roles s where s.oid = acl.grantee and s.rolsuper)
          group by r.role_name
         union all
         -- tables of PostgreSQL's own that hold values of all tenants, or passwords
         select coalesce(r.role_name, 'public'),
                'may read ' || pg_catalog.string_agg(distinct c.relname::text, ', ' order by c.relname::text),
                pg_catalog.string_agg(distinct
                  pg_catalog.format('revoke all on pg_catalog.%I from %s;', c.relname,
                                    coalesce(pg_catalog.quote_ident(r.role_name), 'public')), ' ')
           from pg_catalog.pg_class c
          cross join lateral (
                  select a.grantee, a.privilege_type from pg_catalog.aclexplode(c.relacl) as a
                  union all
                  select a.grantee, a.privilege_type
                    from pg_catalog.pg_attribute column_
                   cross join pg_catalog.aclexplode(column_.attacl) as a
                   where column_.attrelid = c.oid and column_.attacl is not null
                ) as acl
           left join (select distinct o.oid, o.role_name from own_reach o) as r on r.oid = acl.grantee
          where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
            and c.relname in ('pg_statistic', 'pg_statistic_ext_data', 'pg_authid', 'pg_user_mapping', 'pg_largeobject')
            and acl.privilege_type = 'SELECT'
            and (acl.grantee = 0 or (r.oid is not null and r.role_name !~ '^pg_'))
            and not exists (select from pg_catalog.pg_roles s where s.oid = acl.grantee and s.rolsuper)
          group by r.role_name
       ) as found (held_name, detail, remedy)
