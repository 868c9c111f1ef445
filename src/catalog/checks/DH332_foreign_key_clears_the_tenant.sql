-- A foreign key clears or resets the tenant of a row when the row that it refers to goes.
-- level: error
-- attacks: S4

-- SET NULL and SET DEFAULT change every column of the key unless it lists some; on update they can't list any. Where
-- the tenant may not be null the statement fails instead: a nuisance, and nothing gets out.
select k.object,
       pg_catalog.format(
         '%s %s: a private row is then %s',
         pg_catalog.concat_ws(
           ' and ',
           case when changed.on_delete then 'on delete ' || k.on_delete end,
           case when changed.on_update then 'on update ' || k.on_update end),
         case when 'n' in (case when changed.on_delete then k.confdeltype end,
                           case when changed.on_update then k.confupdtype end)
              then pg_catalog.format('clears %I', k.tenant_column)
              else pg_catalog.format('sets %I to its default', k.tenant_column) end,
         case when k.scope = 'shared' then 'shared with all tenants' else 'another tenant''s or nobody''s' end),
       pg_catalog.format(
         e'alter table %s drop constraint %I,\n'
         '  add constraint %I foreign key (%s) references %s (%s) on delete %s on update %s%s;',
         k.name, k.conname, k.conname, k.columns, k.target_name, k.target_columns,
         case when not changed.on_delete then
                case when k.confdelsetcols is null then k.on_delete
                     else pg_catalog.format('%s (%s)', k.on_delete, k.columns_but_tenant) end
              when k.columns_but_tenant is null then 'restrict'
              else pg_catalog.format('%s (%s)', k.on_delete, k.columns_but_tenant) end,
         case when changed.on_update then 'no action' else k.on_update end,
         k.deferral)
  from foreign_key k
  left join pg_catalog.pg_attrdef d on d.adrelid = k.conrelid and d.adnum = k.tenant_attnum
 -- the default that reads the context is the tenant of whoever deletes, and so the row's own
 cross join lateral (
         select d.oid is not null
                and pg_catalog.pg_get_expr(d.adbin, d.adrelid) !~ 'tenancy\.(require|current)_tenant_id\(\)'
                  as moves
       ) as reset
 cross join lateral (
         select (k.confdeltype = 'n' and not k.tenant_not_null
                 or k.confdeltype = 'd' and (reset.moves or d.oid is null and not k.tenant_not_null))
                and (k.confdelsetcols is null or k.tenant_attnum = any (k.confdelsetcols)) as on_delete,
                (k.confupdtype = 'n' and not k.tenant_not_null
                 or k.confupdtype = 'd' and (reset.moves or d.oid is null and not k.tenant_not_null)) as on_update
       ) as changed
 where k.tenant_attnum = any (k.conkey) and k.scope <> 'root'
   and (changed.on_delete or changed.on_update)
   -- the tenant itself goes, and what it had becomes nobody's, as a direct model's rows without a tenant are
   and not (k.scope = 'direct' and k.target_scope = 'root' and k.confdeltype = 'n' and not changed.on_update
            and pg_catalog.cardinality(k.conkey) = 1)
