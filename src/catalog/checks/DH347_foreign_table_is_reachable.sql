-- The application may use a foreign table, which no policy holds.
-- level: warning
-- attacks: S11, X9

-- What it shows is decided by the server behind it, as the login of its user mapping; whether that server knows the
-- tenant, the catalog does not say.
select 'foreign table ' || c.oid::pg_catalog.regclass,
       pg_catalog.format('is another server''s (%I), and %s may use it', s.srvname, whom.names),
       pg_catalog.format('revoke all on %s from %s;', c.oid::pg_catalog.regclass, whom.names)
  from pg_catalog.pg_class c
  join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid
  join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
 cross join lateral (
    select pg_catalog.string_agg(pg_catalog.quote_ident(h.role_name), ', ' order by h.role_name) as names
      from asking_role h
     where (pg_catalog.has_any_column_privilege(h.oid, c.oid, 'select, insert, update')
            or pg_catalog.has_table_privilege(h.oid, c.oid, 'delete'))
       and pg_catalog.has_schema_privilege(h.oid, c.relnamespace, 'usage')
  ) as whom
 where c.relkind = 'f'
   and whom.names is not null
   -- that one is DH320's
   and c.oid not in (select t.oid from expected_table t where t.oid is not null)
   and not exists (select from pg_catalog.pg_depend x
                    where x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and x.objid = c.oid and x.deptype = 'e')
