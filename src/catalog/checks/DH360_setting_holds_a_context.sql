-- A session of the application begins with a context.
-- level: error
-- attacks: G10

select setting.object,
       'sets ' || pg_catalog.string_agg(setting.name, ', ' order by setting.name)
         || ': what is asked without a context is answered with that tenant',
       pg_catalog.string_agg(setting.reset_sql, ' ' order by setting.name)
  from session_setting setting
 where setting.name in ('app.tenant_id', 'app.user_id') or setting.name ~ '^(app\.context|request\.jwt\.)'
 group by setting.object
union all
-- the server's own configuration lists no such names; that it has one is seen by its value
select 'server', 'sets ' || pg_catalog.string_agg(name, ', ' order by name)
         || ': what is asked without a context is answered with that tenant',
       'take it out of postgresql.conf, postgresql.auto.conf or the command line'
  from pg_catalog.unnest('{app.tenant_id,app.user_id}'::text[]) as name
 where pg_catalog.current_setting(name, true) <> ''
   and not exists (
         select from pg_catalog.pg_db_role_setting s
          cross join pg_catalog.unnest(s.setconfig) as entry (text)
          where (s.setrole = 0 or s.setrole = (select r.oid from pg_catalog.pg_roles r where r.rolname = session_user))
            and pg_catalog.lower(entry.text) like name || '=%')
having pg_catalog.count(*) > 0
