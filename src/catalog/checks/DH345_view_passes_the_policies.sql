-- The application may use a view that reads a protected table with the rights of its owner.
-- level: error
-- attacks: S10

-- A view asks for its owner's rights and policies unless it says security_invoker; and a view with security_invoker
-- asks for those of the view around it. So only the outermost one counts, and the way goes through all of them, and
-- through materialized views.
with recursive reads as (
  select v.oid as view_oid, d.refobjid as oid
    from pg_catalog.pg_class v
    join pg_catalog.pg_rewrite r on r.ev_class = v.oid and r.ev_type = '1'
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
   where v.relkind = 'v'
     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> v.oid
  union
  select w.view_oid, d.refobjid
    from reads w
    join pg_catalog.pg_class c on c.oid = w.oid and c.relkind in ('v', 'm')
    join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.ev_type = '1'
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
   where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> c.oid
)
select 'view ' || v.oid::pg_catalog.regclass,
       pg_catalog.format('reads %s as %I, and %s may use it',
         pg_catalog.string_agg(distinct p.name, ', '), pg_catalog.pg_get_userbyid(v.relowner), whom.names),
       pg_catalog.format('alter view %s set (security_invoker = true);', v.oid::pg_catalog.regclass)
  from reads w
  join pg_catalog.pg_class v on v.oid = w.view_oid
  join (select t.oid, t.name, t.scope from protected_table t
        union all
        -- whoever has what it holds can sign for every tenant
        select k.oid, 'tenancy.context_key', 'keys' from pg_catalog.pg_class k
          join pg_catalog.pg_namespace n on n.oid = k.relnamespace and n.nspname = 'tenancy' and k.relname = 'context_key'
       ) as p on p.oid = w.oid
 cross join lateral (
    select pg_catalog.string_agg(h.role_name::text, ', ' order by h.role_name) as names,
           pg_catalog.bool_or(pg_catalog.has_any_column_privilege(h.oid, v.oid, 'insert, update')
                              or pg_catalog.has_table_privilege(h.oid, v.oid, 'delete')) as write
      from asking_role h
     where (pg_catalog.has_any_column_privilege(h.oid, v.oid, 'select, insert, update')
            or pg_catalog.has_table_privilege(h.oid, v.oid, 'delete'))
       and pg_catalog.has_schema_privilege(h.oid, v.relnamespace, 'usage')
  ) as whom
 where whom.names is not null
   -- all tenants read all rows of a global model
   and (p.scope <> 'global' or whom.write)
   and not coalesce((select o.option_value::boolean
                       from pg_catalog.pg_options_to_table(v.reloptions) o
                      where o.option_name = 'security_invoker'), false)
   and v.relowner not in (select r.oid from reachable_role r)
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and x.objid = v.oid and x.deptype = 'e')
 group by v.oid, v.relowner, whom.names
