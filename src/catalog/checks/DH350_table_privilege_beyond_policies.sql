-- Somebody has a privilege on a table that no policy holds.
-- level: error
-- attacks: S17

select 'table ' || excess.name,
       pg_catalog.string_agg(excess.grantee || ' has ' || excess.privileges, '; ' order by excess.grantee collate "C"),
       -- a revoke of the table takes the columns' away too
       pg_catalog.string_agg(
         pg_catalog.format('revoke %s on %s from %s;', excess.privileges, excess.name, excess.grantee),
         ' ' order by excess.grantee collate "C")
  from (
         select t.name, case when acl.grantee = 0 then 'public' else pg_catalog.quote_ident(w.role_name) end,
                pg_catalog.string_agg(distinct acl.privilege_type, ', ' order by acl.privilege_type)
           from expected_table t
           join pg_catalog.pg_class c on c.oid = t.oid
          cross join lateral (
                  select a.grantee, a.privilege_type from pg_catalog.aclexplode(c.relacl) as a
                  union all
                  select a.grantee, a.privilege_type
                    from pg_catalog.pg_attribute column_
                   cross join pg_catalog.aclexplode(column_.attacl) as a
                   where column_.attrelid = c.oid and column_.attacl is not null
                ) as acl
           left join (
                  select o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
                  union
                  select r.oid, r.rolname
                    from expected_role s
                    join becomes b on b.role_oid = s.oid
                    join pg_catalog.pg_roles r on r.oid = b.reached_oid
                   where s.purpose = 'system'
                     and r.oid not in (select e.oid from expected_role e where e.oid is not null and e.oid <> s.oid)
                ) as w on w.oid = acl.grantee
          where acl.privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
            and (acl.grantee = 0 or w.oid is not null)
            and acl.grantee <> c.relowner
          group by t.name, acl.grantee, w.role_name
       ) as excess (name, grantee, privileges)
 group by excess.name
