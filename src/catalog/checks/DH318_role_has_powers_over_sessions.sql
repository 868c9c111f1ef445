-- A login of the application has one of PostgreSQL's lesser powers over the server.
-- level: warning
-- attacks: R6, X3

select 'role ' || r.held_name,
       'may become ' || pg_catalog.string_agg(r.role_name, ', ' order by r.role_name collate "C"),
       (select pg_catalog.string_agg(m.revoke_sql, ' ' order by m.revoke_sql collate "C")
          from membership m
          join own_reach o on o.oid = m.member and o.held_oid = r.held_oid
         where m.roleid = any (pg_catalog.array_agg(r.oid)) and m.member <> all (pg_catalog.array_agg(r.oid)))
  from own_reach r
 -- those that a server does not have are nobody's
 where r.role_name in ('pg_monitor', 'pg_read_all_stats', 'pg_read_all_settings', 'pg_stat_scan_tables',
                       'pg_signal_backend', 'pg_signal_autovacuum_worker', 'pg_maintain', 'pg_checkpoint',
                       'pg_create_subscription')
 group by r.held_oid, r.held_name
