-- No index serves what the policies of a table compare.
-- level: warning
-- attacks: S16

-- Without one, a query that finds nothing takes as long as other tenants have rows: slow, and a clock to read them by.
with wanted as (
  select t.oid, t.name, t.relkind, array[t.tenant_attnum] as attnums, pg_catalog.quote_ident(t.tenant_column) as columns
    from tenant_table t
   where t.scope in ('direct', 'shared')
   union all
  select r.table_oid, r.name, t.relkind, r.attnums,
         (select pg_catalog.string_agg(pg_catalog.quote_ident(c.name), ', ' order by c.n)
            from pg_catalog.unnest(r.columns) with ordinality as c (name, n))
    from expected_relation r
    join expected_table t on t.oid = r.table_oid
   where r.purpose = 'through'
      -- its primary key begins with A
      or (r.purpose = 'join' and r.columns = array['B'])
)
select 'table ' || w.name,
       pg_catalog.format('has no index that begins with %s', w.columns),
       pg_catalog.format('create index %son %s (%s);', case when w.relkind = 'p' then '' else 'concurrently ' end,
                         w.name, w.columns)
  from wanted w
 where w.attnums <> '{}'
   and not exists (
         select from pg_catalog.pg_index i
          -- an invalid one is a finding of its own
          where i.indrelid = w.oid and i.indpred is null and i.indkey[0] = any (w.attnums))
   -- each partition holds few tenants
   and not exists (
         select from pg_catalog.pg_partitioned_table p
          where p.partrelid = w.oid and p.partattrs[0] = any (w.attnums))
