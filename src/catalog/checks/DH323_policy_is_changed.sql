-- A policy has the name of one of the manifest and another definition.
-- level: error
-- attacks: G7, S7, S8
-- startup: yes

-- the columns of each policy that PostgreSQL may print as casts, made for all at once
with casts as materialized (
  select d.objid as policy_oid, pg_catalog.jsonb_agg(distinct pg_catalog.jsonb_build_object(
           'schema', n.nspname,
           'table', c.relname,
           'column', a.attname,
           'types', array[pg_catalog.format_type(coalesce(below.oid, base.oid, t.oid), null)]
                    || case when t.typcategory = 'S' then array['text'] else '{}' end
         )) as list
    from pg_catalog.pg_depend d
    join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_type base on base.oid = t.typbasetype and t.typtype = 'd'
    left join pg_catalog.pg_type below on below.oid = base.typbasetype and base.typtype = 'd'
   where d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjsubid > 0
     and (t.typtype = 'd' or t.typcategory = 'S')
   group by d.objid
)
select pg_catalog.format('policy %I on %s', p.polname, e.table_full_name),
       'has another definition',
       pg_catalog.format('drop policy %I on %s; then run doublehull protect, which makes it anew', p.polname, e.table_full_name),
       pg_catalog.jsonb_build_object(
         'schema', e.schema_name,
         'table', e.table_name,
         'wanted', pg_catalog.jsonb_build_object(
           'restrictive', e.restrictive,
           'command', e.command,
           'roles', e.roles,
           'using', e.using_expression,
           'check', e.check_expression
         ),
         'actual', pg_catalog.jsonb_build_object(
           'restrictive', not p.polpermissive,
           'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                    when 'd' then 'delete' else 'all' end,
           'roles', array(select case r.member when 0 then 'public' else pg_catalog.pg_get_userbyid(r.member)::text end
                            from pg_catalog.unnest(p.polroles) as r (member)),
           'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
           'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
         ),
         -- PostgreSQL compares a varchar as text, and a domain as the type below it, and prints both as casts
         'casts', coalesce(casts.list, '[]')
       ) as evidence
  from expected_policy e
  join pg_catalog.pg_policy p on p.polrelid = e.table_oid and p.polname = e.name
  left join casts on casts.policy_oid = p.oid
