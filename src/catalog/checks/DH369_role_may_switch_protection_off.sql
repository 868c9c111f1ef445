-- A login of the application may switch off what the server holds.
-- level: error
-- attacks: S1, S22

select 'role ' || coalesce(held.role_name, 'public'),
       'may set ' || pg_catalog.string_agg(distinct a.parname, ', '),
       pg_catalog.string_agg(distinct pg_catalog.format('revoke %s on parameter %s from %s;', acl.privilege_type, a.parname,
                                                        coalesce(pg_catalog.quote_ident(held.role_name), 'public')), ' ')
  from pg_catalog.pg_parameter_acl a
 cross join pg_catalog.aclexplode(a.paracl) as acl
  left join (select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))) as held on held.oid = acl.grantee
 where (acl.grantee = 0 or held.oid is not null)
   -- of the whole server, any; of its own session, those that triggers, keys, privileges or code hang on
   and (acl.privilege_type = 'ALTER SYSTEM'
        or a.parname in ('session_replication_role', 'lo_compat_privileges', 'allow_system_table_mods', 'dynamic_library_path',
                         'extension_control_path', 'session_preload_libraries', 'event_triggers'))
 group by held.role_name
union all
select setting.object, 'begins with session_replication_role = replica: triggers and foreign keys are off', setting.reset_sql
  from session_setting setting
 where setting.name = 'session_replication_role' and pg_catalog.lower(setting.value) = 'replica'
