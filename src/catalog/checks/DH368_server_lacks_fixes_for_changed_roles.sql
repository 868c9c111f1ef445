-- The server lacks fixes that matter while roles are changed.
-- level: info
-- attacks: R4

select 'server',
       pg_catalog.format('PostgreSQL %s lacks the fix of %s', pg_catalog.current_setting('server_version'),
                         pg_catalog.string_agg(f.cve || ' (' || f.what || ')', ', of ' order by f.cve collate "C")),
       coalesce('update PostgreSQL to ' || pg_catalog.max(f.fixed_in) / 10000 || '.' || pg_catalog.max(f.fixed_in) % 10000
                  || ' or later; until then', 'update PostgreSQL: its major version gets no fixes; until then')
         || ' let the pools connect anew after roles were changed'
  from server_flaw f
 where f.needs = 'roles'
having pg_catalog.count(*) > 0
