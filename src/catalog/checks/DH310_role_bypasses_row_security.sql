-- A login of the application reads past row-level security.
-- level: error
-- attacks: R1

select distinct on (r.held_name, r.role_name, power.name)
       'role ' || r.held_name,
       case when r.held_oid = r.oid then pg_catalog.format('has %s', power.name)
            else pg_catalog.format('may become %s, which has %s', r.role_name, power.name) end,
       pg_catalog.format('alter role %I no%s;', r.role_name, pg_catalog.lower(power.name))
  from reachable_role r
  join pg_catalog.pg_roles a on a.oid = r.oid
 cross join lateral (values ('SUPERUSER', a.rolsuper), ('BYPASSRLS', a.rolbypassrls)) as power (name, is_there)
 where power.is_there
