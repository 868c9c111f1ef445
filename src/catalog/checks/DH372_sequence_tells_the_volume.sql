-- Tenants' tables are numbered from sequences that all tenants share.
-- level: info
-- attacks: X1

-- A sequence knows no tenant: the numbers that a tenant is given tell how many the others took. One finding a schema.
with numbered as (
  select t.schema_name, pg_catalog.format('%s.%I', t.name, a.attname) as column_name
    from expected_table t
    join pg_catalog.pg_depend d
      -- a: owned by a serial column; i: of an identity column
      on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = t.oid and d.deptype in ('a', 'i')
     and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
   where t.scope in ('direct', 'shared', 'through') and 'insert' = any (t.commands)
   union
  select t.schema_name, pg_catalog.format('%s.%I', t.name, a.attname)
    from expected_table t
    join pg_catalog.pg_attrdef f on f.adrelid = t.oid
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and d.objid = f.oid
     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    join pg_catalog.pg_class s on s.oid = d.refobjid and s.relkind = 'S'
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = f.adnum
   where t.scope in ('direct', 'shared', 'through') and 'insert' = any (t.commands)
)
select pg_catalog.format('schema %I', n.schema_name),
       pg_catalog.format('tenants learn the volume of others from the numbers of %s%s',
         pg_catalog.string_agg(n.column_name, ', ' order by n.column_name collate "C") filter (where n.place <= 10),
         case when pg_catalog.count(*) > 10 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 10) end),
       'let the ids be made up, as by @default(uuid(7)); number what people count by tenant'
  from (select numbered.*, pg_catalog.row_number() over (partition by schema_name order by column_name collate "C") as place
          from numbered) as n
 group by n.schema_name
