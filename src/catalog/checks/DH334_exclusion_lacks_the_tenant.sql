-- An exclusion constraint of a tenants' table lacks the tenant.
-- level: info
-- attacks: S6

select pg_catalog.format('constraint %I on %s', x.conname, x.name),
       pg_catalog.format('compares rows of all tenants by (%s): a collision tells a tenant what another has', x.columns),
       pg_catalog.format(
         e'create extension if not exists btree_gist; -- lets GiST compare the tenant\n'
         'alter table %1$s drop constraint %2$I,\n'
         '  add constraint %2$I exclude using %3$s (%4$s with =, %5$s;',
         x.name, x.conname, x.method, coalesce(pg_catalog.quote_ident(x.tenant_column), '<the key of its parent>'),
         pg_catalog.regexp_replace(k.definition, '^EXCLUDE USING \w+ \(', ''))
  from colliding_index x
  join pg_catalog.pg_constraint c on c.conindid = x.indexrelid and c.contype = 'x'
 cross join lateral (select pg_catalog.pg_get_constraintdef(c.oid)) as k (definition)
 where not x.indisunique
