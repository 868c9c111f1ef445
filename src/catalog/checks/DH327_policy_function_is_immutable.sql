-- A policy asks a function that is declared IMMUTABLE and answers otherwise for each tenant.
-- level: error
-- attacks: G12

-- PostgreSQL replaces the call by its answer when it plans, and a plan is kept for the next caller: `(select f())` does
-- not help. Not every IMMUTABLE function is meant, for one that only works on what it is given is one: those that
-- are given nothing, and those whose text reads a setting, the role or the tenant.
with recursive asked as (
  select p.oid as policy_oid, d.refobjid as function_oid
    from pg_catalog.pg_policy p
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
   where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  union
  -- an operator and a cast ask a function too
  select p.oid, coalesce(o.oprcode::pg_catalog.oid, k.castfunc)
    from pg_catalog.pg_policy p
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
    left join pg_catalog.pg_operator o
      on d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass and o.oid = d.refobjid
    left join pg_catalog.pg_cast k
      on d.refclassid = 'pg_catalog.pg_cast'::pg_catalog.regclass and k.oid = d.refobjid
   where d.refclassid in ('pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_cast'::pg_catalog.regclass)
  union
  -- and a function written as `begin atomic` or `return` depends on those it calls
  select a.policy_oid, d.refobjid
    from asked a
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = a.function_oid
   where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
)
select 'function ' || f.oid::pg_catalog.regprocedure,
       pg_catalog.format('is IMMUTABLE, and asked by the policy %I on %s%s', pg_catalog.min(p.polname::text collate "C"),
         pg_catalog.min(p.polrelid::pg_catalog.regclass::text collate "C"),
         case when pg_catalog.count(*) > 1 then pg_catalog.format(' and by %s more', pg_catalog.count(*) - 1) end),
       pg_catalog.format('alter function %s stable;', f.oid::pg_catalog.regprocedure)
  from asked a
  join pg_catalog.pg_policy p on p.oid = a.policy_oid
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_proc f on f.oid = a.function_oid
 where f.provolatile = 'i'
   and (f.pronargs = 0
        or coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), f.prosrc)
             ~* 'current_setting|pg_settings|current_user|session_user|current_role|tenant_id\(')
   and (c.oid in (select t.oid from expected_table t) or c.relnamespace in (select s.oid from own_schema s))
   -- the functions of the context are DH340's
   and f.oid not in (select e.oid from expected_function e where e.oid is not null)
   and f.oid >= 16384
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid and x.deptype = 'e')
 group by f.oid
