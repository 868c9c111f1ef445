-- The application may execute a function in an untrusted language.
-- level: warning
-- attacks: S12, S13

select 'function ' || p.oid::pg_catalog.regprocedure,
       pg_catalog.format('is written in %s, in which PostgreSQL holds nothing, and %s may execute it', l.lanname,
                         pg_catalog.string_agg(distinct coalesce(pg_catalog.quote_ident(held.role_name), 'public'), ', ')),
       pg_catalog.string_agg(distinct pg_catalog.format('revoke execute on function %s from %s;', p.oid::pg_catalog.regprocedure,
                                                        coalesce(pg_catalog.quote_ident(held.role_name), 'public')), ' ')
  from pg_catalog.pg_proc p
  join pg_catalog.pg_language l on l.oid = p.prolang and not l.lanpltrusted
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 cross join pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as acl
  left join (select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))) as held on held.oid = acl.grantee
 where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and (acl.grantee = 0 or held.oid is not null)
   -- PostgreSQL's own, under other names, that it lets everybody execute anyway
   and not (l.lanname = 'internal' and exists (
         select from pg_catalog.pg_proc own
          cross join pg_catalog.aclexplode(coalesce(own.proacl, pg_catalog.acldefault('f', own.proowner))) as allowed
          where own.pronamespace = 'pg_catalog'::pg_catalog.regnamespace and own.prosrc = p.prosrc and allowed.grantee = 0))
   and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')
   and exists (select from reachable_role r where pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage'))
 group by p.oid, l.lanname
