-- A foreign key can't carry the tenant, because an end of it has no tenant column or shares rows.
-- level: warning
-- attacks: S1, S2

-- The policy of a table without a tenant column asks one parent; every other key of it leads wherever it likes, and so
-- does a key to such a table. A key to a shared model must reach rows without a tenant, which one of two columns can't.
select k.object,
       case when k.scope = 'through'
              then pg_catalog.format('%s has no tenant column: a tenant may link its row to another''s in %s', k.name, k.target_name)
            when k.target_scope = 'through'
              then pg_catalog.format('%s has no tenant column: a tenant may link to another''s row in it', k.target_name)
            else pg_catalog.format('%s has shared rows: a tenant may link to another''s private row in it', k.target_name) end,
       case when k.scope = 'through' or k.target_scope = 'through'
              then pg_catalog.format(
                     'give %s a tenant column, filled from its parent, and let the foreign key carry it on both ends',
                     pg_catalog.concat_ws(' and ', case when k.scope = 'through' then k.name end,
                                          case when k.target_scope = 'through' and k.target_name <> k.name
                                               then k.target_name end))
            else 'keep the shared rows in a table of their own, with a key of its own; or refuse such a link in a trigger' end
  from foreign_key k
 where k.commands && array['insert', 'update']
   and ((k.scope = 'through' and k.target_scope in ('direct', 'shared', 'through')
         -- the parent that the policy asks
         and not exists (
               select from expected_relation r
                where r.table_oid = k.conrelid and r.target_oid = k.confrelid and r.purpose = 'through'
                  and r.attnums <@ k.conkey))
        or (k.scope in ('root', 'direct', 'shared') and k.target_scope = 'through')
        or (k.scope in ('root', 'direct', 'shared') and k.target_scope = 'shared' and not k.carries_tenant
            and k.target_tenant_attnum is not null))
   -- the trigger of doublehull policies --denormalise fills the tenant from this parent, and a tenant finds none in another's
   and not exists (
         select from pg_catalog.pg_trigger g
          where g.tgrelid = k.conrelid and g.tgname = 'fill_tenant' and g.tgenabled in ('O', 'A') and not g.tgisinternal
            -- before, for each row, on insert and update
            and g.tgtype & 23 = 23 and g.tgattr::pg_catalog.int2[] @> k.conkey)
   -- both ends have one parent, and the key carries that
   and not exists (
         select from expected_relation r
           join expected_relation other on other.target_oid = r.target_oid and other.purpose = 'through'
          cross join pg_catalog.generate_subscripts(k.conkey, 1) as i (n)
          where r.table_oid = k.conrelid and r.purpose = 'through' and other.table_oid = k.confrelid
            and r.attnums = array[k.conkey[i.n]] and other.attnums = array[k.confkey[i.n]])
   -- a key beside it that carries the tenant holds the same columns
   and not exists (
         select from pg_catalog.pg_constraint beside
          where beside.contype = 'f' and beside.conrelid = k.conrelid and beside.confrelid = k.confrelid
            and beside.conkey @> k.conkey
            and exists (select from pg_catalog.generate_subscripts(beside.conkey, 1) as i (n)
                         where beside.conkey[i.n] = k.tenant_attnum and beside.confkey[i.n] = k.target_tenant_attnum))
