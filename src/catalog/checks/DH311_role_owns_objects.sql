-- A login of the application owns what it works with.
-- level: error
-- attacks: R2, R3

-- the package's owner owns everything; who may become it is for DH316 to say
select 'role ' || r.held_name,
       pg_catalog.format(
         '%sowns %s%s',
         case when r.held_oid <> r.oid then pg_catalog.format('may become %s, which ', r.role_name) end,
         pg_catalog.array_to_string((pg_catalog.array_agg(owned.name order by owned.rank, owned.name collate "C"))[1:3], ', '),
         case when pg_catalog.count(*) > 3 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 3) end),
       case when pg_catalog.count(*) <= 3
            then pg_catalog.string_agg(owned.mend, ' ' order by owned.rank, owned.name collate "C")
            else pg_catalog.format('reassign owned by %I to %I; -- all that it owns in this database', r.role_name, e.role_name) end
  from own_reach r
  join pg_catalog.pg_roles a on a.oid = r.oid and not a.rolsuper
  join expected_role e on e.purpose = 'owner'
 cross join lateral (
         select 1, 'the database ' || pg_catalog.quote_ident(d.datname),
                pg_catalog.format('alter database %I owner to %I;', d.datname, e.role_name)
           from pg_catalog.pg_database d
          where d.datname = pg_catalog.current_database() and d.datdba = r.oid
         union all
         select 2, 'schema ' || pg_catalog.quote_ident(n.nspname),
                pg_catalog.format('alter schema %I owner to %I;', n.nspname, e.role_name)
           from own_schema s
           join pg_catalog.pg_namespace n on n.oid = s.oid
          where n.nspowner = r.oid
         union all
         -- a sequence, an index or a toast table goes with its table, but for a sequence that stands alone
         select 3, pg_catalog.format('%s %I.%I', kind.name, s.schema_name, c.relname),
                pg_catalog.format('alter %s %I.%I owner to %I;', kind.name, s.schema_name, c.relname, e.role_name)
           from own_schema s
           join pg_catalog.pg_class c on c.relnamespace = s.oid
           join (values ('r', 'table'), ('p', 'table'), ('v', 'view'), ('m', 'materialized view'),
                        ('f', 'foreign table'), ('S', 'sequence')) as kind (relkind, name) on kind.relkind = c.relkind::text
          where c.relowner = r.oid
            and not (c.relkind = 'S' and exists (
                  select from pg_catalog.pg_depend d
                   where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i')))
         union all
         select 4, 'function ' || p.oid::pg_catalog.regprocedure::text,
                pg_catalog.format('alter routine %s owner to %I;', p.oid::pg_catalog.regprocedure, e.role_name)
           from own_schema s
           join pg_catalog.pg_proc p on p.pronamespace = s.oid
          where p.proowner = r.oid
       ) as owned (rank, name, mend)
 where not exists (select from expected_role o where o.oid = r.oid and o.purpose in ('owner', 'migrator', 'system'))
 group by r.held_oid, r.held_name, r.oid, r.role_name, e.role_name
