-- A role of the package has attributes that it should not have.
-- level: warning
-- attacks: R1, R5

-- what the application's and the reader's role have too much of is said by DH310 and DH313
select 'role ' || e.role_name,
       pg_catalog.string_agg(excess.what, ', ' order by excess.position),
       pg_catalog.format('alter role %I %s;', e.role_name,
                         pg_catalog.string_agg(excess.mend, ' ' order by excess.position))
  from expected_role e
  join pg_catalog.pg_roles r on r.oid = e.oid
 cross join lateral (values
         (1, r.rolsuper and e.purpose not in ('app', 'reader'), 'is a superuser', 'nosuperuser'),
         (2, r.rolbypassrls and e.purpose not in ('app', 'reader'), 'has BYPASSRLS', 'nobypassrls'),
         (3, r.rolreplication and e.purpose not in ('app', 'reader'), 'has REPLICATION', 'noreplication'),
         (4, r.rolcreaterole and e.purpose not in ('app', 'reader'), 'has CREATEROLE', 'nocreaterole'),
         (5, r.rolcreatedb, 'has CREATEDB', 'nocreatedb'),
         (6, r.rolcanlogin and e.purpose = 'owner', 'may log in', 'nologin')
       ) as excess (position, is_there, what, mend)
 where excess.is_there
 group by e.role_name
