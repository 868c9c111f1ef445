-- A tenant's table lets its tenant column be null.
-- level: info
-- attacks: S3

-- A foreign key of several columns is not checked at all where one of them is null. No tenant sees or writes such a row,
-- and a schema may mean it so.
select 'table ' || t.name,
       pg_catalog.format('%I may be null: such a row is nobody''s, and none of its foreign keys that carry the tenant is checked',
                         t.tenant_column),
       pg_catalog.format(
         e'alter table %1$s add constraint %2$I check (%3$I is not null) not valid;\n'
         'alter table %1$s validate constraint %2$I;\n'
         -- finds the constraint, and reads no row under its lock
         'alter table %1$s alter column %3$I set not null;\n'
         'alter table %1$s drop constraint %2$I;',
         t.name, pg_catalog.left(t.table_name, 40) || '_tenant_is_set', t.tenant_column)
  from tenant_table t
  join pg_catalog.pg_type d on d.oid = t.tenant_type
 where t.scope = 'direct' and not t.tenant_not_null and not d.typnotnull
   and not exists (
         select from pg_catalog.pg_constraint c
          where c.conrelid = t.oid and c.contype = 'c' and c.convalidated and c.conkey = array[t.tenant_attnum]
            and pg_catalog.pg_get_constraintdef(c.oid)
                  in (pg_catalog.format('CHECK ((%I IS NOT NULL))', t.tenant_column),
                      pg_catalog.format('CHECK ((%I IS NOT NULL)) NO INHERIT', t.tenant_column)))
