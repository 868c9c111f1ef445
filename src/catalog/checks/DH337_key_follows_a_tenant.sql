-- Foreign keys that carry the tenant cascade when it changes.
-- level: info
-- attacks: P5

-- The tenant of a row never changes; if whoever passes the policies changes one, the rows below follow into the other
-- tenant silently. Prisma writes ON UPDATE CASCADE unless told otherwise, so this is one finding a table.
select 'table ' || k.name,
       'on update cascade moves rows between tenants: '
         || pg_catalog.string_agg(pg_catalog.quote_ident(k.conname), ', ' order by k.conname collate "C"),
       pg_catalog.format(
         e'-- in the Prisma schema: onUpdate: Restrict\nalter table %s\n  %s;', k.name,
         pg_catalog.string_agg(
           pg_catalog.format('drop constraint %1$I, add constraint %1$I %2$s', k.conname,
                             pg_catalog.replace(pg_catalog.pg_get_constraintdef(k.oid),
                                                ' ON UPDATE CASCADE', ' ON UPDATE RESTRICT')),
           e',\n  ' order by k.conname collate "C"))
  from foreign_key k
 where k.confupdtype = 'c' and k.tenant_attnum = any (k.conkey) and k.scope <> 'root'
 group by k.name
