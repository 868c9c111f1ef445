-- The application's role may do less than the manifest says.
-- level: warning
-- attacks: S20

-- whoever may do something with some columns only was given just that
select lacking.object, e.role_name || ' may not ' || lacking.what,
       pg_catalog.format('grant %s to %I;', lacking.mend, e.role_name)
  from expected_role e
 cross join lateral (
         select 'schema ' || pg_catalog.quote_ident(s.schema_name), 'use it',
                pg_catalog.format('usage on schema %I', s.schema_name)
           from own_schema s
          where not pg_catalog.has_schema_privilege(e.oid, s.oid, 'usage')
         union all
         select 'table ' || t.name,
                pg_catalog.string_agg(command.name, ', ' order by command.position),
                pg_catalog.format('%s on %s', pg_catalog.string_agg(command.name, ', ' order by command.position), t.name)
           from expected_table t
          cross join pg_catalog.unnest(t.commands) with ordinality as command (name, position)
          where t.relkind in ('r', 'p')
            -- no column is deleted, and to ask for that raises an error
            and not case when command.name = 'delete' then pg_catalog.has_table_privilege(e.oid, t.oid, 'delete')
                         else pg_catalog.has_any_column_privilege(e.oid, t.oid, command.name) end
          group by t.name
         union all
         select 'function ' || p.oid::pg_catalog.regprocedure, 'execute it',
                pg_catalog.format('execute on function %s', p.oid::pg_catalog.regprocedure)
           from pg_catalog.pg_proc p
           join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'tenancy'
          where p.proname in ('current_tenant_id', 'require_tenant_id') and p.pronargs = 0
            and not pg_catalog.has_function_privilege(e.oid, p.oid, 'execute')
       ) as lacking (object, what, mend)
 where e.purpose = 'app' and e.oid is not null
