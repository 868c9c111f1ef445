-- A login of the application has the admin option of a role.
-- level: error
-- attacks: R3, R5

-- from 16 on, such a membership need not let anybody become the role, and is seen nowhere else; before, whoever has the
-- admin option is a member in full
select 'role ' || r.held_name,
       'may make itself a member of ' || pg_catalog.string_agg(distinct given.rolname::text, ', ' order by given.rolname::text),
       pg_catalog.string_agg(
         distinct pg_catalog.format('revoke %I from %I granted by %I;', given.rolname, r.role_name, g.rolname), ' ')
  from own_reach r
  join pg_catalog.pg_auth_members m on m.member = r.oid and m.admin_option
  join pg_catalog.pg_roles given on given.oid = m.roleid
  join pg_catalog.pg_roles g on g.oid = m.grantor
 where not exists (select from reachable_role known where known.held_oid = r.held_oid and known.oid = m.roleid)
 group by r.held_oid, r.held_name
