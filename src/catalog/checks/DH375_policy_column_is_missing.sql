-- A table lacks a column that its policies are made of.
-- level: error
-- attacks: S7, S27

-- A policy follows the column that it was made with, whatever it is called later.
select 'table ' || wanted.name,
       'has no column '
         || pg_catalog.string_agg(distinct pg_catalog.quote_ident(wanted.column_name), ', '),
       'run the migrations; or run prisma generate, if the field has another column now'
  from (select t.name, t.oid, t.tenant_column as column_name from expected_table t
         union all
        select r.name, r.table_oid, c.name
          from expected_relation r, pg_catalog.unnest(r.columns) as c (name)
         where r.purpose is not null
         union all
        select r.target_name, r.target_oid, c.name
          from expected_relation r, pg_catalog.unnest(r.target_columns) as c (name)
         where r.purpose is not null) as wanted
 where wanted.oid is not null and wanted.column_name is not null
   and not exists (
         select from pg_catalog.pg_attribute a
          where a.attrelid = wanted.oid and a.attname = wanted.column_name and not a.attisdropped)
 group by wanted.name
