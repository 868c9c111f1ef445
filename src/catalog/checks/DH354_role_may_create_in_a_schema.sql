-- A login of the application may create objects in a schema.
-- level: warning
-- attacks: S14, S23, S24

select 'schema ' || pg_catalog.quote_ident(n.nspname),
       pg_catalog.string_agg(distinct coalesce(pg_catalog.quote_ident(r.role_name), 'public'), ', ') || ' may create in it',
       pg_catalog.string_agg(distinct pg_catalog.format('revoke create on schema %I from %s;', n.nspname,
                                                        coalesce(pg_catalog.quote_ident(r.role_name), 'public')), ' ')
  from pg_catalog.pg_namespace n
 cross join pg_catalog.aclexplode(n.nspacl) as acl
  left join (
         select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
       ) as r on r.oid = acl.grantee
 where acl.privilege_type = 'CREATE'
   and (acl.grantee = 0 or r.oid is not null)
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   -- the owner of one of these schemas is found by DH311
   and not (acl.grantee = n.nspowner and n.oid in (select s.oid from own_schema s))
 group by n.oid, n.nspname
