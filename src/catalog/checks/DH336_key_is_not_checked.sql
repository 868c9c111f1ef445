-- A constraint that holds the tenant of a row is not checked for all rows.
-- level: warning
-- attacks: S1, S3

-- Of a constraint that was added NOT VALID nobody knows whether the rows of before keep it; one that is not enforced
-- (from PostgreSQL 18 on) holds no row. One whose triggers are disabled holds none either: DH326.
with guarding as (
  select k.oid, k.conname, k.contype, t.oid as table_oid, t.name, k.convalidated,
         coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true) as is_enforced
    from expected_table t
    join pg_catalog.pg_constraint k on k.conrelid = t.oid
    left join tenant_table tt on tt.oid = t.oid
   -- n: the NOT NULL of a column, which is a constraint from 18 on
   where k.contype in ('f', 'c', 'n') and k.conparentid = 0
     and (tt.tenant_attnum = any (k.conkey)
          or exists (select from expected_relation r
                      where r.table_oid = t.oid and r.purpose in ('through', 'join') and r.attnums && k.conkey))
)
select pg_catalog.format('constraint %I on %s', g.conname, g.name),
       case when not g.is_enforced then 'is not enforced: it is not checked at all'
            else 'is not validated: rows of before may break it' end,
       case when not g.is_enforced and g.contype = 'f' then
              pg_catalog.format('alter table %s alter constraint %I enforced;', g.name, g.conname)
            when not g.is_enforced then
              pg_catalog.format('alter table %1$s drop constraint %2$I, add constraint %2$I %3$s;', g.name, g.conname,
                                pg_catalog.replace(pg_catalog.pg_get_constraintdef(g.oid), ' NOT ENFORCED', ''))
            else pg_catalog.format('alter table %s validate constraint %I;', g.name, g.conname) end
  from guarding g
 where not g.convalidated or not g.is_enforced
