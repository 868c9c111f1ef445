-- A trigger that the application fires runs with rights that no policy holds.
-- level: warning
-- attacks: S22

-- On a protected table, or on any other table or view that the application may write. What a tenant writes fires it, without a
-- privilege on its function, and it reads and writes every tenant's rows: it must hold to the tenant itself, and every
-- table that it writes to must be protected. One finding a function, on however many tables.
-- The package's own are known by their bodies.
select 'function ' || f.oid::pg_catalog.regprocedure,
       pg_catalog.format('runs as %I, whom no policy holds, for the trigger %s%s', p.role_name,
         pg_catalog.min(pg_catalog.format('%I on %s', g.tgname, t.name) collate "C"),
         case when pg_catalog.count(*) > 1 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 1) end),
       pg_catalog.format('alter function %s security invoker;', f.oid::pg_catalog.regprocedure)
  from (select p.oid, p.name from protected_table p
        union
        select c.oid, c.oid::pg_catalog.regclass::text
          from pg_catalog.pg_class c
         where c.relhastriggers and c.relkind in ('r', 'p', 'v') and c.oid not in (select p.oid from protected_table p)
           and exists (select from asking_role h
                        where (pg_catalog.has_any_column_privilege(h.oid, c.oid, 'insert, update')
                               or pg_catalog.has_table_privilege(h.oid, c.oid, 'delete, truncate'))
                          and pg_catalog.has_schema_privilege(h.oid, c.relnamespace, 'usage'))
       ) as t (oid, name)
  join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal and g.tgenabled in ('O', 'A')
  join pg_catalog.pg_proc f on f.oid = g.tgfoid
  join passing_role p on p.oid = f.proowner
 where f.prosecdef
   and f.oid not in (select o.oid from own_definer o)
   -- PostgreSQL clones a trigger to each partition
   and g.tgparentid = 0
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid and x.deptype = 'e')
 group by f.oid, p.role_name
