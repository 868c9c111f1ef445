-- A partition or an inheritance child of a protected table is open.
-- level: error
-- attacks: S9

-- Policies are those of the table that a query names: whoever may read a partition by its own name reads past the
-- policies of its parent. One that nobody is granted, or that has row-level security and no policies, is closed.
with recursive child as (
  select t.oid as parent_oid, t.name as parent_name, i.inhrelid as oid
    from expected_table t
    join pg_catalog.pg_inherits i on i.inhparent = t.oid
   union
  select p.parent_oid, p.parent_name, i.inhrelid
    from child p
    join pg_catalog.pg_inherits i on i.inhparent = p.oid
),
granted as (
  select x.parent_oid, x.parent_name, x.oid, c.relrowsecurity, pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
         privilege.grantee, privilege.privilege_type
    from child x
    join pg_catalog.pg_class c on c.oid = x.oid
    join pg_catalog.pg_class parent on parent.oid = x.parent_oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   cross join lateral (
           select e.grantee, e.privilege_type from pg_catalog.aclexplode(c.relacl) as e
            union
           select e.grantee, e.privilege_type
             from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) as e
            where a.attrelid = c.oid and a.attacl is not null and not a.attisdropped
            union
           select c.relowner, 'SELECT'
         ) as privilege
   where x.oid not in (select t.oid from expected_table t where t.oid is not null)
     -- whoever may become the parent's owner is a finding of its own
     and (privilege.grantee <> c.relowner or c.relowner <> parent.relowner)
     and privilege.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
     and exists (
           select from reachable_role r
            where (privilege.grantee = r.oid or privilege.grantee = 0)
              and pg_catalog.has_schema_privilege(r.held_oid, n.oid, 'usage'))
),
opened as (
  select g.*,
         case when g.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end as role_name
    from granted g
   where not g.relrowsecurity
      or g.privilege_type = 'TRUNCATE'
      -- a policy that its parent does not have
      or exists (
           select from pg_catalog.pg_policy p
            where p.polrelid = g.oid and p.polpermissive
              and (0 = any (p.polroles) or exists (select from reachable_role r where r.oid = any (p.polroles)))
              and not exists (
                    select from pg_catalog.pg_policy q
                     where q.polrelid = g.parent_oid and q.polcmd = p.polcmd
                       and pg_catalog.pg_get_expr(q.polqual, q.polrelid)
                           is not distinct from pg_catalog.pg_get_expr(p.polqual, p.polrelid)
                       and pg_catalog.pg_get_expr(q.polwithcheck, q.polrelid)
                           is not distinct from pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)))
)
select 'table ' || o.name,
       pg_catalog.format(
         'is part of %s, whose policies nobody asks who names it; %s may %s', pg_catalog.min(o.parent_name collate "C"),
         pg_catalog.string_agg(distinct o.role_name, ', '),
         pg_catalog.lower(pg_catalog.string_agg(distinct o.privilege_type, ', '))),
       pg_catalog.format('revoke all on %s from %s;', o.name, pg_catalog.string_agg(distinct o.role_name, ', '))
         || case when not o.relrowsecurity
                 then pg_catalog.format(e'\nalter table %s enable row level security, force row level security;', o.name)
                 else '' end
  from opened o
 group by o.name, o.relrowsecurity
