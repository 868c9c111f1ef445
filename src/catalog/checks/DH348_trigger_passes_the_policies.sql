-- A trigger on a protected table runs with rights that no policy holds.
-- level: warning
-- attacks: S22

-- What a tenant writes fires it, and it reads and writes every tenant's rows: it must hold to the tenant itself, and every
-- table that it writes to must be protected. One finding a function, on however many tables.
select 'function ' || f.oid::pg_catalog.regprocedure,
       pg_catalog.format('runs as %I, whom no policy holds, for the trigger %s%s', p.role_name,
         pg_catalog.min(pg_catalog.format('%I on %s', g.tgname, t.name) collate "C"),
         case when pg_catalog.count(*) > 1 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 1) end),
       pg_catalog.format('alter function %s security invoker;', f.oid::pg_catalog.regprocedure)
  from protected_table t
  join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal and g.tgenabled in ('O', 'A')
  join pg_catalog.pg_proc f on f.oid = g.tgfoid
  join passing_role p on p.oid = f.proowner
 where f.prosecdef
   -- PostgreSQL clones a trigger to each partition
   and g.tgparentid = 0
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid and x.deptype = 'e')
 group by f.oid, p.role_name
