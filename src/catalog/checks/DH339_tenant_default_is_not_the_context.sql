-- The tenant column's default is not the context's tenant.
-- level: warning
-- attacks: P4

-- The policies refuse such a row of a tenant. Whoever passes the policies writes it, to a tenant that nobody meant.
select 'table ' || t.name,
       pg_catalog.format('the default of %I is not the tenant of the context', t.tenant_column),
       pg_catalog.format('alter table %s alter column %I set default tenancy.require_tenant_id();', t.name, t.tenant_column)
  from tenant_table t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = t.tenant_attnum
  join pg_catalog.pg_attrdef d on d.adrelid = t.oid and d.adnum = t.tenant_attnum
 cross join lateral (select pg_catalog.pg_get_expr(d.adbin, d.adrelid)) as written (text)
 where t.scope in ('direct', 'shared') and a.attgenerated = ''
   and written.text !~ '^NULL(::|$)'
   and written.text !~ '\mtenancy\.(require|current)_tenant_id\(\)'
   and written.text !~ '\mcurrent_setting\(''app\.tenant_id'''
   -- a function of the application's that says the same for a whole statement may well ask the context
   and not exists (
         select from pg_catalog.pg_depend n
           join pg_catalog.pg_proc p on p.oid = n.refobjid
          where n.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and n.objid = d.oid
            and n.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            -- whether the package's own are stable is DH340's
            and (p.provolatile = 's' or p.oid in (select f.oid from expected_function f where f.oid is not null)))
