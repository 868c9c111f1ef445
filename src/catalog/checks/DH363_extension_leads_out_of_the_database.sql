-- The application may reach other servers, or itself, through the database.
-- level: warning
-- attacks: X9, S11

select 'extension ' || pg_catalog.quote_ident(x.extname),
       'has functions that the application may execute, such as '
         || pg_catalog.min(p.oid::pg_catalog.regprocedure::text collate "C"),
       pg_catalog.format('drop extension %I; -- or revoke execute on its functions from public', x.extname)
  from pg_catalog.pg_extension x
  join pg_catalog.pg_depend d
    on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid = x.oid and d.deptype = 'e'
   and d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  join pg_catalog.pg_proc p on p.oid = d.objid
 where x.extname in ('dblink', 'adminpack', 'http', 'pg_net', 'pg_curl', 'pg_background', 'plproxy', 'aws_s3', 'aws_lambda')
   and exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as acl
                where acl.privilege_type = 'EXECUTE'
                  and (acl.grantee = 0 or acl.grantee in (select o.oid from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system')))))
   and exists (select from reachable_role r where pg_catalog.has_schema_privilege(r.oid, p.pronamespace, 'usage'))
 group by x.extname
union all
select wrapped.object,
       pg_catalog.string_agg(distinct coalesce(pg_catalog.quote_ident(held.role_name), 'public'), ', ') || ' may use it',
       pg_catalog.string_agg(distinct pg_catalog.format('revoke usage on foreign %s from %s;', wrapped.object,
                                                        coalesce(pg_catalog.quote_ident(held.role_name), 'public')), ' ')
  from (
         select 'server ' || pg_catalog.quote_ident(s.srvname), s.srvacl, s.srvowner from pg_catalog.pg_foreign_server s
         union all
         select 'data wrapper ' || pg_catalog.quote_ident(w.fdwname), w.fdwacl, w.fdwowner
           from pg_catalog.pg_foreign_data_wrapper w
       ) as wrapped (object, acl, owner)
 cross join pg_catalog.aclexplode(wrapped.acl) as acl
  left join (select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))) as held on held.oid = acl.grantee
 where acl.grantee = 0 or held.oid is not null
 group by wrapped.object
