-- The server lacks a role of the package.
-- level: warning
-- attacks: R1

select 'role ' || e.role_name,
       pg_catalog.format('is what the package works with as its %s, and not there: nothing can be said of it', e.purpose),
       'run doublehull migrate; or say what the role is called here'
  from expected_role e
 where e.oid is null
