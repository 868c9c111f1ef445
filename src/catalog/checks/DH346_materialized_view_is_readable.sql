-- The application may read a materialized view of a protected table.
-- level: error
-- attacks: S11

-- It is a copy, and PostgreSQL has no row-level security for it.
with recursive reads as (
  select c.oid as view_oid, c.oid from pg_catalog.pg_class c where c.relkind = 'm'
  union
  select w.view_oid, d.refobjid
    from reads w
    join pg_catalog.pg_class c on c.oid = w.oid and c.relkind in ('v', 'm')
    join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.ev_type = '1'
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
   where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
)
select 'materialized view ' || v.oid::pg_catalog.regclass,
       pg_catalog.format('holds a copy of %s, and %s may read it', pg_catalog.string_agg(distinct p.name, ', '), whom.names),
       pg_catalog.format('revoke select on %s from %s; then give the application a view of its tenant''s rows',
         v.oid::pg_catalog.regclass, whom.names)
  from reads w
  join pg_catalog.pg_class v on v.oid = w.view_oid
  join (select t.oid, t.name, t.scope from protected_table t
        union all
        -- whoever has what it holds can sign for every tenant
        select k.oid, 'tenancy.context_key', 'keys' from pg_catalog.pg_class k
          join pg_catalog.pg_namespace n on n.oid = k.relnamespace and n.nspname = 'tenancy' and k.relname = 'context_key'
       ) as p on p.oid = w.oid and p.scope <> 'global'
 cross join lateral (
    select pg_catalog.string_agg(pg_catalog.quote_ident(h.role_name), ', ' order by h.role_name) as names
      from asking_role h
     where pg_catalog.has_any_column_privilege(h.oid, v.oid, 'select')
       and pg_catalog.has_schema_privilege(h.oid, v.relnamespace, 'usage')
  ) as whom
 where whom.names is not null
   and v.relowner not in (select r.oid from reachable_role r)
 group by v.oid, whom.names
