-- A login of the application may make roles or replicate.
-- level: error
-- attacks: R5, R8

select 'role ' || r.held_name,
       pg_catalog.string_agg(
         case when r.held_oid = r.oid then 'has ' || power.names
              else pg_catalog.format('may become %s, which has %s', r.role_name, power.names) end,
         '; ' order by r.held_oid <> r.oid, r.role_name collate "C"),
       pg_catalog.string_agg(
         case when r.held_oid = r.oid then pg_catalog.format('alter role %I %s;', r.role_name, power.mend)
              else (select pg_catalog.string_agg(m.revoke_sql, ' ' order by m.revoke_sql collate "C")
                      from membership m
                      join own_reach o on o.oid = m.member and o.held_oid = r.held_oid
                     where m.roleid = r.oid) end,
         ' ' order by r.held_oid <> r.oid, r.role_name collate "C")
  from own_reach r
  -- a superuser has it all, and DH310 says so
  join pg_catalog.pg_roles a on a.oid = r.oid and not a.rolsuper
 cross join lateral (
         select pg_catalog.string_agg(one.name, ' and '),
                pg_catalog.string_agg('no' || pg_catalog.lower(one.name), ' ')
           from (values ('CREATEROLE', a.rolcreaterole), ('REPLICATION', a.rolreplication)) as one (name, is_there)
          where one.is_there
       ) as power (names, mend)
 where power.names is not null
 group by r.held_oid, r.held_name
