-- The application may execute a SECURITY DEFINER function that looks its names up where the caller says.
-- level: warning
-- attacks: S12, S23

-- The caller's search_path decides which table, function or operator a name without a schema means, and the function
-- then works on it with the rights of its owner. Where the body was parsed when it was made (`begin atomic`), the
-- names in it mean what they meant then. What a login that is held owns itself adds nothing to its rights.
select 'function ' || f.oid::pg_catalog.regprocedure,
       case when pinned.schemas is null
            then pg_catalog.format('runs as %I with the search_path of its caller', pg_catalog.pg_get_userbyid(f.proowner))
            else pg_catalog.format('runs as %I and looks in %s, where the application may create objects',
                   pg_catalog.pg_get_userbyid(f.proowner), writable.names) end,
       pg_catalog.format('alter %s %s set search_path = ''''; and name every object in it with its schema',
         case f.prokind when 'p' then 'procedure' else 'function' end, f.oid::pg_catalog.regprocedure)
  from pg_catalog.pg_proc f
  left join lateral (
    select pg_catalog.substr(c.setting, 13) as schemas
      from pg_catalog.unnest(f.proconfig) as c (setting)
     where c.setting like 'search\_path=%'
  ) as pinned on true
  left join lateral (
    select pg_catalog.string_agg(distinct pg_catalog.quote_ident(n.nspname), ', ') as names
      from pg_catalog.unnest(pg_catalog.string_to_array(pinned.schemas, ',')) as s (name)
      join pg_catalog.pg_namespace n on n.nspname = pg_catalog.btrim(s.name, ' "')
      join held_role h on pg_catalog.has_schema_privilege(h.oid, n.oid, 'create')
     -- everybody's own, and by default asked first; last, it is the way to shadow nothing
     where n.nspname not like 'pg\_temp%'
  ) as writable on true
 where f.prosecdef
   and (pinned.schemas is null or writable.names is not null)
   and f.prosqlbody is null
   -- called by its table or by a command, and never by name
   and f.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
   and f.oid >= 16384
   and f.proowner not in (select r.oid from reachable_role r)
   and exists (select from asking_role h
                where pg_catalog.has_function_privilege(h.oid, f.oid, 'execute')
                  and pg_catalog.has_schema_privilege(h.oid, f.pronamespace, 'usage'))
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = f.oid and x.deptype = 'e')
