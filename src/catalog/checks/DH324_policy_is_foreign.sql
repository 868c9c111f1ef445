-- A permissive policy that the manifest does not know lets the application at rows of a protected table.
-- level: warning
-- attacks: G7, S7, S8

-- Beside the restrictive guard it opens no other tenant's rows (a missing or changed guard is a finding of its own), but
-- it gives the commands that the manifest withholds, and the guard is all that is left.
select pg_catalog.format('policy %I on %s', p.polname, t.name),
       pg_catalog.format('permits %s to %s beside the policies of the manifest; only the guard still holds it',
         case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                       when 'd' then 'delete' else 'every command' end,
         whom.names),
       pg_catalog.format('drop policy %I on %s; or make it restrictive', p.polname, t.name)
  from expected_table t
  join pg_catalog.pg_policy p on p.polrelid = t.oid
 cross join lateral (
    select pg_catalog.string_agg(distinct case r.member when 0 then 'everybody' else pg_catalog.pg_get_userbyid(r.member)::text end, ', ') as names
      from pg_catalog.unnest(p.polroles) as r (member)
     -- whose rights the application has without SET ROLE; another role may be one that no guard is for, which is DH316's
     where r.member = 0 or exists (select from held_role h where pg_catalog.pg_has_role(h.oid, r.member, 'usage'))
  ) as whom
 where p.polpermissive
   and whom.names is not null
   and not exists (select from expected_policy e where e.table_oid = p.polrelid and e.name = p.polname)
   -- a policy in the place of a missing one is DH322's
   and not exists (
     select from expected_policy e
      where e.table_oid = p.polrelid
        and p.polname ~ '_[0-9a-f]{8}$'
        and pg_catalog.regexp_replace(p.polname, '_[0-9a-f]{8}$', '')
          = pg_catalog.regexp_replace(e.name, '_[0-9a-f]{8}$', '')
        and not exists (select from pg_catalog.pg_policy o where o.polrelid = e.table_oid and o.polname = e.name)
   )
