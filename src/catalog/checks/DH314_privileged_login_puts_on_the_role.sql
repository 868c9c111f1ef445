-- A login that the policies let pass puts the application's role on.
-- level: warning
-- attacks: R4

select 'role ' || found.role_name,
       found.what || pg_catalog.string_agg(found.held_name, ', ' order by found.held_name collate "C"),
       pg_catalog.string_agg(found.remedy, ' ' order by found.held_name collate "C")
  from (
         -- edges that somebody made: a superuser needs none, and the one of a role's creator does not count
         select u.rolname, 'is let pass by the policies, or by no policy asked, and is a member of ', e.role_name,
                (select pg_catalog.string_agg(m.revoke_sql, ' ' order by m.revoke_sql collate "C")
                   from membership m
                  where m.member = u.oid and exists (
                          select from becomes on_the_way
                           where on_the_way.role_oid = m.roleid and on_the_way.reached_oid = e.oid))
           from expected_role e
           join becomes b on b.reached_oid = e.oid and b.role_oid <> e.oid
           join pg_catalog.pg_roles u on u.oid = b.role_oid
          where e.purpose in ('app', 'reader')
            and ((u.rolsuper and u.rolcanlogin)
                 or exists (select from expected_role o where o.oid = u.oid and o.purpose in ('owner', 'migrator', 'system')))
            -- an owner's member is found with the owner
            and not exists (
                  select from expected_role o
                    join becomes x on x.role_oid = u.oid and x.reached_oid = o.oid
                    join becomes y on y.role_oid = o.oid and y.reached_oid = e.oid
                   where o.oid <> u.oid and o.oid <> e.oid and o.purpose in ('owner', 'migrator', 'system', 'app'))
         union all
         select u.rolname, 'is let pass by the policies, or by no policy asked, and logs in with its role set to ', e.role_name,
                pg_catalog.format('alter role %I%s reset role;', u.rolname,
                                  case when s.setdatabase <> 0
                                       then pg_catalog.format(' in database %I', pg_catalog.current_database()) end)
           from pg_catalog.pg_db_role_setting s
           join pg_catalog.pg_roles u on u.oid = s.setrole
           join expected_role e on e.purpose in ('app', 'reader') and 'role=' || e.role_name = any (s.setconfig)
          where (s.setdatabase = 0 or s.setdatabase = (select d.oid from pg_catalog.pg_database d
                                                         where d.datname = pg_catalog.current_database()))
            and (u.rolsuper or u.rolbypassrls)
       ) as found (role_name, what, held_name, remedy)
 group by found.role_name, found.what
