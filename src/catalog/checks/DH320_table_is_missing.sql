-- The database lacks a table of the manifest.
-- level: error
-- attacks: S27
-- startup: yes

select case when t.relkind = 'v' then 'view ' when t.relkind = 'm' then 'materialized view '
            when t.relkind = 'f' then 'foreign table ' else 'table ' end || t.name,
       case when t.oid is null then 'is in the manifest and not in the database'
            else 'stands where the manifest has a table; no policy can hold it' end,
       'run the migrations; or run prisma generate, if the model is gone'
  from expected_table t
 where t.oid is null or t.relkind not in ('r', 'p') and not (t.is_view and t.relkind = 'v')
