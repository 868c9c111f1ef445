-- A unique key of a tenants' table lacks the tenant.
-- level: info
-- attacks: S5, P7

-- An index asks no policy: a collision with another tenant's row answers 23505, and DO NOTHING counts it.
select 'index ' || x.index_name,
       pg_catalog.format('is unique over (%s) for all tenants together: a collision tells a tenant what another has', x.columns),
       pg_catalog.concat_ws(
         e'\n',
         case when x.is_referred_to then '-- first let the foreign keys that refer to it carry the tenant' end,
         pg_catalog.format(
           'create unique index %son %s using %s (%s, %s;',
           case when x.relkind = 'p' then '' else 'concurrently ' end, x.name, x.method,
           coalesce(pg_catalog.quote_ident(x.tenant_column), '<the key of its parent>'), x.definition),
         case when x.conname is not null then pg_catalog.format('alter table %s drop constraint %I;', x.name, x.conname)
              when x.relkind = 'p' then pg_catalog.format('drop index %s;', x.index_name)
              else pg_catalog.format('drop index concurrently %s;', x.index_name) end)
  from colliding_index x
 where x.indisunique
