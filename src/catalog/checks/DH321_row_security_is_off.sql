-- Row-level security is off for a table of the manifest, or does not bind the table's owner.
-- level: error
-- attacks: R2, S27
-- startup: yes

select 'table ' || t.name,
       case when c.relrowsecurity then 'row-level security is not forced: the owner reads past the policies'
            else 'row-level security is not enabled: the policies are not asked' end,
       pg_catalog.format('alter table %s enable row level security, force row level security;', t.name)
  from expected_table t
  join pg_catalog.pg_class c on c.oid = t.oid
 -- what is no table can't have it, and is DH320's
 where c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
