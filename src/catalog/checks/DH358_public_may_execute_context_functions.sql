-- Everybody may execute functions of the context.
-- level: warning
-- attacks: S12

select 'function ' || p.oid::pg_catalog.regprocedure,
       'public may execute it',
       pg_catalog.format('revoke execute on function %s from public;', p.oid::pg_catalog.regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'tenancy'
 -- an acl that is null stands for the default one, in which everybody has EXECUTE
 cross join pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as acl
 where acl.grantee = 0
   -- a trigger is executed by nobody's statement
   and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')
