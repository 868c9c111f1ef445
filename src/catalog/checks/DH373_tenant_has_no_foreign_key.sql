-- Tenant columns are in no foreign key.
-- level: info
-- attacks: S3

-- Rows then outlive their tenant, and may name one that never was. A key to another tenant's table that carries the
-- tenant will do as well. One finding a schema, because schemas are made with foreign keys or without.
with loose as (
  select t.*, pg_catalog.row_number() over (partition by t.schema_name order by t.name collate "C") as place
    from tenant_table t
   where t.scope in ('direct', 'shared')
     and not exists (
           select from pg_catalog.pg_constraint k
            where k.contype = 'f' and k.conrelid = t.oid and t.tenant_attnum = any (k.conkey))
)
select pg_catalog.format('schema %I', l.schema_name),
       pg_catalog.format(
         'no foreign key says that the tenant is there, of %s%s',
         pg_catalog.string_agg(l.name, ', ' order by l.name collate "C") filter (where l.place <= 10),
         case when pg_catalog.count(*) > 10 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 10) end),
       pg_catalog.string_agg(
         pg_catalog.format('alter table %s add foreign key (%I) references %s (%I) on delete restrict on update restrict%s;',
                           l.name, l.tenant_column, root.name, root.tenant_column,
                           case when l.relkind = 'p' then '' else ' not valid' end),
         e'\n' order by l.name collate "C")
  from loose l
 cross join (select t.name, t.tenant_column from expected_table t where t.scope = 'root') as root
 group by l.schema_name
