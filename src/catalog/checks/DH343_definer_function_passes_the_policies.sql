-- The application may execute a SECURITY DEFINER function whose owner the policies let pass.
-- level: warning
-- attacks: S12

-- In it there is no hull two: whatever it reads for its caller, it must hold to the tenant itself. Where it does, it is
-- to be accepted by name.
select 'function ' || f.oid::pg_catalog.regprocedure,
       pg_catalog.format('runs as %I, whom no policy holds, for %s', p.role_name, whom.names),
       pg_catalog.format('alter %s %s security invoker; or revoke execute on it from the application',
         case f.prokind when 'p' then 'procedure' else 'function' end, f.oid::pg_catalog.regprocedure)
  from pg_catalog.pg_proc f
  join passing_role p on p.oid = f.proowner
 cross join lateral (
    select pg_catalog.string_agg(h.role_name::text, ', ' order by h.role_name) as names
      from asking_role h
     where pg_catalog.has_function_privilege(h.oid, f.oid, 'execute')
       and pg_catalog.has_schema_privilege(h.oid, f.pronamespace, 'usage')
  ) as whom
 where f.prosecdef
   and whom.names is not null
   and f.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
   and f.oid >= 16384
   and f.proowner not in (select r.oid from reachable_role r)
   -- DH340 compares the package's own with what they must be; those of its migrations are known by their bodies
   and f.oid not in (select o.oid from own_definer o)
   and f.oid not in (select e.oid from expected_function e where e.oid is not null)
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid and x.deptype = 'e')
