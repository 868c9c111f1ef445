-- Objects that are made later are open from birth.
-- level: warning
-- attacks: S9, S12, S27

select 'default privileges of ' || pg_catalog.quote_ident(r.rolname)
         || case when later.schema_name is not null then ' in schema ' || pg_catalog.quote_ident(later.schema_name) else '' end,
       pg_catalog.string_agg(later.what, '; ' order by later.what collate "C"),
       pg_catalog.string_agg(
         pg_catalog.format('alter default privileges for role %I%s revoke %s;', r.rolname,
                           case when later.schema_name is not null then pg_catalog.format(' in schema %I', later.schema_name) end,
                           later.mend), ' ' order by later.what collate "C")
  from (
         select a.defaclrole, n.nspname,
                pg_catalog.format('%s has %s on %s', who.name,
                                  pg_catalog.string_agg(acl.privilege_type, ', ' order by acl.privilege_type), kind.name),
                pg_catalog.format('%s on %s from %s',
                                  pg_catalog.string_agg(acl.privilege_type, ', ' order by acl.privilege_type), kind.name, who.name)
           from pg_catalog.pg_default_acl a
           left join pg_catalog.pg_namespace n on n.oid = a.defaclnamespace
          cross join pg_catalog.aclexplode(a.defaclacl) as acl
           -- sequences and functions of one's own roles are harmless; what they reach is a table
           join (values ('r', 'tables', false), ('n', 'schemas', false), ('S', 'sequences', true)) as kind (type, name, for_public)
             on kind.type = a.defaclobjtype::text
           left join (
                  select distinct o.oid, o.role_name from own_reach o where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
                ) as held on held.oid = acl.grantee
          cross join lateral (select coalesce(pg_catalog.quote_ident(held.role_name), 'public')) as who (name)
          where (acl.grantee = 0 or (held.oid is not null and not kind.for_public))
            -- to use a schema is not yet to have something in it
            and not (kind.type = 'n' and acl.privilege_type = 'USAGE' and acl.grantee <> 0)
            and acl.grantee <> a.defaclrole
            and (n.oid is null or n.nspname !~ '^pg_')
          group by a.oid, a.defaclrole, n.nspname, kind.name, who.name
         union all
         -- without default privileges of its own, all that a role makes may be executed by everybody
         select e.oid, null, 'public has EXECUTE on functions', 'execute on functions from public'
           from expected_role e
           left join pg_catalog.pg_default_acl a
             on a.defaclrole = e.oid and a.defaclnamespace = 0 and a.defaclobjtype = 'f'
          where e.purpose = 'owner' and e.oid is not null
            and exists (select from pg_catalog.aclexplode(coalesce(a.defaclacl, pg_catalog.acldefault('f', e.oid))) as acl
                         where acl.grantee = 0)
       ) as later (role_oid, schema_name, what, mend)
  join pg_catalog.pg_roles r on r.oid = later.role_oid
 group by r.rolname, later.schema_name
