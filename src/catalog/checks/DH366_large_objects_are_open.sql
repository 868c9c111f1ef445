-- The application reads large objects, which no policy holds.
-- level: warning
-- attacks: X4

select 'large objects',
       pg_catalog.format('%s of them are open to %s', pg_catalog.count(distinct open.oid),
                         pg_catalog.string_agg(distinct open.who, ', ')),
       'keep what they hold in a column of type bytea of a table with a tenant, and lo_unlink them'
  from (
         select m.oid, pg_catalog.quote_ident(held.role_name)
           from pg_catalog.pg_largeobject_metadata m
           join (select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))) as held on held.oid = m.lomowner
         union all
         select m.oid, coalesce(pg_catalog.quote_ident(held.role_name), 'public')
           from pg_catalog.pg_largeobject_metadata m
          cross join pg_catalog.aclexplode(m.lomacl) as acl
           left join (select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))) as held on held.oid = acl.grantee
          where acl.grantee = 0 or held.oid is not null
       ) as open (oid, who)
having pg_catalog.count(*) > 0
union all
select setting.object, 'sets lo_compat_privileges: whose large object it is, is not asked', setting.reset_sql
  from session_setting setting
 where setting.name = 'lo_compat_privileges' and pg_catalog.lower(setting.value) in ('on', 'true', 't', 'tr', 'tru', 'yes', 'ye', 'y', '1')
union all
select 'server', 'sets lo_compat_privileges: whose large object it is, is not asked', 'alter system reset lo_compat_privileges;'
 where pg_catalog.current_setting('lo_compat_privileges')::boolean
   and not exists (select from session_setting setting where setting.name = 'lo_compat_privileges' and setting.role_name is null)
