-- Everybody has privileges on what is the schema's own.
-- level: warning
-- attacks: S17, X1

select granted.object,
       'public has ' || pg_catalog.string_agg(distinct granted.privilege, ', ' order by granted.privilege),
       pg_catalog.format('revoke %s on %s from public;',
                         pg_catalog.string_agg(distinct granted.privilege, ', ' order by granted.privilege), granted.object)
  from (
         select 'table ' || t.name, acl.privilege_type
           from expected_table t
           join pg_catalog.pg_class c on c.oid = t.oid
          cross join lateral (
                  select a.grantee, a.privilege_type from pg_catalog.aclexplode(c.relacl) as a
                  union all
                  select a.grantee, a.privilege_type
                    from pg_catalog.pg_attribute column_
                   cross join pg_catalog.aclexplode(column_.attacl) as a
                   where column_.attrelid = c.oid and column_.attacl is not null
                ) as acl
          where acl.grantee = 0 and acl.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
         union all
         select pg_catalog.format('sequence %I.%I', s.schema_name, c.relname), acl.privilege_type
           from own_schema s
           join pg_catalog.pg_class c on c.relnamespace = s.oid and c.relkind = 'S'
          cross join pg_catalog.aclexplode(c.relacl) as acl
          where acl.grantee = 0
            and not exists (select from pg_catalog.pg_depend d
                             where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                               and d.deptype = 'e')
         union all
         -- `public` is there for everybody, and what everybody may create in it is said by DH354
         select 'schema ' || pg_catalog.quote_ident(s.schema_name), acl.privilege_type
           from own_schema s
           join pg_catalog.pg_namespace n on n.oid = s.oid
          cross join pg_catalog.aclexplode(n.nspacl) as acl
          where acl.grantee = 0 and acl.privilege_type = 'USAGE' and s.schema_name <> 'public'
       ) as granted (object, privilege)
 group by granted.object
