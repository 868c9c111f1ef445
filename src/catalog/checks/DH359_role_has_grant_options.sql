-- A role of the application may pass its privileges on.
-- level: warning
-- attacks: R3, S17

select 'role ' || held.role_name,
       'has the grant option on ' || pg_catalog.array_to_string((pg_catalog.array_agg(granted.object order by granted.object collate "C"))[1:3], ', ')
         || case when pg_catalog.count(*) > 3 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 3) else '' end,
       pg_catalog.string_agg(
         pg_catalog.format('revoke grant option for %s on %s from %I cascade;', granted.privileges, granted.object, held.role_name),
         ' ' order by granted.object collate "C")
  from (
         select one.object, one.grantee, pg_catalog.string_agg(distinct one.privilege, ', ' order by one.privilege)
           from (
                  select 'table ' || t.name, a.grantee, a.privilege_type, c.relowner
                    from expected_table t
                    join pg_catalog.pg_class c on c.oid = t.oid
                   cross join pg_catalog.aclexplode(c.relacl) as a
                   where a.is_grantable
                  union all
                  select 'table ' || t.name, a.grantee, pg_catalog.format('%s (%I)', a.privilege_type, column_.attname), c.relowner
                    from expected_table t
                    join pg_catalog.pg_class c on c.oid = t.oid
                    join pg_catalog.pg_attribute column_ on column_.attrelid = t.oid and column_.attacl is not null
                   cross join pg_catalog.aclexplode(column_.attacl) as a
                   where a.is_grantable
                  union all
                  select 'schema ' || pg_catalog.quote_ident(s.schema_name), a.grantee, a.privilege_type, n.nspowner
                    from own_schema s
                    join pg_catalog.pg_namespace n on n.oid = s.oid
                   cross join pg_catalog.aclexplode(n.nspacl) as a
                   where a.is_grantable
                  union all
                  select 'function ' || p.oid::pg_catalog.regprocedure, a.grantee, a.privilege_type, p.proowner
                    from own_schema s
                    join pg_catalog.pg_proc p on p.pronamespace = s.oid
                   cross join pg_catalog.aclexplode(p.proacl) as a
                   where a.is_grantable
                ) as one (object, grantee, privilege, owner)
          where one.grantee <> one.owner
          group by one.object, one.grantee
       ) as granted (object, grantee, privileges)
  join (
         select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
         union
         select e.oid, e.role_name from expected_role e where e.purpose = 'system'
       ) as held on held.oid = granted.grantee
 group by held.oid, held.role_name
