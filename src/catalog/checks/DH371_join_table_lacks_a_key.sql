-- The table of a many-to-many relation lacks a foreign key to one of its ends.
-- level: warning
-- attacks: S25

-- Without it a link outlives its row, and belongs to whoever next makes a row of that key.
select 'table ' || r.name,
       'has no foreign key to '
         || pg_catalog.string_agg(pg_catalog.format('%s (column %I)', r.target_name, r.columns[1]), ' and '
                                  order by r.columns[1] collate "C"),
       pg_catalog.string_agg(
         pg_catalog.format(
           e'alter table %s add foreign key (%I) references %s (%I) on delete cascade on update cascade;',
           r.name, r.columns[1], r.target_name, r.target_columns[1]),
         e'\n' order by r.columns[1] collate "C")
  from expected_relation r
 where r.purpose = 'join' and r.attnums <> '{}' and r.target_oid is not null
   and not exists (
         select from pg_catalog.pg_constraint k
          where k.contype = 'f' and k.conrelid = r.table_oid and k.confrelid = r.target_oid and k.conkey @> r.attnums)
 group by r.name
