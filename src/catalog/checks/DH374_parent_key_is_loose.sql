-- The key to the parent that gives a row its tenant is loose.
-- level: info
-- attacks: S1

-- Without a foreign key a row outlives its parent, and belongs to whoever next makes a parent of that id.
select 'table ' || r.name,
       pg_catalog.concat_ws(
         '; ',
         case when not is_held then pg_catalog.format('no foreign key holds its parent in %s', r.target_name) end,
         case when is_nullable then 'its key may be null, and such a row is nobody''s' end),
       pg_catalog.concat_ws(
         e'\n',
         case when not is_held then
           pg_catalog.format('alter table %s add foreign key (%s) references %s (%s)%s;', r.name, listed.columns,
                             r.target_name, listed.target_columns,
                             case when t.relkind = 'p' then '' else ' not valid' end) end,
         case when is_nullable then listed.not_null end)
  from expected_relation r
  join expected_table t on t.oid = r.table_oid and t.relkind in ('r', 'p')
  join expected_table target on target.oid = r.target_oid and target.relkind in ('r', 'p')
 cross join lateral (
         select exists (
                  select from pg_catalog.pg_constraint k
                   where k.contype = 'f' and k.conrelid = r.table_oid and k.confrelid = r.target_oid
                     and k.conkey @> r.attnums) as is_held,
                exists (
                  select from pg_catalog.pg_attribute a
                    join pg_catalog.pg_type y on y.oid = a.atttypid
                   where a.attrelid = r.table_oid and a.attnum = any (r.attnums)
                     and not a.attnotnull and not y.typnotnull) as is_nullable
       ) as found
 cross join lateral (
         select (select pg_catalog.string_agg(pg_catalog.quote_ident(c.name), ', ' order by c.n)
                   from pg_catalog.unnest(r.columns) with ordinality as c (name, n)) as columns,
                (select pg_catalog.string_agg(pg_catalog.quote_ident(c.name), ', ' order by c.n)
                   from pg_catalog.unnest(r.target_columns) with ordinality as c (name, n)) as target_columns,
                (select pg_catalog.string_agg(pg_catalog.format('alter table %s alter column %I set not null;', r.name, c.name),
                                              e'\n' order by c.n)
                   from pg_catalog.unnest(r.columns) with ordinality as c (name, n)) as not_null
       ) as listed
 where r.purpose = 'through' and r.attnums <> '{}' and (not is_held or is_nullable)
