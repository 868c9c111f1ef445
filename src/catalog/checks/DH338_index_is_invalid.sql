-- An index of a table of the manifest is invalid.
-- level: warning
-- attacks: S5, S16

-- What a CREATE INDEX CONCURRENTLY that failed leaves behind: no query uses it, and a unique one may hold some rows only.
select 'index ' || x.name,
       case when i.indisunique then 'is invalid: its key may not be unique, no foreign key may rely on it, and no query uses it'
            else 'is invalid: no query uses it' end || ' (or it is being built now)',
       case when t.relkind = 'p' then '-- attach an index of each partition: alter index … attach partition …'
            else pg_catalog.format('reindex index concurrently %s;', x.name) end
  from expected_table t
  join pg_catalog.pg_index i on i.indrelid = t.oid
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 cross join lateral (select pg_catalog.format('%I.%I', n.nspname, c.relname)) as x (name)
 where not (i.indisvalid and i.indisready and i.indislive)
