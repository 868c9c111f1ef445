-- A rule turns the application's statements into others, with the rights of the table's owner.
-- level: warning
-- attacks: S10, S22

-- On a protected table; or on a view that leads the application's writes to one: security_invoker holds what a view
-- reads, and not what its rules do instead.
select pg_catalog.format('rule %I on %s', r.rulename, c.oid::pg_catalog.regclass),
       pg_catalog.format('does as %I what is written to %s', pg_catalog.pg_get_userbyid(c.relowner),
         c.oid::pg_catalog.regclass),
       pg_catalog.format('drop rule %I on %s;', r.rulename, c.oid::pg_catalog.regclass)
  from pg_catalog.pg_rewrite r
  join pg_catalog.pg_class c on c.oid = r.ev_class
 where r.ev_type <> '1'
   and r.ev_enabled <> 'D'
   and (c.oid in (select p.oid from protected_table p)
        or (exists (select from pg_catalog.pg_depend d
                      join protected_table p on p.oid = d.refobjid
                     where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
                       and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
            and exists (select from asking_role h
                         where (pg_catalog.has_any_column_privilege(h.oid, c.oid, 'insert, update')
                                or pg_catalog.has_table_privilege(h.oid, c.oid, 'delete'))
                           and pg_catalog.has_schema_privilege(h.oid, c.relnamespace, 'usage'))))
   and c.relowner not in (select a.oid from reachable_role a)
