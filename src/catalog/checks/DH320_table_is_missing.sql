-- The database lacks a table of the manifest.
-- level: error
-- attacks: S27
-- startup: yes

select 'table ' || t.name,
       'is in the manifest and not in the database',
       'run the migrations; or run prisma generate, if the model is gone'
  from expected_table t
 where t.oid is null
