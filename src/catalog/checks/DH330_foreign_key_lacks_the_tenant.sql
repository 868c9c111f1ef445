-- A foreign key between two tenants' tables does not carry the tenant.
-- level: error
-- attacks: S1, S2

-- PostgreSQL checks foreign keys, and follows their actions, without asking a policy. A key to the tenants' own table
-- leads to no tenant's rows, and one to a shared model can't carry the tenant: DH376.
select k.object,
       pg_catalog.format('refers to %s by (%s) alone: a tenant may link to another''s row, and learns that it is there',
                         k.target_name, k.target_columns),
       pg_catalog.concat_ws(
         e'\n',
         case when not exists (
                select from pg_catalog.pg_index i
                 where i.indrelid = k.confrelid and i.indisunique and i.indisvalid and i.indimmediate
                   and i.indpred is null
                   -- an int2vector counts from zero, and its included columns follow the keys
                   and (i.indkey::int2[])[0:i.indnkeyatts - 1] @> (k.target_tenant_attnum || k.confkey)
                   and (i.indkey::int2[])[0:i.indnkeyatts - 1] <@ (k.target_tenant_attnum || k.confkey))
              then pg_catalog.format(
                     'create unique index %son %s (%I, %s);',
                     case when k.target_relkind = 'p' then '' else 'concurrently ' end,
                     k.target_name, k.target_tenant_column, k.target_columns)
         end,
         pg_catalog.format(
           'alter table %s add constraint %I foreign key (%I, %s) references %s (%I, %s) on delete %s%s on update %s%s%s;',
           k.name, pg_catalog.left(k.conname, 56) || '_tenant', k.tenant_column, k.columns,
           k.target_name, k.target_tenant_column, k.target_columns,
           k.on_delete, case when k.confdeltype in ('n', 'd') then pg_catalog.format(' (%s)', k.columns) end,
           -- of an update PostgreSQL would clear or reset the tenant as well
           case when k.confupdtype in ('n', 'd') then 'no action' else k.on_update end,
           k.deferral, case when k.relkind = 'p' then '' else ' not valid' end),
         case when k.relkind <> 'p' then pg_catalog.format(
           'alter table %s validate constraint %I;', k.name, pg_catalog.left(k.conname, 56) || '_tenant') end,
         pg_catalog.format('alter table %s drop constraint %I;', k.name, k.conname))
  from foreign_key k
 where k.scope in ('root', 'direct', 'shared') and k.target_scope = 'direct'
   and k.tenant_attnum is not null and k.target_tenant_attnum is not null
   and not k.carries_tenant
   -- who only reads the table links nothing
   and k.commands && array['insert', 'update']
   -- a key beside it that carries the tenant holds the same columns
   and not exists (
         select from pg_catalog.pg_constraint beside
          where beside.contype = 'f' and beside.conrelid = k.conrelid and beside.confrelid = k.confrelid
            and beside.conkey @> k.conkey
            and exists (select from pg_catalog.generate_subscripts(beside.conkey, 1) as i (n)
                         where beside.conkey[i.n] = k.tenant_attnum and beside.confkey[i.n] = k.target_tenant_attnum))
