-- A function of the tenant context is missing, or another than the package's.
-- level: error
-- attacks: G7, G12, S12

-- Who the tenant is, is what they answer. Whether it is the one that believes every context or the one that believes
-- signed ones is DH341's; that it is neither, or that PostgreSQL may treat it otherwise, is found here. Who may execute them is
-- DH358's.
select 'function ' || e.name,
       case when e.oid is null then 'is missing'
            else pg_catalog.array_to_string(pg_catalog.array_remove(array[
              case when not e.returns_right
                   then pg_catalog.format('returns %s and not %s, the type that the manifest''s tenant ids have',
                                           pg_catalog.format_type(f.prorettype, null), pg_catalog.format_type(e.returns, null)) end,
              case when e.returns_right and not e.is_known then 'has another body than this version of the package gives it' end,
              case when f.provolatile is distinct from (case when e.is_hook then 'v' else 's' end)::"char"
                   then 'is ' || case f.provolatile when 'i' then 'IMMUTABLE' when 's' then 'STABLE' else 'VOLATILE' end end,
              case when f.proparallel <> 's' and not e.is_hook then 'is not PARALLEL SAFE' end,
              case when f.proleakproof then 'is LEAKPROOF' end,
              case when f.proisstrict then 'is STRICT' end,
              case when e.is_known and not e.is_right_definer
                   then case when f.prosecdef then 'is SECURITY DEFINER' else 'is not SECURITY DEFINER' end end,
              case when e.is_known and f.proconfig is distinct from e.settings
                   then 'has other settings than ' || case when e.settings is null then 'none' else 'an empty search_path' end end,
              case when e.is_known and l.lanname <> e.language then 'is of another language' end
            ], null), ', ') end,
       case when e.oid is not null and not e.returns_right
            then 'generate the manifest anew from the schema that the database has, or make the functions anew for ids of its type: those of a database can''t be exchanged while policies ask them'
            when e.oid is not null and e.is_known and e.is_right_definer
            then pg_catalog.format('alter function %s %s',
                   e.name, case when e.is_hook then 'volatile not leakproof called on null input set search_path = '''';'
                                when e.settings is null then 'stable parallel safe not leakproof called on null input reset all;'
                                else 'stable parallel safe not leakproof called on null input set search_path = '''';' end)
            when e.function_name in ('current_tenant_id', 'pre_request') then 'run doublehull migrate, which makes it anew'
            else 'make it anew as the package''s migration 20261121000100_context has it' end
  from (
    select w.function_name, w.name, w.oid, w.function_name = 'pre_request' as is_hook,
           -- the name of a type of PostgreSQL's own
           pg_catalog.max(('pg_catalog.' || w.returns)::pg_catalog.regtype::pg_catalog.oid) as returns,
           pg_catalog.bool_or(p.prorettype = ('pg_catalog.' || w.returns)::pg_catalog.regtype) as returns_right,
           pg_catalog.bool_or(w.body = p.prosrc) as is_known,
           pg_catalog.bool_or(w.body = p.prosrc and w.security_definer = p.prosecdef) as is_right_definer,
           -- of the body that it has; a function of SQL with settings is called where it could be put in place
           pg_catalog.max(w.language) filter (where w.body = p.prosrc) as language,
           case when pg_catalog.max(w.language) filter (where w.body = p.prosrc) = 'sql' then null
                else array['search_path=""'] end as settings
      from expected_function w
      left join pg_catalog.pg_proc p on p.oid = w.oid
     group by w.function_name, w.name, w.oid
  ) as e
  left join pg_catalog.pg_proc f on f.oid = e.oid
  left join pg_catalog.pg_language l on l.oid = f.prolang
 where (e.oid is null and not e.is_hook)
    or (e.oid is not null
        and not (e.returns_right and e.is_known and e.is_right_definer
                 and f.provolatile = (case when e.is_hook then 'v' else 's' end)::"char"
                 and (f.proparallel = 's' or e.is_hook)
                 and not f.proleakproof and not f.proisstrict
                 and f.proconfig is not distinct from e.settings
                 and l.lanname = e.language))
