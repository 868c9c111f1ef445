-- A table lacks policies that the manifest asks for, or has those of another definition.
-- level: error
-- attacks: S8, S27

-- A name ends with a hash of the definition, so a policy that is there for the same purpose under another hash was
-- written for another manifest or for other roles. One finding a table, however many are missing.
with missing as materialized (
  select e.table_oid, e.table_full_name, e.name
    from expected_policy e
    join expected_table t on t.oid = e.table_oid and t.relkind in ('r', 'p')
   where not exists (select from pg_catalog.pg_policy p where p.polrelid = e.table_oid and p.polname = e.name)
)
select 'table ' || e.table_full_name,
       pg_catalog.concat_ws('; ',
         'lacks ' || pg_catalog.string_agg(e.name, ', ' order by e.name collate "C") filter (where other.name is null),
         pg_catalog.string_agg(pg_catalog.format('has %s, which is of another definition than %s', other.name, e.name), '; '
                    order by e.name collate "C") filter (where other.name is not null)),
       'run the migrations, if one waits; otherwise doublehull protect, which puts the policies of the manifest in'
  from missing e
  left join lateral (
    select pg_catalog.string_agg(p.polname::text, ' and ' order by p.polname) as name
      from pg_catalog.pg_policy p
     where p.polrelid = e.table_oid
       and p.polname ~ '_[0-9a-f]{8}$'
       and pg_catalog.regexp_replace(p.polname, '_[0-9a-f]{8}$', '')
         = pg_catalog.regexp_replace(e.name, '_[0-9a-f]{8}$', '')
       and not exists (select from expected_policy o where o.table_oid = p.polrelid and o.name = p.polname)
  ) as other on true
 group by e.table_full_name
