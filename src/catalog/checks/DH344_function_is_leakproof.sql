-- A function of this database is declared LEAKPROOF: a query may call it before the policies are asked.
-- level: warning
-- attacks: S13

-- PostgreSQL believes the word of a superuser that it tells nothing of what it is given, neither by an error nor by a
-- message nor by its time. PostgreSQL's own and those of extensions are believed.
select 'function ' || f.oid::pg_catalog.regprocedure,
       'is LEAKPROOF: PostgreSQL may call it with rows of other tenants before it asks the policies',
       pg_catalog.format('alter function %s not leakproof;', f.oid::pg_catalog.regprocedure)
  from pg_catalog.pg_proc f
 where f.proleakproof
   and f.oid >= 16384
   -- those that the application can't call by name it can by an operator, so whether it may execute them is not asked
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid and x.deptype = 'e')
