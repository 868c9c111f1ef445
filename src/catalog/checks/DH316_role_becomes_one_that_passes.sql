-- A login of the application may become a role that the policies let pass.
-- level: error
-- attacks: R3, S8

-- the owner, the migrator and the system role; or any other that has a permissive policy and no guard
select 'role ' || p.held_name,
       'may become ' || pg_catalog.string_agg(p.role_name, ', ' order by p.role_name collate "C"),
       (select pg_catalog.string_agg(m.revoke_sql, ' ' order by m.revoke_sql collate "C")
          from membership m
          join own_reach o on o.oid = m.member and o.held_oid = p.held_oid
         where m.roleid = any (pg_catalog.array_agg(p.oid)) and m.member <> all (pg_catalog.array_agg(p.oid)))
  from own_reach p
  join pg_catalog.pg_roles a on a.oid = p.oid and not a.rolsuper and not a.rolbypassrls
 where p.oid <> p.held_oid
   and (exists (select from expected_role e where e.oid = p.oid and e.purpose in ('owner', 'migrator', 'system'))
        or exists (
             select from expected_table t
               join pg_catalog.pg_policy policy
                 on policy.polrelid = t.oid and policy.polpermissive and p.oid = any (policy.polroles)
              -- in a command of its own, or in all
              where not exists (
                      select from pg_catalog.pg_policy guard
                       cross join pg_catalog.unnest(guard.polroles) as guarded (oid)
                       where guard.polrelid = t.oid and not guard.polpermissive
                         and guard.polcmd in ('*', policy.polcmd)
                         and (guarded.oid = 0 or pg_catalog.pg_has_role(p.oid, guarded.oid, 'usage')))))
 group by p.held_oid, p.held_name
union all
-- who reads only may not become who writes
select 'role ' || reader.role_name,
       pg_catalog.format('may become %s, which writes', app.role_name),
       (select pg_catalog.string_agg(m.revoke_sql, ' ' order by m.revoke_sql collate "C")
          from membership m
         where m.member = reader.oid and exists (
                 select from becomes on_the_way
                  where on_the_way.role_oid = m.roleid and on_the_way.reached_oid = app.oid))
  from expected_role reader
  join expected_role app on app.purpose = 'app'
  join becomes b on b.role_oid = reader.oid and b.reached_oid = app.oid
 where reader.purpose = 'reader'
