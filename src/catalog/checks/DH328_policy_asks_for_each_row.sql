-- A policy calls a function for each row that answers the same for all of them.
-- level: warning
-- attacks: S16

-- Of policies that the manifest does not know, on tables that the application reads. PostgreSQL's own functions are
-- cheap enough (and pinned: pg_depend does not know them).
select pg_catalog.format('policy %I on %s', p.polname, p.polrelid::pg_catalog.regclass),
       'calls a function for each row',
       'call it as (select f()): PostgreSQL then asks it once for a statement, and can use an index',
       pg_catalog.jsonb_build_object(
         'conditions', pg_catalog.to_jsonb(pg_catalog.array_remove(array[pg_catalog.pg_get_expr(p.polqual, p.polrelid),
                                                              pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)], null)),
         'functions', pg_catalog.jsonb_agg(distinct pg_catalog.format('%I.%I', n.nspname, f.proname))
       ) as evidence
  from pg_catalog.pg_policy p
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
                             and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  join pg_catalog.pg_proc f on f.oid = d.refobjid
  join pg_catalog.pg_namespace n on n.oid = f.pronamespace
 -- an IMMUTABLE one is called when the statement is planned
 where f.provolatile <> 'i'
   -- PostgreSQL puts its text in the place of the call
   and not (n.nspname = 'tenancy' and f.proname = 'claimed_tenant_id')
   and (p.polrelid in (select t.oid from expected_table t)
        or exists (select from held_role h where pg_catalog.has_any_column_privilege(h.oid, p.polrelid, 'select')))
   and not exists (select from expected_policy e where e.table_oid = p.polrelid and e.name = p.polname)
 group by p.oid, p.polname, p.polrelid, p.polqual, p.polwithcheck
