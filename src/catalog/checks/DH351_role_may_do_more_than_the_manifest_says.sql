-- A role may do more with a table than the manifest says.
-- level: warning
-- attacks: S7, S21

select 'table ' || excess.name,
       pg_catalog.string_agg(excess.role_name || ' may ' || excess.commands, '; ' order by excess.role_name collate "C"),
       pg_catalog.string_agg(
         pg_catalog.format('revoke %s on %s from %s;', excess.commands, excess.name, excess.role_name),
         ' ' order by excess.role_name collate "C")
  from (
         select t.name, pg_catalog.quote_ident(w.role_name),
                pg_catalog.string_agg(distinct pg_catalog.lower(acl.privilege_type), ', '
                                      order by pg_catalog.lower(acl.privilege_type))
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
           join (
                  -- a login does what the role that it may become does
                  select o.oid, o.role_name,
                         case when exists (select from expected_role app
                                             join becomes b on b.reached_oid = app.oid and b.role_oid = o.held_oid
                                            where app.purpose = 'app')
                                -- the reader's role reads, whatever it may become
                                and not exists (select from expected_role reader
                                                 where reader.oid = o.held_oid and reader.purpose = 'reader')
                              then 'app' else 'reader' end
                    from own_reach o
                   where not exists (select from expected_role e where e.oid = o.oid and e.purpose in ('owner', 'migrator', 'system'))
                  union
                  select r.oid, r.rolname, 'system'
                    from expected_role s
                    join becomes b on b.role_oid = s.oid
                    join pg_catalog.pg_roles r on r.oid = b.reached_oid
                   where s.purpose = 'system'
                     and r.oid not in (select e.oid from expected_role e where e.oid is not null and e.oid <> s.oid)
                ) as w (oid, role_name, purpose) on w.oid = acl.grantee
          where acl.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
            and acl.grantee <> c.relowner
            and pg_catalog.lower(acl.privilege_type) <> all (
                  case w.purpose when 'app' then t.commands when 'system' then t.system_commands else '{select}' end)
          group by t.name, w.role_name
       ) as excess (name, role_name, commands)
 group by excess.name
