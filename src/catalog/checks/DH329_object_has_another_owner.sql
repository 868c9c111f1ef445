-- An object of hull two belongs to another role than the owner's.
-- level: warning
-- attacks: R2

-- Whoever owns it may switch it off or write it anew. What a held role owns or may own is another check's finding, and
-- where there is no owner's role at all, so is that.
select found.kind || found.name,
       pg_catalog.format('belongs to %s, and not to %s', pg_catalog.pg_get_userbyid(found.owner_oid), o.role_name),
       pg_catalog.format('alter %s%s owner to %I;', found.kind, found.name, o.role_name)
  from expected_role o
 cross join lateral (
    select 'table ' as kind, t.name, c.relowner as owner_oid
      from expected_table t
      join pg_catalog.pg_class c on c.oid = t.oid
     where c.relkind in ('r', 'p')
    union all
    select 'schema ', pg_catalog.quote_ident(n.nspname), n.nspowner
      from own_schema s
      join pg_catalog.pg_namespace n on n.oid = s.oid
     -- the schema public, which belongs to whoever owns the database, is a home for everything
     where n.nspname <> 'public'
    union all
    -- the context's, and what triggers call
    select 'function ', f.oid::pg_catalog.regprocedure::text, f.proowner
      from pg_catalog.pg_proc f
     where f.oid >= 16384
       and (f.pronamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = 'tenancy')
            or (f.oid in (select g.tgfoid from pg_catalog.pg_trigger g join expected_table t on t.oid = g.tgrelid)
                -- a superuser can do without
                and not exists (select from pg_catalog.pg_roles r where r.oid = f.proowner and r.rolsuper)))
       and not exists (select from pg_catalog.pg_depend x
                        where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid
                          and x.deptype = 'e')
  ) as found (kind, name, owner_oid)
 where o.purpose = 'owner'
   and o.oid is not null
   and found.owner_oid <> o.oid
   and found.owner_oid not in (select r.oid from reachable_role r)
