-- A login of the application may make temporary tables or schemas.
-- level: warning
-- attacks: S12, S23

select 'this database',
       pg_catalog.string_agg(held.who || ' has ' || held.privileges, '; ' order by held.who collate "C"),
       pg_catalog.string_agg(pg_catalog.format('revoke %s on database %I from %s;', held.privileges, d.datname, held.who),
                             ' ' order by held.who collate "C")
  from pg_catalog.pg_database d
 cross join lateral (
         select coalesce(pg_catalog.quote_ident(r.role_name), 'public'),
                pg_catalog.string_agg(distinct acl.privilege_type, ', ' order by acl.privilege_type)
           -- an acl that is null stands for the default one, in which everybody has TEMPORARY
           from pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) as acl
           left join (
                  select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
                ) as r on r.oid = acl.grantee
          where acl.privilege_type in ('CREATE', 'TEMPORARY')
            and (acl.grantee = 0 or r.oid is not null)
            and acl.grantee <> d.datdba
          group by acl.grantee, r.role_name
       ) as held (who, privileges)
 where d.datname = pg_catalog.current_database()
 group by d.datname
