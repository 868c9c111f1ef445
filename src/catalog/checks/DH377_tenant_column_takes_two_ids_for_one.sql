-- A tenant column takes two ids for one.
-- level: error
-- attacks: G7

-- A policy compares a column as its type and its collation say. By a collation that is not deterministic, and to a
-- citext, ids that differ in case or accents are equal: the tenant abc then sees the rows of ABC, whichever hull asks.
select pg_catalog.format('column %s.%I', t.name, t.tenant_column),
       case when c.oid is null then 'is a citext: ids that differ in case are equal to it'
            else pg_catalog.format('has the collation %I.%I, which is not deterministic: ids that differ may be equal to it',
                                   n.nspname, c.collname) end,
       pg_catalog.format(e'-- without the policies of the table, which doublehull policies then writes again\n'
                         'alter table %s alter column %I type text collate "C";', t.name, t.tenant_column)
  from tenant_table t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = t.tenant_attnum
  join pg_catalog.pg_type d on d.oid = a.atttypid
  left join pg_catalog.pg_type b on b.oid = d.typbasetype and d.typtype = 'd'
  left join pg_catalog.pg_collation c on c.oid = a.attcollation and not c.collisdeterministic
  left join pg_catalog.pg_namespace n on n.oid = c.collnamespace
 where c.oid is not null or coalesce(b.typname, d.typname) = 'citext'
